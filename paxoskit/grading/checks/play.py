"""A learner's nodes in a world, watched step by step; a step that is wrong becomes the shortest story that shows it.

A watcher judges what a node said after each choice. It sees messages and never a node's memory, so it accepts every
way to write an answer. When it finds a fault, choices are taken out of the story for as long as some fault remains.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from random import Random
from typing import Any, NamedTuple, Protocol

from paxoskit.grading.packed import canonical_text
from paxoskit.grading.properties import Failed
from paxoskit.grading.remote import TEXT
from paxoskit.grading.subject import RAISED, LearnerError, Subject, in_words
from paxoskit.protocol.node import Announce, Effect, Node, NodeError, Send, title
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
        world = self.world
        seen = world.trace.count
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
        said = _said_since(world, seen)
        if words := self.watcher.after(world, choice, said):
            raise Fall(words)
        return said

    def spoil(self) -> None:
        """Set the field of every disk whose server is down back to its first value."""
        for name in self.world.servers:
            disk = self.world.disks[name]
            if self.world.nodes[name] is None and self.spoiled in vars(disk):
                twin, first = copy.copy(disk), self.world.classes[name].Disk()
                twin.__dict__[self.spoiled] = getattr(first, self.spoiled)
                if TEXT in vars(disk):  # it lives in a worker: of a learner's own types, only its text tells the values
                    text = json.loads(vars(disk)[TEXT]) | {self.spoiled: json.loads(vars(first)[TEXT])[self.spoiled]}
                    twin.__dict__[TEXT] = canonical_text(text)
                self.world.disks[name] = twin

    def deliver_all(self, most: int = 100) -> list[Said]:
        """Deliver what is in flight, oldest first, until nothing is (or `most` messages); return what was said."""
        said: list[Said] = []
        while self.world.flying and (most := most - 1) >= 0:
            flight = next(iter(self.world.flying.values()))
            said += self.step(Choice("deliver", flight.receiver, flight.sender, flight.message))
        return said


def _said_since(world: World, seen: int) -> list[Said]:
    """Return what was said after event number `seen`: a turn's effects as they are, for no event need be made."""
    turns: list[list[Said]] = []
    for record in reversed(world.trace.records):
        if record[0] <= seen:
            break
        node, effects = record[3], record[8]
        said = []
        for effect in effects:
            if type(effect) is Send:
                said.append(_new(Said, (node, effect[0], effect[1])))
            elif type(effect) is Announce:
                said.append(_new(Said, (node, None, effect[0])))
        turns.append(said)
    return turns[0] if len(turns) == 1 else [one for said in reversed(turns) for one in said]


_new: Any = tuple.__new__

Schedule = Callable[[Play], None]


class Panel:
    """Several watchers of one play, each of which judges it as if it were alone; the play ends when all have fallen."""

    def __init__(self, watchers: dict[str, Watcher]) -> None:
        self.watchers = watchers
        self.play: Play | None = None
        self.fallen: dict[str, tuple[list[Choice], str]] = {}
        """What each has found: the choices up to then, and the fault."""

    def after(self, world: World, choice: Choice, said: list[Said]) -> str | None:
        """Let those judge that have found nothing yet."""
        words = None
        for name, watcher in list(self.watchers.items()):
            if words := watcher.after(world, choice, said):
                assert self.play is not None
                self.fallen[name] = (list(self.play.choices), words)
                del self.watchers[name]
        return None if self.watchers else words or "all have fallen"


class Book(Protocol):
    """Writes down what happens in a play, and finds the faults in it: those of several matters, from one record."""

    def faults(self, world: World, choice: Choice, said: list[Said], matters: Collection[str]) -> dict[str, str]:
        """Return what is wrong after `choice`, for each of these matters in which something is, in words."""


class Reader:
    """Judges a play by its book; the play ends when there is a fault in each of its matters."""

    def __init__(self, book: Book, matters: Iterable[str]) -> None:
        self.book = book
        self.open = list(matters)
        self.play: Play | None = None
        self.fallen: dict[str, tuple[list[Choice], str]] = {}
        """What was found in each matter: the choices up to then, and the fault."""

    def after(self, world: World, choice: Choice, said: list[Said]) -> str | None:
        """Look for faults in the matters that have none yet."""
        found = self.book.faults(world, choice, said, self.open)
        for matter, words in found.items():
            self.fallen[matter] = (list(self.play.choices) if self.play else [], words)
            self.open.remove(matter)
        return None if self.open else next(iter(found.values()), "each has fallen")


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
            raise _failed(begin, classes, watcher, play.choices, str(fall)) from None
        except LearnerError as error:
            raise _raised(begin, classes, watcher, play.choices, error) from None


def hunts(
    subject: Subject, begin: Story, mine: Mapping[str, str], watchers: Mapping[str, Callable[[], Watcher]],
    schedules: Iterable[Schedule], roles: Mapping[str, type[Node]] | None = None,
) -> dict[str, Exception]:  # fmt: skip
    """Do for several watchers, in one run of each schedule, what `hunt` does for each; return what it would raise.

    A schedule must not look at its watcher.
    """
    classes = {**(roles or {}), **{name: subject.node(cls) for name, cls in mine.items()}}
    found: dict[str, Callable[[], Exception]] = {}
    for schedule in schedules:
        waiting = {name: make for name, make in watchers.items() if name not in found}
        if not waiting:
            break
        found |= _heard(begin, classes, waiting, schedule)
    return {name: make() for name, make in found.items()}


def _heard(
    begin: Story, classes: Mapping[str, type[Node]], watchers: Mapping[str, Callable[[], Watcher]], schedule: Schedule
) -> dict[str, Callable[[], Exception]]:  # fmt: skip
    """Run one schedule; return, for each watcher that it ended for, how to make the exception."""
    panel = Panel({name: make() for name, make in watchers.items()})
    panel.play = play = Play(begin, classes, panel)
    found: dict[str, Callable[[], Exception]] = {}
    try:
        schedule(play)
    except Fall:
        pass
    except LearnerError as error:
        for name in panel.watchers:
            found[name] = partial(_raised, begin, classes, watchers[name], play.choices, error)
    for name, (choices, words) in panel.fallen.items():
        found[name] = partial(_failed, begin, classes, watchers[name], choices, words)
    return found


def hunt_together(
    subject: Subject, begin: Story, mine: Mapping[str, str], book: Callable[[], Book], matters: Sequence[str],
    schedules: Iterable[tuple[str, Schedule]], roles: Mapping[str, type[Node]] | None = None,
) -> dict[str, Exception]:  # fmt: skip
    """Run every schedule once and judge all matters in it; return what ended each, as `hunt` would raise it.

    A schedule is made for one of the matters, or ("") for all. What the learner's code raises in it counts for that one
    alone, and when that one has ended, its schedules are left out. The watcher of a play is a `Reader`.
    """
    classes = {**(roles or {}), **{name: subject.node(cls) for name, cls in mine.items()}}
    found: dict[str, Callable[[], Exception]] = {}
    for matter, schedule in schedules:
        left = [one for one in matters if one not in found]
        if matter in found or not left:
            continue
        found |= _read(begin, classes, book, left, matter, schedule)
    return {name: make() for name, make in found.items()}


def _read(
    begin: Story, classes: Mapping[str, type[Node]], book: Callable[[], Book], matters: Sequence[str], matter: str,
    schedule: Schedule,
) -> dict[str, Callable[[], Exception]]:  # fmt: skip
    """Run one schedule; return, for each matter that it ended for, how to make the exception."""
    reader = Reader(book(), matters)
    reader.play = play = Play(begin, classes, reader)
    found: dict[str, Callable[[], Exception]] = {}
    try:
        schedule(play)
    except Fall:
        pass
    except LearnerError as error:
        for name in [matter] if matter else matters:
            found[name] = partial(_raised, begin, classes, partial(_alone, book, name), play.choices, error)
    for name, (choices, words) in reader.fallen.items():
        found[name] = partial(_failed, begin, classes, partial(_alone, book, name), choices, words)
    return found


def _alone(book: Callable[[], Book], matter: str) -> Reader:
    return Reader(book(), [matter])


def _failed(
    begin: Story, classes: Mapping[str, type[Node]], watcher: Callable[[], Watcher], choices: list[Choice], words: str
) -> Exception:  # fmt: skip
    shorter, says = _shrunk(begin, classes, watcher, choices, words, _falls)
    return Failed(says, story=replace(begin, choices=shorter, says=says.splitlines()[0]))


def _raised(
    begin: Story, classes: Mapping[str, type[Node]], watcher: Callable[[], Watcher], choices: list[Choice],
    error: LearnerError,
) -> Exception:  # fmt: skip
    if error.why != RAISED:
        return error  # there is nothing to shorten: no code, or no end, for which each try would wait again
    shorter, says = _shrunk(begin, classes, watcher, choices, error.says, _raises)
    told = LearnerError(says, error.why)
    told.story = replace(begin, choices=shorter, says=says.splitlines()[-1])
    return told


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


def newborn(cls: type[Node], name: Name, peers: Sequence[int], disk: Any = None) -> Node:
    """Return a node whose life has begun, whatever its own attributes are called: `start`, for instance."""
    return begun(cls, name, peers, disk)[0]


def begun(cls: type[Node], name: Name, peers: Sequence[int], disk: Any = None) -> tuple[Node, list[Effect]]:
    """Return a node whose life has begun, and what it did first."""
    node = cls(name, peers, disk)
    return node, list(type(node).start(node))


def copied(node: Node) -> Node:
    """Return a copy of a node. Raises NodeError if it keeps what Python makes no copies of: a lock, a generator."""
    try:
        return type(node).copy(node)
    except Exception as error:
        raise NodeError(f"{title(node.name)} cannot be copied: {error}") from None


def sends(said: Iterable[Said], sender: Name) -> list[Send]:
    """Return what one node sent."""
    return [Send(one.to, one.message) for one in said if one.sender == sender and one.to is not None]
