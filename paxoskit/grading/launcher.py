"""The launcher: a small process, apart from the judge, that makes workers, holds them to limits, and ends them.

It is started once for each judge, with nothing imported but Python's own modules, and never runs a line of a
submission itself. For each worker it forks; the child takes its limits, shuts itself in (Landlock, where Linux has it,
and a filter that lets it make no socket, no process and no thread) and only then meets the submission. The launcher is
a *subreaper*: where there is no such filter, what a submission starts and abandons becomes the launcher's child, and is
killed with its worker. When the judge is gone, its
end of the socket closes, and the launcher ends all workers and itself.

The environment is empty but for a fixed hash seed, so that the order of a set is the same in every worker: flags
`-P -s` with such an environment are `-I`, which would ignore the seed as well.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import os
import select
import shutil
import signal
import socket
import struct
import sys
import time
from collections.abc import Callable
from importlib import import_module
from importlib.util import spec_from_loader
from pathlib import Path
from typing import Any, NoReturn

FLAGS = ("-P", "-s", "-S", "-B", "-X", "utf8")
ENVIRONMENT = {"PYTHONHASHSEED": "0"}
ASKS, ANSWERS = 3, 4
"""The descriptors on which a worker is asked and answers; 0 is empty, 1 and 2 go to a file."""

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
SET_PDEATHSIG, SET_NO_NEW_PRIVS, SET_CHILD_SUBREAPER = 1, 38, 36
SET_SECCOMP, FILTER = 22, 2
SYSTEM_CALLS = {"x86_64": (0xC000003E, 41, (56, 57, 58)), "aarch64": (0xC00000B7, 198, (220,))}
"""For each machine, its number in a seccomp filter, and those of the calls `socket` and `clone` (`fork`, `vfork`)."""

IO_URING_SETUP, CLONE3, OTHER_ABI = 425, 435, 0x40000000
READ_FILE, READ_DIR = 1 << 2, 1 << 3
OF_FILES = 0b111 | 1 << 14 | 1 << 15
"""Landlock's rights that make sense for a file: execute, write, read, truncate, ioctl."""

PRELOADED = ("collections", "enum", "functools", "hashlib", "heapq", "itertools", "math", "random", "typing")
"""Modules that submissions are likely to import."""

PATIENCE = 5.0
"""So many seconds the launcher goes on killing what a submission left behind, before it says that some is left."""


# The process that makes workers ------------------------------------------------------------------------------


class Launcher:
    """Makes and ends workers, as the judge at the other end of `judge` says; `serve(fd, fd)` is what a worker does."""

    def __init__(self, judge: socket.socket, serve: Callable[[int, int, list[str]], None], places: dict[str, Any]):
        self.judge = judge
        self.serve = serve
        self.places = places
        self.workers: set[int] = set()
        self.libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
        if self.libc:
            self.libc.prctl(SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self.landlock = Landlock(self.libc, places) if self.libc else None
        import_module("resource")  # `limit` needs it, in each worker

    def run(self) -> None:
        """Do what the judge says until it is gone; then end everything."""
        try:
            while True:
                if not select.select([self.judge], [], [], 0.5)[0]:
                    self.reap()
                    continue
                message, descriptors, _, _ = socket.recv_fds(self.judge, 65_536, 3)
                if not message:
                    return
                order = json.loads(message)
                self.judge.send(json.dumps(self.spawn(order, descriptors) if descriptors else self.end(order)).encode())
        finally:
            for worker in list(self.workers):
                self.end({"end": worker})
            shutil.rmtree(self.places["boxes"], ignore_errors=True)  # a judge that was killed did not

    def spawn(self, order: dict[str, Any], descriptors: list[int]) -> dict[str, int]:
        """Fork a worker in the folder `box`, that is asked, answers and prints on these descriptors."""
        launcher = os.getpid()
        worker = os.fork()
        if worker == 0:
            self._become_worker(launcher, order, descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        self.workers.add(worker)
        return {"worker": worker}

    def _become_worker(self, launcher: int, order: dict[str, Any], descriptors: list[int]) -> NoReturn:
        try:
            os.setsid()
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            if self.libc:
                self.libc.prctl(SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
                if os.getppid() != launcher:
                    os._exit(1)
            os.chdir(order["box"])
            nothing = os.open(os.devnull, os.O_RDONLY)
            force = limit(order["limits"])
            if self.landlock:
                force += self.landlock.shut_in(order["box"])
            if self.libc:
                force += refuse_calls(self.libc, order["limits"]["alone"])
            _arrange(nothing, *descriptors)
            self.serve(ASKS, ANSWERS, force)
        except BaseException:
            os._exit(1)
        os._exit(0)

    def end(self, order: dict[str, Any]) -> dict[str, int]:
        """Kill a worker, its process group, and everything that a worker left behind; return how much that was."""
        worker = order["end"]
        if worker in self.workers:
            for kill in (os.killpg, os.kill):
                with contextlib.suppress(OSError):
                    kill(worker, signal.SIGKILL)
            os.waitpid(worker, 0)
            self.workers.discard(worker)
        strays, until = 0, time.monotonic() + PATIENCE
        while (left := self.strays()) and time.monotonic() < until:
            for stray in left:
                with contextlib.suppress(OSError):
                    os.kill(stray, signal.SIGKILL)
                    os.waitpid(stray, 0)
                    strays += 1
        return {"strays": strays, "left": len(left)}

    def reap(self) -> None:
        """Kill what workers have abandoned so far."""
        if self.strays():
            self.end({"end": None})

    def strays(self) -> list[int]:
        """Return the children of this process that are no workers."""
        return [child for child in children(os.getpid()) if child not in self.workers]


def _arrange(nothing: int, asks: int, answers: int, output: int) -> None:
    """Put the descriptors where a worker expects them, and close all others, the judge's socket among them."""
    out_of_the_way = [os.dup2(one, 50 + index) for index, one in enumerate((nothing, output, output, asks, answers))]
    for index, one in enumerate(out_of_the_way):
        os.dup2(one, index)
    os.closerange(ANSWERS + 1, 4096)


def children(parent: int) -> list[int]:
    """Return the processes whose parent is `parent`, on Linux; elsewhere none is known."""
    listed = [*Path(f"/proc/{parent}/task").glob("*/children")]
    with contextlib.suppress(OSError):
        if listed:
            return [int(word) for thread in listed for word in thread.read_text().split()]
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == parent:
            found.append(int(entry.parent.name))
    return found


# Limits ------------------------------------------------------------------------------------------------------


def limit(limits: dict[str, int]) -> list[str]:
    """Hold this process to limits, for good: bytes of memory and of files, CPU seconds, open files.

    Returns what is in force, in words. A user who is not root gets no new processes and threads either.
    """
    import resource

    bounds = {
        "RLIMIT_AS": limits["memory"], "RLIMIT_CPU": limits["cpu"], "RLIMIT_FSIZE": limits["file"],
        "RLIMIT_NOFILE": limits["open"], "RLIMIT_CORE": 0,
    }  # fmt: skip
    if os.geteuid() != 0:
        bounds["RLIMIT_NPROC"] = 0  # it counts per user, so a bound above 0 would let one submission starve the next
    held = []
    for name, bound in bounds.items():
        try:
            resource.setrlimit(getattr(resource, name), (bound, bound))
            held.append(name)
        except (AttributeError, ValueError, OSError):
            continue
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a file that is full is an OSError, not the end
    words = {"RLIMIT_AS": "memory", "RLIMIT_CPU": "CPU", "RLIMIT_FSIZE": "file size", "RLIMIT_NOFILE": "open files"}
    return [f"limits on {', '.join(words[name] for name in held if name in words)}"] if held else []


class Landlock:
    """Linux's Landlock: no file but Python's own and those in one folder, no TCP, no signal to who is not a worker.

    Python's own files are named once, in a ruleset that all workers share; each worker adds a second one for its
    folder, and what both allow is allowed.
    """

    def __init__(self, libc: Any, places: dict[str, Any]) -> None:
        self.libc = libc
        self.abi = max(0, libc.syscall(CREATE_RULESET, None, 0, 1))
        self.places = places
        self.python = self._ruleset() if self.abi else -1
        if self.abi:
            for place in [*places["python"], places["boxes"]]:
                self._allow(self.python, place, self._all if place == places["boxes"] else READ_FILE | READ_DIR)

    @property
    def _all(self) -> int:
        """All rights to files that this Linux knows, but one: to run a program."""
        rights: int = (1 << (13 + (self.abi >= 2) + (self.abi >= 3) + (self.abi >= 5))) - 2
        return rights

    def _ruleset(self) -> int:
        rights = struct.pack("QQQ", self._all | 1, 3 if self.abi >= 4 else 0, 3 if self.abi >= 6 else 0)
        size = 8 if self.abi < 4 else 16 if self.abi < 6 else 24
        ruleset: int = self.libc.syscall(CREATE_RULESET, rights[:size], size, 0)
        return ruleset

    def _allow(self, ruleset: int, place: str, rights: int) -> None:
        try:
            folder = os.open(place, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            return
        rights &= self._all if os.path.isdir(place) else OF_FILES & self._all
        self.libc.syscall(ADD_RULE, ruleset, 1, struct.pack("=Qi", rights, folder), 0)
        os.close(folder)

    def shut_in(self, box: str) -> list[str]:
        """Shut this process in, for good; return what is in force, in words. Nothing where there is no Landlock."""
        if not self.abi:
            return []
        own = self._ruleset()
        self._allow(own, box, self._all)
        for root in self.places["roots"]:
            self._allow(own, root, READ_FILE | READ_DIR)
        self.libc.prctl(SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        for ruleset in (self.python, own):
            if self.libc.syscall(RESTRICT_SELF, ruleset, 0) != 0:
                return []
            os.close(ruleset)
        words = ["no files but Python's own and its folder"]
        words += ["no TCP"] if self.abi >= 4 else []
        words += ["no signals to others"] if self.abi >= 6 else []
        return [f"Landlock ({', '.join(words)})"]


def refuse_calls(libc: Any, alone: bool = True) -> list[str]:
    """Let this process make no socket of any kind, for good; return what is in force, in words.

    Landlock knows of TCP alone. So a filter (seccomp) answers *not permitted* to `socket`, to `io_uring_setup`, which
    could make one, and to the calls of another machine's numbering; if it is to stay `alone`, also to the calls that
    make a process or a thread. Nothing on machines whose numbers are not here.
    """
    if os.uname().machine not in SYSTEM_CALLS:
        return []
    machine, make_socket, make_process = SYSTEM_CALLS[os.uname().machine]
    refused = (make_socket, IO_URING_SETUP, *((*make_process, CLONE3) if alone else ()))
    load, equal, at_least, end = 0x20, 0x15, 0x35, 0x06
    refuse, allow = 0x00050000 | 1, 0x7FFF0000
    number, last = (load, 0, 0, 0), len(refused)
    program = [
        (load, 0, 0, 4), (equal, 1, 0, machine), (end, 0, 0, refuse),
        number, (at_least, last + 1, 0, OTHER_ABI), *[(equal, last - k, 0, call) for k, call in enumerate(refused)],
        (end, 0, 0, allow), (end, 0, 0, refuse),
    ]  # fmt: skip
    filters = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in program))
    whole = ctypes.create_string_buffer(struct.pack("HP", len(program), ctypes.addressof(filters)))
    libc.prctl(SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if libc.prctl(SET_SECCOMP, FILTER, ctypes.byref(whole), 0, 0) != 0:
        return []
    return ["seccomp (no sockets, UDP included; no other processes and threads)" if alone
            else "seccomp (no sockets, UDP included)"]  # fmt: skip


def python_places() -> dict[str, list[str]]:
    """Return what a Python may read to import its own modules: each part of its library but installed packages."""
    import sysconfig

    library = Path(sysconfig.get_path("stdlib"))
    parts = [str(part) for part in sorted(library.iterdir()) if part.name not in ("site-packages", "dist-packages")]
    shared = [str(file) for file in sorted(Path(sys.base_prefix, "lib").glob("*.so*"))]
    system = [folder for folder in ("/lib", "/lib64", "/usr/lib", "/usr/lib64") if Path(folder).is_dir()]
    if str(library).startswith("/usr/lib"):  # Debian's own Python: its packages lie elsewhere under /usr/lib
        system = [str(p) for s in system for p in Path(s).iterdir() if p.is_dir() and "linux" in p.name]
    zone = ["/usr/share/zoneinfo", "/etc/localtime", "/usr/lib/locale"]
    roots = [str(library), str(Path(sys.base_prefix, "lib")), "/usr", "/lib", "/lib64", "/etc/localtime"]
    return {"python": [*parts, *shared, *system, *zone], "roots": roots}


# The beginning -----------------------------------------------------------------------------------------------


class KitInMemory:
    """Finds the kit's modules that a submission may use, compiled by the judge: none of them is a file here."""

    def __init__(self, modules: dict[str, Any]) -> None:
        self.modules = modules

    def find_spec(self, name: str, path: object = None, target: object = None) -> Any:
        """Return how to load a module of the kit; None for all others."""
        if name in self.modules:
            package = any(other.startswith(f"{name}.") for other in self.modules)
            return spec_from_loader(name, self, is_package=package)  # type: ignore[arg-type]
        if name.partition(".")[0] == "paxoskit":
            given = ", ".join(sorted(one for one in self.modules if one.startswith("paxoskit.protocol.")))
            raise ModuleNotFoundError(f"{name} is not there while an answer is judged; there are {given}", name=name)
        return None

    def create_module(self, spec: object) -> None:
        """Let Python make the module."""

    def exec_module(self, module: Any) -> None:
        """Run a module of the kit."""
        exec(self.modules[module.__name__], module.__dict__)


def main(first: dict[str, Any]) -> None:
    """Begin with what the judge said first: standard input is a socket to it, or (`direct`) what a worker is asked on.

    A direct worker has no launcher above it, and no Landlock: for systems where processes cannot be forked.
    """
    sys.meta_path.insert(0, KitInMemory(first["modules"]))
    for name in (*first["modules"], *PRELOADED):  # once, for all workers
        import_module(name)
    worker = sys.modules["paxoskit.grading.worker"]
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if first["direct"]:
        asks, answers = os.dup(0), os.dup(1)  # a submission that prints must not write where we answer
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(2, 1)
        worker.serve(asks, answers, limit(first["limits"]) if os.name == "posix" else [])
    else:
        gc.freeze()  # what workers share with this process, their collectors leave alone: memory that stays one
        Launcher(socket.socket(fileno=os.dup(0)), worker.serve, first["places"]).run()
