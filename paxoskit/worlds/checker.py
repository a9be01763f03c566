"""Every choice is tried: `explore` over ordinary classes of nodes, and the shortest story that breaks a claim.

A search says what it covered and what it did not; it never says that a class is right. In what order things are tried:
a few walks with dice, then deep first, then everything, nearest first. With an executor these are parts that run each
by itself, and more walks are among them. A claim that falls is told as a short story.
What makes it fast, and why nothing is missed, is in `search`; who runs the nodes' code is in `interned`.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, NamedTuple

from paxoskit.claims.claim import Violation
from paxoskit.claims.synod import CHAIN, SYNOD, SynodClaim, Words, synod_claims
from paxoskit.protocol.messages import Ask, Put
from paxoskit.protocol.node import Node, title
from paxoskit.protocol.plain import Message, Name
from paxoskit.protocol.synod import Decided, Nack, Promise, Propose
from paxoskit.trace import Event
from paxoskit.worlds.beginnings import story_of
from paxoskit.worlds.choice import DISKS, KEPT, Choice
from paxoskit.worlds.interned import OWN_CODE, Nodes, kept_prints, watched
from paxoskit.worlds.parts import Board, Parcel, gathered
from paxoskit.worlds.search import Bounds, Counts, Enough, Flight, Found, Search
from paxoskit.worlds.shrink import Stage, Told, told
from paxoskit.worlds.story import Story
from paxoskit.worlds.synod import ACCEPTOR, PROPOSER, SERVER, VALUES, place, reference, role_of
from paxoskit.worlds.world import World, check_count

PURE = "a node is a function of its state and of what it hears"
PROGRESS = "an undisturbed proposer gets a value chosen"

WALKS, MORE_WALKS, WALK_LENGTH = 40, 110, 110
"""So many walks, so many more where there are more ballots than two, each of so many messages."""

DEEP_STATES = 500
NEAR_BALLOTS, NEAR_STATES = 2, 5_000
"""Before everything, so many states with so few ballots are tried: most that is wrong shows there, and at once."""

SHORTER_SECONDS, SHORTER_STATES = 60.0, 6_000
"""After a claim fell on a walk, so much is tried to find a shorter story."""

WALK, DEEP, NEAR, BROAD = "walks with dice", "deep first", "everything with few ballots", "everything"
ORDERS = (WALK, DEEP, NEAR, BROAD)
PARTS = (*((WALK, number) for number in range(4)), (DEEP, 0), (NEAR, 0), (BROAD, 0))
"""What an executor runs: which order of trying, and which dice. It is the same for every executor."""

MANY_STATES = 250
"""With more states of nodes than this, it is asked whether some field only grows."""

SAMPLE = 300
"""So many remembered turns are run again, to see whether they come out the same."""

Progress = Callable[[Counts], None]

Fell = tuple[list[Choice], str, str]
"""The choices on which a claim fell, the claim, and why."""

INTERRUPTED = "it was interrupted"


@dataclass(frozen=True)
class Setting:
    """What is searched: how the world begins, its classes, what is asked, and the words of the protocol."""

    begin: Story
    classes: dict[str, type[Node]]
    asks: tuple[tuple[int, Message], ...] = ()
    words: Words = SYNOD
    only: tuple[str, ...] | None = None
    spared: frozenset[Name] = frozenset()
    """Nodes that never crash: those whose class was not given."""

    def claims(self) -> list[SynodClaim]:
        """Return a fresh set of the claims."""
        return synod_claims(self.only, self.words)

    def stage(self) -> Stage:
        """Return where its stories are told."""
        return Stage(self.begin, self.classes, self.claims)

    def choices(self) -> list[Choice]:
        """Return what is asked, as choices."""
        return [Choice("ask", name, what=what) for name, what in self.asks]

    @property
    def roles(self) -> str:
        """Who takes part, in words."""
        acceptors, nodes = self.begin.acceptors, len(self.begin.nodes)
        if self.words is CHAIN:
            return f"{nodes} servers and {len(self.begin.clients)} requests"
        return f"{acceptors} acceptors and {nodes - acceptors} proposers"


@dataclass
class Result:
    """What a search came to.

    `states` of all nodes and the network, `transitions` between them, `handler_calls` of the nodes' own code, `seconds`
    of search; `covered` and `not_covered`, in words (a step: a node hears until it next speaks); `complete`: was all
    within the bounds tried; `violation` and its `story`, None if no claim fell. `warnings` say what else a reader
    should know, `never` what no run did.
    """

    states: int
    transitions: int
    handler_calls: int
    seconds: float
    covered: str
    not_covered: tuple[str, ...]
    complete: bool = False
    violation: Violation | None = None
    story: Story | None = None
    warnings: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    events: tuple[Event, ...] = ()
    setting: Setting | None = field(default=None, repr=False)

    @property
    def ok(self) -> bool:
        """Did no claim fall?"""
        return self.violation is None

    def __str__(self) -> str:
        lines = []
        if self.violation is None:
            lines.append(f"no claim fell in {self.covered}")
        else:
            lines += [f"a claim fell: {self.violation.claim}", f"  {self.violation.reason}"]
            if self.story is not None:
                choices = self.story.choices
                lines += ["", f"the story, {len(choices)} choices:", *(f"  {line}" for line in self.told())]
            lines.append("")
        lines.append(
            f"{self.states:,} states, {self.transitions:,} transitions, {self.handler_calls:,} calls of handlers, "
            f"{self.seconds:.2f} s"
        )
        lines += [f"not covered: {text}" for text in self.not_covered]
        lines += [f"note: {text}" for text in self.warnings]
        lines += [f"note: {text}" for text in self.never]
        return "\n".join(lines)

    def told(self) -> list[str]:
        """Return the events of the story, a sentence each; what is sent to many, once."""
        return told(self.events)

    def classes(self) -> dict[str, type[Node]]:
        """Return the classes by the names that they have in the story: `story.replay(classes=result.classes())`."""
        return dict(self.setting.classes) if self.setting else {}

    def as_json(self) -> dict[str, Any]:
        """Return the result as one object."""
        return {
            "states": self.states, "transitions": self.transitions, "handler_calls": self.handler_calls,
            "seconds": round(self.seconds, 4), "complete": self.complete, "covered": self.covered,
            "not_covered": list(self.not_covered), "warnings": list(self.warnings), "never": list(self.never),
            "violation": None if self.violation is None else {
                "claim": self.violation.claim, "reason": self.violation.reason, "told": self.told(),
            },
            "story": None if self.story is None else self.story.as_json(),
        }  # fmt: skip

    def runs(self, count: int = 5, seed: int = 0) -> list[Story]:
        """Return `count` different runs as stories, drawn with dice: they end in different states, as far as found."""
        check_count("count", count, 1, 1_000)
        if self.setting is None:
            return []
        return _runs(self.setting, count, seed)


def explore(
    what: World | Story | type[Node] | Sequence[type[Node]] | Mapping[str, type[Node]] | None = None, *,
    claims: Iterable[str] | None = None, acceptors: int = 3, proposers: int = 2, ballots: int = 3, crashes: int = 0,
    disks: Sequence[str] = (KEPT,), timers: int | None = None, depth: int | None = None, seconds: float = 60.0,
    states: int = 1_000_000, slots: int = 1, seed: int = 0, progress: Progress | None = None, memory: int = 2_000,
    executor: Executor | None = None,
) -> Result:  # fmt: skip
    """Try every run within the bounds, and return what came of it; the first claim that falls ends the search.

    `what` is a class of acceptors or proposers (the kit's own class plays the other part), both in a list or as
    {"acceptor": …, "proposer": …}, a class of servers, or a `World` or `Story` to go on from; nothing: the kit's own
    acceptor and proposer. `claims`: names of those that judge, all by default. `ballots`, `crashes`, `timers`: how many
    there may be in all, in a run; `disks`: what a crash may leave of a disk. `depth`: how many steps, `seconds`,
    `states` and `memory` (in MB, as `Search.bytes` estimates it): how long, how many, how much. `progress` is called
    now and then with what was counted so far. Ctrl-C ends it with what was found.

    With an `executor` (of concurrent.futures, whichever) parts of the search run there: four times the walks, each with
    dice of its own; deep first; everything with two ballots; everything. The last is one part: most ways lead to the
    same states, and to share them out costs more than it gains. The first part, in this order, in which a claim falls
    gives the story, whatever a later one found first: so the same arguments give the same story with any executor (it
    may be another than without one, whose parts go on from one another). A process must be able to load the classes.

    >>> print(explore(ballots=1).covered)
    all runs of 3 acceptors and 2 proposers with at most 1 ballots in all

    Raises ValueError, in one line, for arguments that say nothing to explore.
    """
    bounds = bounds_of(ballots, crashes, disks, timers, depth, seconds, states, memory)
    check_count("slots", slots, 1, 5)
    if type(seed) not in (int, str):
        raise ValueError(f"seed: expected a whole number, got {seed!r}")
    chosen = None if claims is None else tuple(claims)
    if chosen == ():
        raise ValueError("claims: expected the names of some, got none; leave it out for all of them")
    setting = setting_of(what, acceptors, proposers, slots, chosen)
    synod_claims(chosen, setting.words)
    if setting.words is CHAIN and timers is None:
        bounds = replace(bounds, timers=ballots)
    if executor is not None:
        return _in_parts(setting, bounds, seed, progress, executor)
    return Explorer(setting, bounds, seed, progress).run()


def bounds_of(
    ballots: int, crashes: int, disks: Sequence[str], timers: int | None, depth: int | None, seconds: float,
    states: int, memory: int,
) -> Bounds:  # fmt: skip
    """Return the bounds of a search. Raises ValueError, in one line, for what is none."""
    check_count("ballots", ballots, 1, 99)
    check_count("crashes", crashes, 0, 99)
    for name, number in (("timers", timers), ("depth", depth)):
        if number is not None:
            check_count(name, number, 0, 1_000_000)
    if type(seconds) not in (int, float) or not 0 < seconds <= 86_400:
        raise ValueError(f"seconds: expected more than 0 and at most 86400, got {seconds!r}")
    wrong = [disk for disk in disks if disk not in DISKS] if isinstance(disks, (list, tuple)) else [disks]
    if wrong or (crashes and not disks):
        raise ValueError(f"disks: expected some of {', '.join(DISKS)}, got {wrong[0] if wrong else disks!r}")
    check_count("states", states, 1, 100_000_000)
    check_count("memory", memory, 1, 1_000_000)
    return Bounds(ballots, crashes, timers, depth, float(seconds), states, tuple(disks), memory=memory)


# What is explored --------------------------------------------------------------------------------------------


def setting_of(what: Any, acceptors: int, proposers: int, slots: int, claims: tuple[str, ...] | None) -> Setting:
    if isinstance(what, World):
        what, classes = story_of(what)
        return _from_story(what, classes, claims)
    if isinstance(what, Story):
        return _from_story(what, {}, claims)
    roles = _roles(what)
    if SERVER in roles:
        return _servers(roles[SERVER], check_count("acceptors", acceptors, 1, 9), slots, claims)
    check_count("acceptors", acceptors, 1, 9)
    check_count("proposers", proposers, 1, len(VALUES))
    names = {cls: place(cls) for cls in roles.values()}
    nodes = (names[roles[ACCEPTOR]],) * acceptors + (names[roles[PROPOSER]],) * proposers
    begin = Story(nodes=nodes, clients=(), acceptors=acceptors, claims="synod")
    given = set(_given(what).values()) or set(roles.values())
    spared = frozenset(number for number, name in enumerate(nodes, 1) if name not in {names[cls] for cls in given})
    asks = tuple((acceptors + 1 + number, Propose(VALUES[number])) for number in range(proposers))
    return Setting(begin, {name: cls for cls, name in names.items()}, asks, SYNOD, claims, spared)


def _given(what: Any) -> dict[str, type[Node]]:
    given: dict[str, type[Node]] = {}
    if isinstance(what, Mapping):
        for role, cls in what.items():
            if role not in (ACCEPTOR, PROPOSER, SERVER):
                raise ValueError(f"expected the roles acceptor, proposer or server, got {role!r}")
            if role_of(cls) != role:
                raise ValueError(f"{cls.__name__} is no {role}: its handlers are those of a {role_of(cls)}")
            given[role] = cls
    elif what is not None:
        for cls in what if isinstance(what, (list, tuple)) else [what]:
            role = role_of(cls)
            if role in given:
                raise ValueError(f"expected one class for each role, got two {role}s: {given[role].__name__}, "
                                 f"{cls.__name__}")  # fmt: skip
            given[role] = cls
    if SERVER in given and len(given) > 1:
        raise ValueError("expected a class of servers alone, or acceptors and proposers")
    return given


def _roles(what: Any) -> dict[str, type[Node]]:
    given = _given(what)
    if SERVER in given:
        return given
    return {role: given.get(role) or reference(role) for role in (ACCEPTOR, PROPOSER)}


def _servers(cls: type[Node], servers: int, slots: int, claims: tuple[str, ...] | None) -> Setting:
    check_count("slots", slots, 1, 5)
    begin = Story(nodes=(place(cls),) * servers, clients=((1,),) * slots, choices=tuple(
        Choice("ask", f"client {number}", what=Ask(f"client {number}/1.1", Put("'x'", str(number))))
        for number in range(1, slots + 1)
    ))  # fmt: skip
    return Setting(begin, {place(cls): cls}, (), CHAIN, claims)


def _from_story(story: Story, classes: dict[str, type[Node]], claims: tuple[str, ...] | None) -> Setting:
    synod = bool(story.acceptors)
    asked = {choice.node for choice in story.choices if choice.kind == "ask"}
    asks = tuple(
        (name, Propose(VALUES[number]))
        for number, name in enumerate(range(story.acceptors + 1, len(story.nodes) + 1))
        if synod and name not in asked
    )
    return Setting(story, classes, asks, SYNOD if synod else CHAIN, claims)


# The search --------------------------------------------------------------------------------------------------


class Explorer:
    """One call of `explore`, or one part of it: with only some of the `orders` of trying."""

    def __init__(
        self, setting: Setting, bounds: Bounds, seed: int | str = 0, progress: Progress | None = None,
        orders: Sequence[str] = ORDERS,
    ) -> None:  # fmt: skip
        self.setting, self.bounds, self.seed = setting, bounds, seed
        self.progress, self.orders = progress, orders
        self.seconds = 0.0
        self.stopped = ""  # why it ended before all was tried
        self.walks = 0
        self.broadly = False  # is all being tried, nearest first?
        self.warnings: list[str] = []
        self.aside: tuple[str, ...] = ()
        self.calls = 0
        self.search: Search | None = None
        self.runner: Nodes | None = None

    def run(self) -> Result:
        """Search, and say what came of it."""
        collecting = gc.isenabled()
        gc.disable()  # a search makes many objects that live long, and no cycles
        self.started = time.perf_counter()
        try:
            with kept_prints():
                return self.result(self._found(), time.perf_counter() - self.started)
        finally:
            if collecting:
                gc.enable()

    def _found(self) -> Fell | None:
        """Search; return the choices that break a claim, the claim, and why."""
        while True:
            found = None
            try:
                if (found := self.begin()) is not None:
                    return found
                found = self._orders()
                if self._told_apart():
                    return self._pure(found)
            except _Grows as grows:
                self._grew(grows.field)
            except KeyboardInterrupt:
                self.stopped = INTERRUPTED
                return found

    def _told_apart(self) -> bool:
        """Say whether what was left out of the states made no difference; if it did, get ready to try again."""
        assert self.runner is not None
        if not self.aside or not self.runner.aside_matters(SAMPLE):
            return True
        self.aside = ()
        self.bounds = replace(self.bounds, once=True)
        self.warnings.pop()
        self.warnings.append("its state grows with each message, so each message is delivered at most once")
        return False

    def _pure(self, found: Fell | None) -> Fell | None:
        """Return what was found, or that the class is no function of its state and of what it hears."""
        assert self.runner is not None
        if found is None or found[1] not in (OWN_CODE, PURE):
            impure = self.runner.impure(SAMPLE)
            if impure:
                return [], PURE, impure
        return found

    def begin(self) -> Fell | None:
        """Make the world in which the search begins; return what its nodes' code did wrong already."""
        with watched() as watch:
            self.world = self.setting.begin.replay(classes=self.setting.classes)
        if watch.error:
            return [], OWN_CODE, watch.error
        world = self.world
        for server in world.servers:
            if not world.is_up(server):
                raise ValueError(f"expected a world in which every server is up; {title(server)} is down: restart it")
        flights = [Flight(*flight[1:]) for flight in world.flying.values()]
        flights += [Flight(None, name, what) for name, what in self.setting.asks]
        timers: dict[Name, list[Message]] = {}
        for name, message in world.timers:
            timers.setdefault(name, []).append(message)
        claims = self.setting.claims()
        words = self.setting.words
        for claim in claims:  # what happened before counts: what was said, and whom each node heard
            claim.start(world)
            for event in world.trace:
                if claim.hears(event.kind, type(event.what)) and (fallen := claim.see(event)) is not None:
                    return [], fallen.claim, fallen.reason
        flights += [
            Flight(event.node, None, event.what) for event in world.trace
            if event.kind in ("send", "announce", "ask")
            and any(claim.hears(event.kind, type(event.what)) for claim in claims)
        ]  # fmt: skip
        ballots = frozenset(
            event.what.ballot for event in world.trace
            if event.kind == "send" and type(event.what) in (words.prepare, words.accept)
        )  # fmt: skip
        if self.runner is not None:
            self.calls += self.runner.calls
        self.runner = Nodes(world.nodes, world.disk_for_lost, self.aside)
        try:
            self.search = Search(
                self.runner, world.servers, flights, timers, claims, words, self.bounds, ballots, world.clients,
                self.setting.spared, self._check_growth,
            )  # fmt: skip
        except Found as found:
            return [], found.claim, found.fault.says
        self.search.pulse = self._look
        return None

    def _orders(self) -> Fell | None:
        """Walk, go deep, try everything."""
        search = self.search
        assert search is not None
        try:
            if WALK in self.orders and (fell := self._walks(search)) is not None:
                return fell
            if DEEP in self.orders:
                search.deep(DEEP_STATES)
            if NEAR in self.orders:
                self._near(search)
            if BROAD in self.orders:
                self.broadly = True
                search.broad(self._look)
        except Found as found:
            return self.choices(search, found), found.claim, found.fault.says
        except Enough as enough:
            self.stopped = str(enough)
        return None

    def _walks(self, search: Search) -> Fell | None:
        """Walk with dice, and let each proposer run undisturbed once."""
        assert self.runner is not None
        dice = Random(self.seed)
        self._walk(search, dice, WALKS)
        if impure := self.runner.impure(SAMPLE // 3):
            return [], PURE, impure
        if self.setting.words is SYNOD and (stuck := _undisturbed(self.setting)) is not None:
            return stuck
        if (self.bounds.ballots or 0) > NEAR_BALLOTS:
            self._walk(search, dice, MORE_WALKS)
        return None

    def _walk(self, search: Search, dice: Random, count: int) -> None:
        for number in range(count):
            search.check_time()
            self.walks += 1
            search.walk(dice, WALK_LENGTH, in_turn=number % 4 > 0)

    def _near(self, search: Search) -> None:
        """Try everything with two ballots first."""
        bounds = self.bounds
        if self.setting.words is not SYNOD or (bounds.ballots or 0) <= NEAR_BALLOTS:
            return
        search.bounds = replace(bounds, ballots=NEAR_BALLOTS, states=min(NEAR_STATES, bounds.states))
        try:
            search.broad(self._look)
        except Enough:
            search.check_time()
        finally:
            search.bounds = bounds
            search.counts.truncated.clear()

    def _look(self, counts: Counts) -> None:
        if self.progress is not None:
            self.progress(counts)

    def _check_growth(self) -> None:
        """Raise _Grows for a field that makes ever new states."""
        assert self.runner is not None
        if not self.bounds.once and len(self.runner.kept) > MANY_STATES and (field := self.runner.growing()):
            raise _Grows(field)

    def _grew(self, name: str) -> None:
        """Go on without the field that grows; if one was left out already, deliver each message once."""
        if name and not self.aside:
            self.aside = (name,)
            self.warnings.append(
                f"self.{name} only grows, and a search of all states would never end: it was left out of what tells "
                "two states apart. In a sample of turns it made no difference"
            )
            return
        self.aside = ()
        self.bounds = replace(self.bounds, once=True)
        self.warnings = [f"self.{name} only grows, so each message is delivered at most once"]

    def choices(self, search: Search, found: Found) -> list[Choice]:
        return [*search.choices(found.trail, found.node, found.way)]

    # What came of it ---------------------------------------------------------------------------------------

    def result(self, found: Fell | None, seconds: float) -> Result:
        search, setting = self.search, self.setting
        counts = search.counts if search else Counts(0)
        result = Result(
            counts.states, counts.transitions, self.calls + (self.runner.calls if self.runner else 0), seconds,
            "", (), warnings=tuple(self.warnings), setting=setting,
        )  # fmt: skip
        if found is not None:
            self.stopped = "a claim fell" if found[1] not in (PURE, OWN_CODE) else "the code of a node failed"
        result.complete = not self.stopped and not counts.truncated_ways
        result.covered = self._covered(counts)
        stopped = [_stopped(self.stopped)] if self.stopped else []
        result.not_covered = (*stopped, *self._left_out(counts))
        if found is not None:
            self._tell(result, *found)
        elif search is not None:
            result.never = tuple(_never(search))
        return result

    def _tell(self, result: Result, choices: list[Choice], claim: str, says: str) -> None:
        stage = self.setting.stage()
        shortest = stage.shrunk(choices) if choices and claim != PROGRESS else None
        if shortest is None:
            result.violation = Violation(claim, says, ())
            with watched() as watch:
                done, world, _ = stage.tell(choices)
            result.story = stage.story([] if watch.error else done, result.violation)
            result.events = () if watch.error else tuple(_from(world, self.setting.begin))
            return
        if not stage.cut_short:
            shortest = self._shorter(shortest, stage) or shortest
        done, world, violation = shortest
        result.violation, result.story = violation, stage.story(done, violation)
        result.events = tuple(_from(world, self.setting.begin))
        if stage.cut_short:
            result.warnings += ("it was interrupted while the story was being shortened: a shorter one may exist",)

    def show(self, result: Result, choices: list[Choice]) -> None:
        """Put a story in which no claim falls into the result."""
        done, world, _ = self.setting.stage().tell(choices)
        result.story = self.setting.stage().story(done)
        result.events = tuple(_from(world, self.setting.begin))

    def _shorter(self, known: Told, stage: Stage) -> Told | None:
        """Look nearest first for a shorter story, with no more ballots than the known one has."""
        search, (done, world, violation) = self.search, known
        if search is None or violation.claim == OWN_CODE:
            return None
        words = self.setting.words
        ballots = {event.what.ballot for event in world.trace
                   if event.kind == "send" and type(event.what) in (words.prepare, words.accept)}  # fmt: skip
        search.watch = search.pulse = None
        search.bounds = replace(self.bounds, ballots=len(ballots), seconds=SHORTER_SECONDS, states=SHORTER_STATES)
        search.started = time.perf_counter()
        try:
            search.broad()
        except Found as found:
            again = stage.shrunk(self.choices(search, found))
            if again is not None and len(again[0]) < len(done):
                return again
        except Enough:
            pass
        except KeyboardInterrupt:
            stage.cut_short = True
        return None

    def _covered(self, counts: Counts) -> str:
        head = self._head(counts)
        return f"{head}: {', '.join([_walks(self.walks), *self._tried(counts)])}" if self.stopped else head

    def _head(self, counts: Counts) -> str:
        """Say what was to be covered."""
        bounds = self.bounds
        parts = [f"{bounds.ballots} ballots"]
        parts += [f"{bounds.timers} timers"] if bounds.timers is not None else []
        parts += [f"{bounds.crashes} crashes ({', '.join(bounds.disks)})"] if bounds.crashes else []
        whole = "some of the" if self.stopped or counts.truncated_ways else "all"
        text = f"{whole} runs of {self.setting.roles} with at most {', '.join(parts)} in all"
        text += f", of at most {bounds.depth} steps" if bounds.depth is not None else ""
        return text + (", each message delivered at most once" if bounds.once else "")

    def _tried(self, counts: Counts) -> list[str]:
        """Say what was tried before the search stopped, but for the walks."""
        parts = []
        if self.broadly and self.search is not None:
            parts.append(f"{counts.states:,} states, nearest first")
            if counts.depth and not counts.truncated_ways and self.search.forgot_nothing(again=False):
                parts.append(f"among them all that at most {counts.depth} steps lead to")
        return parts

    def _left_out(self, counts: Counts) -> list[str]:
        bounds = self.bounds
        numbers = {"more ballots": bounds.ballots, "more timers": bounds.timers, "more crashes": bounds.crashes}
        left = sorted(f"{text} than {numbers[text]}" if text in numbers else text for text in counts.truncated)
        if not self.bounds.crashes:
            left.append("crashes and restarts")
        if self.bounds.timers == 0:
            left.append("timers")
        if self.bounds.once:
            left.append("a message that is delivered twice")
        return left


# The search in parts -----------------------------------------------------------------------------------------


class _Part(NamedTuple):
    """What a part of a search came to: its result, what was to be covered, and what was tried."""

    result: Result
    head: str
    walks: int
    tried: list[str]


def _in_parts(
    setting: Setting, bounds: Bounds, seed: int, progress: Progress | None, executor: Executor
) -> Result:  # fmt: skip
    """Search in parts, over an executor; return the result of the first that found something, or of all together."""
    started = time.perf_counter()
    rest = (setting.begin, setting.asks, setting.words is CHAIN, setting.only, setting.spared, bounds)
    parcel = Parcel(setting.classes, rest)
    parts = [(parcel, number, order, f"{seed}/{dice}" if dice else seed) for number, (order, dice) in enumerate(PARTS)]

    def look(board: Board) -> None:
        if progress is not None:
            counted = [counts for number in range(len(PARTS)) if (counts := board.counted(number))]
            states, transitions, depth = zip(*counted) if counted else ((0,), (0,), (0,))
            progress(Counts(sum(states), sum(transitions), max(depth)))

    with kept_prints():
        found, interrupted = gathered(executor, _one_part, parts, lambda part: not part.result.ok, look)
    return _together(Explorer(setting, bounds), found, interrupted, time.perf_counter() - started)


def _one_part(parcel: Parcel, number: int, order: str, seed: int | str, folder: str) -> _Part:
    """Run one part of a search, wherever this is."""
    classes, (begin, asks, chain, only, spared, bounds) = parcel.open()
    board = Board(folder)

    def look(counts: Counts) -> None:
        if not board.tell(number, (counts.states, counts.transitions, counts.depth)):
            raise Enough("the search in another part ended it")

    setting = Setting(begin, classes, asks, CHAIN if chain else SYNOD, only, spared)
    explorer = Explorer(setting, bounds, seed, look, (order,))
    result = explorer.run()
    result.setting = None  # whoever asked has one, with the classes themselves
    counts = explorer.search.counts if explorer.search else Counts(0)
    return _Part(result, explorer._head(counts), explorer.walks, explorer._tried(counts))


def _together(explorer: Explorer, found: Sequence[_Part], interrupted: bool, seconds: float) -> Result:
    """Return the result of a search whose parts came to this."""
    if not found:
        explorer.stopped = INTERRUPTED
        return explorer.result(None, seconds)
    result = found[-1].result  # the part that found something, or the one that tried everything
    results = [part.result for part in found]
    result.setting, result.seconds = explorer.setting, seconds
    result.transitions = sum(one.transitions for one in results)
    result.handler_calls = sum(one.handler_calls for one in results)
    result.warnings = tuple(dict.fromkeys(warning for one in results for warning in one.warnings))
    result.never = tuple(text for text in result.never if all(text in one.never for one in results))
    if interrupted and result.ok:
        result.complete = False
        result.not_covered = (_stopped(INTERRUPTED), *(text for text in result.not_covered if _stopped("") not in text))
    if not result.complete:
        walks = sum(part.walks for part in found)
        result.covered = f"{found[-1].head}: {', '.join([_walks(walks), *found[-1].tried])}"
    return result


def _stopped(why: str) -> str:
    return f"the search stopped: {why}"


def _walks(count: int) -> str:
    return "one walk with dice" if count == 1 else f"{count:,} walks with dice"


class _Grows(Exception):
    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


def _from(world: World, begin: Story) -> list[Event]:
    """Return the events of a world since the beginning of the story."""
    births = sum(1 for event in world.trace if event.kind == "start")
    events = list(world.trace)
    return [event for event in events if event.kind != "start"] if births and not begin.choices else events


def _never(search: Search) -> list[str]:
    """Say what no run did."""
    kinds = {type(flight.message) for flight in search.flights}
    words, never = search.words, []
    if search.most_ballots() < 2:
        never.append("no run had two competing ballots")
    if words.accepted not in kinds:
        never.append("in no run anybody voted")
    if words.decided not in search.kinds_seen:
        never.append("in no run anybody said that a value is decided")
    if words is SYNOD:
        if Nack not in kinds:
            never.append("in no run an acceptor refused a ballot (Nack)")
        if not any(type(flight.message) is Promise and flight.message.vote for flight in search.flights):
            never.append("in no run a promise reported a vote")
    return never


# One run without trouble -------------------------------------------------------------------------------------

CALM_STEPS, CALM_TIMERS = 500, 5


def _undisturbed(setting: Setting) -> tuple[list[Choice], str, str] | None:
    """Let one proposer after the other run alone, nothing lost; each must get a majority of votes in its own ballot."""
    stage = setting.stage()
    world, done = setting.begin.replay(classes=setting.classes), list[Choice]()
    votes: dict[Any, set[Name]] = {}
    majority = setting.begin.acceptors // 2 + 1
    for name, what in setting.asks:
        steps, rings = 0, 0
        choice: Choice | None = Choice("ask", name, what=what)
        while choice is not None and steps < CALM_STEPS and rings <= CALM_TIMERS:
            violation = stage._happen(world, choice, done)
            if violation is not None:
                return done, violation.claim, violation.reason
            steps, rings = steps + 1, rings + (choice.kind == "fire")
            for event in world.trace.since(world.trace.records[-1][0] - 1):
                if event.kind == "send" and type(event.what) is setting.words.accepted:
                    votes.setdefault((event.peer, event.what), set()).add(event.node)
            if any(proposer == name and len(who) >= majority for (proposer, _), who in votes.items()):
                break
            choice = _next(world, name)
        else:
            return done, PROGRESS, (
                f"proposer {name} was asked to propose {what.value!r}, nothing was lost and nobody disturbed it, and "  # type: ignore[attr-defined]
                f"after {steps} steps no majority had voted for a proposal of its own"
            )
        while (rest := _next(world, None)) is not None and len(done) < CALM_STEPS:
            stage._happen(world, rest, done)
    return None


def _next(world: World, name: Name | None) -> Choice | None:
    """Return the oldest message in flight; with none, a timer of `name`, if one is given."""
    for flight in world.flying.values():
        return Choice("deliver", flight.receiver, flight.sender, flight.message)
    for node, message in world.timers:
        if node == name:
            return Choice("fire", node, what=message)
    return None


def _runs(setting: Setting, count: int, seed: int) -> list[Story]:
    explorer = Explorer(setting, Bounds(), seed)
    if explorer.begin() is not None or explorer.search is None:
        return []
    search, stage, dice = explorer.search, setting.stage(), Random(seed)
    found: dict[Any, Story] = {}
    for _ in range(50 * count):
        try:
            trail = search.walk(dice, WALK_LENGTH)
        except Found as fallen:
            trail = fallen.trail
        done, world, violation = stage.tell(search.choices(trail))
        ending = tuple(event.what for event in world.trace if type(event.what) in (Decided, setting.words.accepted))
        found.setdefault(ending, stage.story(done, violation))
        if len(found) >= count:
            break
    return list(found.values())[:count]
