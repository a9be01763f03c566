"""What one key can hold, as small numbers: the searches compare and remember states, never values.

A state is a number. Values that no answer ever shows are one state, UNSEEN: nobody can tell them apart. Where text is
appended, a text is worth a state of its own only if it begins one of the texts that were seen; it is then a place in
their sorted list, and is never put together. So a state costs the same, however long its text.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from paxoskit.claims.linearizable.history import READS, Operation, canonical

NEVER_WRITTEN, UNSEEN = 0, 1
"""The state in the beginning, and the state of all values that no answer shows."""

READ, WRITE, CAS, APPEND = range(4)
_KINDS = {"read": READ, "get": READ, "write": WRITE, "put": WRITE, "cas": CAS, "append": APPEND}


@dataclass(slots=True, eq=False)
class Step:
    """An operation as the searches see it.

    `sees`: the states in which a read returns what it did, or a cas takes effect. `new`: the state that a write or a
    cas leaves. `group`: equal for updates that do the same. `ends`: place of its end in time, infinite if its outcome
    is unknown; `began`, `ended`: the places of both among the events of the key (`ended` is -1 if it has no end).
    """

    operation: Operation
    kind: int
    sees: tuple[int, ...] = ()
    new: int = UNSEEN
    text: str = ""
    group: int = -1
    began: int = -1
    ended: int = -1

    @property
    def known(self) -> bool:
        """Did it take effect for certain?"""
        return self.operation.outcome == "ok"


class Model:
    """The operations of one key that matter, as steps and events, and the states between them.

    Left out are operations that failed, reads whose answer is unknown, and cas of unknown outcome that change nothing.
    """

    def __init__(self, operations: Sequence[Operation]) -> None:
        kept = [each for each in operations if _matters(each)]
        self.appends = any(each.f == "append" for each in kept)
        seen = {canonical(value): value for each in kept for value in _shown(each)}
        self.texts = sorted(value for value in seen.values() if isinstance(value, str)) if self.appends else []
        self.ids: dict[Any, int] = {}
        self.ranges: dict[int, tuple[int, int, int]] = {}
        self.joined: dict[tuple[int, str], int] = {}
        self.null = self._state("null") if self.appends or "null" in seen else UNSEEN
        for text, value in seen.items():
            if not (self.appends and isinstance(value, str)):
                self._state(text)
        groups: dict[Any, int] = {}
        self.steps = [self._step(each, groups) for each in kept]
        self.events = self._events()
        self._find_ends()

    def _state(self, identity: Any) -> int:
        return self.ids.setdefault(identity, len(self.ids) + 2)

    def written(self, value: Any) -> int:
        """Return the state that a value makes."""
        if self.appends and isinstance(value, str):
            return self._beginning(0, len(self.texts), 0, value)
        return self.ids.get(canonical(value), UNSEEN)

    def appended(self, state: int, text: str) -> int:
        """Return the state after appending text. What was never written, or is null, counts as empty."""
        if state == UNSEEN:
            return UNSEEN
        found = self.joined.get((state, text))
        if found is None:
            low, high, length = self.ranges.get(state, (0, len(self.texts), 0))
            found = self.joined[state, text] = self._beginning(low, high, length, text)
        return found

    def _beginning(self, low: int, high: int, length: int, more: str) -> int:
        """Return the state of the text that begins texts low to high with `length` characters, and goes on so."""
        end = length + len(more)
        first = bisect_left(self.texts, more, low, high, key=lambda text: text[length:end])
        last = bisect_right(self.texts, more, first, high, key=lambda text: text[length:end])
        if first == last:
            return UNSEEN
        state = self._state((first, end))
        self.ranges[state] = (first, last, end)
        return state

    def after(self, state: int, step: Step) -> int:
        """Return the state that a step leaves, -1 if it cannot take effect in `state`."""
        kind = step.kind
        if kind == WRITE:
            return step.new
        if kind == READ:
            return state if state in step.sees else -1
        if kind == CAS:
            return step.new if state in step.sees else -1
        return self.appended(state, step.text)

    def _step(self, operation: Operation, groups: dict[Any, int]) -> Step:
        step = Step(operation, _KINDS[operation.f])
        if step.kind == READ:
            step.sees = self._sees(operation.result, operation.f == "get")
        elif step.kind == WRITE:
            step.new = self.written(operation.value)
        elif step.kind == CAS:
            step.sees, step.new = self._sees(operation.value[0], False), self.written(operation.value[1])
        else:
            step.text = operation.value
        step.group = groups.setdefault((step.kind, step.sees, step.new, step.text), len(groups))
        return step

    def _sees(self, value: Any, is_get: bool) -> tuple[int, ...]:
        state = self.written(value)
        return (state, NEVER_WRITTEN) if value is None or (is_get and value == "") else (state,)

    def _events(self) -> list[tuple[Step, bool]]:
        """Return beginnings (False) and ends (True) in order; at the same time, beginnings come first."""
        marks: list[tuple[float, bool, int]] = []
        for number, step in enumerate(self.steps):
            marks.append((step.operation.invoked, False, number))
            if step.known:
                marks.append((_end(step.operation), True, number))
        marks.sort()
        events = []
        for place, (_, ended, number) in enumerate(marks):
            step = self.steps[number]
            if ended:
                step.ended = place
            else:
                step.began = place
            events.append((step, ended))
        return events

    def shown_until(self, state: int) -> float:
        """Return the place of the last event that can show that a value, or a text that goes on from it, was there."""
        found = self.shown.get(state)
        if found is None:
            low, high, _ = self.ranges.get(state, (0, 0, 0))
            found = self.shown[state] = max((self.ends_of_texts[place] for place in range(low, high)), default=-1)
        return found

    def _find_ends(self) -> None:
        """Note for each value the place of the last end that shows it; one of unknown outcome has none."""
        self.shown: dict[int, float] = {}
        of_text = dict.fromkeys(self.texts, -1.0)
        for step in self.steps:
            ended = step.ended if step.known else math.inf
            for value in _shown(step.operation):
                if isinstance(value, str) and self.appends:
                    of_text[value] = max(of_text[value], ended)
            for state in step.sees:
                if state not in self.ranges:
                    self.shown[state] = max(self.shown.get(state, -1), ended)
        self.ends_of_texts = list(of_text.values())
        if self.appends:
            self.shown[NEVER_WRITTEN] = self.shown[self.null] = math.inf  # text may be appended to them
        self.shown[UNSEEN] = math.inf

def _end(operation: Operation) -> float:
    assert operation.completed is not None
    return operation.completed


def _matters(operation: Operation) -> bool:
    if operation.outcome == "ok":
        return True
    if operation.outcome == "fail" or operation.f in READS:
        return False
    return not (operation.f == "cas" and canonical(operation.value[0]) == canonical(operation.value[1]))


def _shown(operation: Operation) -> tuple[Any, ...]:
    """Return the values that an operation shows to have been there."""
    if operation.f in READS:
        return (operation.result,)
    return (operation.value[0],) if operation.f == "cas" else ()

