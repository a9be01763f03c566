"""A world: nodes, messages in flight, timers, links, disks. It knows what may happen next, and does not choose.

`choices()` lists what may happen, `happen(choice)` lets one thing happen and writes it into the trace, `fork()` makes a
second world that goes its own way. Every other world is somebody who chooses: dice (`simulator`), threads (`cluster`),
a click, a recording, a search.

The world is also the **ghost recorder**: each message is written down as it is *sent* (to oneself counts), each disk as
it is *saved*. Claims judge what was said and saved, not what a node says of itself.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Any, NamedTuple

from paxoskit.claims.claim import Claim, Violation
from paxoskit.protocol.chain import Chain, check_difficulty
from paxoskit.protocol.client import Client
from paxoskit.protocol.messages import Answered, Ask, Asks, GaveUp, Get, Put
from paxoskit.protocol.node import After, Announce, Effect, Node, NodeError, Send, snapshot, title
from paxoskit.protocol.plain import Message, Name
from paxoskit.protocol.server import Server
from paxoskit.trace import CHOICES, Event, Trace
from paxoskit.worlds.choice import AFTER, BEFORE, DISKS, KEPT, LAST_SAVE_LOST, LOST, CannotHappen, Choice

MOST_SERVERS, MOST_CLIENTS = 99, 999

_COPIED = ("classes", "peers", "nodes", "disks", "disks_before", "flying", "timers", "cut", "drawn", "fresh")
"""What a fork copies at once; its nodes are copied when they next act."""

_new: Any = tuple.__new__  # makes a named tuple in half the time that its own constructor takes


class Flight(NamedTuple):
    """A message in flight; `number` is that of the event that sent it."""

    number: int
    sender: Name
    receiver: Name
    message: Message


class Timer(NamedTuple):
    """A timer that runs: it rings between `low` and `high` ms after event `number`, which set it."""

    number: int
    node: Name
    message: Message
    low: float
    high: float


_Seeing = tuple[Callable[[Event], Violation | None], ...]


class _Watchers(dict[tuple[str, type], _Seeing]):
    """Which claims want to see events of a kind about a class."""

    def __init__(self, claims: list[Claim]) -> None:
        self.claims = claims

    def __missing__(self, key: tuple[str, type]) -> _Seeing:
        kind, what = key
        kinds = ("save", "append") if kind == "append" else (kind,)
        seeing = tuple(claim.see for claim in self.claims if any(claim.hears(kind, what) for kind in kinds))
        self[key] = seeing
        return seeing


class World:
    """N servers and their clients. See `choices`, `happen`, `fork`.

    The `peers` of each server are all servers, unless they are given: in a synod, the acceptors are everybody's peers.

    >>> world = World(servers=3, clients=1)
    >>> [str(choice) for choice in world.choices() if choice.kind == "fire"][0]
    'fire ElectionTimeout of server 1'

    Raises ValueError, in one line, for arguments that make no world.
    """

    def __init__(
        self,
        servers: int | Sequence[type[Node]] = 3,
        *,
        server: type[Node] = Server,
        clients: int = 1,
        difficulty: int = 1,
        claims: Iterable[Claim] = (),
        disks: dict[Name, Any] | None = None,
        peers: Sequence[int] | None = None,
        incarnation: int = 1,
        seed: int | None = None,
    ) -> None:
        classes = _classes(servers, server)
        check_count("clients", clients, 0, MOST_CLIENTS)
        self.servers = tuple(range(1, len(classes) + 1))
        self.clients: tuple[Name, ...] = ()
        self.incarnation = incarnation
        self.difficulty = check_difficulty(difficulty)
        self.classes: dict[Name, type[Node]] = dict(zip(self.servers, classes, strict=True))
        self.peers: dict[Name, tuple[int, ...]] = dict.fromkeys(self.servers, _peers(peers, self.servers))
        self.nodes: dict[Name, Node | None] = {}
        self.disks: dict[Name, Any] = {}
        self.disks_before: dict[Name, Any] = {}
        self.flying: dict[int, Flight] = {}
        self.timers: dict[tuple[Name, Message], Timer] = {}
        self.cut: set[tuple[Name, Name]] = set()
        self.idle: dict[Name, dict[str, None]] = {}  # each client's sessions with nothing outstanding
        self.drawn: dict[Name, int] = {}  # how many session names each client has drawn
        self.shared: set[Name] = set()  # nodes that a fork of this world uses too
        self.fresh: list[Flight | Timer | Answered | GaveUp] = []  # since somebody who chooses last took it
        self.trace = Trace(len(classes), seed)
        self.claims: list[Claim] = list(claims)
        self.violations: list[Violation] = []
        self.watchers = _Watchers(self.claims)
        for name in self.servers:
            self.disks[name] = (disks or {}).get(name) or _first_disk(self.classes[name], self.difficulty)
        for claim in self.claims:
            claim.start(self)
        for name in self.servers:
            self._live(name, "start")
        for _ in range(clients):
            self.add_client()

    # What may happen ---------------------------------------------------------------------------------------

    def choices(self) -> list[Choice]:
        """Return everything that may happen now, in an order that only the story decides."""
        found: list[Choice] = []
        copies: dict[tuple[Name, Name, Message], int] = {}
        for flight in self.flying.values():
            key = flight[1:]
            number = copies[key] = copies.get(key, -1) + 1
            found += self._fates(flight, number)
        found += [Choice("fire", node, what=message) for node, message in self.timers]
        for name in self.servers:
            if self.nodes[name] is None:
                found.append(Choice("restart", name))
            else:
                found += [Choice("crash", name, disk=disk) for disk in DISKS]
        everyone = (*self.servers, *self.clients)
        for a in everyone:
            for b in everyone:
                if a != b and (a in self.servers or b in self.servers):
                    found.append(Choice("mend" if (a, b) in self.cut else "cut", b, a))
        return found

    def _fates(self, flight: Flight, number: int) -> list[Choice]:
        _, sender, receiver, message = flight
        fates = [Choice(kind, receiver, sender, message, number) for kind in ("drop", "duplicate")]
        if self.nodes[receiver] is None:
            return fates
        crashes = (None, BEFORE, AFTER) if receiver in self.servers else (None,)
        return [Choice("deliver", receiver, sender, message, number, crash) for crash in crashes] + fates

    def happen(self, choice: Choice) -> None:
        """Let one thing happen. Raises ValueError, in one line, if it cannot happen now."""
        kind, node = choice.kind, choice.node
        match kind:
            case "deliver":
                self.deliver(self.find(choice), choice.crash)
            case "drop":
                self.drop(self.find(choice))
            case "duplicate":
                self.duplicate(self.find(choice))
            case "fire":
                timer = self.timers.get((node, choice.what)) if choice.what else None
                if timer is None:
                    raise ValueError(f"{title(node)} has no timer {choice.what}")
                self.fire(timer)
            case "crash":
                self.crash(node, choice.disk)
            case "restart":
                self.restart(node)
            case "cut" | "mend":
                self.set_link(choice.peer, node, kind == "cut")
            case "ask":
                if not isinstance(choice.what, Message) or isinstance(choice.what, (Get, Put)):
                    raise ValueError(f"expected an Ask to ask {title(node)}, got {choice.what!r}")
                self.ask(node, choice.what)
            case _:
                raise ValueError(f"expected a choice of one of the kinds {', '.join(sorted(CHOICES))}, got {kind!r}")

    def find(self, choice: Choice) -> Flight:
        """Return the message in flight that a choice names. Raises ValueError if it is not in flight."""
        left = choice.copy
        for flight in self.flying.values():
            if flight.receiver == choice.node and flight.sender == choice.peer and flight.message == choice.what:
                if left == 0:
                    return flight
                left -= 1
        raise ValueError(f"not in flight: {choice}")

    def fork(self, claims: bool = True) -> World:
        """Return a world in the same state that goes its own way; nodes are copied when they next act.

        Without `claims`, nobody judges the new world.
        """
        twin = copy.copy(self)
        self.shared = set(self.nodes)
        twin.shared = set(self.nodes)
        for field in _COPIED:
            setattr(twin, field, copy.copy(getattr(self, field)))
        twin.idle = {name: sessions.copy() for name, sessions in self.idle.items()}
        twin.trace = self.trace.fork()
        twin.claims = copy.deepcopy(self.claims) if claims else []
        twin.violations = list(self.violations)
        twin.watchers = _Watchers(twin.claims)
        for claim in twin.claims:
            claim.world = twin
        return twin

    # Messages and timers -----------------------------------------------------------------------------------

    def deliver(self, flight: Flight, crash: str | None = None) -> None:
        """Bring a message to its node, which may crash before its save or after it (a server may, no client)."""
        if crash is not None and (crash not in (BEFORE, AFTER) or flight.receiver not in self.servers):
            raise ValueError(f"crash: expected None, or for a server {BEFORE!r} or {AFTER!r}, got {crash!r}")
        if crash == BEFORE:
            self._up(flight.receiver)
            self._take(flight)
            self._note("deliver", flight.receiver, flight.sender, flight.message, flight.number)
            self._stop(flight.receiver, KEPT, BEFORE)
            return
        _, sender, receiver, message = flight
        self.delivered(flight, self.awake(receiver).receive(sender, message), crash == AFTER)

    def delivered(self, flight: Flight, effects: list[Effect], crash: bool = False) -> None:
        """Write down that a message was delivered, and apply the effects of the turn that it caused."""
        number, sender, receiver, message = flight
        if self.flying.pop(number, None) is None:
            raise ValueError(f"not in flight: {message} from {title(sender)}")
        self._turn("deliver", receiver, sender, message, number, effects, crash)
        if crash:
            self._stop(flight.receiver, KEPT, AFTER)

    def drop(self, flight: Flight) -> None:
        """Lose a message."""
        self._take(flight)
        self._note("drop", flight.receiver, flight.sender, flight.message, flight.number)

    def duplicate(self, flight: Flight) -> None:
        """Send a second copy of a message on its way."""
        number = self._note("duplicate", flight.receiver, flight.sender, flight.message, flight.number)
        twin = self.flying[number] = Flight(number, flight.sender, flight.receiver, flight.message)
        self.fresh.append(twin)

    def fire(self, timer: Timer) -> None:
        """Let a timer ring."""
        node = self.awake(timer.node)
        self.fired(timer, node.receive(timer.node, timer.message))

    def fired(self, timer: Timer, effects: list[Effect]) -> None:
        """Write down that a timer rang, and apply the effects of the turn that it caused."""
        del self.timers[timer.node, timer.message]
        self._turn("fire", timer.node, None, timer.message, timer.number, effects)

    def awake(self, name: Name) -> Node:
        """Return the node, ready to act. Raises CannotHappen if it is down or there is none."""
        node = self._up(name)
        if name in self.shared:
            node = self.nodes[name] = type(node).copy(node)
            self.shared.discard(name)
        return node

    def _up(self, name: Name) -> Node:
        node = self.nodes.get(name)
        if node is None:
            raise CannotHappen(f"{title(name)} is down" if name in self.nodes else f"there is no {title(name)}")
        return node

    def _take(self, flight: Flight) -> None:
        if self.flying.pop(flight.number, None) is None:
            raise ValueError(f"not in flight: {flight.message} from {title(flight.sender)}")

    # Faults ------------------------------------------------------------------------------------------------

    def _check_server(self, name: Name) -> None:
        if type(name) is not int or name not in self.servers:
            raise ValueError(f"expected a server, one of 1 to {len(self.servers)}, got {name!r}")

    def crash(self, name: Name, disk: str = KEPT) -> None:
        """Stop a server; `disk` says what is left of its disk. It is asked nothing."""
        self._check_server(name)
        if disk not in DISKS:
            raise ValueError(f"disk: expected one of {', '.join(DISKS)}, got {disk!r}")
        self._up(name)
        self._stop(name, disk)

    def _stop(self, name: Name, disk: str, when: str = "") -> None:
        self.nodes[name] = None
        self.timers = {key: timer for key, timer in self.timers.items() if key[0] != name}
        if disk == LAST_SAVE_LOST:
            self.disks[name] = self.disks_before.get(name, self.disks[name])
        elif disk == LOST:
            self.disks[name] = None
        self._note("crash", name, None, f"{disk}, {when} the save" if when else disk)

    def restart(self, name: Name) -> None:
        """Begin a server's next life, with what is left of its disk.

        A server whose disk was lost may have promised and voted, and cannot know: it comes back without a vote, and a
        class whose disk has no field `voter` stays down. Raises CannotHappen if it is up or must stay down.
        """
        self._check_server(name)
        if self.nodes[name] is not None:
            raise CannotHappen(f"{title(name)} is up already")
        if self.disks[name] is None:  # the disk without a vote counts as saved: no later crash brings the old one back
            self.disks[name] = self.disks_before[name] = self.disk_for_restart(name)
        self._live(name, "restart")

    def disk_for_restart(self, name: Name) -> Any:
        """Return the disk with which a server's next life begins: its own, or if that is lost, one without a vote."""
        if self.disks[name] is not None:
            return self.disks[name]
        return _disk_without_vote(self.classes[name], name, self.difficulty)

    def disk_for_lost(self, name: Name) -> Any:
        """Return a disk without a vote, for the next life of a server that lost its own.

        Raises ValueError if its class knows no such disk.
        """
        return _disk_without_vote(self.classes[name], name, self.difficulty)

    def _live(self, name: Name, kind: str) -> None:
        node = self.classes[name](name, self.peers[name], snapshot(self.disks[name]))
        self.nodes[name] = node
        self.shared.discard(name)
        self._turn(kind, name, None, None, 0, type(node).start(node))

    def set_link(self, sender: Name | None, receiver: Name, cut: bool) -> None:
        """Cut or mend the link from `sender` to `receiver`: this direction only. It is consulted when one sends."""
        for name in (sender, receiver):
            if type(name) not in (int, str) or name not in self.nodes:
                raise ValueError(f"there is no {name!r}: expected a server's number or a client's name")
        if sender == receiver:
            raise ValueError(f"{title(receiver)} has no link to itself")
        assert sender is not None
        if cut:
            self.cut.add((sender, receiver))
        else:
            self.cut.discard((sender, receiver))
        self._note("cut" if cut else "mend", receiver, sender)

    # Clients -----------------------------------------------------------------------------------------------

    def add_client(self, at: Sequence[int] | None = None) -> Name:
        """Return the name of a new client; it asks all servers, or only those in `at`."""
        for server in at or ():
            self._check_server(server)
        name = f"client {len(self.clients) + 1}"
        self.clients += (name,)
        self.classes[name] = Client
        self.peers[name] = tuple(at or self.servers)
        self.disks[name] = Client.Disk()
        self.idle[name], self.drawn[name] = {}, 0
        self._live(name, "start")
        return name

    def sessions(self, client: Name, count: int = 1) -> list[str]:
        """Return so many sessions of the client with nothing outstanding; fresh names if it has too few."""
        found = list(islice(self.idle[client], count))
        first = self.drawn[client] + 1
        return found + [f"{client}/{self.incarnation}.{first + k}" for k in range(count - len(found))]

    def ask(self, client: Name, what: Message) -> None:
        """Let a client ask one thing (in an idle session, if only the operation is given), or many at once.

        A server may be asked too, what no node sends: a proposer, to propose a value.
        """
        if type(client) is int and client in self.servers and not isinstance(what, (Ask, Asks, Get, Put)):
            self._turn("ask", client, None, what, 0, self.awake(client).receive(client, what))
            return
        if client not in self.clients:
            raise ValueError(f"there is no {client!r}: expected \"client 1\" to \"client {len(self.clients)}\"")
        if isinstance(what, (Get, Put)):
            what = Ask(self.sessions(client)[0], what)
        elif not isinstance(what, (Ask, Asks)):
            raise ValueError(f"expected an Ask, a Get or a Put to ask {client}, got {what!r}")
        for ask in what.asks if isinstance(what, Asks) else (what,):
            if ask.session in self.idle[client]:
                del self.idle[client][ask.session]
            else:
                self.drawn[client] += 1
        node = self.awake(client)
        self._turn("ask", client, None, what, 0, node.receive(client, what))

    # What follows from a turn ------------------------------------------------------------------------------

    def _turn(
        self, kind: str, name: Name, peer: Name | None, what: Any, cause: int, effects: list[Effect], mute: bool = False
    ) -> None:
        """Write down a choice and the turn that it caused: save the disk, then let go of the messages.

        With `mute`, the node crashes between the two: what it said to itself is said, and nothing leaves.
        """
        if mute:
            effects = [effect for effect in effects if type(effect) is Send and effect.to == name]
        trace = self.trace
        chosen = number = trace.count + 1
        disk, before, saved = self.nodes[name].disk, self.disks[name], None  # type: ignore[union-attr]
        if disk.__dict__ != before.__dict__:
            number, saved = number + 1, snapshot(disk)
            self.disks_before[name], self.disks[name] = before, saved
        lost: list[int] = []
        flying, fresh, cut, nodes = self.flying, self.fresh, self.cut, self.nodes
        for effect in effects:
            number += 1
            if type(effect) is Send:
                to, message = effect
                if to == name:
                    continue  # it was heard in this very turn
                if to not in nodes:
                    raise NodeError(f"{title(name)} sends {message} to {to!r}: there is nobody of that name")
                if cut and (name, to) in cut:
                    lost.append(number)
                else:
                    flight = flying[number] = _new(Flight, (number, name, to, message))
                    fresh.append(flight)
            elif type(effect) is After:
                timer = Timer(number, name, effect.message, effect.low, effect.high)
                self.timers[name, effect.message] = timer
                fresh.append(timer)
            elif type(effect) is Announce:
                fact = effect[0]
                if type(fact) is Answered:
                    self.idle[name][fact.session] = None
                    fresh.append(fact)
                elif type(fact) is GaveUp:
                    fresh.append(fact)
        trace.records.append((chosen, trace.now, kind, name, peer, what, cause, saved, effects or (), lost or ()))
        trace.count = number + len(lost)
        if self.claims:
            self._judge(chosen, trace.now, kind, name, peer, what, cause, before, saved, effects)

    def _note(self, kind: str, node: Name, peer: Name | None = None, what: Any = None, cause: int = 0) -> int:
        """Write down a choice that causes no turn; return its number."""
        number = self.trace.add(kind, node, peer, what, cause)
        if self.claims:
            self._judge(number, self.trace.now, kind, node, peer, what, cause, None, None, ())
        return number

    def _judge(
        self, n: int, at: float, kind: str, node: Name, peer: Name | None, what: Any, cause: int, before: Any,
        saved: Any, effects: Sequence[Effect],
    ) -> None:  # fmt: skip
        """Let the claims see a choice and what followed, those that hear of such an event.

        The save comes last: it holds what the node said to itself in this turn, its own vote for instance.
        """
        watchers = self.watchers
        if seeing := watchers[kind, type(what)]:
            self._show(seeing, (n, at, kind, node, peer, what, cause))
        number = n if saved is None else n + 1
        said = None
        for effect in effects:
            number += 1
            if type(effect) is Send:
                to, message = effect
                new = message is not said or to == node  # a promise to oneself counts, to others it counts when heard
                if new and (seeing := watchers["send", type(message)]):
                    self._show(seeing, (number, at, "send", node, to, message, n))
                said = message
            elif type(effect) is Announce and (seeing := watchers["announce", type(effect.fact)]):
                self._show(seeing, (number, at, "announce", node, None, effect.fact, n))
        if saved is not None:
            save = "save" if getattr(saved, "chain", None) is getattr(before, "chain", None) else "append"
            if seeing := watchers[save, type(saved)]:
                self._show(seeing, (n + 1, at, "save", node, None, saved, n))

    def _show(self, seeing: _Seeing, fields: tuple[Any, ...]) -> None:
        event = _new(Event, fields)
        for see in seeing:
            violation = see(event)
            if violation is not None:
                self.violations.append(violation)

    # Looking in --------------------------------------------------------------------------------------------

    def is_up(self, name: Name) -> bool:
        """Say whether a node is up."""
        return self.nodes.get(name) is not None

    def chain(self, name: int) -> Chain:
        """Return the chain on a server's disk (an empty one if its disk is lost)."""
        disk = self.disks[name]
        return disk.chain if disk is not None and hasattr(disk, "chain") else Chain(self.difficulty)

    def leaders(self) -> list[int]:
        """Return the servers that believe they lead, the highest ballot first."""
        leading = [name for name in self.servers if getattr(self.nodes[name], "leading", False)]
        return sorted(leading, key=lambda name: self.nodes[name].ballot, reverse=True)  # type: ignore[union-attr]

    def majority_side(self, client: Name) -> bool:
        """Say whether some majority of servers is up and connected, with a server that the client can reach."""
        up = [name for name in self.servers if self.is_up(name) and getattr(self.disks[name], "voter", True)]
        for a in up:
            near = [b for b in up if a == b or not {(a, b), (b, a)} & self.cut]
            reach = [b for b in near if b in self.peers[client] and not {(client, b), (b, client)} & self.cut]
            if len(near) > len(self.servers) // 2 and reach:
                return True
        return False


def _peers(peers: Sequence[int] | None, servers: tuple[int, ...]) -> tuple[int, ...]:
    chosen = servers if peers is None else tuple(peers)
    if not chosen or not set(chosen) <= set(servers):
        raise ValueError(f"peers: expected some of the servers 1 to {len(servers)}, got {peers!r}")
    return chosen


def check_count(argument: str, value: object, low: int, high: int) -> int:
    """Return `value` if it is a whole number from `low` to `high`; raise ValueError, naming the argument, otherwise."""
    if type(value) is not int or not low <= value <= high:
        raise ValueError(f"{argument}: expected a whole number from {low} to {high}, got {value!r}")
    return value


def _classes(servers: int | Sequence[type[Node]], server: type[Node]) -> list[type[Node]]:
    if isinstance(servers, (list, tuple)):
        check_count("the number of servers", len(servers), 1, MOST_SERVERS)
        classes = list(servers)
    else:
        classes = [server] * check_count("servers", servers, 1, MOST_SERVERS)
    for cls in classes:
        if not (isinstance(cls, type) and issubclass(cls, Node)):
            raise ValueError(f"server: expected a class that inherits from Node, got {cls!r}")
    return classes


def _first_disk(cls: type[Node], difficulty: int) -> Any:
    disk = cls.Disk()
    if isinstance(getattr(disk, "chain", None), Chain):
        disk.chain = Chain(difficulty)  # type: ignore[attr-defined]
    return disk


def _disk_without_vote(cls: type[Node], name: Name, difficulty: int) -> Any:
    disk = _first_disk(cls, difficulty)
    if "voter" not in {field.name for field in dataclasses.fields(disk)}:
        raise CannotHappen(
            f"{title(name)} stays down: its disk is lost, and {cls.__name__}.Disk has no field `voter` "
            "to say that it must not vote again"
        )
    disk.voter = False
    return disk
