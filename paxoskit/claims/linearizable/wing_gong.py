"""The search of Wing, Gong and Lowe: try the operations one after the other, remember what failed.

Wing and Gong (Testing and Verifying Concurrent Objects, 1993, section 4): an operation may come next if no other ended
before it began; take one, and go back when nothing is left to take. Lowe (Testing for Linearizability, 2017, section
3): which operations were taken and the state they leave decide everything that follows, so no such pair is tried
twice.

Operations are numbered by their ends; taken ones below `low`, where the first that is not taken stands, need no bit.
Updates of unknown outcome have no end and are tried last; of equal ones the oldest.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from paxoskit.claims.linearizable.model import Model, Step


class Found(NamedTuple):
    """What a search found: a legal order, or the operation at whose end no order is left."""

    order: tuple[Step, ...] | None
    stuck: Step | None = None


class WingGong:
    """The search over one key; `run()` pauses with a `yield` after each `budget` steps."""

    name = "Wing–Gong–Lowe"

    def __init__(self, model: Model) -> None:
        self.model = model
        self.steps = 0

    def run(self, budget: int) -> Iterator[Found | None]:
        """Search; yield None after each `budget` steps, and the finding at the end. `send` a new budget."""
        model, after = self.model, self.model.after
        known = sorted((step for step in model.steps if step.known), key=lambda step: step.ended)
        bit = {step: place for place, step in enumerate(known)}
        nodes = [(step, ended) for step, ended in model.events if step.known]
        head, count = len(nodes), len(nodes)
        following, before = [*range(1, count + 1), 0], [count, *range(count)]
        place_of_end = {step: place for place, (step, ended) in enumerate(nodes) if ended}
        unknown = [step for step in model.steps if not step.known]
        number_of = {step: number for number, step in enumerate(unknown)}

        state, low, taken, used = 0, 0, 0, 0
        tried: set[tuple[int, int, int, int]] = set()
        path: list[tuple[Step, int, int, int, int, int]] = []
        furthest, left = 0, budget
        at, spare = following[head], -1  # spare >= 0: the next unknown update to try, at a blocked end
        while following[head] != head:
            left -= 1
            if left <= 0:
                self.steps += budget
                yield None
                left = budget
            step: Step | None = None
            if spare < 0:
                step, is_end = nodes[at]
                if is_end:
                    spare = 0
                    continue
            else:
                step = None
                blocked = nodes[at][0].ended
                seen_groups = set()
                for number in range(len(unknown)):
                    candidate = unknown[number]
                    if candidate.began > blocked:
                        break
                    if used >> number & 1 or candidate.group in seen_groups:
                        continue
                    seen_groups.add(candidate.group)
                    if number >= spare:
                        step, spare = candidate, number + 1
                        break
                if step is None:  # nothing is left to take: go back
                    furthest = max(furthest, low)
                    if not path:
                        self.steps += budget - left
                        yield Found(None, known[furthest])
                        return
                    step, state, low, taken, used, where = path.pop()
                    if step.known:
                        self._put_back(step, where, place_of_end[step], following, before)
                        at, spare = following[where], -1
                    else:
                        at, spare = where, number_of[step] + 1
                    continue
            new = after(state, step)
            if new < 0 or (not step.known and new == state):
                if step.known:
                    at = following[at]
                continue
            if step.known:
                now_low, now_taken, now_used = low, taken | 1 << (bit[step] - low), used
                while now_taken & 1:
                    now_taken >>= 1
                    now_low += 1
            else:
                now_low, now_taken, now_used = low, taken, used | 1 << number_of[step]
            mark = (now_low, now_taken, now_used, new)
            if mark in tried:
                if step.known:
                    at = following[at]
                continue
            tried.add(mark)
            path.append((step, state, low, taken, used, at))
            state, low, taken, used = new, now_low, now_taken, now_used
            if step.known:
                end = place_of_end[step]
                for place in (at, end):
                    following[before[place]], before[following[place]] = following[place], before[place]
            at, spare = following[head], -1
        self.steps += budget - left
        yield Found(tuple(entry[0] for entry in path))

    def _put_back(self, step: Step, begin: int, end: int, following: list[int], before: list[int]) -> None:
        for place in (end, begin):
            following[before[place]] = before[following[place]] = place
