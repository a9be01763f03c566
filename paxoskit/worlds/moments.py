"""The tree that a world leaves behind when somebody steps it: moments, in branches. Nothing is ever overwritten."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator

from paxoskit.claims.claim import Violation
from paxoskit.protocol.node import Announce, Effect, Send
from paxoskit.trace import Event, Record, Trace, sentence
from paxoskit.worlds.choice import AFTER, BEFORE
from paxoskit.worlds.world import World

QUIET = frozenset({"Heartbeat", "HeartbeatHeard", "HeartbeatTimeout", "ElectionTimeout", "RetryTimeout"})
"""Names of messages that only say that time goes by: they are stepped over, unless something follows from one."""

DECISIONS = frozenset({"Applied", "Decided", "Chosen", "Learned"})
"""Names of the facts by which a node tells that something is decided."""


class Moment:
    """What stands between two choices. `number` counts the choices before it; `event` is the last of them."""

    __slots__ = ("at", "branch", "by_hand", "count", "crash", "event", "fallen", "number", "parent", "records", "world")

    def __init__(self, branch: Branch, parent: Moment | None, records: tuple[Record, ...], count: int) -> None:
        self.branch = branch
        self.parent = parent
        self.number: int = 0 if parent is None else parent.number + 1
        self.records = records
        self.count = count  # the number of the last event before this moment
        self.at = records[-1][1] if records else 0.0
        self.event: Event | None = tuple.__new__(Event, records[0][:7]) if records else None
        self.crash = crash_of(records)
        self.by_hand = False  # did somebody choose it who could have stepped? Then it is a step of its own, to go back
        self.fallen: tuple[Violation, ...] = ()
        self.world: World | None = None  # kept now and then

    @property
    def quiet(self) -> bool:
        """Say whether only time went by: a heartbeat or a timer, from which nothing else followed."""
        event = self.event
        if event is None or event.kind in ("ask", "crash", "restart", "cut", "mend", "start"):
            return False
        if self.by_hand or self.crash:
            return False
        return type(event.what).__name__ in QUIET and not any(_is_loud(effect, event) for effect in _effects(self))

    @property
    def decides(self) -> set[int]:
        """The heights of the blocks (0 for a decision without one) that some node learned to be decided here."""
        facts = [effect.fact for effect in _effects(self) if type(effect) is Announce]
        return {getattr(fact, "height", 0) for fact in facts if type(fact).__name__ in DECISIONS}

    def events(self) -> list[Event]:
        """Return what happened between the moment before and this one."""
        trace = Trace()
        trace.records.extend(self.records)
        return list(trace)

    def __str__(self) -> str:
        if self.event is None:
            return "the beginning"
        ending = f", and crashes {self.crash} its save" if self.crash else ""
        return sentence(self.event) + ending


def crash_of(records: tuple[Record, ...]) -> str | None:
    """Return whether a delivery crashed its server before its save or after it; None if it did not."""
    if len(records) < 2:
        return None
    return BEFORE if BEFORE in records[-1][5] else AFTER


def _effects(moment: Moment) -> Iterator[Effect]:
    for record in moment.records:
        yield from record[8]


def _is_loud(effect: Effect, event: Event) -> bool:
    if type(effect) is Send:
        return effect.to != event.node and type(effect.message).__name__ not in QUIET
    return type(effect) is Announce


class Branch:
    """A line of moments that leaves another branch after the moment `base`; the first branch has none."""

    def __init__(self, number: int, name: str, base: Moment | None) -> None:
        self.number = number
        self.name = name
        self.base = base
        self.moments: list[Moment] = []
        self.judged: bool | None = None  # do the claims judge what is chosen here? None: nobody chose anything yet
        self.due: dict[int, float] = {}  # when what began in this branch is due, by its number

    @property
    def parent(self) -> Branch | None:
        """The branch that this one leaves."""
        return None if self.base is None else self.base.branch

    @property
    def first(self) -> int:
        """The number of the first moment that is the branch's own."""
        return 0 if self.base is None else self.base.number + 1

    @property
    def tip(self) -> Moment:
        """The last moment."""
        if self.moments:
            return self.moments[-1]
        assert self.base is not None
        return self.base

    def moment(self, number: int) -> Moment:
        """Return the moment with this number on the way from the beginning to the tip."""
        branch = self
        while number < branch.first:
            assert branch.parent is not None
            branch = branch.parent
        return branch.moments[number - branch.first]

    def when(self, number: int) -> float | None:
        """Return when the message or timer that event `number` began is due; None if nobody said."""
        branch = self
        while branch.base is not None and number <= branch.base.count:
            branch = branch.base.branch
        return branch.due.get(number)

    def after(self, event: int) -> Moment:
        """Return the moment right after the choice that event `event` is, or follows from.

        Raises ValueError for an event that is not on this branch.
        """
        branch = self
        if not 1 <= event <= self.tip.count:
            raise ValueError(f"there is no event {event} on {self.name}: expected 1 to {self.tip.count}")
        while branch.base is not None and event <= branch.base.count:
            branch = branch.base.branch
        place = bisect_left(branch.moments, event, key=lambda moment: moment.count)
        if branch.base is None and place == 0:
            raise ValueError(f"event {event} is older than the first moment that can be reached")
        return branch.moments[place]


def grouped(records: Iterable[Record]) -> Iterator[tuple[Record, ...]]:
    """Yield each choice's record; a delivery that crashed its server comes with the crash."""
    before: Record | None = None
    for record in records:
        if record[2] == "crash" and str(record[5]).endswith("the save") and before is not None:
            yield before, record
            before = None
            continue
        if before is not None:
            yield (before,)
        before = record
    if before is not None:
        yield (before,)
