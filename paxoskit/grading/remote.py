"""The judge's side of a sandbox: a submission that runs in workers, as a subject that any check takes.

A node of hers in the judge's world is only a number here, that of its state in its worker. **Each node has a worker of
its own**, so a global or a class attribute carries nothing from one server to another: that would be telepathy, not
consensus. What a node did in a state with a message is remembered; `recheck` then has it done again in fresh workers,
in another order, and a difference is told as *shared memory*: all that a search did, and some of what single lives did.

`workshop` has the workers, `reading` what they say.
"""

from __future__ import annotations

import copy
import dataclasses
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

from paxoskit.grading.packed import Parts, canonical_text, pack
from paxoskit.grading.reading import (
    Foreign,
    Turn,
    are_ints,
    read_message,
    read_turn,
    read_value,
    state_after,
)
from paxoskit.grading.subject import (
    MISSING,
    NO_ANSWER,
    NO_TIME_LEFT,
    NOT_AGAIN,
    RAISED,
    SHARED_MEMORY,
    TIMED_OUT,
    TOO_LONG,
    Heard,
    LearnerError,
    T,
    Verdict,
)
from paxoskit.grading.worker import MOST_PRINTED
from paxoskit.grading.workshop import LOOK, WROTE, Channel, Limits
from paxoskit.protocol.node import Effect, Node, NodeError, title
from paxoskit.protocol.plain import Ballot, Message, Name

GIVEN = ("plain", "node", "messages", "literals", "synod")
"""The modules of `paxoskit.protocol` that a submission may import, unless its statement names others."""

SPREAD = 100
"""Of the turns that no search asked for, so many, spread over all of them, are taken again with those before them."""

TWICE = 100
"""So many turns are taken twice in one worker when a node is looked at for shared memory."""

AT_ONCE = 200
"""So many turns are asked for in one message; each message wakes two processes."""

MOST_AT_ONCE = 100_000
"""Turns in which so many characters were heard and said are enough for one message."""

MOST_READ = 20_000
"""So many messages are remembered by their texts; then all are forgotten, and read anew."""


class IsolationError(RuntimeError):
    """The isolation that is required cannot be had here; the message is one line."""


# Nodes that live elsewhere -------------------------------------------------------------------------------------


class RemoteNode(Node):
    """A node that lives in a worker: here it is the number of its state there, and what is known of its disk."""

    subject: ClassVar[WorkerSubject]
    named: ClassVar[str]

    def __init__(self, name: Name, peers: Sequence[int], disk: Any = None) -> None:
        self.name, self.peers = name, tuple(peers)
        self.place = self.subject.place(self.named, name)
        if disk is None and self.peers in self.place.newborn:
            self.__dict__.update(self.place.newborn[self.peers])
            return
        given = self.Disk() if disk is None else disk
        self._take(self.place.born(name, self.peers, given), given)
        if {**vars(self.disk), TEXT: ""} == {**vars(given), TEXT: ""}:  # it wrote nothing: there is nothing to save
            given.__dict__[TEXT], self.disk = vars(self.disk)[TEXT], given
        if disk is None:
            self.place.newborn[self.peers] = dict(vars(self))

    def start(self) -> list[Effect]:
        """Run `on_start` in the worker."""
        return self._take(self.place.turn(f"{self.named}.on_start", ("start", self.number)), self.disk)

    def receive(self, sender: Name, message: Message) -> list[Effect]:
        """Run the handler in the worker."""
        heard = self.place.heard
        key = (self.number, sender, id(message))
        if key not in heard:
            called = f"{self.named} hearing {type(message).__name__}"
            text = self.place.text(message)
            heard[key] = self.place.turn(called, ("receive", self.number, sender, text)), message
        return self._take(heard[key][0], self.disk)

    def _take(self, turn: Turn, disk: Any) -> list[Effect]:
        self.number, self.like, self.odd = turn.state, turn.like, turn.odd
        self.disk = disk if turn.disk is None else self.subject.disk(type(self), turn.disk)
        if turn.shown is not None:
            self._show(self.subject.shown(turn.shown))
        return list(turn.effects)

    def _show(self, shown: dict[str, Any]) -> None:
        """Let onlookers see whether the node leads, in which ballot, and what is in its store."""
        held = self.__dict__
        for name in SHOWN:
            held.pop(name, None)
        held |= shown

    def state(self) -> tuple[Any, ...]:
        """Return a number of the state, which two nodes of a name share exactly when all their data is equal."""
        if self.odd:
            raise NodeError(self.odd)
        return self.named, self.name, self.like

    def copy(self) -> Node:
        """Return a node in the same state."""
        self.place.searched.add(self.number)
        twin = object.__new__(type(self))
        twin.__dict__.update(vars(self))
        return twin


SHOWN = ("leading", "ballot", "store")

TEXT = "_text"
"""Where a disk keeps the text that its worker wrote of it."""


class Place:
    """Where the nodes of one name and class live: a worker, and the memory of all that they did there."""

    def __init__(self, subject: WorkerSubject, cls: str) -> None:
        self.subject = subject
        self.cls = cls
        self.channel = subject.channel()
        self.turns: dict[tuple[Any, ...], Turn] = {}
        self.heard: dict[tuple[int, Name, int], tuple[Turn, Message]] = {}
        """Turns by the `id` of the message: the message stands beside the turn, so no other takes its place."""
        self.newborn: dict[tuple[int, ...], dict[str, Any]] = {}
        """What a node is that was born with a first disk, by its peers."""
        self.searched: set[int] = set()
        """The states of which there were copies: a search goes on from such a state in more than one way."""

    def born(self, name: Name, peers: tuple[int, ...], disk: Any) -> Turn:
        """Let a node be born with a disk."""
        kept = dict(vars(disk))
        text = kept.pop(TEXT)
        known = self.subject.fields(text)
        parts = self.subject.parts
        changed = {field: pack(value, parts) for field, value in kept.items() if value != known.get(field)}
        key = ("born", name, peers, text, canonical_text(changed))
        return self.turn(f"{self.cls}.__init__", key, self.cls, name, list(peers), text, changed)

    def turn(self, called: str, key: tuple[Any, ...], *arguments: Any) -> Turn:
        """Take a turn, or remember it; `called` says in words what runs."""
        turn = self.turns.get(key)
        if turn is None:
            with self.subject.calling(called):
                told = self.subject.ask(self.channel, key[0], *(arguments or key[1:]))
            turn = self.turns[key] = read_turn(told, self.subject.message)
        return turn

    def ahead(self, state: int, runs: Iterable[Sequence[Heard]]) -> None:
        """Have the turns of several runs taken from a state on, many in a message, and remember them.

        All runs go on together, so that mostly a turn that several have in common is taken once; where few are left,
        they go on for several turns in one message. What cannot be taken is left for `turn`, which says why.
        """
        at = [(state, [(sender, self.text(message)) for sender, message in run[::-1]]) for run in runs if run]
        while at:
            new: dict[tuple[Any, ...], list[tuple[Name, str]]] = {}
            known = []
            for before, run in at:
                while run and (turn := self.turns.get(("receive", before, *run[-1]))):
                    before = turn.state
                    run.pop()
                if run:
                    known.append((before, run))
                    new.setdefault((before, *run[-1]), run)
            at = known
            paths = [(key[0], run[::-1]) for key, run in new.items()]
            for start in range(0, len(paths), AT_ONCE):
                some = paths[start : start + AT_ONCE]
                self._ask_ahead([(before, run[: AT_ONCE // len(some)]) for before, run in some])
            at = [(before, run) for before, run in at if ("receive", before, *run[-1]) in self.turns]

    def _ask_ahead(self, paths: list[tuple[int, list[tuple[Name, str]]]]) -> None:
        told = self.subject.ask(self.channel, "ahead", paths)
        if type(told) is not list or len(told) > len(paths):
            raise LearnerError(WROTE, RAISED)
        for (before, path), turns in zip(paths, told):
            if type(turns) is not list or len(turns) > len(path):
                raise LearnerError(WROTE, RAISED)
            for heard, one in zip(path, turns):
                turn = read_turn(one, self.subject.message)
                self.turns.setdefault(("receive", before, *heard), turn)
                before = turn.state

    def text(self, message: Message) -> str:
        """Return a message as workers are told it."""
        return message.packed if isinstance(message, Foreign) else self.subject.parts.text(message)

    def doubted(self) -> dict[tuple[Any, ...], Turn]:
        """Return the turns to be taken again, in the order in which they came: each with all that led to it."""
        led = {turn.state: key for key, turn in reversed(self.turns.items())}
        apart, chosen = max(1, len(self.turns) // SPREAD), set[tuple[Any, ...]]()
        for number, key in enumerate(self.turns):
            if key[0] == "born" or number % apart == 0 or key[1] in self.searched:
                while key not in chosen:
                    chosen.add(key)
                    key = key if key[0] == "born" else led[key[1]]
        return {key: turn for key, turn in self.turns.items() if key in chosen}

    def asked(self, key: tuple[Any, ...], turn: Turn) -> list[Any]:
        """Return how to ask another worker for a turn once more."""
        if key[0] == "born":
            _, name, peers, text, changed = key
            return ["born", None, turn.state, self.cls, name, list(peers), text, json.loads(changed)]
        return [key[0], key[1], turn.state, *key[2:]]


Following = dict[int | None, list[tuple[tuple[Any, ...], Turn]]]
"""The turns that were taken in each state; None has the births."""


# The subject -------------------------------------------------------------------------------------------------


class WorkerSubject:
    """A submission that runs in workers: for marks. See `paxoskit.grading.subject.Subject` for what it can do.

    `answer` is the file of the submission; what lies beside it goes into the workers' folders too. `given`: the
    modules of `paxoskit.protocol` that it may import. With `required`, IsolationError is raised where Landlock is not
    in force.
    """

    practice = False

    def __init__(
        self, answer: str | Path, given: Sequence[str] = GIVEN, limits: Limits | None = None, required: bool = False,
        direct: bool = False,
    ) -> None:  # fmt: skip
        self.path = Path(answer)
        self.given = tuple(given)
        self.limits = limits or Limits()
        self.required = required
        self.direct = direct
        self.force: list[str] = []
        self.open: list[Channel] = []
        self.rechecked: set[tuple[Any, ...]] = set()
        self.endless: set[str] = set()
        """What gave no answer: nobody need wait for it again."""
        self.broken: LearnerError | None = None
        """Why the submission cannot be loaded, if it cannot."""
        self.parts = Parts()
        self.read: dict[str, Message] = {}
        """The messages that were read, by their texts."""
        self.places: dict[tuple[str, Name], Place] = {}
        self.classes: dict[str, type[Node]] = {}
        self.main: Channel | None = None
        self.done: dict[str, tuple[Any, str, str | LearnerError]] = {}
        self.doubt: str | LearnerError = ""
        """What was found when that was rechecked by which the property now judged is judged."""
        self.time_outs = 0
        self.used = self.idle = 0.0
        """Seconds of CPU that the workers used that have ended, and those they were seen to wait for nothing."""
        self.look_at = time.monotonic() + self.limits.total
        self._printed = ""

    @property
    def isolation(self) -> str:
        """What keeps the submission from its judge, in words."""
        return "; ".join(["a process of its own, without the kit's servers", *self.force])

    def channel(self) -> Channel:
        """Return a new worker with the submission in it. Raises LearnerError if that cannot be loaded."""
        if not self.path.is_file():
            raise LearnerError(f"there is no file {self.path.name} in {self.path.parent.name}", MISSING)
        if self.broken is not None:
            raise LearnerError(self.broken.says, self.broken.why)
        if self.time_outs >= self.limits.time_outs or self.left() <= 0:
            raise LearnerError(NO_TIME_LEFT, TIMED_OUT)
        channel = Channel(self.path, self.given, self.limits.after(self.time_outs), self.direct, self.parts)
        self.force = channel.force
        self.open.append(channel)
        self._require_isolation(channel)
        try:
            with self.calling(self.path.name):
                self.ask(channel, "load", self.path.name)
        except LearnerError as error:
            self.broken = error  # what cannot be loaded once is not tried again for every property
            raise
        return channel

    def check_isolation(self) -> None:
        """Raise IsolationError if isolation is required and cannot be had; nothing of the submission runs.

        Linux has all of it from 5.13 on (signals from 6.12). A filter closes sockets of every kind, UDP too, on x86-64
        and 64-bit ARM; on other machines only TCP is closed, from 6.7 on. macOS has processes and limits, and no
        Landlock, no filter, no subreaper and no sure bound on memory. Windows has no pipe that one can wait at.
        """
        if os.name == "nt":
            raise IsolationError("marks need Linux or macOS: on Windows, grade inside WSL (check works everywhere)")
        if self.required:
            channel = Channel(self.path, self.given, self.limits, self.direct)
            try:
                self._require_isolation(channel)
            finally:
                channel.close()

    def _require_isolation(self, channel: Channel) -> None:
        if self.required and not is_shut_in(channel.force):
            raise IsolationError(
                "--isolation=required: this system has no Landlock (Linux 5.13 or newer), so a submission could read "
                "your files; grade on one that has it, or without the option"
            )

    def ask(self, channel: Channel, what: str, *arguments: Any, calls: int = 1) -> Any:
        """Ask one of the workers something; count what took too long, keep what was printed."""
        if time.monotonic() > self.look_at:
            if (left := self.left()) <= 0:
                raise LearnerError(TOO_LONG, TIMED_OUT)
            self.look_at = time.monotonic() + max(LOOK, left)
        channel.printed = ""
        try:
            return channel.ask(what, *arguments, calls=calls)
        except LearnerError as error:
            self.time_outs += error.why == TIMED_OUT
            raise
        finally:
            self.keep_printed(channel.printed)

    def left(self) -> float:
        """Return how many seconds this subject's workers may still use, or wait for nothing, whichever is less."""
        used = self.used + sum(channel.spent() for channel in self.open)
        idle = self.idle + sum(channel.idle for channel in self.open)
        return min(self.limits.total - used, self.limits.idle - idle)

    @contextmanager
    def calling(self, what: str) -> Iterator[None]:
        """Refuse what gave no answer before; remember it, and name it, if it gives none now."""
        if what in self.endless:
            raise LearnerError(NOT_AGAIN.format(what=what), TIMED_OUT)
        try:
            yield
        except LearnerError as error:
            if error.says != NO_ANSWER:
                raise
            self.endless.add(what)
            raise LearnerError(f"{what}: {NO_ANSWER}", TIMED_OUT) from None

    def _main(self) -> Channel:
        if self.main is None:
            self.main = self.channel()
        return self.main

    def call(self, name: str, *arguments: Any) -> Any:
        """Call a function of the submission with plain data."""
        packed = [pack(argument, self.parts) for argument in arguments]
        with self.calling(name):
            return read_value(self.ask(self._main(), "call", name, packed), self.parts)

    def make(self, name: str, *arguments: Any) -> RemoteThing:
        """Make an object of a class of the submission."""
        channel = self._main()
        with self.calling(name):
            number = self.ask(channel, "make", name, [pack(argument, self.parts) for argument in arguments])
        return RemoteThing(self, channel, name, number)

    def own_test(self, plant: str = "") -> Verdict:
        """Run the learner's own test, in a worker of its own: a planted bug goes away with it."""
        if not (self.path.parent / "own_test.py").is_file():
            return Verdict("missing", "there is no file own_test.py beside your answer")
        with self.calling("own_test.py"):
            told = self.ask(self.channel(), "own_test", "own_test.py", plant)
        if type(told) is list and len(told) == 2 and all(type(one) is str for one in told):
            ended = told[0] if told[0] in ("passed", "failed", "missing") else "error"
            return Verdict(ended, told[1][:4_000])
        return Verdict("error", WROTE)

    def node(self, name: str) -> type[Node]:
        """Return a class of nodes that live in workers, one worker for each node's name."""
        if name not in self.classes:
            told = self.ask(self._main(), "describe", name)
            fields, text = told["fields"], told["disk"]
            known = self.fields(text)
            declared = [(one, Any, dataclasses.field(default_factory=_first(known, one))) for one in fields]
            disk = dataclasses.make_dataclass("Disk", declared, namespace={"__post_init__": _with_text(text)})
            members = {"subject": self, "named": name, "Disk": disk, "__module__": __name__}
            members |= {handler: _elsewhere for handler in told["handlers"] if str(handler).startswith("on_")}
            self.classes[name] = type(name, (RemoteNode,), members)
        return self.classes[name]

    def place(self, cls: str, name: Name) -> Place:
        """Return where the node of a class and a name lives."""
        if (cls, name) not in self.places:
            self.places[cls, name] = Place(self, cls)
        return self.places[cls, name]

    def message(self, text: str) -> Message:
        """Return the message that a worker wrote so."""
        known = self.read.get(text)
        if known is None:
            if len(self.read) > MOST_READ:
                self.read.clear()
            known = self.read[text] = read_message(text, self.parts)
        return known

    def fields(self, text: str) -> dict[str, Any]:
        """Return the fields of a disk that a worker described, in so far as the judge can know them."""
        try:
            packed = json.loads(text)
            return {str(field): read_value(data, self.parts) for field, data in packed.items()}
        except (ValueError, AttributeError, RecursionError):
            raise LearnerError(WROTE, RAISED) from None

    def disk(self, cls: type[Node], text: str) -> Any:
        """Return a disk of a class, as a worker described it."""
        disk = object.__new__(cls.Disk)
        disk.__dict__.update({TEXT: text, **self.fields(text)})
        return disk

    def shown(self, text: str) -> dict[str, Any]:
        """Return what a node shows: only what it should be, an office, its ballot, and a store of texts."""
        told = self.fields(text) if text else {}
        leading, ballot, store = (told.get(name) for name in SHOWN)
        right = type(ballot) is Ballot and are_ints(ballot)
        return {
            **({"ballot": ballot} if right else {}),
            **({"leading": leading} if right and type(leading) is bool else {}),
            **({"store": SimpleNamespace(data=store)} if type(store) is dict else {}),
        }

    def foresee(self, node: Node, runs: Iterable[Sequence[Heard]]) -> None:
        """Have the turns taken that will be asked for: many in one message, where each would be a message of its own.

        A worker that breaks a limit on the way is replaced, and nothing is foreseen of this node.
        """
        assert isinstance(node, RemoteNode)
        place = node.place
        try:
            place.ahead(node.number, runs)
        except LearnerError:
            if place.channel.gone:
                self.places = {key: other for key, other in self.places.items() if other is not place}

    def renew(self) -> None:
        """End all workers: the submission begins anew."""
        for channel in self.open:
            channel.close()
            self.used, self.idle = self.used + channel.used, self.idle + channel.idle
        self.open.clear()
        self.places.clear()
        self.main, self.doubt = None, ""

    close = renew

    def in_time(self) -> AbstractContextManager[None]:
        """Return a context that does nothing: workers are held to their limits, whatever they are asked."""
        return nullcontext()

    def once(self, what: str, run: Callable[[], T]) -> T:
        """Return what `run` returns, run once, with what it printed; whether its nodes shared memory is found at once.

        `recheck` tells that to each property that is judged by it.
        """
        if what not in self.done:
            result, printed = run(), self.printed()
            doubt: str | LearnerError
            try:
                doubt = self.recheck()
            except LearnerError as error:
                doubt = error
            self.done[what] = result, printed, doubt
        result, printed, self.doubt = self.done[what]
        self.keep_printed(printed)
        return result  # type: ignore[no-any-return,unused-ignore]

    def keep_printed(self, text: str) -> None:
        """Keep what was printed, up to a bound."""
        self._printed += text[: MOST_PRINTED - len(self._printed)]

    def printed(self) -> str:
        """Return what was printed since this was last asked."""
        text, self._printed = self._printed, ""
        return text

    def recheck(self) -> str:
        """Do again what nodes did, in fresh workers and in another order; return what differs, in words, or ""."""
        doubt, self.doubt = self.doubt, ""
        if isinstance(doubt, LearnerError):
            raise doubt
        if doubt:
            return doubt
        channel: Channel | None = None
        for (cls, name), place in list(self.places.items()):
            turns = {(cls, name, key, turn.state, turn.raw) for key, turn in place.turns.items()}
            if turns <= self.rechecked:
                continue  # another property had these very turns taken
            channel = channel or self.channel()
            if self._differs(channel, place):
                return SHARED_MEMORY.format(node=title(name))
            self.rechecked |= turns
        return ""

    def _differs(self, channel: Channel, place: Place) -> bool:
        """Take turns in a fresh worker, those found last first; then some once more there; say whether any differs."""
        following: Following = {}
        doubted = place.doubted()
        for key, turn in doubted.items():
            following.setdefault(None if key[0] == "born" else key[1], []).append((key, turn))
        backward = {before: turns[::-1] for before, turns in following.items()}
        self.ask(channel, "forget")
        now: dict[int, int] = {}
        same = self._same(channel, place, walk(backward, len(doubted)), now)
        return not (same and self._same(channel, place, walk(following, TWICE), now))

    def _same(
        self, channel: Channel, place: Place, walk: Iterator[tuple[tuple[Any, ...], Turn]], now: dict[int, int]
    ) -> bool:
        """Have turns taken again, some at a time; say whether all is as it was. `now`: states' new numbers."""
        while some := _handful(walk):
            told = self.ask(channel, "again", [place.asked(key, turn) for key, turn in some], calls=len(some))
            if type(told) is not list or len(told) != len(some):
                raise LearnerError(WROTE, RAISED)
            for (_, turn), one in zip(some, told):
                after = state_after(one, turn)
                if after is None or (now.setdefault(turn.state, after) != after and not turn.odd):
                    return False
        return True


def walk(following: Following, most: int) -> Iterator[tuple[tuple[Any, ...], Turn]]:
    """Yield at most so many turns, depth first: each in a state that one of those before it has led to."""
    waiting: list[int | None] = [None]
    seen: set[int | None] = {None}
    while waiting:
        for key, turn in following.get(waiting.pop(), ()):
            if most == 0:
                return
            most -= 1
            yield key, turn
            if turn.state not in seen:
                seen.add(turn.state)
                waiting.append(turn.state)


def _handful(walk: Iterable[tuple[tuple[Any, ...], Turn]]) -> list[tuple[tuple[Any, ...], Turn]]:
    """Return the next turns that one message may ask for, and its answer tell."""
    some, size = [], 0
    for key, turn in walk:
        some.append((key, turn))
        size += turn.size + sum(len(part) for part in key if type(part) is str)
        if len(some) == AT_ONCE or size > MOST_AT_ONCE:
            break
    return some


def _with_text(text: str) -> Callable[[Any], None]:
    return lambda disk: disk.__dict__.update({TEXT: text})


def _first(known: dict[str, Any], field: str) -> Callable[[], Any]:
    return lambda: copy.deepcopy(known.get(field))


def is_shut_in(force: Sequence[str]) -> bool:
    """Say whether what is in force keeps a submission from files and network."""
    return any(words.startswith("Landlock") for words in force)


def _elsewhere(self: Node, sender: Name, message: Message) -> None:
    """Stand for a handler that a class has in its worker; `receive` never calls it."""
    raise TypeError(f"{type(self).__name__} lives in another process: use receive(sender, message)")


class RemoteThing:
    """An object that lives in a worker."""

    def __init__(self, subject: WorkerSubject, channel: Channel, cls: str, number: Any) -> None:
        self._subject, self._channel, self._class, self._number = subject, channel, cls, number

    def call(self, method: str, *arguments: Any) -> Any:
        """Call a method with plain data, and return its answer as plain data."""
        parts = self._subject.parts
        packed = [pack(argument, parts) for argument in arguments]
        with self._subject.calling(f"{self._class}.{method}"):
            return read_value(self._subject.ask(self._channel, "method", self._number, method, packed), parts)
