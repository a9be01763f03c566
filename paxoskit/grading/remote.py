"""The judge's side of a sandbox: a submission that runs in workers, as a subject that any check takes.

A node of hers in the judge's world is only a number here, that of its state in its worker. **Each node has a worker of
its own**, so a global or a class attribute carries nothing from one server to another: that would be telepathy, not
consensus. What a node did in a state with a message is remembered; `recheck` then has all of it done again in fresh
workers, in another order, and a difference is told as *shared memory*.

Nothing that a worker says is trusted to be more than what some node might do: it is JSON of at most 1 MiB, of exact
built-in types, looked through before use.
"""

from __future__ import annotations

import copy
import dataclasses
import itertools
import json
import marshal
import os
import select
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import lru_cache
from multiprocessing.util import Finalize
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar, NamedTuple, NoReturn

from paxoskit.grading import launcher
from paxoskit.grading.packed import Parts, canonical_text, pack, unpack
from paxoskit.grading.subject import (
    DIED,
    MISSING,
    NO_ANSWER,
    NO_TIME_LEFT,
    NOT_AGAIN,
    NOT_WRITTEN,
    RAISED,
    TIMED_OUT,
    TOO_LONG,
    Heard,
    LearnerError,
    Odd,
    T,
    Verdict,
)
from paxoskit.grading.worker import MOST_BYTES, MOST_PRINTED
from paxoskit.protocol.node import After, Announce, Effect, Node, NodeError, Send, title
from paxoskit.protocol.plain import Ballot, Message, Name, field_types, fits

GIVEN = ("plain", "node", "messages", "literals", "synod")
"""The modules of `paxoskit.protocol` that a submission may import, unless its statement names others."""

SHARED_MEMORY = (
    "shared memory: {node}, in the same state and with the same message, did something else when it began anew. "
    "Something outside its own attributes and disk plays a part: a global variable, a class attribute, a default "
    "argument that changes, a file, or the clock"
)


ENDED = "your code ended its own process: look for exit(), or for what crashes Python itself"
WROTE = "your code wrote into the pipe to its judge"


LOOK, SOON = 0.1, 0.02
"""Every so many seconds the judge looks at what a worker that has not answered is doing, the first time soon."""

TWICE = 100
"""So many turns are taken twice in one worker when a node is looked at for shared memory."""

AT_ONCE = 50
"""So many turns are asked for in one message when all that a node did is done again."""


MOST_PARTS = 1 << 26
"""So many bytes of blocks and chains the judge keeps for one submission."""


class IsolationError(RuntimeError):
    """The isolation that is required cannot be had here; the message is one line."""


@dataclass(frozen=True)
class Limits:
    """What a worker may use. Seconds of CPU (so that a busy machine costs nobody a mark), then bytes and numbers.

    `call`: CPU seconds of one call; `asleep`: seconds that a call may wait for nothing; `wall`: seconds that it may
    take at all. `total`: CPU seconds for everything that one subject is asked, and `waits`: seconds that its judge
    waits for all of it. `time_outs`: after so many, no more is asked. `alone`: it makes no other process or thread.
    """

    call: float = 0.5
    asleep: float = 1.0
    wall: float = 60.0
    total: float = 15.0
    waits: float = 120.0
    time_outs: int = 4
    cpu: int = 120
    memory: int = 1 << 30
    file: int = 8 << 20
    open: int = 64
    alone: bool = True

    def after(self, time_outs: int) -> Limits:
        """Return the limits when so many calls had no end: each is waited for half as long as the one before it.

        >>> Limits(call=0.5).after(2).call
        0.125
        """
        return replace(self, call=self.call / 2**time_outs, asleep=self.asleep / 2**time_outs)

    def of_process(self) -> dict[str, int]:
        """Return the limits that the system holds a worker to."""
        return {"cpu": self.cpu, "memory": self.memory, "file": self.file, "open": self.open, "alone": self.alone}


# The launcher, as the judge sees it --------------------------------------------------------------------------


BEGIN = """
import marshal, os, struct, types, sys
def read(count):
    data = b""
    while len(data) < count:
        some = os.read(0, count - len(data))
        if not some: sys.exit()
        data += some
    return data
first = marshal.loads(read(struct.unpack(">I", read(4))[0]))
launcher = types.ModuleType("paxoskit_launcher")
sys.modules["paxoskit_launcher"] = launcher
exec(first["launcher"], launcher.__dict__)
launcher.main(first)
"""
"""The first words of a launcher. Its code comes over the pipe, so that no path of the kit is known where it runs."""


@lru_cache
def kit(given: tuple[str, ...]) -> dict[str, Any]:
    """Return the code of the kit's modules that a worker has, by name."""
    top = Path(__file__).parents[1]
    names = ["", "protocol", *(f"protocol.{name}" for name in given), "grading", "grading.packed",
             "grading.worker"]
    modules = {}
    for name in names:
        path = top.joinpath(*name.split(".")) if name else top
        file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        if file.is_file():
            full = f"paxoskit.{name}".rstrip(".")
            modules[full] = compile(file.read_bytes(), f"<{full}>", "exec")
    return modules


def first_words(given: tuple[str, ...], direct: bool, limits: Limits, boxes: str) -> bytes:
    """Return what a launcher is told first: its own code, the kit's, and what Python must read."""
    source = Path(launcher.__file__).read_bytes()
    places = {} if direct else {**launcher.python_places(), "boxes": boxes}
    data = marshal.dumps({
        "launcher": compile(source, "<paxoskit.grading.launcher>", "exec"), "modules": kit(given), "direct": direct,
        "limits": limits.of_process(), "places": places,
    })  # fmt: skip
    return struct.pack(">I", len(data)) + data


def python() -> list[str]:
    """Return the command that starts a bare Python: no environment, no installed packages, no user's folder."""
    return [sys.executable, *launcher.FLAGS, "-c", BEGIN]


def bare_environment() -> dict[str, str]:
    """Return the environment of a bare Python; Windows cannot start one without its own folder."""
    kept = {name: os.environ[name] for name in ("SYSTEMROOT",) if os.name == "nt" and name in os.environ}
    return {**launcher.ENVIRONMENT, **kept}


class Workshop:
    """The process that makes workers, for one set of given modules; it ends with this process."""

    made: ClassVar[dict[tuple[int, tuple[str, ...]], Workshop]] = {}
    making = threading.Lock()

    def __init__(self, given: tuple[str, ...]) -> None:
        self.judge = os.getpid()
        self.boxes = tempfile.mkdtemp(prefix="paxoskit-workers-")
        self.lock = threading.Lock()
        ours, theirs = socket.socketpair()
        with theirs:
            self.process: subprocess.Popen[bytes] = subprocess.Popen(
                python(), stdin=theirs.fileno(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                env=bare_environment(), cwd=self.boxes, start_new_session=True,
            )  # fmt: skip
        self.socket = ours
        ours.sendall(first_words(given, False, Limits(), self.boxes))
        Finalize(None, self.close, exitpriority=1)  # at the end of a pool's process too, where atexit does nothing

    @classmethod
    def of(cls, given: tuple[str, ...]) -> Workshop:
        """Return this process's workshop for these modules; a process that was forked from another has its own."""
        with cls.making:
            shop = cls.made.get((os.getpid(), given))
            if shop is None or shop.process.poll() is not None:
                shop = cls.made[os.getpid(), given] = cls(given)
            return shop

    def order(self, order: dict[str, Any], descriptors: Sequence[int] = ()) -> dict[str, int]:
        """Tell the launcher what to do, and return what it says."""
        with self.lock:
            socket.send_fds(self.socket, [json.dumps(order).encode()], descriptors)
            answer: dict[str, int] = json.loads(self.socket.recv(65_536))
            return answer

    def close(self) -> None:
        """End the launcher, and with it all workers."""
        if os.getpid() != self.judge:
            return  # a process that was forked from the judge's: it is not ours to end
        self.socket.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.boxes, ignore_errors=True)


class Channel:
    """One worker: asked over a pipe, and given up when it breaks a limit."""

    def __init__(
        self, answer: Path, given: tuple[str, ...], limits: Limits, direct: bool = False, parts: Parts | None = None
    ) -> None:
        self.limits = limits
        self.parts = parts or Parts()
        self.known: set[str] = set()
        """The parts that the worker knows."""
        self.lock = threading.Lock()
        self.numbers = itertools.count(1)
        self.heard = bytearray()
        """What was read of the worker's next answer."""
        self.gone = self.printed = ""
        self.closed = False
        self.waited = self.used = 0.0
        """So many seconds the judge waited for answers; so many seconds of CPU the worker had used when it ended."""
        self.left: dict[str, int] = {}
        """What the worker left behind when it was ended: `strays` that were killed, and how many are `left`."""
        self.output = tempfile.TemporaryFile()  # noqa: SIM115 (closed with the worker)
        self.shop = None if direct else Workshop.of(given)
        self.box = tempfile.mkdtemp(dir=self.shop.boxes if self.shop else None)
        copy_answer(answer.parent, Path(self.box))
        self.asks: Any
        self.answers: Any
        if self.shop:
            self._begin(self.shop)
        else:
            self._begin_directly(given)
        self.force: list[str] = self._hear(-1)["force"]
        os.set_blocking(self.asks, False)

    def _begin(self, shop: Workshop) -> None:
        theirs_in, self.asks = os.pipe()
        self.answers, theirs_out = os.pipe()
        order = {"box": self.box, "limits": self.limits.of_process()}
        self.pid = shop.order(order, [theirs_in, theirs_out, self.output.fileno()])["worker"]
        os.close(theirs_in)
        os.close(theirs_out)

    def _begin_directly(self, given: tuple[str, ...]) -> None:
        self.process = subprocess.Popen(
            python(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.output, env=bare_environment(),
            cwd=self.box, start_new_session=os.name == "posix",
        )  # fmt: skip
        assert self.process.stdin and self.process.stdout
        self.pid, self.asks, self.answers = self.process.pid, self.process.stdin.fileno(), self.process.stdout.fileno()
        write_all(self.asks, first_words(given, True, self.limits, ""))

    def ask(self, what: str, *arguments: Any, calls: int = 1) -> Any:
        """Ask a worker to do something, and return its answer. Raises LearnerError if it gives none.

        It may take as long as so many `calls` of the learner's code.
        """
        with self.lock:  # a threaded cluster's servers live in one worker each, and it may look at them meanwhile
            if self.gone:
                raise LearnerError(self.gone, DIED)
            number = next(self.numbers)
            told = canonical_text(arguments)[1:]
            parts = self.parts.missing(told, self.known)
            text = f"{canonical_text([number, what, parts])[:-1]}{',' if arguments else ''}{told}".encode()
            if len(text) > MOST_BYTES:
                raise LearnerError(f"a message longer than {MOST_BYTES:,} bytes", RAISED)
            began = time.monotonic()
            try:
                self._write(struct.pack(">I", len(text)) + text, calls)
                heard = self._hear(number, calls)
            finally:
                self.waited += time.monotonic() - began
            self._learn(heard.get("parts", ()))
        self.printed = _text(heard.get("printed"))
        if "error" in heard:
            says, why = _words(heard["error"])
            raise LearnerError(says, why)
        return heard.get("answer")

    def _learn(self, parts: Any) -> None:
        """Take the blocks and chains that an answer names for the first time."""
        if parts and not (type(parts) is list and all(type(part) is str for part in parts)):
            self.give_up(WROTE, RAISED)
        self.parts.tell(parts, self.known)
        if self.parts.bytes > MOST_PARTS:
            self.give_up(f"your nodes made blocks of more than {MOST_PARTS:,} bytes", RAISED)

    def _write(self, data: bytes, calls: int) -> None:
        """Write to the worker, which may have stopped to read."""
        watch = Watch(self, calls)
        while data:
            try:
                data = data[os.write(self.asks, data) :]
            except BlockingIOError:
                if not select.select([], [self.asks], [], watch.pause)[1] and watch.is_over():
                    self.give_up(NO_ANSWER, TIMED_OUT)
            except OSError:
                self.give_up(ENDED, DIED)

    def _hear(self, number: int, calls: int = 1) -> dict[str, Any]:
        """Return what the worker answers to the request of this number."""
        watch = Watch(self, calls)
        (length,) = struct.unpack(">I", self._read(4, watch))
        if length > MOST_BYTES + 1_000:
            self.give_up(WROTE, RAISED)
        try:
            heard = read_json(self._read(length, watch).decode())
        except (ValueError, RecursionError):
            heard = None
        if type(heard) is not dict or (number > 0 and heard.get("n") != number):
            self.give_up(WROTE, RAISED)
        return heard

    def _read(self, count: int, watch: Watch) -> bytes:
        """Return the next so many bytes of what the worker writes; mostly they came with those before them."""
        heard = self.heard
        while len(heard) < count:
            if not select.select([self.answers], [], [], watch.pause)[0]:
                if watch.is_over():
                    self.give_up(NO_ANSWER, TIMED_OUT)
                continue
            some = os.read(self.answers, 1 << 16)
            if not some:
                self.give_up(ENDED, DIED)
            heard += some
        data = bytes(heard[:count])
        del heard[:count]
        return data

    def give_up(self, says: str, why: str) -> NoReturn:
        """End a worker that broke a rule. Raises LearnerError."""
        self.gone = says
        self.close()
        raise LearnerError(says, why)

    def seconds(self) -> float:
        """Return how many seconds of CPU the worker has used; without /proc (on macOS), a tenth of the clock's."""
        fields = self._stat()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK") if fields else time.monotonic() / 10

    def spent(self) -> float:
        """Return how many seconds of CPU the worker has used in all; without /proc, how long its judge waited."""
        return self.used if self.closed else self.seconds() if self._stat() else self.waited

    def is_asleep(self) -> bool:
        """Say whether the worker waits for something, and not just for its turn on a busy machine."""
        fields = self._stat()
        return bool(fields) and fields[0] == "S"

    def _stat(self) -> list[str]:
        try:
            return Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return []

    def last_words(self) -> str:
        """Return the end of what the worker wrote past Python's own print: for the staff."""
        self.output.seek(max(0, self.output.seek(0, os.SEEK_END) - 2_000))
        return self.output.read().decode("utf-8", "replace")

    def close(self) -> None:
        """End the worker, and all that it left behind."""
        if self.closed:
            return
        self.used = self.spent()
        self.closed = True
        self.gone = self.gone or "its process has ended"
        if self.shop:
            self.left = self.shop.order({"end": self.pid})
            os.close(self.asks)
            os.close(self.answers)
        else:
            self.process.kill()
            self.process.communicate()
        self.output.close()
        shutil.rmtree(self.box, ignore_errors=True)


class Watch:
    """Looks at a worker that has not answered at once; most do, and cost no look."""

    def __init__(self, channel: Channel, calls: int = 1) -> None:
        self.channel, self.calls = channel, calls
        self.used = self.began = self.last = self.slept = -1.0
        self.pause = SOON
        """So many seconds until the next look."""

    def is_over(self) -> bool:
        """Say whether the worker has used up what its calls may use. Called after each `pause`."""
        now, used, limits = time.monotonic(), self.channel.seconds(), self.channel.limits
        if self.began < 0:
            self.used, self.began, self.last, self.slept = used, now, now, 0.0
        self.slept, self.last = self.slept + (now - self.last) * self.channel.is_asleep(), now
        most = limits.call * self.calls
        self.pause = min(LOOK, max(SOON, most - (used - self.used)))
        return used - self.used > most or self.slept > limits.asleep or now - self.began > limits.wall


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of `data` to a pipe."""
    while data:
        data = data[os.write(descriptor, data) :]


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


read_json = json.JSONDecoder(parse_constant=_no_constant).decode


def _text(value: object) -> str:
    return value if type(value) is str else ""


def _words(error: Any) -> tuple[str, str]:
    """Return the words of an error that a worker told, and why there is no answer; a worker may tell anything."""
    if type(error) is list and len(error) == 2 and type(error[0]) is str:
        return error[0][:4_000], error[1] if error[1] in (NOT_WRITTEN, MISSING) else RAISED
    return WROTE, RAISED


MOST_READ = 20_000
"""So many messages are remembered by their texts; then all are forgotten, and read anew."""

MOST_FILES, MOST_FILE_BYTES = 100, 1 << 20


def copy_answer(source: Path, box: Path) -> None:
    """Copy the files of an answer into a worker's folder: plain files at its top, no links, at most 1 MiB each."""
    files = [file for file in sorted(source.iterdir()) if file.is_file() and not file.is_symlink()]
    for file in files[:MOST_FILES]:
        if file.stat().st_size <= MOST_FILE_BYTES:
            shutil.copyfile(file, box / file.name)


# Nodes, messages and disks that live elsewhere -----------------------------------------------------------------


class Foreign(Message):
    """A message of a learner's own class: the judge knows its name and its content, and hands it back unchanged."""

    packed: str

    def __init__(self, packed: str) -> None:  # that of each subclass is made by dataclass
        raise TypeError("make a subclass with foreign_class")

    def __init_subclass__(cls) -> None:
        """Keep its name out of the messages that the kit knows."""

    def as_json(self) -> Any:
        """The message as the learner's own class would have it."""
        return plain_json(json.loads(self.packed))


@lru_cache(1_000)
def foreign_class(name: str) -> type[Foreign]:
    """Return the class that stands for a learner's class of messages."""
    return dataclasses.make_dataclass(name, [("packed", str)], bases=(Foreign,), frozen=True)


def plain_json(data: Any) -> Any:
    """Return packed data as `to_json` would have written it.

    >>> plain_json({"object": ["Hello", {"to": {"tuple": [1, 2]}}]})
    {'Hello': {'to': [1, 2]}}
    """
    if type(data) is list:
        return [plain_json(item) for item in data]
    if type(data) is not dict:
        return data
    ((kind, content),) = data.items()
    if kind in ("object", "ours"):
        return {content[0]: {field: plain_json(value) for field, value in content[1].items()}}
    if kind == "named":
        return plain_json(content[1])
    if kind in ("tuple", "Ballot"):
        parts = [plain_json(item) for item in content]
        return {"Ballot": parts} if kind == "Ballot" else parts
    if kind in ("set", "frozenset"):
        return {"set": [plain_json(item) for item in content]}
    return {kind: plain_json(content)}


class _NotOurs(Exception):
    """What was packed holds something that only the learner's own process knows."""


def _ours_only(name: str, ours: bool) -> Any:
    if not ours or name not in Message.known:
        raise _NotOurs
    return _checked_maker(Message.known[name])  # type: ignore[arg-type,no-any-return,unused-ignore]


@lru_cache(1_000)
def _checked_maker(cls: Any) -> Any:
    hints = field_types(cls)

    def make(**fields: Any) -> Message:
        if set(fields) != set(hints):
            raise LearnerError(f"{cls.__name__} has the fields {', '.join(hints)}, and got {', '.join(fields)}")
        for field, kind in hints.items():
            value = fields[field]
            if type(value) is tuple and len(value) == 2 and fits(Ballot(*value), kind) and _are_ints(value):
                fields[field] = Ballot(*value)  # a learner may write a ballot as a plain tuple
        made: Message = cls(**fields)
        try:
            hash(made)
        except TypeError:
            raise LearnerError(f"{cls.__name__} holds what can change after it was sent") from None
        return made  # a field of another type than its class says is for the check to judge

    return make


def _are_ints(values: tuple[Any, ...]) -> bool:
    return all(type(value) is int for value in values)


def read_message(text: str, parts: Parts) -> Message:
    """Return a message that a worker sent: the kit's own, or one that stands for the learner's."""
    data = json.loads(text)
    try:
        message = unpack(data, _ours_only, _no_odd, parts)
        if isinstance(message, Message):
            return message
    except _NotOurs:
        pass
    except (TypeError, ValueError, KeyError, AttributeError, IndexError):
        raise LearnerError(f"sends what is no message: {text[:60]}") from None
    if type(data) is dict and type(content := data.get("object")) is list and type(content[0]) is str:
        return foreign_class(content[0])(text)
    if type(data) is dict and "ours" in data:
        return foreign_class(str(data["ours"][0]))(text)
    raise LearnerError(f"sends what is no message: {text[:60]}")


def _no_odd(name: str) -> NoReturn:
    raise _NotOurs


def read_value(data: Any, parts: Parts | None = None) -> Any:
    """Return a value that a worker answered: exact built-in types, ballots, messages; `Odd` for all else."""
    def find(name: str, ours: bool) -> Any:
        return _checked_maker(Message.known[name]) if ours and name in Message.known else None  # type: ignore[arg-type]

    try:
        return unpack(data, find, Odd, parts)
    except (TypeError, ValueError, KeyError, AttributeError, IndexError, RecursionError):
        return Odd("value that cannot be written down")


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
        self.number, self.odd = turn.state, turn.odd
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
        """Return the number of the state, which two nodes of a name share exactly when all their data is equal."""
        if self.odd:
            raise NodeError(self.odd)
        return self.named, self.name, self.number

    def copy(self) -> Node:
        """Return a node in the same state."""
        twin = object.__new__(type(self))
        twin.__dict__.update(vars(self))
        return twin


SHOWN = ("leading", "ballot", "store")

TEXT = "_text"
"""Where a disk keeps the text that its worker wrote of it."""


class Turn(NamedTuple):
    """What a node did: the number of its state afterwards, its effects, its disk if that changed.

    `shown`: what an onlooker sees of it, if that changed. `odd`: why its state cannot be compared with others; empty
    if it can. `raw`: effects, disk and what is shown, as they came.
    """

    state: int
    effects: tuple[Effect, ...]
    disk: str | None
    shown: str | None
    odd: str
    raw: tuple[Any, ...]


def read_turn(told: Any, read: Callable[[str], Message]) -> Turn:
    """Return a turn as a worker tells it, its messages read by `read`. Raises LearnerError for what is none."""
    try:
        disk, shown, odd = told.get("disk"), told.get("shown"), told.get("odd", "")
        texts = type(disk) in (str, type(None)) and type(shown) in (str, type(None)) and type(odd) is str
        if type(told["state"]) is int and texts:
            effects = tuple(_effect(read, *effect) for effect in told["effects"])
            raw = (*map(tuple, told["effects"]), disk, shown)
            hash(raw)  # flat: whatever is more than a turn is refused
            return Turn(told["state"], effects, disk, shown, odd, raw)
    except LearnerError:
        raise
    except (TypeError, ValueError, KeyError, AttributeError, RecursionError):
        pass
    raise LearnerError(WROTE, RAISED)


def _effect(read: Callable[[str], Message], kind: str, *parts: Any) -> Effect:
    if kind == "send":
        to, text = parts
        if type(to) not in (int, str):
            raise ValueError
        return Send(to, read(text))
    if kind == "after":
        low, high, text = parts
        if not (type(low) in (int, float) and type(high) in (int, float) and 0 <= low <= high):
            raise ValueError
        return After(low, high, read(text))
    (text,) = parts
    return Announce(read(text))


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
        """Have the turns of several runs taken from a state on, `AT_ONCE` in a message, and remember them.

        All runs go on together, message by message, so that each turn that several have in common is taken once. What
        cannot be taken is left for `turn`, which says why.
        """
        at = [(state, run[::-1]) for run in runs if run]
        while at:
            keys = [("receive", before, run[-1][0], self.text(run[-1][1])) for before, run in at]
            new = list(dict.fromkeys(key for key in keys if key not in self.turns))
            for start in range(0, len(new), AT_ONCE):
                self._ask_ahead(new[start : start + AT_ONCE])
            at = [
                (self.turns[key].state, run[:-1]) for key, (_, run) in zip(keys, at)
                if key in self.turns and len(run) > 1
            ]  # fmt: skip

    def _ask_ahead(self, keys: list[tuple[Any, ...]]) -> None:
        told = self.subject.ask(self.channel, "ahead", [key[1:] for key in keys])
        if type(told) is not list or len(told) > len(keys):
            raise LearnerError(WROTE, RAISED)
        for key, one in zip(keys, told):
            if one is not None:
                self.turns[key] = read_turn(one, self.subject.message)

    def text(self, message: Message) -> str:
        """Return a message as workers are told it."""
        return message.packed if isinstance(message, Foreign) else self.subject.parts.text(message)

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
        self.used = self.waited = 0.0
        """So many seconds of CPU the workers had used that have ended; so long their judge waited for them."""
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
        """Return how many seconds this subject's workers may still use, or be waited for, whichever is less."""
        used = self.used + sum(channel.spent() for channel in self.open)
        waited = self.waited + sum(channel.waited for channel in self.open)
        return min(self.limits.total - used, self.limits.waits - waited)

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
        right = type(ballot) is Ballot and _are_ints(ballot)
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
            self.used, self.waited = self.used + channel.used, self.waited + channel.waited
        self.open.clear()
        self.places.clear()
        self.main = None

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
        """Do all again that nodes did, in fresh workers and in another order; return what differs, in words, or ""."""
        doubt, self.doubt = self.doubt, ""
        if isinstance(doubt, LearnerError):
            raise doubt
        if doubt:
            return doubt
        for (cls, name), place in list(self.places.items()):
            turns = {(cls, name, key, turn) for key, turn in place.turns.items()}
            if turns <= self.rechecked:
                continue  # another property had these very turns taken
            if says := self._differs(name, place):
                return says
            self.rechecked |= turns
        return ""

    def _differs(self, name: Name, place: Place) -> str:
        """Take the same turns in a fresh worker, those found last first; then some once more in that same worker."""
        channel = self.channel()
        following: Following = {}
        for key, turn in place.turns.items():
            following.setdefault(None if key[0] == "born" else key[1], []).append((key, turn))
        backward = {before: turns[::-1] for before, turns in following.items()}
        now: dict[int, int] = {}
        same = self._same(channel, place, walk(backward, len(place.turns)), now)
        same = same and self._same(channel, place, walk(following, TWICE), now)
        return "" if same else SHARED_MEMORY.format(node=title(name))

    def _same(
        self, channel: Channel, place: Place, walk: Iterator[tuple[tuple[Any, ...], Turn]], now: dict[int, int]
    ) -> bool:
        """Have turns taken again, some at a time; say whether all is as it was. `now`: states' new numbers."""
        while some := list(itertools.islice(walk, AT_ONCE)):
            told = self.ask(channel, "again", [place.asked(key, turn) for key, turn in some], calls=len(some))
            if type(told) is not list or len(told) != len(some):
                raise LearnerError(WROTE, RAISED)
            for (_, turn), one in zip(some, told):
                again = read_turn(one, self.message)
                if again.raw != turn.raw or (now.setdefault(turn.state, again.state) != again.state and not turn.odd):
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
