"""The shortest story: choices are dropped, one after the other, for as long as the claim still falls.

A choice names its message by content, so a story with one choice taken out still means the others; what can no longer
happen without it is left out too. That goes on until no single choice can be spared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from paxoskit.claims.claim import Claim, Violation
from paxoskit.protocol.node import Node
from paxoskit.worlds.choice import Choice
from paxoskit.worlds.interned import OWN_CODE, watched
from paxoskit.worlds.story import BEAT, Story
from paxoskit.worlds.world import World

Told = tuple[list[Choice], World, Violation]
"""Choices that happened, the world after them, and the claim that fell."""


class Stage:
    """Where stories are told: how the world begins, which classes live in it, and who judges."""

    def __init__(
        self, begin: Story, classes: Mapping[str, type[Node]], claims: Callable[[], Sequence[Claim]]
    ) -> None:
        self.begin, self.classes, self.claims = begin, dict(classes), claims

    def tell(self, choices: Sequence[Choice]) -> tuple[list[Choice], World, Violation | None]:
        """Let the choices happen, as far as they can, until a claim falls; return those that did happen.

        A message that is delivered more often than it was sent is duplicated first.
        """
        world = self.begin.replay(classes=self.classes, claims=self.claims())
        world.violations.clear()
        done: list[Choice] = []
        needed = Counter((choice.node, choice.peer, choice.what) for choice in choices if choice.kind == "deliver")
        for choice in choices:
            steps = [choice]
            if choice.kind == "deliver":
                key = (choice.node, choice.peer, choice.what)
                needed[key] -= 1
                copies = sum(flight[1:] == (choice.peer, choice.node, choice.what) for flight in world.flying.values())
                if needed[key] and copies == 1:
                    steps = [replace(choice, kind="duplicate"), choice]
            for step in steps:
                violation = self._happen(world, step, done)
                if violation is not None:
                    return done, world, violation
        return done, world, None

    def _happen(self, world: World, choice: Choice, done: list[Choice]) -> Violation | None:
        world.trace.now += BEAT
        impossible = False
        with watched() as watch:
            try:
                _check(world, choice)
            except ValueError:
                impossible = True
            else:
                world.happen(choice)
        world.fresh.clear()
        if impossible:
            return None
        done.append(choice)
        if watch.error:
            return Violation(OWN_CODE, watch.error, ())
        return world.violations[0] if world.violations else None

    def shrunk(self, choices: Sequence[Choice]) -> Told | None:
        """Return the shortest way found to break a claim by some of the choices; None if they break none."""
        kept, world, violation = self.tell(choices)
        if violation is None:
            return None
        best = (kept, world, violation)
        size = max(1, len(kept) // 2)
        while True:
            shorter = False
            at = len(best[0])
            while at > 0:
                at = min(at - size, len(best[0]) - size)
                fewer = best[0][: max(0, at)] + best[0][max(0, at) + size :]
                kept, world, violation = self.tell(fewer)
                if violation is not None and violation.claim == best[2].claim and len(kept) < len(best[0]):
                    best, shorter = (kept, world, violation), True
            if not shorter:
                if size == 1:
                    return best
                size //= 2

    def story(self, choices: Sequence[Choice], violation: Violation | None = None) -> Story:
        """Return the choices as a story that begins where this stage does."""
        return replace(
            self.begin, choices=(*self.begin.choices, *choices),
            claim=violation.claim if violation else "", says=violation.reason if violation else "",
        )  # fmt: skip


def _check(world: World, choice: Choice) -> None:
    """Raise ValueError for a choice that cannot happen now, without letting it happen."""
    match choice.kind:
        case "deliver" | "drop" | "duplicate":
            world.find(choice)
            if choice.kind == "deliver" and not world.is_up(choice.node):
                raise ValueError
        case "fire":
            if (choice.node, choice.what) not in world.timers:
                raise ValueError
        case "ask":
            asked: Any = [event for event in world.trace.records if event[2] == "ask"]
            if not world.is_up(choice.node) or any(event[3] == choice.node for event in asked):
                raise ValueError
        case "crash" | "restart":
            if world.is_up(choice.node) != (choice.kind == "crash"):
                raise ValueError
