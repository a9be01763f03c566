"""Is a history linearizable? The verdict, with a witness or with the operation that cannot be placed.

A history is linearizable (Herlihy and Wing, 1990) if each operation can be placed at one moment between its beginning
and its end, so that one store, doing them one after the other, gives the same answers. That holds for a history
exactly when it holds for each key by itself (theorem 1 there), so each key is judged by itself. Where all that is
written to it differs, its answers tell what came before them, and `segments` finds out without trying orders. Any other
key is searched, by two searches that take turns: `just_in_time` carries all possible states along, `wing_gong` tries
order after order. The first to know wins. They are good at different histories: where one needs hours, the other often
needs milliseconds.

Before a history is called legal, the order that was found is checked by `witness`, which shares no code with them.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from paxoskit.claims.linearizable.history import (
    READS,
    History,
    HistoryError,
    Operation,
    canonical,
    caused,
    history_of,
    history_of_lines,
    place,
    read_history,
    shown,
)
from paxoskit.claims.linearizable.just_in_time import JustInTime
from paxoskit.claims.linearizable.model import Model
from paxoskit.claims.linearizable.segments import Segments
from paxoskit.claims.linearizable.wing_gong import Found, WingGong
from paxoskit.claims.linearizable.witness import fault

__all__ = [
    "History", "HistoryError", "Operation", "Verdict", "caused", "history_of", "history_of_lines", "linearizable",
    "read_history",
]  # fmt: skip

STEPS = 2_000_000
"""So many steps, all searches and all keys together, are tried before a history is left undecided."""

TURN = 2_000
"""So many steps a search makes in its turn."""

SEARCHES = (JustInTime, WingGong)


@dataclass(frozen=True, eq=False)
class Verdict:
    """What is known of a history: `ok` is True for linearizable, False for not, None for undecided.

    If it is: `order` is a witness, all operations in an order in which one store gives the same answers. If it is not:
    `stuck` is the operation at whose end no order was left, and `prefix` the longest beginning of the history of its
    key that is linearizable. `steps` of the searches, `milliseconds` of both and of the witness's check.

    >>> history = History([Operation(0, "write", "x", 1, 1, 2), Operation(1, "read", "x", None, 3, 4, None)])
    >>> verdict = linearizable(history)
    >>> verdict.ok, verdict.stuck is history.operations[1]
    (False, True)
    >>> print(verdict.why)
    process 1: read x → null (time 3 to 4): nobody wrote null, and process 0: write 1 to x (time 1 to 2) had ended \
before it began; 1 would have been right
    """

    history: History
    ok: bool | None
    order: tuple[Operation, ...] = ()
    stuck: Operation | None = None
    found_by: str = ""
    steps: int = 0
    milliseconds: float = field(default=0.0, compare=False)

    def __bool__(self) -> bool:
        return self.ok is True

    @property
    def word(self) -> str:
        """The verdict in a word."""
        return {True: "legal", False: "illegal", None: "undecided"}[self.ok]

    @cached_property
    def prefix(self) -> History:
        """The longest legal beginning: of the key that is at fault, or all of a legal history."""
        if self.stuck is None:
            return self.history
        return History(self.history.by_key[canonical(self.stuck.key)], self.history.unit).until(self.stuck)

    @cached_property
    def why(self) -> str:
        """What is wrong, in a sentence; "" if nothing is."""
        if self.ok is None:
            return f"neither search came to an end within {self.steps:,} steps"
        if self.stuck is None:
            return ""
        right = _right_answers(self.prefix, self.stuck)
        would = f"; {' or '.join(map(shown, right))} would have been right" if right else ""
        return f"{self.at(self.stuck)}: {self._reason()}{would}"

    def at(self, operation: Operation) -> str:
        """Return an operation in words, with its place in the history."""
        end = f" to {place(operation.completed)}" if operation.completed is not None else ""
        return f"{operation} ({self.history.unit} {place(operation.invoked)}{end})"

    def _reason(self) -> str:
        stuck = self.stuck
        assert stuck is not None
        others = [each for each in self.prefix if each.f not in READS and each.outcome != "fail"]
        value = stuck.result if stuck.f in READS else stuck.value[0] if stuck.f == "cas" else None
        if stuck.f not in (*READS, "cas") or any(each.f == "append" for each in others):
            return "no order of the operations on this key explains the answers up to here"
        givers = [each for each in others if canonical(_given(each)) == canonical(value)]
        before = [each for each in others if each.outcome == "ok" and _precedes(each, stuck)]
        if not givers and not (value is None or (stuck.f == "get" and value == "")):
            return f"nobody wrote {shown(value)} before it ended"
        if not givers and before:
            return f"nobody wrote {shown(value)}, and {self.at(before[-1])} had ended before it began"
        over = [_overwritten(giver, before) for giver in givers]
        if givers and all(over):
            last = next(later for later in reversed(over) if later is not None)
            return f"{shown(value)} had been overwritten: {self.at(last)} came after {self.at(givers[-1])}"
        return f"no order of the operations that explains the other answers leaves {shown(value)} here"


def _given(operation: Operation) -> Any:
    return operation.value[1] if operation.f == "cas" else operation.value


def _precedes(earlier: Operation, later: Operation) -> bool:
    return earlier.completed is not None and earlier.completed < later.invoked


def _overwritten(giver: Operation, before: list[Operation]) -> Operation | None:
    """Return an operation that certainly came after `giver` and left another value."""
    if giver.outcome != "ok":
        return None
    other = [each for each in before if _precedes(giver, each) and canonical(_given(each)) != canonical(_given(giver))]
    return other[-1] if other else None


MOST_ANSWERS, EASY = 8, 3_000
"""So many other answers are tried, each with so many steps, to say what would have been right."""


def _right_answers(prefix: History, stuck: Operation) -> list[Any]:
    """Return answers, of those that the key's values suggest, that would have been right for a read."""
    if stuck.f not in READS:
        return []
    values: dict[str, Any] = {}
    for each in prefix:
        if each.invoked <= (stuck.completed or 0) and each.outcome != "fail":
            value = each.result if each.f in READS else None if each.f == "append" else _given(each)
            values.pop(canonical(value), None)
            values[canonical(value)] = value
    values.pop(canonical(stuck.result), None)
    rest = [each for each in prefix if not (each.process == stuck.process and each.invoked == stuck.invoked)]
    right = []
    for value in [*values.values()][-MOST_ANSWERS:]:
        told = History([*rest, replace(stuck, result=value)])
        if linearizable(told, EASY).ok:
            right.append(value)
    return right


def linearizable(history: History | Iterable[Operation], steps: int = STEPS) -> Verdict:
    """Judge a history: is it linearizable?

    >>> put, get = Operation("a", "put", "x", 7, 1, 4), Operation("b", "get", "x", None, 2, 3, 7)
    >>> linearizable([get, put]).order == (put, get)
    True

    After `steps` steps the verdict is undecided. Raises HistoryError for operations that make no history.
    """
    if not isinstance(history, History):
        history = History(history)
    start = time.perf_counter()
    race = _Race(history, steps)
    ok, stuck, found_by = race.run()
    order = _one_order(race.orders) if ok else ()
    if ok and (wrong := fault(history, order)):
        raise AssertionError(f"the search {found_by} found an order that is none, please report it: {wrong}")
    milliseconds = 1_000 * (time.perf_counter() - start)
    return Verdict(history, ok, order, stuck, found_by, race.steps, milliseconds)


class _Race:
    """Searches of all keys, taking turns; the smallest keys first."""

    def __init__(self, history: History, most: int) -> None:
        self.most, self.steps = most, 0
        self.orders: list[tuple[Operation, ...]] = []
        self.keys = sorted(history.by_key.values(), key=len)

    def run(self) -> tuple[bool | None, Operation | None, str]:
        """Return the verdict, the operation that cannot be placed, and the search that found out."""
        open_keys = [self._searches(operations) for operations in self.keys]
        found_by = ""
        while open_keys:
            still_open = []
            for searches in open_keys:
                found = self._turn(searches)
                if found is None:
                    still_open.append(searches)
                    continue
                found_by = found[1]
                if found[0].order is None:
                    assert found[0].stuck is not None
                    return False, found[0].stuck.operation, found_by
                self.orders.append(tuple(step.operation for step in found[0].order))
            open_keys = still_open
            if open_keys and self.steps >= self.most:
                return None, None, ""
        return True, None, found_by

    def _searches(self, operations: list[Operation]) -> Iterator[tuple[Found | None, int, str]]:
        """Yield after each turn of a search: what it found, its steps, its name."""
        model = Model(operations)
        segments = Segments(model)
        searches = [segments] if segments.applies else [kind(model) for kind in SEARCHES]
        runs = [search.run(TURN) for search in searches]
        while True:
            for search, run in zip(searches, runs):
                before = search.steps
                found = next(run)
                yield found, search.steps - before, search.name

    def _turn(self, searches: Iterator[tuple[Found | None, int, str]]) -> tuple[Found, str] | None:
        """Let each search of a key have one turn; return what was found, and by which."""
        for _ in SEARCHES:
            found, steps, name = next(searches)
            self.steps += steps
            if found is not None:
                return found, name
        return None


def _one_order(orders: list[tuple[Operation, ...]]) -> tuple[Operation, ...]:
    """Return one order of all keys' operations: each at the earliest time that its key's order allows."""
    places = []
    for key, order in enumerate(orders):
        now = float("-inf")
        for number, operation in enumerate(order):
            now = max(now, operation.invoked)
            places.append((now, key, number, operation))
    places.sort(key=lambda place: place[:3])
    return tuple(place[3] for place in places)
