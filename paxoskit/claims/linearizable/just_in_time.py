"""The search just in time: all states that the key may be in, carried along the history, event by event.

Lowe (Testing for Linearizability, 2017, section 4): an operation need not take effect before it ends. So when an
operation ends, and only then, each configuration in which it has not taken effect is carried on by letting operations
take effect until it has. What no configuration survives is the operation that cannot be placed.

A configuration is a state, the operations under way that took effect (`taken`), the unknown updates that did (`used`),
and the place in time of its newest write (`wrote`). There are few of them, because

* a read under way takes effect as soon as the state is what it returned: a read disturbs nobody;
* just before a write, anything may happen that begins with another write: it is overwritten, and nobody can tell. So
  what was under way at the newest write may, when it ends, be put there, behind the curtain; it need not be guessed
  before. A write or an append that nobody has to see goes there for nothing;
* equal updates are interchangeable, so of those under way the one that ends first is taken, and an unknown one last;
* a configuration is dropped if another one in the same state is at least as free: it used no other unknown updates, it
  wrote no earlier, and it took the same, but for reads that it has done and for what it can put behind the curtain;
* values that no answer will show from here on are one state.
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections.abc import Iterator
from typing import Any, NamedTuple

from paxoskit.claims.linearizable.model import APPEND, CAS, NEVER_WRITTEN, READ, UNSEEN, WRITE, Model, Step
from paxoskit.claims.linearizable.wing_gong import Found

Mark = tuple[int, int, int]
"""taken, used (sets, as the bits of a number), wrote."""

Path = tuple[Step, int, bool, Any] | None
"""The newest update that took effect, the place of the event at which it did, was it behind the curtain, the rest."""

Worlds = dict[int, dict[Mark, Path]]
"""The configurations, by their states."""

COMPARED = 32
"""With so many configurations of its own state is each compared, to see whether it can be dropped."""

WIDTHS = (8, 64, 512, 1 << 62)
"""So many configurations are kept at each event, by one try after the other."""

NOT_BEGUN = -1
"""The state behind the curtain before the first write there."""


class Going(NamedTuple):
    """A configuration on its way to the end of an operation; `back` is its state before the curtain, or None."""

    state: int
    back: int | None
    taken: int
    used: int
    wrote: int
    done: bool


class JustInTime:
    """The search over one key; `run()` pauses with a `yield` after each `budget` steps."""

    name = "just in time"

    def __init__(self, model: Model) -> None:
        self.model = model
        self.steps = 0
        self.left = 0

    def run(self, budget: int) -> Iterator[Found | None]:
        """Search; yield None after each `budget` steps, and the finding at the end.

        The first tries keep only the freest configurations at each event: they find most legal orders soon. A try that
        kept all and comes to nothing is the proof that there is none.
        """
        for width in WIDTHS:
            self.width, self.cut = width, False
            for found in self._try(budget):
                if found is None or found.order is not None or not self.cut:
                    yield found
                    if found is not None:
                        return

    def _try(self, budget: int) -> Iterator[Found | None]:
        self._nothing_under_way()
        worlds: Worlds = {NEVER_WRITTEN: {(0, 0, -1): None}}
        self.left = budget
        for place, (step, ended) in enumerate(self.model.events):
            self.left -= 1
            if not ended:
                self._begin(step, worlds)
                continue
            after: Worlds = {}
            for _ in self._end(step, place, worlds, after):
                self.steps += budget
                yield None
                self.left = budget
            if not after:
                self.steps += budget - self.left
                yield Found(None, step)
                return
            worlds = after
        self.steps += budget - self.left
        yield Found(_in_order(self.model, next(path for marks in worlds.values() for path in marks.values())))

    def _nothing_under_way(self) -> None:
        self.bits: dict[Step, int] = {}  # of what is under way
        self.free: list[int] = []
        self.readers: dict[int, int] = {}  # reads under way that want to see a state
        self.wanted: dict[int, int] = {}  # reads and cas under way that do
        self.wanted_by_cas: dict[int, int] = {}
        self.wanted_unknown: dict[int, int] = {}  # the same, for cas of unknown outcome: bits of their own
        self.silent = 0  # writes and appends under way
        self.reading = 0  # reads under way
        self.groups: dict[int, list[tuple[int, int, Step]]] = {}  # updates under way, the first to end first
        self.unknown: list[Step] = []
        self.unknown_began: list[int] = []
        self.unknown_groups: dict[int, int] = {}

    # What is under way -------------------------------------------------------------------------------------

    def _begin(self, step: Step, worlds: Worlds) -> None:
        """An operation begins; a read takes effect at once where it can."""
        if not step.known:
            bit = 1 << len(self.unknown)
            self.unknown.append(step)
            self.unknown_began.append(step.began)
            self.unknown_groups[step.group] = self.unknown_groups.get(step.group, 0) | bit
            for state in step.sees:
                self.wanted_unknown[state] = self.wanted_unknown.get(state, 0) | bit
            return
        bit = self.bits[step] = self.free.pop() if self.free else 1 << len(self.bits)
        for places in self._places(step):
            for state in step.sees:
                places[state] = places.get(state, 0) | bit
        if step.kind != READ:
            insort(self.groups.setdefault(step.group, []), (step.ended, bit, step), key=lambda entry: entry[0])
            self.silent |= bit if step.kind != CAS else 0
            return
        self.reading |= bit
        for state in step.sees:
            if state in worlds:
                self.left -= len(worlds[state]) >> 2
                worlds[state] = {
                    (taken | bit, used, wrote): path for (taken, used, wrote), path in worlds[state].items()
                }

    def _places(self, step: Step) -> tuple[dict[int, int], ...]:
        return (self.wanted, self.readers) if step.kind == READ else (self.wanted, self.wanted_by_cas)

    def _leave(self, step: Step, bit: int) -> None:
        """An operation is no longer under way."""
        for places in self._places(step):
            for state in step.sees:
                places[state] &= ~bit
        self.silent &= ~bit
        self.reading &= ~bit
        del self.bits[step]
        self.free.append(bit)
        if step.kind != READ:
            group = self.groups[step.group]
            group.pop(0)  # equal updates stand in the order of their ends
            if not group:
                del self.groups[step.group]

    def _under_way_at(self, place: int) -> tuple[int, int]:
        """Return what is under way and began before a place in time: known operations, unknown updates."""
        known = sum(bit for step, bit in self.bits.items() if step.began < place)
        return known, (1 << bisect_left(self.unknown_began, place)) - 1

    # At an end ---------------------------------------------------------------------------------------------

    def _end(self, step: Step, place: int, worlds: Worlds, after: Worlds) -> Iterator[None]:
        """Carry each configuration on until `step` has taken effect; collect what comes of it in `after`."""
        bit = self.bits[step]
        self.at_wrote: dict[int, tuple[int, int]] = {}
        self.worth: dict[tuple[int, tuple[int, ...]], frozenset[int]] = {}
        self.wanting = sum(own for one, own in self.bits.items() if one.kind in (READ, CAS))
        going: list[tuple[Going, Path]] = []
        for state, marks in worlds.items():
            for (taken, used, wrote), path in marks.items():
                if taken & bit:
                    self._keep(state, (taken & ~bit, used, wrote), path, place, after)
                    continue
                if wrote not in self.at_wrote:
                    self.at_wrote[wrote] = self._under_way_at(wrote)
                going.append((Going(state, None, taken, used, wrote, False), path))
                if step.began < wrote:
                    going.append((Going(NOT_BEGUN, state, taken, used, wrote, False), path))
                    if step.kind == APPEND:
                        self._keep(state, (taken, used, wrote), path, place, after)
        seen: dict[tuple[int, int | None, int, int, bool], list[int]] = {}
        going.sort(key=lambda entry: entry[0].used.bit_count())
        kept = 0
        for now, path in going:  # it grows while it is gone through
            if kept > self.width:
                self.cut = True
                break
            known_used = seen.setdefault((now.state, now.back, now.taken, now.wrote, now.done), [])
            if any(other & ~now.used == 0 for other in known_used):
                continue
            known_used.append(now.used)
            if now.done:
                state = now.state if now.back is None else now.back
                self._keep(state, (now.taken & ~bit, now.used, now.wrote), path, place, after)
                kept += 1
                if now.back is None:
                    continue
            self.left -= 1
            for one, taken, used in self._moves(step, bit, place, now):
                self.left -= 1
                item = self._moved(step, bit, place, now, one, taken, used)
                if item is not None:
                    going.append((item, (one, place, now.back is not None, path)))
            if self.left <= 0:
                yield
        self._leave(step, bit)
        for state, marks in after.items():
            after[state] = self._without_worse(marks)
        if sum(map(len, after.values())) > self.width:
            self.cut = True
            _narrow(after, self.width)

    def _moved(
        self, step: Step, bit: int, place: int, now: Going, one: Step, taken: int, used: int
    ) -> Going | None:
        """Return the configuration after an update took effect, None if it cannot."""
        new = one.new if one.kind == WRITE else self.model.after(now.state, one)
        if new < 0:
            return None
        if self.model.shown_until(new) < place:
            new = UNSEEN
        wrote = place if one.kind == WRITE and now.back is None else now.wrote
        if new != UNSEEN:
            reads = self.readers.get(new, 0)
            taken |= reads if now.back is None else reads & self.at_wrote[now.wrote][0]
        return Going(new, now.back, taken, used, wrote, now.done or one is step or bool(taken & bit))

    def _moves(self, step: Step, bit: int, place: int, now: Going) -> Iterator[tuple[Step, int, int]]:
        """Yield the updates that may take effect next, with what is then taken and used."""
        state, taken, used = now.state, now.taken, now.used
        known, unknown = (-1, -1) if now.back is None else self.at_wrote[now.wrote]
        not_begun = state == NOT_BEGUN
        if not now.done and step.kind != READ and (step.kind == WRITE or not not_begun):
            yield step, taken | bit, used
        if not_begun and step.kind == WRITE:
            return
        # One write is enough: what stands between it and another is behind the curtain of that one.
        writes = not now.done and step.kind != WRITE and (not_begun if now.back is not None else now.wrote != place)
        available = known & ~taken & ~bit
        for entries in self.groups.values():
            if not self._is_use(entries[0][2], step, state, taken, used, writes, available, known, unknown):
                continue
            kinds = set()
            for _, own, one in entries:
                behind = one.began < now.wrote  # it may have taken effect already: that is another kind of freedom
                if own & available and behind not in kinds:
                    kinds.add(behind)
                    yield one, taken | own, used
        for group, bits in self.unknown_groups.items():
            rest = bits & ~used & unknown
            if not rest or (group == step.group and not now.done):
                continue
            one = self.unknown[(rest & -rest).bit_length() - 1]
            if not self._is_use(one, step, state, taken, used, writes, available, known, unknown):
                continue
            if any(own & available for _, own, _ in self.groups.get(group, ())):
                continue
            yield one, taken, used | (rest & -rest)

    def _is_use(
        self, one: Step, step: Step, state: int, taken: int, used: int, writes: bool, available: int, known: int,
        unknown: int,
    ) -> bool:  # fmt: skip
        """May it be of use to let an update take effect now, before its end?"""
        if one.kind == WRITE:
            new = one.new
            if not writes or new == UNSEEN or (new == state and not one.known):
                return False
            if self.model.appends or new in step.sees:
                return True
            if self.wanted_by_cas.get(new, 0) & known & ~taken:
                return True
            return bool(self.wanted_unknown.get(new, 0) & unknown & ~used) and new in self._worth_reaching(
                known & ~taken, unknown & ~used
            )
        if state == NOT_BEGUN:
            return False
        if one.kind == APPEND:
            return self.model.appended(state, one.text) != UNSEEN
        if state not in one.sees:
            return False
        if one.known or self.model.appends:  # text may be appended to what it leaves, and nobody else wants that
            return True
        return one.new in self._worth_reaching(known & ~taken, unknown & ~used)

    def _worth_reaching(self, known: int, unknown: int) -> frozenset[int]:
        """Return the states that somebody under way wants, or from which unknown cas lead to one."""
        edges = tuple(group for group, bits in self.unknown_groups.items() if bits & unknown)
        known &= self.wanting
        found = self.worth.get((known, edges))
        if found is None:
            reached = {state for state, bits in self.wanted.items() if bits & known}
            todo = list(reached)
            while todo:
                goal = todo.pop()
                for group in edges:
                    one = self.unknown[(self.unknown_groups[group] & -self.unknown_groups[group]).bit_length() - 1]
                    if one.kind == CAS and one.new == goal:
                        todo += [state for state in one.sees if state not in reached]
                        reached.update(one.sees)
            found = self.worth[known, edges] = frozenset(reached - {UNSEEN})
        return found

    def _keep(self, state: int, mark: Mark, path: Path, place: int, after: Worlds) -> None:
        """Keep a configuration for the next event."""
        if self.model.shown_until(state) <= place:
            state = UNSEEN
        after.setdefault(state, {}).setdefault(mark, path)

    def _without_worse(self, marks: dict[Mark, Path]) -> dict[Mark, Path]:
        """Drop each configuration than which another of the same state is at least as free."""
        if len(marks) == 1:
            return marks
        self.left -= len(marks)
        kept: list[tuple[int, int, int, int]] = []
        free_at: dict[int, int] = {}
        for mark in sorted(marks, key=_freedom):
            taken, used, wrote = mark
            for other_taken, other_used, other_wrote, forgiven in kept[:COMPARED]:
                if not (other_used & ~used or wrote > other_wrote or (taken ^ other_taken) & ~forgiven):
                    break
            else:
                if wrote not in free_at:
                    free_at[wrote] = self._under_way_at(wrote)[0] & self.silent
                kept.append((*mark, free_at[wrote] & ~taken | self.reading & taken))
        return {mark[:3]: marks[mark[:3]] for mark in kept}


def _freedom(mark: Mark) -> tuple[int, int, int]:
    return mark[1].bit_count(), -mark[2], -mark[0].bit_count()


def _narrow(worlds: Worlds, width: int) -> None:
    """Keep the freest configurations, and of each state one at least."""
    marks = [(mark, state) for state, marks in worlds.items() for mark in list(marks)[1:]]
    marks.sort(key=lambda entry: _freedom(entry[0]))
    for mark, state in marks[max(0, width - len(worlds)) :]:
        del worlds[state][mark]


def _in_order(model: Model, path: Path) -> tuple[Step, ...]:
    """Return the order that a path implies: reads and silent updates, which it leaves out, put where they fit."""
    entries: list[tuple[Step, int, bool]] = []
    while path is not None:
        step, place, hidden, path = path
        entries.append((step, place, hidden))
    updates: list[tuple[Step, int]] = []
    newest = 0  # where the newest write stands that is not behind a curtain
    for step, place, hidden in reversed(entries):
        if hidden:
            updates.insert(newest, (step, updates[newest][1]))
            newest += 1
        else:
            newest = len(updates) if step.kind == WRITE else newest
            updates.append((step, place))
    updates = _with_silent(model, updates)
    states = [NEVER_WRITTEN]
    for step, _ in updates:
        states.append(model.after(states[-1], step))
    spans: dict[int, list[int]] = {}
    for number, state in enumerate(states):
        spans.setdefault(state, []).append(number)
    ends: list[float] = [*(place for _, place in updates), math.inf]
    reads: dict[int, list[Step]] = {}
    for step in model.steps:
        if step.kind == READ:
            fitting = [_first_after(spans.get(state, []), step.began, ends) for state in step.sees]
            reads.setdefault(int(min(fitting)), []).append(step)
    order = sorted(reads.get(0, ()), key=lambda step: step.began)
    for number, (step, _) in enumerate(updates, 1):
        order += [step, *sorted(reads.get(number, ()), key=lambda step: step.began)]
    return tuple(order)


def _first_after(numbers: list[int], began: int, ends: list[float]) -> float:
    """Return the first of some states, given by their numbers in the order, that lasted after a place in time."""
    at = bisect_left(numbers, True, key=lambda number: ends[number] > began)
    return numbers[at] if at < len(numbers) else math.inf


def _with_silent(model: Model, updates: list[tuple[Step, int]]) -> list[tuple[Step, int]]:
    """Put each write and append that a path leaves out just before the first write during it."""
    there = {step for step, _ in updates}
    writes = [(place, number) for number, (step, place) in enumerate(updates) if step.kind == WRITE]
    before: dict[int, list[Step]] = {}
    for step in model.steps:
        if step.known and step.kind != READ and step not in there:
            _, number = writes[bisect_left(writes, (step.began, 0))]
            before.setdefault(number, []).append(step)
    found = []
    for number, (step, place) in enumerate(updates):
        found += [(other, place) for other in before.get(number, ())]
        found.append((step, place))
    return found
