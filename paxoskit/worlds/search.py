"""Every choice is tried: how, and why nothing is missed.

*Numbers.* A node is a function of its state and of what it hears. Each distinct state of a node is kept once under a
number, with what belongs to it (its disks, its timers, what the claims remember of it); so is each message. A step is
then a look-up, and a learner's code runs once for each state and message.

*The network only grows.* What was sent may arrive later, once, twice or never: so the messages sent so far are a set,
one bit each. Delay, loss, duplication and reordering need no steps of their own.

*Silence can wait.* A node that hears something and says nothing has changed nobody's future but its own. What it heard
is still there later, so it may as well hear it right before it next says something. A step of the search is therefore a
node's way through any number of messages that leave it silent, to one after which it speaks (or its disk or its timers
change). Every order in which things are *said* is still tried, with every set of messages heard before.

*What changes nothing is left out*: a delivery after which state and network are the same. An answer that leaves its
node as it was and that no claim looks at (a Nack) is given at once: having it in the network takes no choice away. And
a message that can have no effect on its receiver any more, whatever else that hears, is taken out of the network.

The claims are those of `paxoskit.claims.synod`: about the set of what was said, and about one node's own order, whose
memory is part of the node's number.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, NamedTuple

from paxoskit.claims.synod import Fault, NodeClaim, SaidClaim, SynodClaim, Words
from paxoskit.protocol.node import After, Announce, Effect, Send, title
from paxoskit.protocol.plain import Message, Name
from paxoskit.worlds.choice import KEPT, LAST_SAVE_LOST, Choice
from paxoskit.worlds.interned import OWN_CODE, Runner, Turn, watched

MOST_SILENT = 3_000
"""A node's way through messages that leave it silent is followed to at most so many states."""

BYTES_A_STATE, BYTES_A_ROW, BYTES_A_LOCAL = 180, 300, 8_000
"""What the search keeps for a state beside its key, for a row of a table, for a state of a node.

Chosen so that the estimate is rather too high. Resident memory grew by 37 MB for the 91,768 states of three acceptors
and three ballots (estimate: 48), and by 153 MB for the 363,901 states of servers with one candidacy over two slots
(175): about 400 bytes a state. Where states of nodes are many among few states of all, as in the beginning of two
candidacies over two slots, it was 3,300 bytes a state.
"""

PULSE = 0.1
"""So many seconds lie between two looks at how far the search is."""

_CRASH = 1 << 20  # how a crash is counted in what was used: timers below, crashes above,
_BALLOT = 1 << 40  # and above them a bit for each ballot


@dataclass(frozen=True)
class Bounds:
    """How far a search goes: ballots, crashes and timers in all, steps, seconds, states; None: no such bound."""

    ballots: int | None = 3
    crashes: int = 0
    timers: int | None = None
    depth: int | None = None
    seconds: float = 60.0
    states: int = 2_000_000
    disks: tuple[str, ...] = (KEPT,)
    once: bool = False
    """Each message is delivered at most once."""
    memory: int = 2_000
    """So many MB, as `Search.bytes` estimates them."""


class Flight(NamedTuple):
    """A message that was sent: its sender (None: it was asked), its receiver (None: it was announced), its content."""

    sender: Name | None
    to: Name | None
    message: Message


class Local(NamedTuple):
    """All that a node is to the search: its state, its disks, its timers, and what each claim remembers of it."""

    node: int
    state: int
    disk: int
    before: int
    timers: frozenset[Message]
    memory: tuple[Any, ...]
    got: int = 0


class Move(NamedTuple):
    """A step of a node: where it ends, what is said, what it uses of the budgets, and the way to it."""

    after: int
    bits: int
    used: int
    way: tuple[Any, ...]
    """A number is a message that is delivered; a `Choice` is a timer or a crash."""
    touched: tuple[int, ...] = ()
    """The nodes whose number or messages it changes."""


class Broken(NamedTuple):
    """A step on which a claim falls."""

    bits: int
    used: int
    way: tuple[Any, ...]
    claim: str
    fault: Fault


class _Step(NamedTuple):
    after: int
    bits: int
    facts: int
    silent: bool
    claim: str = ""
    fault: Fault | None = None


Key = tuple[int, ...]  # the network, what is used of the budgets, and each node's number
_Table = tuple[list[Move], list[Broken], int, list[Move]]
_Links = list[set[int]]  # of each state of the runner, those that can follow it
Link = tuple[Any, int, tuple[Any, ...]]  # where a step came from, whose it was, its way


class Found(Exception):
    """A claim fell: where, on which step, which claim, why."""

    def __init__(self, key: Key, node: int, way: tuple[Any, ...], claim: str, fault: Fault) -> None:
        super().__init__(claim)
        self.trail: list[Link] = []
        self.key, self.node, self.way, self.claim, self.fault = key, node, way, claim, fault


class Reached(Exception):
    """A state was found in which a goal holds."""

    def __init__(self, key: Key, node: int, way: tuple[Any, ...]) -> None:
        super().__init__("reached")
        self.trail: list[Link] = []
        self.key, self.node, self.way = key, node, way


class Enough(Exception):
    """A bound on seconds or states was reached; the text says which."""


@dataclass
class Counts:
    """What a search has seen."""

    states: int = 1
    transitions: int = 0
    depth: int = 0
    truncated: set[str] = field(default_factory=set)
    """What was left out, in words."""
    truncated_ways: bool = False
    """Did some node's way through silent messages seem to have no end?"""


class Search:
    """The search from one beginning. `names`: all nodes; `flights`: what is sent or asked already."""

    def __init__(
        self, runner: Runner, names: Sequence[Name], flights: Sequence[Flight], timers: dict[Name, list[Message]],
        claims: Sequence[SynodClaim], words: Words, bounds: Bounds, ballots: frozenset[Any] = frozenset(),
        outside: Collection[Name] = (), spared: Collection[Name] = (),
        watch: Callable[[], None] | None = None,
    ) -> None:  # fmt: skip
        self.spared, self.watch = frozenset(spared), watch
        self.outside = frozenset(outside)
        self.runner, self.names, self.words, self.bounds = runner, tuple(names), words, bounds
        self.index = {name: number for number, name in enumerate(self.names)}
        self.own = [claim for claim in claims if isinstance(claim, NodeClaim)]
        self.said = [claim for claim in claims if isinstance(claim, SaidClaim)]
        self.flights: list[Flight] = []
        self.bit_of: dict[Flight, int] = {}
        self.inboxes, self.outboxes = [0] * len(self.names), [0] * len(self.names)
        self.judged = 0
        self.judged_by = [0] * len(self.said)
        self.fine: set[int] = {0}
        self.fine_by: list[set[int]] = [{0} for _ in self.said]
        self.ballot_bits = 0
        self.ballots: dict[Any, int] = dict.fromkeys(ballots, 0)
        self.locals: list[Local] = []
        self.known: list[int] = []  # of each number, the messages that were looked at,
        self.alive: list[int] = []  # and those among them that may still have an effect
        self.follows: _Links = []
        self.effects: dict[tuple[int, int], bool] = {}
        self.lasting: list[int] = []  # of each state, the messages that have an effect in a state that can follow
        self.dropped: dict[int, int] = {}  # of each state, the messages that were left out
        self.numbers: dict[Local, int] = {}
        self.steps: dict[tuple[int, Any], _Step | None] = {}
        self.tables: list[dict[tuple[int, int], _Table]] = [{} for _ in self.names]
        self.counts = Counts()
        self.started = time.perf_counter()
        self.pulse: Callable[[Counts], None] | None = None  # is shown how far the search is, now and then
        self.next_pulse = 0.0
        self.rows = 0  # of the tables
        self.kinds_seen: set[type] = set()
        self.passes = 0
        self.visited: set[Key] = set()
        self.keys: list[Key] = []
        self.parents: list[int] = []
        self.hows: list[Any] = []
        net = 0
        for flight in flights:
            net |= self.bit(flight)
        numbers = []
        for number, name in enumerate(self.names):
            with watched() as watched_turn:  # a state that cannot be copied (an open file, a list that holds itself)
                turn = runner.first(name)
            if error := watched_turn.error or turn.error:
                raise Found((net, 0), number, (), OWN_CODE, Fault(f"{title(name)}: {error}"))
            waiting = frozenset(timers.get(name, ()))
            memory = tuple(claim.memory.get(name, claim.first) for claim in self.own)
            numbers.append(self.number(Local(number, turn.state, turn.disk, turn.disk, waiting, memory)))
        used = sum(_BALLOT << number for number in range(len(ballots)))
        self.first_net = net
        self.start: Key = (self.settled(net, numbers, range(len(numbers))), used, *numbers)

    # Numbers -----------------------------------------------------------------------------------------------

    def bit(self, flight: Flight) -> int:
        """Return the bit of a message that is sent."""
        bit = self.bit_of.get(flight)
        if bit is None:
            bit = self.bit_of[flight] = 1 << len(self.flights)
            self.flights.append(flight)
            kind = type(flight.message)
            if flight.to is not None and flight.to in self.index:
                self.inboxes[self.index[flight.to]] |= bit
            for number, claim in enumerate(self.said):
                if kind in claim.kinds:
                    self.judged_by[number] |= bit
                    self.judged |= bit
            if flight.sender in self.index:
                self.outboxes[self.index[flight.sender]] |= bit
            if kind in (self.words.prepare, self.words.accept) and flight.sender in self.index:
                ballot = flight.message.ballot  # type: ignore[attr-defined]
                self.ballots[ballot] = self.ballots.get(ballot, 0) | bit
                self.ballot_bits |= bit
        return bit

    def number(self, local: Local) -> int:
        """Return the number of what a node is."""
        number = self.numbers.setdefault(local, len(self.locals))
        if number == len(self.locals):
            self.locals.append(local)
            self.known.append(0)
            self.alive.append(0)
            if self.watch is not None and not number & 255:
                self.watch()
        return number

    def messages(self, net: int) -> Iterator[Flight]:
        """Yield what a network holds."""
        while net:
            low = net & -net
            yield self.flights[low.bit_length() - 1]
            net ^= low

    # One node's steps --------------------------------------------------------------------------------------

    def table(self, node: int, number: int, inbox: int) -> _Table:
        """Return all that a node can do next with these messages: its moves, its broken ones, its free answers."""
        moves: dict[tuple[int, int, int], Move] = {}
        facts: list[Move] = []
        broken: list[Broken] = []
        free = 0
        ways: dict[int, tuple[Any, ...]] = {number: ()}
        for here in (queue := [number]):
            way = ways[here]
            self.check_time()
            for action in self.actions(here, inbox):
                step = self.step(here, action)
                if step is None:
                    continue
                used = 0 if type(action) is int else (1 if action.kind == "fire" else _CRASH)
                if step.fault is not None:
                    broken.append(Broken(step.bits, used, (*way, action), step.claim, step.fault))
                elif step.silent:
                    if step.facts:
                        facts.append(Move(step.after, step.facts, 0, (*way, action)))
                    if step.after not in ways and len(ways) < MOST_SILENT:
                        ways[step.after] = (*way, action)
                        queue.append(step.after)
                    elif step.after not in ways:
                        self.counts.truncated_ways = True
                        self.counts.truncated.add(f"some ways of {title(self.names[node])} to hear and not speak")
                elif step.after == here == number and not step.bits & (self.judged | self.ballot_bits):
                    free |= step.bits
                else:
                    if step.facts:
                        facts.append(Move(step.after, step.facts | step.bits, used, (*way, action)))
                    if (step.after, step.bits, used) not in moves:
                        moves[step.after, step.bits, used] = Move(
                            step.after, step.bits, used, (*way, action), (node, *self.receivers(step.bits))
                        )
        kept = self._kept(list(moves.values()), inbox)
        self.rows += 1 + len(kept)
        table = self.tables[node][number, inbox] = (kept, broken, free, facts)
        return table

    def _kept(self, moves: list[Move], inbox: int) -> list[Move]:
        """Leave out each move whose end another move, which says the same, can still reach in silence."""
        groups: dict[tuple[int, int], list[Move]] = {}
        for move in moves:
            groups.setdefault((move.bits, move.used), []).append(move)
        kept: list[Move] = []
        for group in groups.values():
            later: set[int] = set()
            for move in group:
                self.check_time()
                if move.after in later:
                    continue
                near = self._silent(move.after, inbox) if len(group) > 1 else set()
                kept = [other for other in kept if other not in group or other.after not in near]
                later |= near
                kept.append(move)
        return kept

    def receivers(self, bits: int) -> set[int]:
        """Return the nodes to which messages go."""
        return {self.index[flight.to] for flight in self.messages(bits) if flight.to in self.index}

    def _silent(self, number: int, inbox: int) -> set[int]:
        """Return the states that a node can reach in silence with these messages, itself not included."""
        seen = {number}
        queue = [number]
        for here in queue:
            rest = inbox & ~self.locals[here].got
            while rest and len(seen) < MOST_SILENT:
                low = rest & -rest
                rest ^= low
                step = self.step(here, low.bit_length() - 1)
                if step is not None and step.silent and step.after not in seen:
                    seen.add(step.after)
                    queue.append(step.after)
        return seen - {number}

    def actions(self, number: int, inbox: int) -> Iterator[Any]:
        """Yield what may happen to a node: the bit number of a message, or a timer or a crash as a `Choice`."""
        local = self.locals[number]
        rest = inbox & ~local.got
        while rest:
            low = rest & -rest
            yield low.bit_length() - 1
            rest ^= low
        name = self.names[local.node]
        if self.bounds.timers != 0:
            for timer in sorted(local.timers, key=repr):  # the same order in every process
                yield Choice("fire", name, what=timer)
        if self.bounds.crashes and name not in self.spared:
            for disk in self.bounds.disks:
                yield Choice("crash", name, disk=disk)

    def step(self, number: int, action: Any) -> _Step | None:
        """Return what follows if this happens to a node of this number; None if nothing does."""
        key = (number, action)
        if key not in self.steps:
            self.steps[key] = self._step(self.locals[number], number, action)
        return self.steps[key]

    def _step(self, local: Local, number: int, action: Any) -> _Step | None:
        name = self.names[local.node]
        if type(action) is int:
            sender, _, message = self.flights[action]
            turn = self.runner.receive(local.state, name if sender is None else sender, message)
            got = local.got | (1 << action if self.bounds.once or sender is None else 0)
            if turn.state == local.state and not turn.effects and not turn.error:
                return None
            return self._after(local, number, turn, local.timers, got, sender, message)
        if action.kind == "fire":
            turn = self.runner.receive(local.state, name, action.what)
            timers = local.timers - {action.what}
            if turn.state == local.state and not turn.effects and not turn.error:
                return None  # a timer that does nothing may as well never ring
            return self._after(local, number, turn, timers, local.got, name, action.what)
        disk = {KEPT: local.disk, LAST_SAVE_LOST: local.before}.get(action.disk)
        turn = self.runner.reborn(local.state, disk)
        left = turn.disk if disk is None else disk
        return self._after(local._replace(disk=left, before=left), number, turn, frozenset(), local.got, None, None)

    def _after(
        self, local: Local, number: int, turn: Turn, timers: frozenset[Message], got: int, sender: Name | None,
        message: Any,
    ) -> _Step | None:  # fmt: skip
        name = self.names[local.node]
        if turn.error:
            return _Step(0, 0, 0, False, OWN_CODE, Fault(f"{title(name)}: {turn.error}"))
        facts = 0
        memory, fallen = self._remember(local, turn.effects, sender, message)
        bits = 0
        for effect in turn.effects:
            if type(effect) is Send:
                if effect.to == name and any(type(effect.message) in claim.kinds for claim in self.said):
                    bits |= self.bit(Flight(name, None, effect.message))  # said to oneself is said
                if effect.to == name or effect.to in self.outside:
                    continue
                if effect.to not in self.index:
                    says = f"{title(name)} sends {effect.message} to {effect.to!r}: there is nobody of that name"
                    return _Step(0, bits, 0, False, OWN_CODE, Fault(says))
                bits |= self.bit(Flight(name, effect.to, effect.message))
            elif type(effect) is After:
                timers |= {effect.message}
            elif type(effect) is Announce:
                self.kinds_seen.add(type(effect.fact))
                if any(type(effect.fact) in claim.kinds for claim in self.said):
                    facts |= self.bit(Flight(name, None, effect.fact))
        if fallen is not None:
            return _Step(0, bits, 0, False, *fallen)
        disk, saved = (turn.disk, local.disk) if turn.disk != local.disk else (local.disk, local.before)
        if not self.bounds.crashes:
            disk = saved = 0
        self.follow(local.state, turn.state)
        after = self.number(Local(local.node, turn.state, disk, saved, timers, memory, got))
        if after == number and not bits and not facts:
            return None
        silent = not bits and timers == local.timers and (disk, saved) == (local.disk, local.before)
        return _Step(after, bits, facts, silent)

    def _remember(
        self, local: Local, effects: Sequence[Effect], sender: Name | None, message: Any
    ) -> tuple[tuple[Any, ...], tuple[str, Fault] | None]:
        """Return what the claims remember of a node after a turn, and the first claim that it breaks."""
        if not self.own:
            return (), None
        name, found = self.names[local.node], []
        for claim, memory in zip(self.own, local.memory):
            if sender is not None and type(message) in claim.kinds:
                memory = claim.hear(memory, name, sender, message)
            said = None
            for effect in effects:
                what = effect.fact if type(effect) is Announce else effect.message  # type: ignore[union-attr]
                if type(effect) is After or type(what) not in claim.kinds:
                    continue
                to_itself = type(effect) is Send and effect.to == name
                if what is not said or to_itself:
                    memory, fault = claim.say(memory, name, what)
                    if fault is not None:
                        return local.memory, (claim.name, fault)
                if to_itself:
                    memory = claim.hear(memory, name, name, what)
                said = what
            found.append(memory)
        return tuple(found), None

    # All nodes' steps --------------------------------------------------------------------------------------

    def settled(self, net: int, numbers: Sequence[int], nodes: Iterable[int]) -> int:
        """Return the network after all answers that take no choice away, without what can have no effect any more.

        Only what `nodes` may have to answer, or to forget, is looked at.
        """
        tables, inboxes, known, alive, judged = self.tables, self.inboxes, self.known, self.alive, self.judged
        given = 0  # each answer once: two nodes could answer each other's answers for ever
        for node in (queue := list(nodes)):
            number = numbers[node]
            whole = net & inboxes[node]
            if whole & ~known[number]:
                self.look(number, whole)
            inbox = whole & alive[number]
            more = (tables[node].get((number, inbox)) or self.table(node, number, inbox))[2] & ~net & ~given
            net &= ~(whole & ~inbox & ~judged)
            if more:
                net |= more
                given |= more
                queue += self.receivers(more)
        return net

    # What can have no effect any more ----------------------------------------------------------------------

    def follow(self, state: int, after: int) -> None:
        """Note that a state can follow another."""
        while len(self.follows) <= max(state, after):
            self.follows.append(set())
        self.follows[state].add(after)

    def has_effect(self, state: int, bit: int, node: int) -> bool:
        """Say whether a node in this state does anything when it hears a message."""
        key = (state, bit)
        if key not in self.effects:
            sender, _, message = self.flights[bit]
            turn = self.runner.receive(state, self.names[node] if sender is None else sender, message)
            self.effects[key] = turn.state != state or bool(turn.effects) or bool(turn.error)
        return self.effects[key]

    def look(self, number: int, inbox: int) -> None:
        """Find out which messages may still have an effect on a node: now, or in a state known to be able to follow."""
        local = self.locals[number]
        lasting = self.lasting[local.state] if local.state < len(self.lasting) else 0
        rest = inbox & ~self.known[number]
        self.known[number] |= rest
        alive = rest & lasting
        rest &= ~lasting
        while rest:
            low = rest & -rest
            rest ^= low
            if self.has_effect(local.state, low.bit_length() - 1, local.node):
                alive |= low
            else:
                self.dropped[local.state] = self.dropped.get(local.state, 0) | low
        self.alive[number] |= alive

    def forgot_nothing(self, again: bool = True) -> bool:
        """Say whether what was left out has no effect in any state that was found to follow.

        If not, and all is to be tried `again`, get ready for that, and remember it.
        """
        states = len(self.follows)
        node_of = {local.state: local.node for local in self.locals}
        out = [self.dropped.get(state, 0) for state in range(states)]
        queue = [state for state in range(states) if out[state]]
        for state in queue:
            for after in self.follows[state]:
                if out[state] & ~out[after]:
                    out[after] |= out[state]
                    queue.append(after)
        before: list[list[int]] = [[] for _ in range(states)]
        lasting = [0] * states
        for state, mask in enumerate(out):
            for after in self.follows[state]:
                before[after].append(state)
            while mask:
                low = mask & -mask
                mask ^= low
                if self.has_effect(state, low.bit_length() - 1, node_of[state]):
                    lasting[state] |= low
        queue = [state for state in range(states) if lasting[state]]
        for state in queue:
            for earlier in before[state]:
                if lasting[state] & ~lasting[earlier]:
                    lasting[earlier] |= lasting[state]
                    queue.append(earlier)
        wrong = any(self.dropped.get(state, 0) & lasting[state] for state in range(states))
        if wrong and again:
            old = self.lasting
            self.lasting = [new | (old[state] if state < len(old) else 0) for state, new in enumerate(lasting)]
            self.known, self.alive = [0] * len(self.locals), [0] * len(self.locals)
            self.dropped = {}
            self.tables = [{} for _ in self.names]
            self.start = (self.settled(self.first_net, self.start[2:], range(len(self.names))), *self.start[1:])
        return not wrong

    def successors(self, key: Key) -> list[tuple[Key, int, Move]]:
        """Return the states after each step from here; raise Found on a step that breaks a claim."""
        net, used = key[0], key[1]
        found = []
        tables, inboxes, alive, fine = self.tables, self.inboxes, self.alive, self.fine
        for node in range(len(self.names)):
            number = key[node + 2]
            inbox = net & inboxes[node] & alive[number]
            moves, broken, _, facts = tables[node].get((number, inbox)) or self.table(node, number, inbox)
            for fact in facts:
                if (net | fact.bits) & self.judged not in fine:
                    self._judge(key, node, fact.way, net | fact.bits)
            for bad in broken:
                if self._affordable(used + bad.used, bad.bits) is not None:
                    raise Found(key, node, bad.way, bad.claim, bad.fault)
            for move in moves:
                after, bits, cost, _, touched = move
                new = bits & ~net
                if after == number and not new:
                    continue
                after_used = used
                if cost or new & self.ballot_bits:
                    affordable = self._affordable(used + cost, new)
                    if affordable is None:
                        continue
                    after_used = affordable
                numbers = (*key[2 : node + 2], after, *key[node + 3 :])
                after_net = self.settled(net | bits, numbers, touched)
                if new & self.judged and after_net & self.judged not in fine:
                    self._judge(key, node, move.way, after_net)
                found.append(((after_net, after_used, *numbers), node, move))
        return found

    def _affordable(self, used: int, bits: int) -> int | None:
        """Return what is used of the budgets after these bits are sent, None if that is too much."""
        bounds = self.bounds
        if bits & self.ballot_bits:  # one of the ballots' own bits
            for number, of_ballot in enumerate(self.ballots.values()):
                if bits & of_ballot:
                    used |= _BALLOT << number
        if bounds.timers is not None and used % _CRASH > bounds.timers:
            self.counts.truncated.add("more timers")
        elif used % _BALLOT // _CRASH > bounds.crashes:
            self.counts.truncated.add("more crashes")
        elif bounds.ballots is not None and (used // _BALLOT).bit_count() > bounds.ballots:
            self.counts.truncated.add("more ballots")
        else:
            return used
        return None

    def _judge(self, key: Key, node: int, way: tuple[Any, ...], net: int) -> None:
        """Let the claims judge what was said; raise Found if one falls."""
        for number, claim in enumerate(self.said):
            part = net & self.judged_by[number]
            if part not in self.fine_by[number]:
                fault = claim.judge(self.spoken(part))
                if fault is not None:
                    raise Found(key, node, way, claim.name, fault)
                self.fine_by[number].add(part)
        self.fine.add(net & self.judged)

    def spoken(self, net: int) -> dict[tuple[Name, Any], None]:
        """Return who said what in a network, each once."""
        return {(flight.to if flight.sender is None else flight.sender, flight.message): None  # type: ignore[misc]
                for flight in self.messages(net)}  # fmt: skip

    def check_time(self) -> None:
        """Raise Enough when the time is over."""
        now = time.perf_counter()
        if now > self.started + self.bounds.seconds:
            raise Enough(f"the time of {self.bounds.seconds:g} s ended")
        if now > self.next_pulse and self.pulse is not None:
            self.next_pulse = now + PULSE
            self.pulse(self.counts)

    def check_memory(self) -> None:
        """Raise Enough when the search takes more memory than it may."""
        if self.bytes() > self.bounds.memory * 1_000_000:
            raise Enough(f"the bound of {self.bounds.memory:,} MB of memory was reached")

    def bytes(self) -> int:
        """Return an estimate of the memory that the search takes, from counts alone: the same on every machine."""
        key = sys.getsizeof(self.keys[-1]) + sys.getsizeof(self.keys[-1][0]) if self.keys else 0
        return (
            len(self.keys) * (key + BYTES_A_STATE) + len(self.visited) * BYTES_A_STATE
            + self.rows * BYTES_A_ROW + len(self.locals) * BYTES_A_LOCAL
        )  # fmt: skip

    # Orders of trying --------------------------------------------------------------------------------------

    def walk(self, dice: Random, most: int, in_turn: bool = False) -> list[Link]:
        """Go from the start, one message after the other, at most `most`; return the way.

        Raises Found, with its `trail`. A walk needs no tables. On each walk some share of the messages is lost, or
        `in_turn` of each message to many some are: then one node after the other speaks and is answered, until there is
        nothing left for it; so it dies with its ballot half done, and the next one finds what it left. On some walks
        what was lost comes late, when nobody has anything to do any more.
        """
        loss, lost, turn = 0.0 if in_turn else dice.choice((0.0, 0.2, 0.4)), 0, -1
        late = dice.random() < 0.3
        net, used = self.first_net, self.start[1]
        numbers, trail = list(self.start[2:]), list[Link]()
        spent = [0] * len(numbers)  # messages that do nothing to a node as it is now
        try:
            for _ in range(most):
                picked = self._pick(dice, net & ~lost, numbers, spent, turn)
                if picked is None and turn >= 0:
                    turn = -1  # its turn is over: a timer, a crash, or somebody else's beginning
                    continue
                if picked is None and lost and late:
                    lost, late = 0, False
                    continue
                if picked is None:
                    break
                node, action = picked
                step = self.step(numbers[node], action)
                cost = 0 if type(action) is int else (1 if action.kind == "fire" else _CRASH)
                after_used = None if step is None else self._affordable(used + cost, step.bits & ~net)
                if step is None or after_used is None or (step.after == numbers[node] and not step.bits & ~net):
                    if type(action) is int:
                        spent[node] |= 1 << action
                    if step is None or step.fault is None:
                        continue
                if step.fault is not None:
                    raise Found(self.start, node, (action,), step.claim, step.fault)
                if step.after != numbers[node]:
                    spent[node] = 0
                numbers[node], used = step.after, after_used or used
                new = step.bits & ~net
                net |= step.bits
                if in_turn:
                    lost |= self._astray(dice, new)
                    turn = node if turn < 0 and new else turn
                while new and loss:
                    if dice.random() < loss:
                        lost |= new & -new
                    new &= new - 1
                key = (net, used, *numbers)
                self.visited.add(key)
                self.counts.transitions += 1
                if (net | step.facts) & self.judged not in self.fine:
                    self._judge(self.start, node, (action,), net | step.facts)
                trail.append((None, node, (action,)))
        except Found as found:
            found.trail = trail
            raise
        finally:
            self.counts.states = len(self.visited)
        return trail

    def _astray(self, dice: Random, new: int) -> int:
        """Choose what gets lost of a message to many: a Prepare mostly reaches a bare majority, all else often one."""
        count = new.bit_count()
        if count < 2:
            return 0
        bare = count // 2 + 1 if len(self.words.slots) == 1 else (count + 1) // 2  # a server is an acceptor as well
        prepare = type(self.flights[new.bit_length() - 1].message) is self.words.prepare
        kept = dice.choice((bare, bare, bare, count) if prepare else (1, 1, bare, count))
        bits = [1 << number for number in range(new.bit_length()) if new >> number & 1]
        return sum(dice.sample(bits, count - kept))

    def _pick(
        self, dice: Random, net: int, numbers: list[int], spent: list[int], turn: int
    ) -> tuple[int, Any] | None:
        """Choose a node, and a message for it; now and then, or if there is none, a timer or a crash.

        While a node has its `turn`, only what it said and what is said to it.
        """
        rest = [
            (node, bits) for node, number in enumerate(numbers)
            if (bits := net & self.inboxes[node] & ~spent[node] & ~self.locals[number].got)
            and (turn < 0 or node == turn or (bits := bits & self.outboxes[turn]))
        ]  # fmt: skip
        if rest and (turn >= 0 or dice.random() < 0.93):
            node, bits = rest[int(dice.random() * len(rest))]
            for _ in range(int(dice.random() * bits.bit_count())):
                bits &= bits - 1
            return node, (bits & -bits).bit_length() - 1
        if turn >= 0:
            return None
        others = [(node, action) for node, number in enumerate(numbers) for action in self.actions(number, 0)]
        return others[int(dice.random() * len(others))] if others else None

    def deep(self, most: int) -> None:
        """Go deep first, to at most `most` states. Raises Found, with its `trail`."""
        seen = {self.start}
        trail: list[Link] = []
        stack: list[Iterator[tuple[Key, int, Move]]] = []
        try:
            stack.append(iter(self.successors(self.start)))
            while stack and len(seen) < most:
                if not len(seen) & 63:
                    self.check_time()
                for after, node, move in stack[-1]:
                    if after not in seen:
                        seen.add(after)
                        self.counts.transitions += 1
                        trail.append((None, node, move.way))
                        stack.append(iter(self.successors(after)))
                        break
                else:
                    stack.pop()
                    if trail:
                        trail.pop()
        except Found as found:
            found.trail = trail
            raise

    def broad(
        self, look: Callable[[Counts], None] | None = None, goal: Callable[[Key], bool] | None = None
    ) -> None:
        """Try everything, nearest first, to the end of the bounds. Raises Found, Enough, or Reached.

        What can have no effect any more is left out, judged by the states known so far. If a state that was found
        later shows that to be wrong, all is tried again, knowing it.
        """
        while True:
            self._broad(look, goal)
            self.passes += 1
            if self.forgot_nothing():
                return

    def _broad(self, look: Callable[[Counts], None] | None, goal: Callable[[Key], bool] | None) -> None:
        bounds, counts = self.bounds, self.counts
        seen: set[Key] = {self.start}
        keys, parents, hows = [self.start], [-1], list[Any]([None])
        self.keys, self.parents, self.hows = keys, parents, hows
        at, level_end, counts.depth, counts.states = 0, 1, 0, 1
        try:
            while at < len(keys):
                if at == level_end:
                    level_end = len(keys)
                    counts.depth += 1
                if bounds.depth is not None and counts.depth >= bounds.depth:
                    counts.truncated.add(f"more than {bounds.depth} steps")
                    break
                if not at & 255:
                    counts.states = len(keys)
                    self.check_memory()
                    if look is not None:
                        look(counts)
                self.check_time()
                if len(keys) > bounds.states:
                    raise Enough(f"the bound of {bounds.states:,} states was reached")
                options = self.successors(keys[at])
                counts.transitions += len(options)
                for after, node, move in options:
                    if after not in seen:
                        seen.add(after)
                        keys.append(after)
                        parents.append(at)
                        hows.append((node, move))
                        if goal is not None and goal(after):
                            raise Reached(keys[at], node, move.way)
                at += 1
        except (Found, Reached) as found:
            found.trail = self.trail(at)
            raise
        finally:
            counts.states = len(keys)

    def most_ballots(self) -> int:
        """Return the greatest number of ballots in one run."""
        return max(((key[1] // _BALLOT).bit_count() for key in (*self.keys, *self.visited)), default=0)

    def trail(self, at: int) -> list[Link]:
        """Return the way to a state that `broad` found."""
        trail: list[Link] = []
        while at > 0:
            node, move = self.hows[at]
            trail.append((None, node, move.way))
            at = self.parents[at]
        return trail[::-1]

    def choices(self, trail: Sequence[Link], node: int | None = None, way: tuple[Any, ...] = ()) -> list[Choice]:
        """Return a way (and a last step) as choices in a world, with the answers given at once if it needs them."""
        links = [*trail, (None, node, way)]
        found = self._told(links, at_once=False)
        return found if found is not None else self._told(links, at_once=True) or []

    def _told(self, links: Sequence[tuple[Any, int | None, tuple[Any, ...]]], at_once: bool) -> list[Choice] | None:
        """Return a way as choices, with all answers that are given at once, or with none; None if one is missing."""
        found: list[Choice] = []
        said, numbers = self.first_net, list(self.start[2:])
        for _, node, part in links:
            if at_once:
                said = self._answered(said, numbers, found)
            for action in part:
                if type(action) is int and not said >> action & 1 and not at_once:
                    return None
                found += self._choices_of(action)
                step = None if node is None else self.step(numbers[node], action)
                if step is not None and step.fault is None:
                    assert node is not None
                    numbers[node], said = step.after, said | step.bits
        return found

    def _answered(self, said: int, numbers: Sequence[int], found: list[Choice]) -> int:
        """Let all nodes give the answers that leave them as they were, as `settled` does; return what is said then."""
        for node in (queue := list(range(len(numbers)))):
            number = numbers[node]
            rest = said & self.inboxes[node] & ~self.locals[number].got
            while rest:
                low = rest & -rest
                rest ^= low
                action = low.bit_length() - 1
                step = self.step(number, action)
                if step is not None and step.fault is None and step.after == number and step.bits & ~said:
                    said |= step.bits
                    found += self._choices_of(action)
                    queue += self.receivers(step.bits)
        return said

    def _choices_of(self, action: Any) -> list[Choice]:
        if type(action) is int:
            sender, to, message = self.flights[action]
            assert to is not None
            return [Choice("ask" if sender is None else "deliver", to, sender, message)]
        return [action, Choice("restart", action.node)] if action.kind == "crash" else [action]
