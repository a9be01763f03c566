"""The shortest story: choices are dropped, one after the other, for as long as the claim still falls.

A choice names its message by content, so a story with one choice taken out still means the others; what can no longer
happen without it is left out too. That goes on until no single choice can be spared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from paxoskit.claims.claim import Claim, Violation
from paxoskit.protocol.messages import Ask, Asks
from paxoskit.protocol.node import Node, title
from paxoskit.trace import Event, sentence
from paxoskit.worlds.choice import Choice
from paxoskit.worlds.interned import OWN_CODE, watched
from paxoskit.worlds.story import BEAT, Story
from paxoskit.worlds.world import World

Told = tuple[list[Choice], World, Violation]
"""Choices that happened, the world after them, and the claim that fell."""


class Stage:
    """Where stories are told: how the world begins, which classes live in it, and who judges."""

    def __init__(
        self, begin: Story, classes: Mapping[str, type[Node]], claims: Callable[[], Sequence[Claim]],
        loose: bool = False,
    ) -> None:  # fmt: skip
        self.begin, self.classes, self.claims = begin, dict(classes), claims
        self.loose = loose
        """May a choice mean the newest message, or timer, of the same kind, where the very one is not there?"""
        self.cut_short = False
        """Was it interrupted while it made a story shorter?"""

    def tell(self, choices: Sequence[Choice]) -> tuple[list[Choice], World, Violation | None]:
        """Let the choices happen, as far as they can, until a claim falls; return those that did happen.

        A message that is delivered more often than it was sent is duplicated first; but if a choice may mean another
        message, the choices say themselves what is duplicated.
        """
        world = self.begin.replay(classes=self.classes, claims=self.claims())
        world.violations.clear()
        done: list[Choice] = []
        needed = Counter((choice.node, choice.peer, choice.what) for choice in choices if choice.kind == "deliver")
        for choice in choices:
            steps = [choice]
            if self.loose:
                steps = [_meant(world, choice)]
            elif choice.kind == "deliver":
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

    def shrunk(self, choices: Sequence[Choice], most: int | None = None) -> Told | None:
        """Return the shortest way found to break a claim by some of the choices; None if they break none.

        `most`: stop after so many choices were told again. Ctrl-C ends it with the shortest way found so far.
        """
        try:
            first = self.tell(choices)
        except KeyboardInterrupt:
            self.cut_short = True
            first = self.tell(choices)  # what was found must be told once
        kept, world, violation = first
        if violation is None or self.cut_short:
            return None if violation is None else (kept, world, violation)
        self.best, self.left = (kept, world, violation), most
        try:
            if self.loose:
                self._without_kinds()
            size = max(1, len(self.best[0]) // 2)
            while size and self._may_go_on():
                size = size if self._without(size) else size // 2
        except KeyboardInterrupt:
            self.cut_short = True
        return self.best

    def _without_kinds(self) -> None:
        """Tell the best story without all choices of a kind, about messages of a class, of a node."""
        for parts in ((0, 1), (0, 1, 2)):
            keys = [_kind(choice, parts) for choice in self.best[0]]
            for key in dict.fromkeys(keys):
                if self._may_go_on():
                    self._still_falls([choice for choice in self.best[0] if _kind(choice, parts) != key])

    def _without(self, size: int) -> bool:
        """Tell the best story without each of its pieces of so many choices; say whether any could be spared."""
        shorter = False
        at = len(self.best[0])
        while at > 0 and self._may_go_on():
            at = min(at - size, len(self.best[0]) - size)
            shorter |= self._still_falls(self.best[0][: max(0, at)] + self.best[0][max(0, at) + size :])
        return shorter

    def _still_falls(self, fewer: Sequence[Choice]) -> bool:
        """Tell these choices; if the same claim falls after fewer than in the best story, that is the best now."""
        kept, world, violation = self.tell(fewer)
        if self.left is not None:
            self.left -= len(fewer)
        if violation is None or violation.claim != self.best[2].claim or len(kept) >= len(self.best[0]):
            return False
        self.best = (kept, world, violation)
        return True

    def _may_go_on(self) -> bool:
        return self.left is None or self.left > 0

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
            if not world.is_up(choice.node) or not _has_time(world, choice):
                raise ValueError
        case "crash" | "restart":
            if world.is_up(choice.node) != (choice.kind == "crash"):
                raise ValueError


def _has_time(world: World, choice: Choice) -> bool:
    """Say whether a client may ask this in an idle session or in its next new one; a proposer is asked once."""
    asks = choice.what.asks if isinstance(choice.what, Asks) else (choice.what,)
    if not all(isinstance(ask, Ask) for ask in asks):
        return not any(record[2:4] == ("ask", choice.node) for record in world.trace.records)
    idle, prefix = world.idle.get(choice.node, {}), f"{choice.node}/{world.incarnation}."
    new = [ask.session for ask in asks if ask.session not in idle]  # type: ignore[union-attr]
    first = world.drawn.get(choice.node, 0) + 1
    return new == [f"{prefix}{first + number}" for number in range(len(new))]


def _meant(world: World, choice: Choice) -> Choice:
    """Return the choice about what is there: the very message, or the newest of its kind between the same two nodes.

    Without the choices before it, a message has another content: another hash, another ballot.
    """
    kind = type(choice.what)
    if choice.kind in ("deliver", "duplicate"):
        way = (choice.peer, choice.node)
        there = [flight.message for flight in world.flying.values()
                 if flight[1:3] == way and type(flight.message) is kind]  # fmt: skip
    elif choice.kind == "fire":
        there = [message for name, message in world.timers if name == choice.node and type(message) is kind]
    else:
        return choice
    return choice if choice.what in there or not there else replace(choice, what=there[-1])


def _kind(choice: Choice, parts: Sequence[int]) -> tuple[Any, ...]:
    """Return some parts of: what kind of choice it is, about a message of which class, of which node."""
    whole = (choice.kind, type(choice.what), choice.node)
    return tuple(whole[part] for part in parts)


def told(events: Iterable[Event]) -> list[str]:
    """Return events in words, a sentence each, without saves; what is sent to many, once."""
    lines: list[str] = []
    before: Event | None = None
    for event in events:
        if event.kind == "save":
            continue
        again = before is not None and event[1:4] == before[1:4] and event.kind == "send"
        if again and before is not None and event.what == before.what:
            lines[-1] += f", {title(event.peer)}" if event.peer is not None else ""
        else:
            lines.append(f"{event.at / 1000:7.3f} s  {sentence(event)}")
        before = event
    return lines
