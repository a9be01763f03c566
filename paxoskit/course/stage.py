"""A stage: a small world of a lesson, in which a cell says what happens next, in words.

    stage = Stage(servers=[Naive], clients=2)
    stage.ask("client 1", Put("'x'", "1"))
    stage.deliver("Request", "client 1", 1)
    stage.lose("Reply", 1, "client 1")
    stage

As the last line of a cell a stage shows the space-time diagram of what happened so far. `story()` gives the same as a
story, which the lab opens.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Any

from paxoskit.claims.claim import Claim, Violation
from paxoskit.claims.safety import safety_claims
from paxoskit.lab.lab import Snapshot
from paxoskit.pictures.spacetime import spacetime, spacetime_svg
from paxoskit.protocol.node import Node, title
from paxoskit.protocol.plain import Message, Name
from paxoskit.protocol.server import Server
from paxoskit.trace import CHOICES, Event, Trace, say, story
from paxoskit.worlds.choice import KEPT, CannotHappen, Choice
from paxoskit.worlds.story import BEAT, Story, story_name
from paxoskit.worlds.world import Flight, World

WIDEST = 900.0
"""A picture that is wider, in pixels, is made as wide as the page."""

MOST_TURNS = 10_000
"""`settle` gives up after so many deliveries: nodes that answer each other for ever are a mistake, and said so."""

MOST_NAMED = 6
"""Of what is in flight, an error names so many messages."""

RUN_BEFORE = "If this cell was run before: run the cell that makes the stage again, and those after it."


class NotOnStage(CannotHappen):
    """This cannot happen on the stage as it stands: a cell goes on from where the stage is."""

    def _render_traceback_(self) -> list[str]:
        return [f"{self}. {RUN_BEFORE}"]


class Stage:
    """N servers and their clients, where nothing happens by itself.

    >>> stage = Stage(servers=3, clients=0)
    >>> stage.fire("ElectionTimeout", 2).deliver("Prepare", 2, 1).lose("Prepare", 2, 3)
    <Stage with 3 servers, after 3 choices; in flight: Promise from server 1 to server 2>

    Raises CannotHappen, in one line, for what cannot happen: it names what can.
    """

    def __init__(
        self, servers: int | Sequence[type[Node]] = 3, *, server: type[Node] = Server,
        clients: int | Sequence[Sequence[int]] = 1,
        acceptors: int = 0, claims: bool | Iterable[Claim] = True,
    ) -> None:  # fmt: skip
        """Set up a world. `clients`: how many, or for each one the servers it may ask.

        `acceptors`: if not 0, only the first so many are everybody's peers, as in a synod.

        `claims`: True for all safety claims, False for none, or claims.
        """
        chosen = (safety_claims() if claims else []) if isinstance(claims, bool) else list(claims)
        peers = range(1, acceptors + 1) if acceptors else None
        self.acceptors = acceptors
        self.clients = ((),) * clients if isinstance(clients, int) else tuple(map(tuple, clients))
        self.world = World(servers, server=server, clients=0, claims=chosen, peers=peers)
        for at in self.clients:
            self.world.add_client(at or None)
        self.choices: list[Choice] = []

    # What happens ---------------------------------------------------------------------------------------------

    def ask(self, node: Name, what: Message) -> Stage:
        """Ask something: a client (`"client 1"`) for a get or a put, a server for what it takes from outside."""
        self._now()
        self.world.ask(node, what)
        self.world.fresh.clear()
        self.choices.append(Choice("ask", node, what=self.trace.choices()[-1].what))
        return self

    def deliver(self, message: str, sender: Name, receiver: Name, *, crash: str | None = None) -> Stage:
        """Bring the oldest message of this name from sender to receiver.

        `crash`: "before" or "after": the receiver crashes before its save, or after it and before anything leaves.
        """
        return self._fate("deliver", message, sender, receiver, crash)

    def lose(self, message: str, sender: Name, receiver: Name) -> Stage:
        """Lose the oldest message of this name from sender to receiver."""
        return self._fate("drop", message, sender, receiver)

    def lose_all(self, receiver: Name) -> Stage:
        """Lose all that is on its way to a node, for instance to one that is down."""
        for flight in [flight for flight in self.world.flying.values() if flight.receiver == receiver]:
            self._happen(self._named("drop", flight))
        return self

    def duplicate(self, message: str, sender: Name, receiver: Name) -> Stage:
        """Send a second copy of the oldest message of this name on its way."""
        return self._fate("duplicate", message, sender, receiver)

    def fire(self, timer: str, node: Name) -> Stage:
        """Let a node's timer of this name ring."""
        for owner, what in self.world.timers:
            if owner == node and type(what).__name__ == timer:
                return self._happen(Choice("fire", node, what=what))
        running = [type(what).__name__ for owner, what in self.world.timers if owner == node]
        raise NotOnStage(f"{title(node)} has no timer {timer}; it has {', '.join(running) or 'none'}")

    def crash(self, server: int, disk: str = KEPT) -> Stage:
        """Stop a server; `disk` says what is left of its disk: "kept", "last save lost", "lost"."""
        return self._happen(Choice("crash", server, disk=disk))

    def restart(self, server: int) -> Stage:
        """Begin a server's next life, from its disk."""
        return self._happen(Choice("restart", server))

    def settle(self, *, besides: Collection[Name] = ()) -> Stage:
        """Deliver what is in flight, the oldest first, until nothing is; what goes to or comes from `besides` waits."""
        for _ in range(MOST_TURNS):
            ready = [
                flight for flight in self.world.flying.values()
                if self.world.is_up(flight.receiver) and not {flight.sender, flight.receiver} & set(besides)
            ]  # fmt: skip
            if not ready:
                return self
            self._happen(self._named("deliver", ready[0]))
        raise ValueError(f"after {MOST_TURNS:,} deliveries there are still messages in flight")

    def _fate(self, kind: str, message: str, sender: Name, receiver: Name, crash: str | None = None) -> Stage:
        for flight in self.world.flying.values():
            if (type(flight.message).__name__, flight.sender, flight.receiver) == (message, sender, receiver):
                return self._happen(replace(self._named(kind, flight), crash=crash))
        raise NotOnStage(
            f"no {message} from {title(sender)} to {title(receiver)} is in flight; "
            f"in flight: {self._in_flight(MOST_NAMED)}"
        )

    def _named(self, kind: str, flight: Flight) -> Choice:
        """Return the choice that means just this message among equal ones."""
        equal = [other for other in self.world.flying.values() if other[1:] == flight[1:]]
        return Choice(kind, flight.receiver, flight.sender, flight.message, equal.index(flight))

    def _happen(self, choice: Choice) -> Stage:
        if says := self._why_not(choice):
            raise NotOnStage(says)
        self._now()
        self.world.happen(choice)
        self.world.fresh.clear()
        self.choices.append(choice)
        return self

    def _why_not(self, choice: Choice) -> str:
        """Return why a node cannot do this now, as it is down or is not. (Its own code may raise whatever it likes.)"""
        up = self.world.is_up(choice.node)
        if choice.kind == "restart":
            return f"{title(choice.node)} is up already" if up else ""
        known = choice.node in self.world.nodes
        return f"{title(choice.node)} is down" if choice.kind in ("deliver", "crash") and known and not up else ""

    def _now(self) -> None:
        self.world.trace.now += BEAT

    # Looking --------------------------------------------------------------------------------------------------

    @property
    def trace(self) -> Trace:
        """What happened so far."""
        return self.world.trace

    @property
    def violations(self) -> list[Violation]:
        """The claims that fell so far, in order."""
        return self.world.violations

    def node(self, name: Name) -> Any:
        """Return a node as it is now. Raises CannotHappen if it is down."""
        found = self.world.nodes.get(name)
        if found is None:
            raise NotOnStage(f"{title(name)} is down" if name in self.world.nodes else f"there is no {title(name)}")
        return found

    def sent(self, *kinds: str) -> list[Event]:
        """Return the sends so far, of these kinds of message only if any are given."""
        return [event for event in self.trace if event.kind == "send" and _wanted(event, kinds)]

    def tell(self) -> None:
        """Print in sentences what was chosen so far."""
        print(story(event for event in self.trace if event.kind in CHOICES))

    def states(self, *fields: str) -> None:
        """Print these fields of each server that has them, from its memory or its disk.

        >>> Stage(servers=2).fire("ElectionTimeout", 1).states("promised", "leading")
        server 1: promised 1.1, leading False
        server 2: promised 0.0, leading False
        """
        for name in self.world.servers:
            node = self.world.nodes[name]
            if node is None:
                print(f"{title(name)}: down")
                continue
            found = {field: value for part in (node.disk, node) for field, value in vars(part).items()}
            said = [f"{field} {_short(found[field])}" for field in fields if field in found]
            if said:
                print(f"{title(name)}: {', '.join(said)}")

    def story(self) -> Story:
        """Return what happened as a story; the first claim that fell is its claim."""
        fallen = self.violations[0] if self.violations else None
        return Story(
            nodes=tuple(story_name(self.world.classes[server]) for server in self.world.servers),
            choices=tuple(self.choices),
            clients=self.clients,
            acceptors=self.acceptors,
            claim=fallen.claim if fallen else "",
            says=fallen.reason if fallen else "",
        )

    def diagram(self, **chosen: Any) -> Snapshot:
        """Return the space-time diagram; what can be chosen says `paxoskit.pictures.spacetime.spacetime`."""
        return diagram(self.trace, **chosen)

    def _repr_svg_(self) -> str:
        return self.diagram(legend=False).svg

    def __repr__(self) -> str:
        count = len(self.world.servers)
        servers = f"{count} server{'s' * (count > 1)}"
        return f"<Stage with {servers}, after {len(self.choices)} choices; in flight: {self._in_flight()}>"

    def _in_flight(self, most: int | None = None) -> str:
        flights = self.world.flying.values()
        said = [f"{type(what).__name__} from {title(a)} to {title(b)}" for _, a, b, what in flights]
        left = len(said[most:]) if most is not None else 0
        return (", ".join(said[:most]) + (f" and {left} more" if left else "")) or "nothing"


def _short(value: Any) -> str:
    """Return a value in words: a vote without the word "Vote", nothing as "none"."""
    return "none" if value is None else say(value).removeprefix("Vote ")


def _wanted(event: Event, kinds: Collection[str]) -> bool:
    return not kinds or type(event.what).__name__ in kinds


def diagram(events: Iterable[Event], *, legend: bool = True, **chosen: Any) -> Snapshot:
    """Return the space-time diagram of events as a still picture; `chosen` is what `spacetime` takes."""
    return Snapshot(_natural(spacetime_svg(spacetime(events, **chosen), legend)))


def _natural(svg: str) -> str:
    """Give a small SVG image its own width; a page gives a wide one, without any, the width that it has.

    >>> _natural('<svg viewBox="0 0 760 414" role="img"></svg>')
    '<svg width="760" viewBox="0 0 760 414" role="img"></svg>'
    """
    found = re.search(r'viewBox="0 0 ([\d.]+) ', svg)
    if found is None or float(found[1]) > WIDEST:
        return svg
    return f'{svg[: found.start()]}width="{found[1]}" {svg[found.start() :]}'
