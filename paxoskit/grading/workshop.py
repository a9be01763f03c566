"""The judge's end of a worker: the process that makes workers, the pipe to each, and the limits it is held to.

A worker is asked for one thing at a time and answers in JSON of at most 1 MiB. One that breaks a rule is given up: what
it writes is no answer, it uses more seconds than its calls may, it waits for nothing, or it is gone.
"""

from __future__ import annotations

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
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from multiprocessing.util import Finalize
from pathlib import Path
from typing import Any, ClassVar, NoReturn

from paxoskit.grading import launcher
from paxoskit.grading.packed import Parts, canonical_text
from paxoskit.grading.subject import DIED, MISSING, NO_ANSWER, NOT_WRITTEN, RAISED, TIMED_OUT, LearnerError
from paxoskit.grading.worker import MOST_BYTES

ENDED = "your code ended its own process: look for exit(), or for what crashes Python itself"
WROTE = "your code wrote into the pipe to its judge"

LOOK, SOON = 0.1, 0.02
"""Every so many seconds the judge looks at what a worker that has not answered is doing, the first time soon."""

MOST_PARTS = 1 << 26
"""So many bytes of blocks and chains the judge keeps for one submission."""


@dataclass(frozen=True)
class Limits:
    """What a worker may use. Seconds of CPU (so that a busy machine costs nobody a mark), then bytes and numbers.

    `call`: CPU seconds of one call; `asleep`: seconds that a call may wait for nothing; `wall`: seconds that it may
    take at all. `total`: CPU seconds for everything that one subject is asked, and `idle`: seconds that all of it may
    wait for nothing. `time_outs`: after so many, no more is asked. `alone`: it makes no other process or thread.
    """

    call: float = 0.5
    asleep: float = 1.0
    wall: float = 60.0
    total: float = 15.0
    idle: float = 20.0
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
        self.waited = self.used = self.idle = 0.0
        """So many seconds the judge waited for answers; so many seconds of CPU the worker had used when it ended; so
        many it was seen to wait for nothing."""
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
        """Say whether the worker waits for something, and not just for its turn on a busy machine, nor to be heard."""
        fields = self._stat()
        return bool(fields) and fields[0] == "S" and not select.select([self.answers], [], [], 0)[0]

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
        slept = (now - self.last) * self.channel.is_asleep()
        self.slept, self.last, self.channel.idle = self.slept + slept, now, self.channel.idle + slept
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


MOST_FILES, MOST_FILE_BYTES = 100, 1 << 20


def copy_answer(source: Path, box: Path) -> None:
    """Copy the files of an answer into a worker's folder: plain files at its top, no links, at most 1 MiB each."""
    files = [file for file in sorted(source.iterdir()) if file.is_file() and not file.is_symlink()]
    for file in files[:MOST_FILES]:
        if file.stat().st_size <= MOST_FILE_BYTES:
            shutil.copyfile(file, box / file.name)
