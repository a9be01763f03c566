"""The search that need not search: where all that is written differs, an answer tells what came before it.

If no two updates of a key wrote the same, and each text can be taken apart in one way only, then an answer names the
write it goes back to and the appends since then, in their order: a *segment*. Between the write and the last answer
that shows the segment no other update can have come. So the history is legal exactly when (Gibbons and Korach, Testing
Shared Memories, 1997, have this for registers whose writes differ)

* the answers of a segment agree on its order, no update is in two segments, and the real-time order allows that order;
* no two segments need the same time. One whose operations have a moment in common needs no more than that moment. One
  without needs all the time from the first end of an operation in it to the last beginning of one;
* and each segment that needs but a moment has one that nobody else needs.

An update that no answer shows is a segment of its own; it needs a moment. What is read of a key that was never written,
or begins with an append, is of the segment that begins before all others.

That takes a time that grows like n log n, whatever the number of clients, where trying orders grows exponentially.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from paxoskit.claims.linearizable.history import canonical
from paxoskit.claims.linearizable.model import APPEND, CAS, READ, WRITE, Model, Step
from paxoskit.claims.linearizable.wing_gong import Found

BEGINNING = 0
"""The place in the tree of texts of what was never written."""


class Segments:
    """The finding for one key, if it can be found so: `applies`."""

    name = "segments"

    def __init__(self, model: Model) -> None:
        self.model = model
        self.steps = 0
        self.parents: list[int] = [-1]  # the tree of texts: what a text goes on from,
        self.updates: list[Step | None] = [None]  # and by which update
        self.below: dict[tuple[int, Step], int] = {}
        self.place_of: dict[Step, int] = {}  # where in the tree a read was; -1: nobody wrote that
        self.by_value: dict[str, Step] = {}
        self.applies = self._takes_apart()

    def run(self, budget: int) -> Iterator[Found | None]:
        """Yield the finding."""
        self.steps += len(self.model.steps)
        order = self._order(math.inf)
        yield Found(order) if order is not None else Found(None, self._stuck())

    def _stuck(self) -> Step:
        """Return the operation at whose end no order is left; a beginning of a legal history is legal as well."""
        ends = [step for step, ended in self.model.events if ended]
        low, high = 0, len(ends) - 1
        while low < high:
            middle = (low + high) // 2
            self.steps += middle
            low, high = (low, middle) if self._order(ends[middle].ended) is None else (middle + 1, high)
        return ends[low]

    # What the answers say ----------------------------------------------------------------------------------

    def _takes_apart(self) -> bool:
        """Find out what each answer goes back to; say whether that is certain."""
        steps, appends = self.model.steps, self.model.appends
        updates = [step for step in steps if step.kind != READ]
        values = [_written(step, appends) for step in updates]
        if any(step.kind == CAS for step in updates) or None in values or len(set(values)) < len(values):
            return False
        self.by_value = {value: step for value, step in zip(values, updates) if value is not None}
        ordered = sorted(self.by_value)
        if appends and any(later.startswith(earlier) for earlier, later in pairwise(ordered)):
            return False
        self.lengths = sorted({len(value) for value in ordered})
        reads: dict[str, list[Step]] = {}
        for step in steps:
            if step.kind == READ:
                result = step.operation.result
                if result is None or (result == "" and step.operation.f == "get"):
                    self.place_of[step] = BEGINNING
                elif appends and (not isinstance(result, str) or not result):
                    return False
                else:
                    reads.setdefault(result if appends else canonical(result), []).append(step)
        # A text that goes on from another comes after it in their order, so that each piece is looked at once.
        stack: list[tuple[str, int]] = [("", BEGINNING)]
        for text in sorted(reads):
            while not text.startswith(stack[-1][0]) or (stack[-1][0] and not appends):
                stack.pop()
            place = self._place(text, *stack[-1]) if appends else self._piece(text, BEGINNING)
            if place >= 0:
                stack.append((text, place))
            self.place_of.update(dict.fromkeys(reads[text], place))
        return True

    def _place(self, text: str, known: str, place: int) -> int:
        """Return the place in the tree of a text that goes on from a `known` one, -1 if it cannot be taken apart."""
        at = len(known)
        while at < len(text):
            piece = next((text[at : at + size] for size in self.lengths if text[at : at + size] in self.by_value), "")
            place = self._piece(piece, place)
            if place < 0:
                return -1
            at += len(piece)
        return place

    def _piece(self, piece: str, place: int) -> int:
        step = self.by_value.get(piece)
        if step is None or (step.kind == WRITE and place != BEGINNING):
            return -1
        found = self.below.get((place, step))
        if found is None:
            found = self.below[place, step] = len(self.parents)
            self.parents.append(place)
            self.updates.append(step)
        return found

    # What fits ---------------------------------------------------------------------------------------------

    def _order(self, until: float) -> tuple[Step, ...] | None:
        """Return an order of what had happened at the event `until`, None if there is none."""
        chains = self._chains(until)
        if chains is None:
            return None
        needing: list[tuple[float, float, list[Step]]] = []
        moments: list[tuple[float, float, list[Step]]] = []
        shown: set[Step] = set()
        for begins_before, chain in chains:
            steps = _in_time(chain, until)
            if steps is None:
                return None
            first = -1.0 if begins_before else min(_ended(step, until) for step in steps)
            last = max(float(step.began) for step in steps)
            (needing if first < last else moments).append((first, last, steps))
            shown.update(steps)
        for step in self.model.steps:
            if step.kind != READ and step not in shown and step.known and step.ended <= until:
                moments.append((float(step.ended), float(step.began), [step]))
        return _one_after_the_other(needing, moments)

    def _chains(self, until: float) -> list[tuple[bool, list[list[Step]]]] | None:
        """Return the segments: does it begin before all others; of each level, the update and the reads after it."""
        reads: dict[int, list[Step]] = {}
        for step, place in self.place_of.items():
            if step.ended <= until:
                if place < 0:
                    return None
                reads.setdefault(place, []).append(step)
        chains: list[tuple[bool, list[list[Step]]]] = []
        left, used = set(reads), set[Step]()
        for place in sorted(reads, reverse=True, key=self._depth()):
            if place not in left:
                continue
            levels: list[list[Step]] = []
            at = place
            while at != BEGINNING:
                left.discard(at)
                update = self.updates[at]
                assert update is not None
                if update in used:
                    return None  # two answers do not agree on what came when
                used.add(update)
                levels.append([update, *sorted(reads.get(at, ()), key=lambda step: step.began)])
                at = self.parents[at]
            begins = not levels or levels[-1][0].kind == APPEND
            if begins:
                left.discard(BEGINNING)
                levels.append(sorted(reads.get(BEGINNING, ()), key=lambda step: step.began))
                if any(other for other, _ in chains):
                    return None
            chains.append((begins, levels[::-1]))
        return chains

    def _depth(self) -> Any:
        if not hasattr(self, "depths"):
            self.depths = [0]
            for parent in self.parents[1:]:
                self.depths.append(self.depths[parent] + 1)
        return self.depths.__getitem__


def _written(step: Step, appends: bool) -> str | None:
    """Return what an update wrote, as text; None for what cannot be taken apart."""
    value = step.operation.value
    if not appends:
        return None if value is None or value == "" else canonical(value)
    return value if isinstance(value, str) and value else None


def _ended(step: Step, until: float) -> float:
    return float(step.ended) if step.known and step.ended <= until else math.inf


def _in_time(levels: list[list[Step]], until: float) -> list[Step] | None:
    """Return the operations of a segment in order, None if one would stand after another that began after its end."""
    order: list[Step] = []
    newest = -1.0
    for level in levels:
        for part in (level[:1], level[1:]):  # the update, and the reads after it, in the order of their beginnings
            if any(newest > _ended(step, until) for step in part):
                return None
            newest = max([newest, *(float(step.began) for step in part)])
        order += level
    return order


def _one_after_the_other(
    needing: list[tuple[float, float, list[Step]]], moments: list[tuple[float, float, list[Step]]]
) -> tuple[Step, ...] | None:  # fmt: skip
    """Return the operations of all segments in an order, None if two need the same time."""
    needing.sort(key=lambda segment: segment[:2])
    for (_, last, _), (first, _, _) in pairwise(needing):
        if first < last:
            return None
    found = [((first, 0.0), steps) for first, _, steps in needing]
    zones, at = needing, 0
    for end, moment, steps in sorted(moments, key=lambda segment: segment[1]):
        while at < len(zones) and zones[at][1] < moment:
            at += 1
        inside = at < len(zones) and zones[at][0] < moment
        moment = zones[at][1] if inside else moment
        if moment > end:
            return None
        found.append(((moment, 1.0), steps))
    found.sort(key=lambda segment: segment[0])
    return tuple(step for _, steps in found for step in steps)
