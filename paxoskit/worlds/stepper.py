"""A world that somebody steps: time stands still between two choices, goes back, and branches.

A **moment** is what stands between two choices: it has a number (how many choices lie before it), the moment before it,
and what happened in between. A **branch** is a line of moments; whoever goes back and chooses something else begins a
new one, and nothing is ever overwritten. The tree holds what was written down at each moment, not a world for each: a
world is kept now and then, and the others are made again from the nearest one before, choice by choice. That is exact,
for a world is a function of its beginning and of its choices.

What is due when belongs to the branch as well, so that `step` does the same thing whenever it is asked at the same
moment. The claims judge one branch: each violation belongs to the moment at which the claim fell.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from paxoskit.claims.claim import Violation
from paxoskit.protocol.messages import Answered, Ask, Asks, GaveUp, Operation
from paxoskit.protocol.node import title
from paxoskit.protocol.plain import Name
from paxoskit.trace import CHOICES, Event, Record, Trace
from paxoskit.worlds.choice import BEFORE, KEPT, Choice
from paxoskit.worlds.moments import QUIET, Branch, Moment, grouped
from paxoskit.worlds.recording import Recording, again
from paxoskit.worlds.world import Flight, Timer, World

HOP = (20.0, 60.0)
"""World milliseconds that a message takes while somebody steps."""

EVERY, JUDGED_EVERY, MOST_WORLDS = 64, 2_048, 512
"""A world is kept every so many moments; one with its claims every so many; and never more than so many in all."""

QUIET_TIME = 1_000.0
"""While nothing but heartbeats comes, one step goes so many milliseconds: longer than any election timer waits."""

QUIET_AHEAD = 40
"""So many heartbeats and timers are tried out to say what comes after them."""

MOST_AHEAD = 500
"""So many choices of a plan are looked at to say what a step would do."""

DECISION_TIME, DECISION_STEPS = 5_000.0, 20_000
"""So long, in world milliseconds and in choices, `decision` waits for a new block."""


MOST_RECORDED = 20_000
"""So many choices are in a recording of the end of a way."""


class Abandoned(RuntimeError):
    """The call was asked in a branch that was left: in the branch that goes on, nobody asked it."""


class Planned(NamedTuple):
    """What happens next: when, in words, how, and about which message; the choice, if it is one that can be named."""

    at: float
    words: Choice | str
    act: Callable[[World], None]
    what: Any = None
    choice: Choice | None = None

    @property
    def says(self) -> str:
        """What will happen, in words."""
        return str(self.words)

    @property
    def quiet(self) -> bool:
        """Say whether it looks like nothing but time going by."""
        return type(self.what).__name__ in QUIET


class Pending:
    """A call whose answer somebody waits for, asked right before `moment`."""

    def __init__(self, session: str, moment: Moment, settle: Callable[[Answered | GaveUp], None],
                 abandon: Callable[[], None], call: Any = None) -> None:  # fmt: skip
        self.session = session
        self.moment = moment
        self.settle = settle
        self.abandon = abandon
        self.call = call
        self.settled = False


class Stepper:
    """A world in somebody's hands. `world` is the world at the moment where one stands: look at it, change nothing.

    Its trace holds the last choice only; `trace()` and `events()` tell the way.

    >>> stepper = Stepper(World(servers=3, clients=1))
    >>> str(stepper.step())
    'server 1 hears its own timer ElectionTimeout'
    >>> str(stepper.step()), str(stepper.back()), stepper.moment.number
    ('server 2 gets Prepare 1.1 0 from server 1', 'server 1 hears its own timer ElectionTimeout', 1)
    """

    def __init__(
        self,
        world: World,
        *,
        start: World | None = None,
        history: Iterable[Record] = (),
        kept: Iterable[World] = (),
        due: Mapping[int, float] | None = None,
        plan: Iterator[Planned] | None = None,
        seed: int = 0,
        birth: bool = True,
        quality: Mapping[tuple[Name, Name], tuple[float, float]] | None = None,
    ) -> None:
        """Begin with a world that is nobody else's (a fork).

        `start` and `history`: the world that it came from, and the records since; `kept`: worlds in between. `due`:
        when what is in flight and the timers are due. `plan`: what happens next, if that is settled. `birth`: does
        `start` (or `world`) stand at its very beginning? `quality`: loss and slowness of links (see Cluster).
        """
        self.seed = seed
        self.birth = birth
        self.quality = {} if quality is None else quality
        self.loss = 0.0
        """The share of the messages sent since `origin` that is lost, on every link."""
        self.quiet = True
        self.errors: list[str] = []
        self.pending: list[Pending] = []
        self.held: dict[int, Flight] = {}
        self.fallen: list[Moment] = []
        self.trunk = self.branch = Branch(1, "as it was" if start is not None else "branch 1", None)
        self.branches = [self.trunk]
        self.plan = iter(()) if plan is None else plan
        self.planned: deque[Planned] = deque()
        self.clients: Mapping[Name, Sequence[int]] = world.peers
        self.begin: object = None  # the story from which this world was told, if it was
        self._kept: list[Moment] = []
        root = world if start is None else start
        self._root = Moment(self.trunk, None, (), root.trace.count)
        self._root.at = root.trace.now
        self._root.world = _bare(root.fork())
        self.trunk.moments.append(self._root)
        self.names = [claim.name for claim in (world.claims or root.claims)]
        self._remember(history, kept)
        self.moment = self.trunk.tip
        for violation in world.violations:
            self._fell(violation)
        self.origin = self.moment
        """The moment at which stepping began."""
        self.trunk.due.update(due or {})
        self.trunk.judged = bool(world.claims)
        self.world = _bare(world)
        self._set_due(self.trunk)

    def _remember(self, history: Iterable[Record], kept: Iterable[World]) -> None:
        """Make moments of what happened before."""
        moments, due = self.trunk.moments, self.trunk.due
        worlds = {world.trace.count: world for world in kept}
        for records in grouped(history):
            last = records[-1]
            count = last[0] + (last[7] is not None) + len(last[8]) + len(last[9])
            moment = Moment(self.trunk, moments[-1], records, count)
            moments.append(moment)
            if records[0][6]:
                due[records[0][6]] = records[0][1]
            if count in worlds:
                moment.world = _bare(worlds[count].fork())

    def _fell(self, violation: Violation) -> None:
        """Give a violation from before to the moment at which its last event happened, or to the first one."""
        last = max((event.n for event in violation.events), default=0)
        moment = self._root if last <= self._root.count else self.trunk.after(min(last, self.trunk.tip.count))
        moment.fallen += (violation,)
        if moment not in self.fallen:
            self.fallen.append(moment)

    # Looking -----------------------------------------------------------------------------------------------

    @property
    def violations(self) -> list[Violation]:
        """The claims that fell before this moment, on the way to it."""
        return [violation for moment in self.fallen if self.on_the_way(moment) for violation in moment.fallen]

    @property
    def judged(self) -> bool:
        """Say whether the claims judge what is chosen here."""
        if self._recorded() is None and self.branch.judged is not None:
            return self.branch.judged
        return self._judged_before(self.moment) is not None

    def on_the_way(self, moment: Moment) -> bool:
        """Say whether a moment lies on the way from the beginning to where one stands."""
        return moment.number <= self.moment.number and self.branch.moment(moment.number) is moment

    def trace(self) -> Trace:
        """Return what happened on the way to this moment, since the first one that can be reached."""
        trace = Trace(len(self.world.servers), self.world.trace.seed)
        for moment in self.way():
            trace.records.extend(moment.records)
        trace.count, trace.now = self.moment.count, self.world.trace.now
        return trace

    def events(self, most: int = 1_000) -> list[Event]:
        """Return the newest events on the way to this moment, oldest first."""
        trace, moment = Trace(), self.moment
        while moment.parent is not None and moment.count > self.moment.count - most:
            trace.records.extendleft(reversed(moment.records))
            moment = moment.parent
        return list(iter(trace))[-most:]

    def newest(self, most: int) -> Trace:
        """Return the end of the trace: the newest `most` choices on the way to this moment, and what followed."""
        trace, moment = Trace(len(self.world.servers), self.world.trace.seed), self.moment
        for _ in range(most):
            if moment.parent is None:
                break
            trace.records.extendleft(reversed(moment.records))
            moment = moment.parent
        trace.count = self.moment.count
        return trace

    def way(self) -> list[Moment]:
        """Return the moments from the first one to this one."""
        return [self.branch.moment(number) for number in range(self.moment.number + 1)]

    def told(self) -> list[tuple[Choice, float]]:
        """Return the choices on the way to here, each with its world time: what a story is made of."""
        world, found = self._reach(self.branch.moment(0), judged=False), []
        for moment in self.way()[1:]:
            choice = _choice(world, moment)
            if choice is not None:
                found.append((choice, moment.at))
            self._replay(world, moment)
        return found

    def flying(self) -> dict[int, tuple[float, float]]:
        """Return when each message in flight was sent and is due, by its number."""
        now = self.world.trace.now
        return {
            number: (min(now, self._begun(number)), max(now, self.when(flight)))
            for number, flight in self.world.flying.items()
        }

    def when(self, item: Flight | Timer) -> float:
        """Return when a message or a timer is due, in world milliseconds."""
        due = self.branch.when(item.number)
        return self._begun(item.number) + self._wait(item) if due is None else due

    def _begun(self, number: int) -> float:
        return self._root.at if number <= self._root.count else self.branch.after(number).at

    def _wait(self, item: Flight | Timer) -> float:
        if type(item) is Timer:
            low, high = item.low, item.high
        else:
            slow = self.quality.get((item.sender, item.receiver), (0.0, 1.0))[1]  # type: ignore[union-attr]
            low, high = HOP[0] * slow, HOP[1] * slow
        return low + self._dice(item.number) * (high - low)

    def choices(self) -> list[Choice]:
        """Return all that may happen now."""
        return self.world.choices()

    def why_not(self, choice: Choice) -> str | None:
        """Return why a choice cannot happen now, in words; None if it can."""
        world, kind, node, peer = self.world, choice.kind, choice.node, choice.peer
        if node not in world.nodes:
            return f"there is no {title(node)}"
        match kind:
            case "deliver" | "drop" | "duplicate":
                return self._no_delivery(choice)
            case "fire":
                if not world.is_up(node):
                    return f"{title(node)} is down: its timers are gone"
                return None if (node, choice.what) in world.timers else f"{title(node)} has no such timer"
            case "crash" | "restart" if node not in world.servers:
                return f"{title(node)} is a client: only servers crash and restart"
            case "crash":
                return None if world.is_up(node) else f"{title(node)} is down already"
            case "restart":
                return f"{title(node)} is up already" if world.is_up(node) else self._stays_down(node)
            case "cut" | "mend":
                if peer not in world.nodes or peer == node:
                    return f"there is no link from {peer!r} to {title(node)}"
                if ((peer, node) in world.cut) == (kind == "cut"):
                    return f"the link from {title(peer)} to {title(node)} is {'cut' if kind == 'cut' else 'up'} already"
                return None
            case "ask" if node in world.servers:
                if choice.what is None:
                    return f"there is nothing to ask {title(node)}"
                return None if world.is_up(node) else f"{title(node)} is down"
            case "ask":
                if not isinstance(choice.what, (Ask, Asks)):
                    return f"expected an Ask to ask {title(node)}, got {choice.what!r:.60}"
                return self._no_session(choice)
            case _:
                return f"nobody can choose to {kind}: expected one of {', '.join(sorted(CHOICES))}"

    def _no_delivery(self, choice: Choice) -> str | None:
        try:
            self.world.find(choice)
        except ValueError:
            return "this message is no longer in flight"
        if choice.kind == "deliver" and not self.world.is_up(choice.node):
            return f"{title(choice.node)} is down: restart it first, or drop the message"
        if choice.kind == "deliver" and choice.crash is not None and choice.node not in self.world.servers:
            return f"{title(choice.node)} is a client: only servers crash"
        return None

    def _stays_down(self, node: Name) -> str | None:
        try:
            self.world.disk_for_restart(node)
        except ValueError as error:
            return str(error)
        return None

    def _no_session(self, choice: Choice) -> str | None:
        """A client's session asks one thing at a time, and numbers begin with the world's own."""
        asks = choice.what.asks if isinstance(choice.what, Asks) else (choice.what,)
        node = self.world.nodes[choice.node]
        busy = [ask.session for ask in asks if ask.session in getattr(node, "waiting", ())]  # type: ignore[union-attr]
        return f"session {busy[0]} waits for an answer: it asks one thing at a time" if busy else None

    # What is due -------------------------------------------------------------------------------------------

    def next(self) -> Planned | None:
        """Return what is due next: what was settled before, else the message or timer that is due first."""
        if self.branch is self.trunk and self.moment is self.trunk.tip and self._ahead():
            return self.planned[0]
        return self._due()

    def due_next(self) -> float | None:
        """Return when the next thing happens, in world milliseconds; None if nothing is due."""
        ahead = self._recorded()
        if ahead is not None:
            return ahead.at
        planned = self.next()
        return None if planned is None else planned.at

    def _ahead(self) -> bool:
        """Say whether the plan goes on; look one choice ahead."""
        return bool(self.planned) or self._look_ahead()

    def _look_ahead(self) -> bool:
        known = len(self.planned)
        try:
            self.planned.extend(itertools.islice(self.plan, 1))
        except Exception as error:  # a learner's handler may raise anything, in the simulator's hands too
            self.errors.append(f"the plan ends here: {type(error).__name__}: {error}")
            self.plan = iter(())
        return len(self.planned) > known

    def _due(self) -> Planned | None:
        world, held = self.world, self.held
        items: list[Flight | Timer] = [*world.flying.values(), *world.timers.values()]
        items = [item for item in items if held.get(item.number) != item]
        if not items:
            return None
        due, _, first = min((self.when(item), item.number, place) for place, item in enumerate(items))
        choice = self.fate(items[first])
        return Planned(max(due, world.trace.now), choice, lambda world: world.happen(choice), choice.what, choice)

    def fate(self, item: Flight | Timer) -> Choice:
        """Return what becomes of a message or a timer when it is due and nobody interferes."""
        if type(item) is Timer:
            return Choice("fire", item.node, what=item.message)
        assert isinstance(item, Flight)
        lossy = self.quality.get((item.sender, item.receiver), (0.0, 1.0))[0]
        if item.number > self.origin.count:  # an older message was sent in a cluster: it was not lost there
            lossy += (1.0 - lossy) * self.loss
        lost = not self.world.is_up(item.receiver) or (lossy and self._dice(item.number, 1) < lossy)
        return named(self.world, "drop" if lost else "deliver", item)

    def foresee(self) -> str | None:
        """Return in words what `step` would do; None if nothing is due."""
        ahead = self._recorded()
        if ahead is not None:
            while self.quiet and ahead.quiet and ahead is not self.branch.tip:
                ahead = self.branch.moment(ahead.number + 1)
            return str(ahead)
        if self.next() is None:
            return None
        if self.branch is self.trunk and self.planned:
            return self._foresee_plan()
        return self._try_out()

    def _foresee_plan(self) -> str:
        """Look ahead in the plan, over what is quiet."""
        if not self.quiet:
            return self.planned[0].says
        while self.planned[-1].quiet and len(self.planned) < MOST_AHEAD and self._look_ahead():
            pass
        return next((planned.says for planned in self.planned if not planned.quiet), self.planned[-1].says)

    def _try_out(self) -> str:
        """Step on with a twin that nobody sees."""
        twin = object.__new__(Stepper)
        twin.__dict__.update(vars(self))
        twin.pending, twin.fallen, twin.names, twin._kept, twin.errors = [], [], [], [], []
        twin.branch = Branch(0, "", self.moment)
        twin.branch.judged = False
        twin.world = self.world.fork(claims=False)
        for _ in range(QUIET_AHEAD):
            if twin.next() is None:
                break
            if not (moment := twin._step()).quiet or not self.quiet:
                return str(moment)
        return "nothing but heartbeats and timers"

    def _dice(self, number: int, salt: int = 0) -> float:
        """Return a number from 0 to 1 for event `number`: the same at every visit, without dice that must be kept."""
        mixed = (number * 0x9E3779B1 + salt * 0x85EBCA6B + self.seed * 0xC2B2AE35) & 0xFFFFFFFF
        return ((mixed ^ mixed >> 15) * 0x2C1B3C6D & 0xFFFFFFFF) / 2**32

    def _set_due(self, branch: Branch) -> list[Answered | GaveUp]:
        """Say when what the last choice set in motion is due; return the facts that clients told."""
        facts: list[Answered | GaveUp] = []
        now = self.world.trace.now
        for item in self.world.fresh:
            if isinstance(item, (Flight, Timer)):
                branch.due.setdefault(item.number, now + self._wait(item))
            else:
                facts.append(item)
        self.world.fresh.clear()
        return facts

    # Choosing ----------------------------------------------------------------------------------------------

    def choose(self, choice: Choice, at: float | None = None) -> Moment:
        """Let a choice happen, now or at the world time `at`.

        In the middle of a branch, another choice than the next one begins a new branch.

        Raises ValueError, saying why, for a choice that cannot happen.
        """
        reason = self.why_not(choice)
        if reason is not None:
            raise ValueError(reason)
        ahead = self._recorded()
        if ahead is not None and self._is(ahead, choice):
            return self._go(ahead)
        planned = self.planned[0] if self.branch is self.trunk and ahead is None and self._ahead() else None
        if planned is not None and planned.choice == choice:
            return self._follow_plan()
        if ahead is not None or planned is not None:
            self._branch_off()
        return self._happen(lambda world: world.happen(choice), self.world.trace.now if at is None else at, choice)

    def ask(
        self, client: Name, operation: Operation, patience: int = 0,
        settle: Callable[[Answered | GaveUp], None] = lambda fact: None, abandon: Callable[[], None] = lambda: None,
        call: Any = None,
    ) -> Pending:  # fmt: skip
        """Let a client ask; `settle` hears the answer when a moment brings it, `abandon` that its branch was left."""
        if client not in self.world.clients:
            raise ValueError(f'there is no {client!r}: expected "client 1" to "client {len(self.world.clients)}"')
        session = self.world.sessions(str(client))[0]
        moment = self.choose(Choice("ask", client, what=Ask(session, operation, patience)))
        pending = Pending(session, moment, settle, abandon, call)
        self.pending.append(pending)
        return pending

    def wait_for(
        self, session: str, settle: Callable[[Answered | GaveUp], None], abandon: Callable[[], None], call: Any = None
    ) -> Pending:
        """Wait for the answer to what a session asked before stepping began."""
        moment = self.moment
        while moment.parent is not None and not _asks(moment, session):
            moment = moment.parent
        pending = Pending(session, moment, settle, abandon, call)
        self.pending.append(pending)
        return pending

    def _is(self, ahead: Moment, choice: Choice) -> bool:
        """Say whether the next moment of this branch came about by this choice."""
        event = ahead.event
        assert event is not None
        mine = (choice.kind, choice.node, choice.peer, choice.crash)
        if mine != (event.kind, event.node, event.peer, ahead.crash):
            return False
        if choice.kind == "crash":
            return bool(event.what == choice.disk)
        if choice.kind in ("deliver", "drop", "duplicate"):
            return self.world.find(choice).number == event.cause
        return bool(event.what == choice.what)

    def _recorded(self) -> Moment | None:
        """Return the next moment of this branch, if there is one."""
        return None if self.moment is self.branch.tip else self.branch.moment(self.moment.number + 1)

    def _branch_off(self, name: str = "") -> None:
        self._keep_tip()
        number = self.branches[-1].number + 1
        self.branch = Branch(number, name or f"branch {number}", self.moment)
        self.branches.append(self.branch)

    def _happen(self, act: Callable[[World], None], at: float, choice: Choice | None = None) -> Moment:
        """Let one thing happen at the end of the branch."""
        if self.branch.judged is None:
            self.branch.judged = self._judged_before(self.moment) is not None
        if self.branch.judged and not self.world.claims:
            self.world = self._reach(self.moment, judged=True)
        known = len(self.world.violations)
        self.world.trace.now = at
        self.world.trace.records.clear()
        try:
            act(self.world)
        except Exception as error:  # a learner's handler may raise anything: its server crashes, as in a cluster
            self.world = self._reach(self.moment, judged=True)
            if choice is None or choice.kind not in ("deliver", "fire", "restart") or type(choice.node) is not int:
                raise
            known = len(self.world.violations)
            self.world.trace.now = at
            self.world.trace.records.clear()
            self._crash_of_its_own(choice, error)
        return self._written(self.world.violations[known:])

    def _crash_of_its_own(self, choice: Choice, error: Exception) -> None:
        self.errors.append(f"{title(choice.node)} crashed: {type(error).__name__}: {error}")
        if choice.kind == "restart":
            raise ValueError(f"{title(choice.node)} cannot start: {type(error).__name__}: {error}") from None
        if choice.kind == "deliver":
            self.world.deliver(self.world.find(choice), BEFORE)
        else:
            self.world.crash(choice.node, KEPT)

    def _written(self, fallen: list[Violation]) -> Moment:
        """Make a moment of what the world wrote down."""
        world, branch = self.world, self.branch
        moment = Moment(branch, self.moment, tuple(world.trace.records), world.trace.count)
        branch.moments.append(moment)
        self.moment = moment
        if fallen:
            moment.fallen = tuple(fallen)
            self.fallen.append(moment)
        facts = self._set_due(branch)
        self._keep_now_and_then(moment, world)
        for fact in facts:
            self._settle(fact)
        return moment

    def _settle(self, fact: Answered | GaveUp) -> None:
        """Give the answer to who waits for it: the newest call of that session on the way to here."""
        for pending in reversed(self.pending):
            if pending.session == fact.session and self.on_the_way(pending.moment):
                if not pending.settled:
                    pending.settled = True
                    pending.settle(fact)
                return

    def retell(self, event: Event, crash: str | None) -> Moment:
        """At the end of a branch: let happen once more what a recorded event tells."""
        return self._happen(lambda world: again(world, event, crash, self.clients), event.at)

    def _follow_plan(self) -> Moment:
        planned = self.planned.popleft()
        reason = None if planned.choice is None else self.why_not(planned.choice)
        if reason is not None:
            self.planned.clear()
            self.plan = iter(())
            raise ValueError(f"what was planned cannot happen ({planned.says}): {reason}")
        return self._happen(planned.act, planned.at, planned.choice)

    # Stepping ----------------------------------------------------------------------------------------------

    def step(self) -> Moment:
        """Let the next thing happen that is due; what was chosen before on this branch happens again.

        While `quiet` is True, heartbeats and timers from which nothing follows are stepped over, at most a second.
        Raises ValueError if nothing is due.
        """
        until = self.world.trace.now + QUIET_TIME
        while True:
            moment = self._step()
            if not self.quiet or not moment.quiet or self.world.trace.now >= until or self.due_next() is None:
                return moment

    def _step(self) -> Moment:
        ahead = self._recorded()
        if ahead is not None:
            return self._go(ahead)
        planned = self.next()
        if planned is None:
            held = " (messages are held: release one)" if self.held else ""
            raise ValueError(f"nothing is due: no message flies and no timer runs{held}")
        if self.planned and planned is self.planned[0]:
            return self._follow_plan()
        return self._happen(planned.act, planned.at, planned.choice)

    def round(self) -> Moment:
        """Let the next thing happen, and with it all messages of its kind that are in flight already."""
        here = self.moment.count
        moment = self.step()
        event = moment.event
        if event is None or event.kind not in ("deliver", "drop"):
            return moment
        kind, last = type(event.what), max(here, event.cause)
        for _ in range(len(self.world.flying)):
            mates = [flight for flight in self.world.flying.values() if self._is_mate(flight, kind, last)]
            if not mates:
                break
            moment = self._bring(min(mates, key=lambda flight: (self.when(flight), flight.number)))
        return moment

    def _is_mate(self, flight: Flight, kind: type, last: int) -> bool:
        return type(flight.message) is kind and flight.number <= last and self.held.get(flight.number) != flight

    def _bring(self, flight: Flight) -> Moment:
        """Let this message meet its fate; where the branch is written already, let happen all that did before."""
        while self._recorded() is not None or (self.branch is self.trunk and self._ahead()):
            moment = self._step()
            if flight.number not in self.world.flying:
                return moment
        choice, at = self.fate(flight), max(self.world.trace.now, self.when(flight))
        return self._happen(lambda world: world.happen(choice), at, choice)

    def decision(self) -> Moment | None:
        """Step until a block is decided that nobody knew to be; return that moment, or None if none came in time."""
        known = self._decided()
        until = self.world.trace.now + DECISION_TIME
        for _ in range(DECISION_STEPS):
            if self.world.trace.now > until or self.next() is None:
                break
            moment = self._step()
            if moment.decides - known:
                return moment
        return None

    def _decided(self) -> set[int]:
        """Return the heights that some node on the way to here learned to be decided."""
        top = max((self.world.chain(server).height for server in self.world.servers), default=0)
        if top:
            return set(range(top))
        return set().union(*(moment.decides for moment in self.way()))

    def back(self) -> Moment:
        """Go back to before the last thing that happened (and, while `quiet`, the heartbeats before it that follow)."""
        reason = self.why_not_back()
        if reason is not None:
            raise ValueError(reason)
        moment = self.moment
        while self.quiet and moment.quiet and moment.parent is not None and moment.parent is not self._root:
            moment = moment.parent
        assert moment.parent is not None
        return self._go(moment.parent)

    def why_not_back(self) -> str | None:
        """Return why one cannot go back, None if one can."""
        if self.moment.parent is not None:
            return None
        if self.birth:
            return "this is the beginning"
        return f"this is the first moment that is remembered, after event {self._root.count:,}"

    def forward(self) -> Moment:
        """Go forward again on the branch, to the next thing that happened."""
        reason = self.why_not_forward()
        if reason is not None:
            raise ValueError(reason)
        moment = self.branch.moment(self.moment.number + 1)
        while self.quiet and moment.quiet and moment is not self.branch.tip:
            moment = self.branch.moment(moment.number + 1)
        return self._go(moment)

    def why_not_forward(self) -> str | None:
        """Return why one cannot go forward, None if one can."""
        return f"this is the end of “{self.branch.name}”: step on" if self._recorded() is None else None

    def goto(self, number: int, branch: int | None = None) -> Moment:
        """Go to the moment with this number, of branch `branch` (of this one, if that is not said)."""
        line = self.branch if branch is None else self.find_branch(branch)
        if type(number) is not int or not 0 <= number <= line.tip.number:
            raise ValueError(f"moment: expected a number from 0 to {line.tip.number} on {line.name}, got {number!r}")
        return self._go(line.moment(number), line)

    def what_if(self, event: int) -> Moment:
        """Go to the moment before event `event`, on a new branch: what is chosen there happens instead."""
        before = self.branch.after(event).parent
        assert before is not None
        moment = self._go(before)
        self._branch_off(f"what if not {event}")
        return moment

    def find_branch(self, number: int) -> Branch:
        """Return the branch with this number. Raises ValueError if there is none."""
        for branch in self.branches:
            if branch.number == number and type(number) is int:
                return branch
        raise ValueError(f"branch: expected a number from 1 to {self.branches[-1].number}, got {number!r}")

    def rename(self, branch: int, name: str) -> None:
        """Give a branch a name: one line, at most 40 letters."""
        words = " ".join(str(name).split())
        if not 0 < len(words) <= 40:
            raise ValueError(f"name: expected 1 to 40 letters, got {len(words)}")
        self.find_branch(branch).name = words

    def hold(self, flight: Flight) -> None:
        """Let a message wait until it is released or chosen: `step` passes it by."""
        if self.world.flying.get(flight.number) != flight:
            raise ValueError("this message is no longer in flight")
        self.held[flight.number] = flight

    def release(self, flight: Flight) -> None:
        """Let a message that is held be due again."""
        if self.held.get(flight.number) != flight:
            raise ValueError("this message is not held")
        del self.held[flight.number]

    # Taking it elsewhere -----------------------------------------------------------------------------------

    def hand_over(self) -> World:
        """Give away the world as it is here, judged if it can be, with the whole way written down in its trace."""
        world = self.world
        if not world.claims and self.judged:
            world = self._reach(self.moment, judged=True)
        self.world = world.fork(claims=False)
        world.trace = self.trace()
        world.violations[:] = self.violations
        return world

    def due(self) -> dict[int, float]:
        """Return when each message and timer is due, by its number."""
        items: list[Flight | Timer] = [*self.world.flying.values(), *self.world.timers.values()]
        return {item.number: self.when(item) for item in items}

    def recording(self, newest: int | None = None) -> Recording:
        """Return the way to here as a recording: the whole, or the end of it with the `newest` moments worth a look.

        The end is at most MOST_RECORDED choices long: a film of it is made in seconds, however long the way is.
        """
        begin = self.branch.moment(0) if newest is None else self._before(newest)
        start = self._reach(begin, judged=False)
        start.trace.records.clear()
        trace = Trace()
        for number in range(begin.number + 1, self.moment.number + 1):
            trace.records.extend(self.branch.moment(number).records)
        clients = {name: self.world.peers[name] for name in self.world.clients}
        return Recording(start, tuple(trace), clients)

    def _before(self, newest: int) -> Moment:
        """Return the moment after which so many moments were worth a look."""
        moment = self.moment
        for _ in range(MOST_RECORDED):
            if not newest or moment.parent is None:
                break
            newest -= not moment.quiet
            moment = moment.parent
        return moment

    # Worlds at moments -------------------------------------------------------------------------------------

    def _go(self, moment: Moment, branch: Branch | None = None) -> Moment:
        """Stand at another moment, of this branch or of another one."""
        branch = branch or self.branch
        if moment is not self.moment:
            if moment.parent is self.moment:
                self._replay(self.world, moment)
                self._keep_now_and_then(moment, self.world)
            else:
                self._keep_tip()
                self.world = self._take(moment)
        self.moment, self.branch = moment, branch
        return moment

    def _keep_tip(self) -> None:
        """Keep the world of a branch's end, with its claims: whoever comes back goes on from there."""
        if self.world.claims and self.moment is self.moment.branch.tip and self.moment is not self._root:
            self._note_kept(self.moment)
            self.moment.world, self.world = self.world, self.world.fork(claims=False)

    def _take(self, moment: Moment) -> World:
        """Return a world of this moment that is ours to change."""
        kept = moment.world
        if kept is not None and kept.claims and moment is moment.branch.tip and moment is not self._root:
            moment.world = kept.fork(claims=False)
            return kept  # its last record is still there
        return self._reach(moment, judged=False)

    def _reach(self, moment: Moment, judged: bool) -> World:
        """Return a world of this moment, made again from the nearest one before it that is kept."""
        start = self._judged_before(moment) if judged else None
        judged = start is not None
        way: list[Moment] = []
        here = moment
        while here is not start and (judged or here.world is None):
            way.append(here)
            assert here.parent is not None
            here = here.parent
        assert here.world is not None
        world = here.world.fork(claims=judged)
        world.trace.records = deque(here.records)
        for step in reversed(way):
            self._replay(world, step)
            self._keep_now_and_then(step, world)
        return world

    def _judged_before(self, moment: Moment) -> Moment | None:
        """Return the nearest moment before whose world is kept together with its claims."""
        here: Moment | None = moment
        while here is not None and (here.world is None or not here.world.claims):
            here = here.parent
        return here

    def _replay(self, world: World, moment: Moment) -> None:
        assert moment.event is not None
        world.trace.now = moment.at
        world.trace.records.clear()
        again(world, moment.event, moment.crash, self.clients)
        world.fresh.clear()

    def _keep_now_and_then(self, moment: Moment, world: World) -> None:
        if world.claims and moment.number % JUDGED_EVERY == 0:
            if moment.world is None or not moment.world.claims:
                self._note_kept(moment)
                moment.world = world.fork()
        elif moment.number % EVERY == 0 and moment.world is None:
            self._note_kept(moment)
            moment.world = world.fork(claims=False)

    def _note_kept(self, moment: Moment) -> None:
        """Forget every second world when there are too many; the beginning, and what has claims, stay longest."""
        if moment.world is None:
            self._kept.append(moment)
        if len(self._kept) > MOST_WORLDS:
            for other in self._kept[::2]:
                if other.world is not None and (not other.world.claims or len(self._kept) > 2 * MOST_WORLDS):
                    other.world = None
            self._kept = [other for other in self._kept if other.world is not None]


def _bare(world: World) -> World:
    """Return the world without what was written down: the moments hold that."""
    world.trace.records = deque()
    return world


def _asks(moment: Moment, session: str) -> bool:
    """Say whether this session was asked something right before the moment."""
    event = moment.event
    if event is None or event.kind != "ask":
        return False
    return any(ask.session == session for ask in getattr(event.what, "asks", (event.what,)))


def named(world: World, kind: str, flight: Flight, crash: str | None = None) -> Choice:
    """Return the choice by which a message in flight is delivered, dropped or duplicated: it counts equal messages."""
    copy = 0
    for other in world.flying.values():
        if other.number == flight.number:
            break
        copy += other[1:] == flight[1:]
    return Choice(kind, flight.receiver, flight.sender, flight.message, copy, crash)


def _choice(world: World, moment: Moment) -> Choice | None:
    """Return the choice that led to a moment, in the world right before it; None for a client's birth."""
    event = moment.event
    assert event is not None
    match event.kind:
        case "deliver" | "drop" | "duplicate":
            return named(world, event.kind, world.flying[event.cause], moment.crash)
        case "crash":
            return Choice("crash", event.node, disk=event.what)
        case "start":
            return None
        case _:
            return Choice(event.kind, event.node, event.peer, event.what)
