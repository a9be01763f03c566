"""A learner's nodes in a world, watched step by step; a step that is wrong becomes the shortest story that shows it.

A watcher judges what a node said after each choice. It sees messages and never a node's memory, so it accepts every
way to write an answer. When it finds a fault, choices are taken out of the story for as long as some fault remains.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from random import Random
from typing import Any, NamedTuple, Protocol

from paxoskit.grading.properties import Failed
from paxoskit.grading.subject import MISSING, NOT_WRITTEN, LearnerError, Subject, in_words
from paxoskit.protocol.node import Node, Send
from paxoskit.protocol.plain import Ballot, Message, Name
from paxoskit.worlds.choice import Choice
from paxoskit.worlds.story import Story
from paxoskit.worlds.world import World


class Said(NamedTuple):
    """What somebody sent in a turn; `to` is None for a fact that was announced."""

    sender: Name
    to: Name | None
    message: Message


class Watcher(Protocol):
    """Judges a story as it goes."""

    def after(self, world: World, choice: Choice, said: list[Said]) -> str | None:
        """Return what is wrong after `choice`, in words for the student, or None."""


class Fall(Exception):
    """A watcher found a fault."""


class Play:
    """A world with a learner's nodes, and who watches it. `choices` are those that happened.

    `spoiled`: a field of a disk that every crash sets back to what it was at first: does anybody miss it?
    """

    def __init__(
        self, begin: Story, classes: Mapping[str, type[Node]], watcher: Watcher, spoiled: str = ""
    ) -> None:  # fmt: skip
        self.begin = begin
        self.spoiled = spoiled
        self.watcher = watcher
        self.choices: list[Choice] = []
        try:
            self.world = begin.world(classes)
        except LearnerError:
            raise
        except Exception as error:
            raise LearnerError(*in_words(error)) from error

    def step(self, choice: Choice) -> list[Said]:
        """Let a choice happen, and return what was said. Raises Fall, LearnerError; ValueError if it cannot happen."""
        seen, world = self.world.trace.count, self.world
        self.choices.append(choice)
        world.trace.now += 10
        try:
            world.happen(choice)
        except LearnerError:
            raise
        except ValueError:
            self.choices.pop()
            raise
        except Exception as error:  # what the node asked for cannot be done: sent to nobody, heard by nobody
            raise LearnerError(*in_words(error)) from error
        world.fresh.clear()
        if self.spoiled:
            self.spoil()
        said = [Said(e.node, e.peer, e.what) for e in world.trace.since(seen) if e.kind in ("send", "announce")]
        if words := self.watcher.after(world, choice, said):
            raise Fall(words)
        return said

    def spoil(self) -> None:
        """Set the field of every disk whose server is down back to its first value."""
        for name in self.world.servers:
            disk = self.world.disks[name]
            if self.world.nodes[name] is None and self.spoiled in vars(disk):
                twin = copy.copy(disk)
                twin.__dict__[self.spoiled] = getattr(self.world.classes[name].Disk(), self.spoiled)
                self.world.disks[name] = twin

    def deliver_all(self, most: int = 100) -> None:
        """Deliver what is in flight, oldest first, until nothing is (or `most` messages)."""
        for _ in range(most):
            if not self.world.flying:
                return
            flight = next(iter(self.world.flying.values()))
            self.step(Choice("deliver", flight.receiver, flight.sender, flight.message))


Schedule = Callable[[Play], None]


def hunt(
    subject: Subject, begin: Story, mine: Mapping[str, str], watcher: Callable[[], Watcher],
    schedules: Iterable[Schedule], roles: Mapping[str, type[Node]] | None = None,
) -> None:  # fmt: skip
    """Run every schedule in a new world; raise Failed with the shortest story for the first that shows a fault.

    `mine`: the learner's class for each name of a node in the story that is hers; `roles`: the kit's for others.
    """
    classes = {**(roles or {}), **{name: subject.node(cls) for name, cls in mine.items()}}
    for schedule in schedules:
        play = Play(begin, classes, watcher())
        try:
            schedule(play)
        except Fall as fall:
            choices, says = _shrunk(begin, classes, watcher, play.choices, str(fall), _falls)
            raise Failed(says, story=replace(begin, choices=choices, says=says.splitlines()[0])) from None
        except LearnerError as error:
            if error.why in (NOT_WRITTEN, MISSING):
                raise
            choices, says = _shrunk(begin, classes, watcher, play.choices, error.says, _raises)
            error = LearnerError(says, error.why)
            error.story = replace(begin, choices=choices, says=says.splitlines()[-1])
            raise error from None


def _falls(begin: Story, classes: Mapping[str, type[Node]], watcher: Watcher, choices: list[Choice]) -> Any:
    return _ends(begin, classes, watcher, choices, Fall)


def _raises(begin: Story, classes: Mapping[str, type[Node]], watcher: Watcher, choices: list[Choice]) -> Any:
    return _ends(begin, classes, watcher, choices, LearnerError)


def _ends(
    begin: Story, classes: Mapping[str, type[Node]], watcher: Watcher, choices: list[Choice], how: type[Exception]
) -> tuple[tuple[Choice, ...], str] | None:
    """Return the choices up to the one that ends in an exception of that type, and its words; None if none does."""
    play = Play(begin, classes, watcher)
    try:
        for choice in choices:
            try:
                play.step(choice)
            except ValueError:
                continue  # it names a message that is not there without an earlier choice
    except how as error:
        return tuple(play.choices), str(error)
    except (Fall, LearnerError):
        pass
    return None


def _shrunk(
    begin: Story, classes: Mapping[str, type[Node]], watcher: Callable[[], Watcher], choices: list[Choice], says: str,
    ends: Callable[..., tuple[tuple[Choice, ...], str] | None],
) -> tuple[tuple[Choice, ...], str]:  # fmt: skip
    """Take choices out, the last first, for as long as the story still ends badly."""
    best, words = tuple(choices), says
    shorter = True
    while shorter:
        shorter = False
        for index in reversed(range(len(best))):
            if index >= len(best):
                continue
            found = ends(begin, classes, watcher(), [*best[:index], *best[index + 1 :]])
            if found is not None and len(found[0]) < len(best):
                best, words = found
                shorter = True
    return best, words


def same(one: Any, other: Any) -> bool:
    """Say whether two plain values are equal, types included: 1, 1.0 and True are three.

    >>> same((1, "a"), (1, "a")), same(1, True), same([1], (1,))
    (True, False, False)
    """
    if type(one) is not type(other):
        return False
    if isinstance(one, Message):
        return same(vars_of(one), vars_of(other))
    if isinstance(one, (tuple, list)):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other))
    if isinstance(one, dict):
        return len(one) == len(other) and all(key in other and same(one[key], other[key]) for key in one)
    return type(one) in _COMPARED and bool(one == other)


_COMPARED = {bool, int, float, str, bytes, type(None), set, frozenset, Ballot}


def vars_of(message: Message) -> dict[str, Any]:
    """Return a message's declared fields."""
    return {name: getattr(message, name) for name in message.__dataclass_fields__}  # type: ignore[attr-defined]


def dice(*words: object) -> Random:
    """Return dice that these words alone decide, the same in every process."""
    return Random(" ".join(map(str, words)))


def sends(said: Iterable[Said], sender: Name) -> list[Send]:
    """Return what one node sent."""
    return [Send(one.to, one.message) for one in said if one.sender == sender and one.to is not None]
