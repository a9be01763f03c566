"""A subject: the learner's answer, as the checks may touch it, and only so.

A check never imports a learner's module. It calls a function (`call`), makes an object (`make`) or puts a node class
into a world (`node`), gives plain data and gets plain data back. So the same check runs in this process, for practice,
and over a sandboxed process, for marks: the two subjects have one interface, and the check cannot tell which it has.

Rules for those who write checks: never look at a node's attributes, never ask what class an object has, compare what
came back by exact type and value, and take every answer for possibly hostile. `plain` does the last for all of them.
"""

from __future__ import annotations

import contextlib
import io
import linecache
import random
import signal
import sys
import sysconfig
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, ModuleType, SimpleNamespace
from typing import Any, NamedTuple, Protocol, TypeVar

from paxoskit.grading.packed import Parts, afresh
from paxoskit.grading.worker import canonical, duplicate, throw_seeded_dice
from paxoskit.protocol.node import Effect, Node, NodeError, title
from paxoskit.protocol.plain import Ballot, Message, Name
from paxoskit.worlds.story import Story

NOT_WRITTEN, MISSING, RAISED, TIMED_OUT, DIED = "not written", "missing", "raised", "timed out", "died"
"""Why a learner's code gave no answer: a stub; no such name; an exception; no end; its process is gone."""

NO_ANSWER = "no answer came: look for a loop that never ends, or for a wait"
NOT_AGAIN = "{what} is not run again, because no answer came from it before: look for a loop that never ends, or a wait"
NO_TIME_LEFT = "not run: other parts of your answer took too long already"
TOO_LONG = "your answer took too long in all: look for what runs long"

SHARED_MEMORY = (
    "shared memory: {node}, in the same state and with the same message, did something else when it began anew. "
    "Something outside its own attributes and disk plays a part: a global variable, a class attribute, a default "
    "argument that changes, a file, or the clock"
)

LOOKED_AT = 40
"""In this process: so many turns of each property's nodes are taken twice, to see whether they share memory."""

LONGEST_CALL, LONGEST_WAIT = 2.0, 6.0
"""In this process: a call of the learner's code that takes so many seconds of CPU, or of the clock, has no end. After
each call without end, the next is waited for half as long, so that all of them together take at most twice as long."""

LONGEST, LONGEST_OF_ALL = 20.0, 40.0
"""In this process: one property takes at most so many seconds of CPU, and all properties of an answer so many."""

LOOK, OFTENEST = 0.1, 3e-5
"""Every so many seconds somebody looks at what takes long; at the shortest, where a call catches that it is ended."""

MOST_PRINTED = 10_000
"""So many characters of what a learner's code prints are kept between two calls of `printed`."""

PLAIN = (bool, int, float, str, bytes, type(None))
T = TypeVar("T")
KIT = Path(__file__).resolve().parents[1]
LIBRARY = Path(sysconfig.get_path("stdlib")).resolve()


class LearnerError(Exception):
    """The learner's own code gave no answer; `says` tells the learner why, and shows the line if there is one.

    `why` is one of `NOT_WRITTEN`, `MISSING`, `RAISED`, `TIMED_OUT`, `DIED`.
    """

    def __init__(self, says: str, why: str = RAISED) -> None:
        super().__init__(says)
        self.says = says
        self.why = why
        self.story: Story | None = None
        """The story in which it happened, where the check knows it."""


@dataclass(frozen=True)
class Odd:
    """What came back and is no plain data: equal to nothing that a check expects."""

    kind: str

    def __repr__(self) -> str:
        return f"<a {self.kind}>"


class Thing(Protocol):
    """An object that a subject made."""

    def call(self, method: str, *arguments: Any) -> Any:
        """Call a method with plain data, and return its answer as plain data. Raises LearnerError."""


class Verdict(NamedTuple):
    """How a learner's own test ended: "passed", "failed" (an AssertionError), "error" or "missing"; and its words."""

    ended: str
    says: str = ""


Heard = tuple[Name, Message]
"""Who sends, and what: a message that a node hears."""


class Subject(Protocol):
    """A learner's answer. Every method raises LearnerError where the learner's code gives no answer."""

    @property
    def isolation(self) -> str:
        """What keeps the learner's code from its judge, in words."""

    @property
    def practice(self) -> bool:
        """Whether no marks may follow from it."""

    def call(self, name: str, *arguments: Any) -> Any:
        """Call the function `name` with plain data, and return its answer as plain data (see `plain`)."""

    def make(self, name: str, *arguments: Any) -> Thing:
        """Make an object of the class `name`."""

    def node(self, name: str) -> type[Node]:
        """Return the class `name` as a Node class that any world takes.

        Its constructor, `start` and `receive` raise LearnerError where the learner's code raises.
        """

    def own_test(self, plant: str = "") -> Verdict:
        """Run the learner's own test (`own_test.py` beside the answer) on the learner's own answer.

        `plant` is the text of a module that defines `plant(answer)`: it is run where the learner's code runs, and
        returns the answer with a bug in it, which the test should catch.
        """

    def recheck(self) -> str:
        """Return how it was seen, since `renew`, that nodes share memory, in words; "" if it was not."""

    def foresee(self, node: Node, runs: Iterable[Sequence[Heard]]) -> None:
        """Take note that a node will hear these runs of messages, each from its present state on; nothing follows.

        A subject that lives elsewhere may have all of it done at once. Raises nothing.
        """

    def once(self, what: str, run: Callable[[], T]) -> T:
        """Return what `run` returns, which is run once for this answer: for properties that judge one and the same run.

        What it raises is not remembered.
        """

    def in_time(self) -> AbstractContextManager[None]:
        """Return a context in which LearnerError is raised where the learner's code takes too long.

        What gave no answer once is not run again: whoever calls it later gets LearnerError at once.
        """

    def renew(self) -> None:
        """Forget all that the learner's code did so far: globals, class attributes, loaded modules."""

    def printed(self) -> str:
        """Return what the learner's code printed since this was last asked, at most `MOST_PRINTED` characters."""


def plain(value: Any, depth: int = 20) -> Any:
    """Return a copy of `value` made of exact built-in types, ballots and messages; `Odd` for anything else in it.

    >>> plain([1, (True, {"a"})]), plain(object())
    ([1, (True, {'a'})], <a object>)
    """
    kind = type(value)
    if kind in PLAIN:
        return value
    if depth == 0:
        return Odd(f"{kind.__name__} too deep")
    if kind in (list, tuple, set, frozenset):
        return kind(plain(item, depth - 1) for item in value)
    if kind is dict:
        return {plain(key, depth - 1): plain(item, depth - 1) for key, item in value.items()}
    if kind is Ballot:
        return Ballot(*(plain(part, depth - 1) for part in value))
    if issubclass(kind, Message) and kind.__module__.startswith("paxoskit."):
        return value
    return Odd(kind.__name__)


# In this process, for practice -----------------------------------------------------------------------------


class LocalSubject:
    """An answer that runs in this very process: for practice, in pytest and in a notebook.

    `answer` is the path of a learner's module, loaded anew by every `renew`; `names` gives classes and functions that
    take the place of those in the module, or are all there is.

    >>> subject = LocalSubject(names={"double": lambda number: 2 * number})
    >>> subject.call("double", 4)
    8
    """

    isolation = "none, as this is practice: the answer ran in the same process as its judge"
    practice = True

    def __init__(self, answer: str | Path | None = None, names: dict[str, Any] | None = None) -> None:
        self.path = None if answer is None else Path(answer)
        self.given = dict(names or {})
        self.module: ModuleType | None = None
        self.done: dict[str, tuple[Any, str, str]] = {}
        self.calls = 0
        self.at: str | None = None
        """What of the learner's code runs now, a handler or a function, and how many calls there were."""
        self.endless: set[str] = set()
        """What gave no answer."""
        self.used = 0.0
        """So many seconds of CPU all properties together have taken."""
        self.parts = Parts()
        """What was told of the kit's messages and blocks, when two states were compared: each is told once."""
        self.looked, self.doubt = 0, ""
        """How many turns of this property's nodes were taken twice, and how the second one differed, in words."""
        self._printed = io.StringIO()

    def foresee(self, node: Node, runs: Iterable[Sequence[Heard]]) -> None:
        """Nothing is gained by knowing it here."""

    def once(self, what: str, run: Callable[[], T]) -> T:
        """Return what `run` returns, with what it printed; whether its nodes shared memory is known with it."""
        if what not in self.done:
            self.done[what] = (run(), self.printed(), self.doubt)
        result, printed, self.doubt = self.done[what]
        self._printed.write(printed)
        return result  # type: ignore[no-any-return]

    @contextlib.contextmanager
    def in_time(self) -> Iterator[None]:
        """End with LearnerError when a call of the learner's code, or the whole, takes too long.

        Only in the main thread of a Unix, and while nobody debugs. Afterwards dice fall as if nothing had been judged.
        """
        with _DICE.at_hand(), thrown(random.getstate()), time_limit(self):
            yield

    def renew(self) -> None:
        """Load the module anew the next time that somebody asks for a name."""
        self.module = None
        self.looked, self.doubt = 0, ""

    def recheck(self) -> str:
        """Return what was found when some turns of this property's nodes were taken twice."""
        return self.doubt

    def printed(self) -> str:
        """Return what was printed since this was last asked."""
        text, self._printed = self._printed.getvalue(), io.StringIO()
        return text

    @property
    def patience(self) -> float:
        """By how much shorter than usual a call without an end is waited for: after each one, half as long."""
        return 0.5 ** len(self.endless)

    def names(self) -> dict[str, Any]:
        """Return what the answer defines. Raises LearnerError if its module cannot be loaded."""
        if self.path is None:
            return self.given
        if self.module is None:
            path = self.path
            if not path.is_file():
                raise LearnerError(f"there is no file {path.name} in {path.parent.name or path.parent}", MISSING)
            with self.running(path.name):
                self.module = load(path)
        return {**vars(self.module), **self.given}

    def find(self, name: str) -> Any:
        """Return what the answer calls `name`. Raises LearnerError if there is nothing of that name."""
        names = self.names()
        if name not in names:
            where = self.path.name if self.path else "what you gave"
            raise LearnerError(f"there is no {name} in {where}", MISSING)
        return names[name]

    def call(self, name: str, *arguments: Any) -> Any:
        """Call the function `name`."""
        function = self.find(name)
        with self.running(name):
            return plain(function(*arguments))

    def make(self, name: str, *arguments: Any) -> _LocalThing:
        """Make an object of the class `name`."""
        cls = self.find(name)
        with self.running(name):
            return _LocalThing(self, cls(*arguments))

    def node(self, name: str) -> type[Node]:
        """Return the class `name`, its failures told as LearnerError."""
        cls = self.find(name)
        if not (isinstance(cls, type) and issubclass(cls, Node)):
            raise LearnerError(f"{name} is not a Node: write `class {name}(Node):`", MISSING)
        return guarded(cls, self)

    def own_test(self, plant: str = "") -> Verdict:
        """Run the learner's own test."""
        path = None if self.path is None else self.path.parent / "own_test.py"
        if path is None or not path.is_file():
            return Verdict("missing", "there is no file own_test.py beside your answer")
        answer = SimpleNamespace(**self.names())
        if plant:
            planted: dict[str, Any] = {}
            exec(compile(plant, "<a planted bug>", "exec"), planted)
            answer = planted["plant"](answer)
        try:
            with self.running(path.name):
                tests = [test for name, test in vars(load(path)).items() if name.startswith("test") and callable(test)]
                for test in tests:
                    test(answer)
        except LearnerError as error:
            failed = isinstance(error.__cause__, AssertionError)
            return Verdict("failed" if failed else "error", error.says)
        return Verdict("passed") if tests else Verdict("missing", "own_test.py has no function test(answer)")

    @contextlib.contextmanager
    def running(self, what: str) -> Iterator[None]:
        """Keep what the learner's code prints, and say in her own lines what it raises.

        `what` is what runs: refused at once if no answer came from it before.
        """
        if what in self.endless:
            raise LearnerError(NOT_AGAIN.format(what=what), TIMED_OUT)
        self.calls += 1
        self.at = what
        with contextlib.redirect_stdout(_Bounded(self._printed)), _DICE.seeded():
            try:
                yield
            except LearnerError:
                raise
            except (Exception, SystemExit) as error:
                raise LearnerError(*in_words(error)) from error
            finally:
                self.at = None


class _LocalThing:
    def __init__(self, subject: LocalSubject, thing: Any) -> None:
        self._subject = subject
        self._thing = thing

    def call(self, method: str, *arguments: Any) -> Any:
        """Call a method."""
        with self._subject.running(f"{type(self._thing).__name__}.{method}"):
            found = getattr(self._thing, method, None)
            if found is None:
                raise LearnerError(f"{type(self._thing).__name__} has no method {method}", MISSING)
            return plain(found(*arguments))


class _Bounded(io.TextIOBase):
    """Writes into a buffer until that is full."""

    def __init__(self, buffer: io.StringIO) -> None:
        self.buffer = buffer

    def write(self, text: str) -> int:
        if (room := MOST_PRINTED - self.buffer.tell()) > 0:
            self.buffer.write(text[:room])
        return len(text)


def guarded(cls: type[Node], subject: LocalSubject) -> type[Node]:
    """Return a subclass of a learner's node that tells her failures as LearnerError, and keeps what she prints.

    Each message comes to it made anew, as over a network: two equal ballots are never one object. It is copied as
    where marks are given: two names for one list are still two names for one list. Its state is data there and here.
    """

    def __init__(self: Node, name: Name, peers: Sequence[int], disk: Any = None) -> None:
        with subject.running(f"{cls.__name__}.__init__"):
            cls.__init__(self, name, peers, disk)

    def start(self: Node) -> list[Effect]:
        with subject.running(f"{cls.__name__}.on_start"):
            return cls.start(self)

    def receive(self: Node, sender: Name, message: Message) -> list[Effect]:
        twin = twin_of(self, subject.parts) if subject.looked < LOOKED_AT and sys.gettrace() is None else None
        dice = random.getstate() if twin else None
        with subject.running(called := f"{cls.__name__} hearing {type(message).__name__}"):
            effects = cls.receive(self, sender, afresh(message))
        if twin and dice:
            subject.looked += 1
            with contextlib.suppress(LearnerError), subject.running(called), thrown(dice), silence():
                again = cls.receive(twin, sender, afresh(message))
                if known(self, effects, subject.parts) != known(twin, again, subject.parts):
                    subject.doubt = SHARED_MEMORY.format(node=title(self.name))
        return effects

    def state(self: Node) -> tuple[Any, ...]:
        try:
            return cls.state(self)
        except NodeError:  # no *plain* data, as an answer's queue may be
            held = {key: value for key, value in vars(self).items() if key != "_effects"}
        try:
            return "not plain", canonical(held, whole=self)
        except RecursionError:
            raise NodeError("its state holds itself, or is nested too deeply") from None

    def copied(self: Node) -> Node:
        twin: Node = object.__new__(type(self))
        held = {key: value for key, value in vars(self).items() if key != "_effects"}
        vars(twin).update(duplicate(held, {id(self): twin}), _effects=[])
        return twin

    members: dict[str, Callable[..., Any]] = {
        "__init__": __init__, "start": start, "receive": receive, "state": state, "copy": copied
    }  # fmt: skip
    return type(cls.__name__, (cls,), {**members, "__module__": cls.__module__, "__qualname__": cls.__qualname__})


def twin_of(node: Node, parts: Parts) -> Node | None:
    """Return a copy of a node, or None where it holds what cannot be copied and told: a lock, an iterator."""
    try:
        twin = type(node).copy(node)
        return twin if known(node, [], parts) == known(twin, [], parts) else None
    except Exception:
        return None


def known(node: Node, effects: list[Effect], parts: Parts) -> Any:
    """Return what a node knows and does, to be compared. Raises NodeError for what is no data."""
    held = {key: value for key, value in vars(node).items() if key != "_effects"}
    return canonical(held, parts, whole=node), canonical([tuple(effect) for effect in effects], parts, whole=node)


@contextlib.contextmanager
def thrown(dice: Any) -> Iterator[None]:
    """Let the dice fall as they did from this state on; go on with them as they were."""
    state = random.getstate()
    random.setstate(dice)
    try:
        yield
    finally:
        random.setstate(state)


class _Here(threading.local):
    """What is true of one thread: how often it has seeded dice at hand, and whether a learner's code runs in it."""

    at_hand = 0
    runs = False


class _SeededDice:
    """Dice that a learner's code makes without a seed fall as those of the module do, as where marks are given.

    Only while her code runs, and in its thread: whoever else makes dice has them as ever.
    """

    def __init__(self) -> None:
        self.here = _Here()
        self.lock = threading.Lock()
        self.holders = 0
        self.undo: Callable[[], None] = lambda: None

    @contextlib.contextmanager
    def at_hand(self) -> Iterator[None]:
        """Keep them ready for many calls: to change Python's own class for each of them would slow all dice down."""
        with self.lock:
            if self.holders == 0:
                self.undo = throw_seeded_dice(lambda: self.here.runs)
            self.holders += 1
        self.here.at_hand += 1
        try:
            yield
        finally:
            self.here.at_hand -= 1
            with self.lock:
                self.holders -= 1
                if self.holders == 0:
                    self.undo()

    @contextlib.contextmanager
    def seeded(self) -> Iterator[None]:
        """Throw them in the body, where a learner's code runs."""
        before = self.here.runs
        with contextlib.nullcontext() if self.here.at_hand else self.at_hand():
            try:
                self.here.runs = True
                yield
            finally:
                self.here.runs = before


_DICE = _SeededDice()


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """Print nothing, and stop at no `breakpoint()`."""
    hook, sys.breakpointhook = sys.breakpointhook, lambda *arguments, **more: None
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        sys.breakpointhook = hook


class _Overtime(BaseException):
    """Something took too long. No Exception: a learner's `except Exception` must not catch it."""


@contextlib.contextmanager
def time_limit(subject: LocalSubject) -> Iterator[None]:
    """Raise LearnerError if a call of the subject takes too long in the body, or the body, or all bodies so far."""
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return
    watch = _Watch(subject)

    def ring(number: int, frame: FrameType | None) -> None:
        if sys.gettrace() is not None or (watch.caught and _is_ours(frame)):
            return
        if says := watch.fault():
            if watch.caught:  # more and more often: one of many will come where nothing catches it
                watch.look = max(OFTENEST, watch.look / 2)
                signal.setitimer(signal.ITIMER_REAL, watch.look, watch.look)
            raise _Overtime(says)

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, LOOK, LOOK)
    try:
        yield
    except _Overtime as over:
        raise LearnerError(str(over), TIMED_OUT) from None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        subject.used += time.thread_time() - watch.began


def _is_ours(frame: FrameType | None) -> bool:
    """Say whether this file, which is about to end a call, is interrupted: it must come to its end."""
    return frame is not None and frame.f_code.co_filename in (__file__, contextlib.__file__)


class _Watch:
    """Looks every `LOOK` seconds whether one call of the learner's code runs on and on, or the whole takes too long."""

    def __init__(self, subject: LocalSubject) -> None:
        self.subject = subject
        self.began = time.thread_time()
        self.most = min(LONGEST, LONGEST_OF_ALL - subject.used)
        self.call, self.since, self.used = -1, 0.0, 0.0
        self.look = LOOK
        self.told = self.caught = False
        """Was the whole called too long? Does a call run on that was, as a bare `except:` does?"""

    def fault(self) -> str:
        """Return what takes too long, in words, or nothing; a call that catches this and runs on is told again."""
        subject, now, used = self.subject, time.monotonic(), time.thread_time()
        if subject.at is None or subject.calls != self.call:
            self.call, self.since, self.used = subject.calls, now, used
        elif used - self.used > LONGEST_CALL * subject.patience or now - self.since > LONGEST_WAIT * subject.patience:
            self.caught = subject.at in subject.endless
            subject.endless.add(subject.at)
            return f"{subject.at}: {NO_ANSWER}"
        if used - self.began > self.most and not self.told:
            self.told = True
            return NO_TIME_LEFT if self.most < LONGEST else TOO_LONG
        return ""


def load(path: Path) -> ModuleType:
    """Run a file as a module of its own, anew each time. What it raises comes through."""
    name = f"answer_{path.parent.name}_{path.stem}"
    module = ModuleType(name)
    module.__file__ = str(path)
    sys.modules[name] = module  # a dataclass looks its own module up
    linecache.checkcache(str(path))
    exec(compile(path.read_bytes(), str(path), "exec"), module.__dict__)
    return module


def in_words(error: BaseException) -> tuple[str, str]:
    """Return an exception of a learner's code in words, her own line first, and why there is no answer."""
    says = " ".join(str(error).split())
    if isinstance(error, NotImplementedError):
        return says or "this part is not written yet", NOT_WRITTEN
    what = f"{type(error).__name__}: {says}" if says else type(error).__name__
    if isinstance(error, SyntaxError) and error.filename:
        line = (error.text or "").strip()
        where = f"{Path(error.filename).name}, line {error.lineno}"
        return f"{where}:\n    {line}\n{type(error).__name__}: {error.msg}", RAISED
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if _is_hers(frame.filename):
            where = "" if frame.name == "<module>" else f", in {frame.name}"
            return f"{Path(frame.filename).name}, line {frame.lineno}{where}:\n    {frame.line}\n{what}", RAISED
    return what, RAISED


def _is_hers(filename: str) -> bool:
    path = Path(filename)
    if filename.startswith("<frozen") or filename in ("<a planted bug>", "<string>"):  # a dataclass writes `<string>`
        return False
    return KIT not in path.resolve().parents and not (LIBRARY in path.parents and "site-packages" not in path.parts)
