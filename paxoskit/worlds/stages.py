"""Staged search: reach a state that one can describe, and look on from there.

Some mistakes need four ballots, and all runs with four ballots are too many. Who has an idea says where to go first:
"server 1 voted, then server 2 voted for another value, then something is chosen": each stage is searched, nearest
first, for states in which its predicate is true, and the next stage goes on from those only.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from paxoskit.claims.synod import Mark
from paxoskit.protocol.node import Node
from paxoskit.protocol.plain import Name
from paxoskit.worlds.checker import INTERRUPTED, Explorer, Result, bounds_of, setting_of
from paxoskit.worlds.choice import KEPT
from paxoskit.worlds.search import Enough, Found, Key, Link, Search
from paxoskit.worlds.world import check_count


class View:
    """A state of a search, as a goal sees it."""

    def __init__(self, search: Search, key: Key) -> None:
        self.search, self.key = search, key

    def node(self, name: Name) -> Node:
        """Return the node of that name as it is; only to be looked at."""
        local = self.search.locals[self.key[2 + self.search.index[name]]]
        return self.search.runner.node(local.state)

    @property
    def votes(self) -> dict[Mark, set[Name]]:
        """Who voted, for each (slot, ballot, value)."""
        found: dict[Mark, set[Name]] = {}
        words = self.search.words
        for sender, message in self.search.spoken(self.key[0] & self.search.judged):
            if type(message) is words.accepted:
                found.setdefault(words.mark(message), set()).add(sender)
        return found

    @property
    def proposals(self) -> set[Mark]:
        """What was proposed: (slot, ballot, value)."""
        words = self.search.words
        said = self.search.spoken(self.key[0] & self.search.judged)
        return {words.mark(message) for _, message in said if type(message) is words.accept}

    @property
    def chosen(self) -> set[Mark]:
        """What a majority voted for in one ballot."""
        majority = sum(1 for name in self.search.names if not hasattr(self.node(name), "on_propose")) // 2 + 1
        return {mark for mark, voters in self.votes.items() if len(voters) >= majority}


Goal = Callable[[View], Any]


def reach(
    what: Any, *goals: Goal, then: Goal | None = None, claims: Iterable[str] | None = None, acceptors: int = 3,
    proposers: int = 2, ballots: int = 4, crashes: int = 0, disks: Sequence[str] = (KEPT,), timers: int | None = None,
    seconds: float = 60.0, states: int = 1_000_000, keep: int = 200, memory: int = 2_000,
) -> Result:  # fmt: skip
    """Search through stages: to states where the first of `goals` is true, on to those where the next is, and so on.

    From the last, look for a claim that falls; with `then`, for a state in which that is true. Each stage goes on from
    the `keep` nearest states. The result has the story of what was found; its `covered` says how far the stages went,
    and nothing is said about runs that pass by them. Bounds are those of `explore`. Ctrl-C ends it with what was found.

    >>> from paxoskit.worlds.synod import reference
    >>> result = reach(reference("acceptor"), lambda view: view.votes, then=lambda view: view.chosen, ballots=2)
    >>> result.ok, len(result.story.choices) <= 8
    (True, True)
    """
    check_count("keep", keep, 1, 100_000)
    for goal in (*goals, *([] if then is None else [then])):
        if not callable(goal):
            raise ValueError(f"expected goals to be functions of a View, got {goal!r:.60}")
    bounds = bounds_of(ballots, crashes, disks, timers, None, seconds, states, memory)
    setting = setting_of(what, acceptors, proposers, 1, None if claims is None else tuple(claims))
    explorer = Explorer(setting, bounds)
    return _Staged(explorer, goals, then, keep).run()


class _Staged:
    def __init__(self, explorer: Explorer, goals: Sequence[Goal], then: Goal | None, keep: int) -> None:
        self.explorer, self.then, self.keep = explorer, then, keep
        self.goals = [*goals, *([then] if then else [])]
        self.states = 0

    def run(self) -> Result:
        """Search stage after stage."""
        explorer = self.explorer
        explorer.started = time.perf_counter()
        begun = explorer.begin()
        if begun is not None:
            return explorer.result(begun, time.perf_counter() - explorer.started)
        search = explorer.search
        assert search is not None
        places: list[tuple[Key, list[Link]]] = [(search.start, [])]
        reached, found = 0, None
        try:
            for goal in self.goals:
                places = self._near(search, places, goal, self.keep)
                if not places:
                    break
                reached += 1
            if places and self.then is None:
                self._near(search, places, None, 1)
        except Found as fallen:
            found = (search.choices(fallen.trail, fallen.node, fallen.way), fallen.claim, fallen.fault.says)
        except Enough as enough:
            explorer.stopped = str(enough)
        except KeyboardInterrupt:
            explorer.stopped = INTERRUPTED
        seconds = time.perf_counter() - explorer.started
        search.counts.states = self.states
        result = explorer.result(found, seconds)
        result.covered = (
            f"{reached} of {len(self.goals)} stages, {self.states:,} states on the way, "
            f"of {explorer.setting.roles} with at most {explorer.bounds.ballots} ballots in all"
        )
        result.not_covered, result.complete = (*result.not_covered, "runs that pass by the stages"), False
        if found is None and reached == len(self.goals) and places:
            explorer.show(result, search.choices(places[0][1]))
        return result

    def _near(
        self, search: Search, starts: list[tuple[Key, list[Link]]], goal: Goal | None, most: int
    ) -> list[tuple[Key, list[Link]]]:
        """Return the nearest states in which the goal is true, with the ways to them."""
        keys = search.keys = [key for key, _ in starts]
        ways: list[Any] = [trail for _, trail in starts]
        seen, found, first = set(keys), list[tuple[Key, list[Link]]](), len(keys)

        def way(at: int) -> list[Link]:
            links: list[Link] = []
            while at >= first:
                at, link = ways[at]
                links.append(link)
            return [*ways[at], *links[::-1]]

        for at, key in enumerate(keys):
            if goal is not None and goal(View(search, key)):
                found.append((key, way(at)))
                if len(found) >= most:
                    break
                continue  # the next stage goes on from here
            if not at & 255:
                search.check_time()
                search.check_memory()
                if len(keys) > search.bounds.states:
                    raise Enough(f"the bound of {search.bounds.states:,} states was reached")
            try:
                options = search.successors(key)
            except Found as fallen:
                fallen.trail = way(at)
                raise
            search.counts.transitions += len(options)
            for after, node, move in options:
                if after not in seen:
                    seen.add(after)
                    keys.append(after)
                    ways.append((at, (None, node, move.way)))
        self.states += len(keys)
        return found


