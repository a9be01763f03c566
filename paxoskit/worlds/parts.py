"""A search in parts, over any executor: how a part is sent, stopped, and heard of; and whose answer counts.

Parts run in threads, in other processes or on other machines, whichever `concurrent.futures.Executor` is given, at the
same time or one after the other. Their answers are taken in the order of the parts, never in that of time: the first
part that found something wins, and whatever a later one found in the meantime is thrown away.
"""

from __future__ import annotations

import contextlib
import importlib
import pickle
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, wait
from hashlib import sha256
from pathlib import Path
from types import CodeType
from typing import Any, NamedTuple, TypeVar

from paxoskit.loading import LoadError, load_node
from paxoskit.protocol.node import Node

PULSE = 0.1
"""So many seconds lie between two looks at what the parts have counted, and at whether they shall go on."""

PATIENCE = 5.0
"""So many seconds are parts waited for that were told to stop."""

T = TypeVar("T")


class NotSent(ValueError):
    """A class cannot be sent to another process; the message is one line."""


# What is sent ------------------------------------------------------------------------------------------------


class Place(NamedTuple):
    """Where another process finds a class, and how it knows that it is the same one."""

    module: str
    name: str
    file: str
    print: str


class Parcel:
    """Classes by their names in a story, and what else a part needs. Within a process nothing is copied.

    For another process, classes are named by where they are: nothing that a notebook made is there, and what is there
    under the same name may be older. `open()` says so.
    """

    def __init__(self, classes: Mapping[str, type[Node]], rest: Any) -> None:
        self.classes, self.rest = dict(classes), rest

    def __getstate__(self) -> Any:
        places = {key: Place(*_where(cls), fingerprint(cls)) for key, cls in self.classes.items()}
        try:
            return places, pickle.dumps(self.rest)
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise NotSent(f"executor: the story cannot be sent to another process: {error}") from None

    def __setstate__(self, state: Any) -> None:
        self.places, self.packed = state

    def open(self) -> tuple[dict[str, type[Node]], Any]:
        """Return the classes and the rest. Raises NotSent for a class that is not here, or not the same."""
        if "packed" in vars(self):  # it came from another process
            self.classes = {key: _found(place) for key, place in self.places.items()}
            self.rest = pickle.loads(self.packed)  # made by __getstate__, in the process that gave us this work
        return self.classes, self.rest


def _where(cls: type[Node]) -> tuple[str, str, str]:
    file = getattr(sys.modules.get(cls.__module__), "__file__", None) or ""
    return cls.__module__, cls.__qualname__, str(Path(file).resolve()) if file else ""


def _found(place: Place) -> type[Node]:
    """Return the class that is at a place, if it is the one that was meant."""
    others = 0
    for look in (_in_module, _in_file):
        cls = look(place)
        if isinstance(cls, type) and fingerprint(cls) == place.print:
            return cls
        others += cls is not None
    why = (
        f"the process has another {place.name} than this one, which is newer: make a new executor" if others
        else "it is in no file that a process can load: write it into one, or take a ThreadPoolExecutor"
    )
    raise NotSent(f"executor: {place.name} cannot be sent to another process; {why}")


def _in_module(place: Place) -> Any:
    try:
        found: Any = sys.modules.get(place.module) or importlib.import_module(place.module)
    except ImportError:
        return None
    for name in place.name.split("."):
        found = getattr(found, name, None)
    return found


def _in_file(place: Place) -> Any:
    if not place.module.startswith("loaded_from_"):
        return None
    try:
        return load_node(f"{place.file}:{place.name}")
    except LoadError:
        return None


def fingerprint(cls: type) -> str:
    """Return a digest of the code of a class, and of the classes that it inherits from outside of the kit.

    >>> first, second = (type("A", (Node,), {"__module__": "mine", "x": x}) for x in (1, 2))
    >>> fingerprint(first) == fingerprint(second)
    False
    """
    parts: list[str] = []
    for one in cls.__mro__:
        if not one.__module__.startswith(("paxoskit.", "builtins")):
            for name, value in sorted(vars(one).items()):
                code = getattr(getattr(value, "__func__", value), "__code__", None)
                if code is not None:
                    parts += [name, *_words(code)]
                elif type(value) in (int, float, str, bool, tuple):
                    parts += [name, repr(value)]
    return sha256("\n".join(parts).encode("utf-8", "backslashreplace")).hexdigest()


def _words(code: CodeType) -> Iterator[str]:
    yield code.co_code.hex()
    yield repr(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _words(constant)
        else:
            yield repr(sorted(map(repr, constant)) if isinstance(constant, frozenset) else constant)


# How they hear of one another --------------------------------------------------------------------------------


class Board:
    """A folder in which each part writes what it has counted, and sees whether it shall stop.

    A part on another machine sees no such folder: it counts in silence, and goes on to the end of its bounds.
    """

    def __init__(self, folder: str) -> None:
        self.folder = Path(folder)
        self.next = 0.0

    def stop(self) -> None:
        """Tell all parts to stop."""
        with contextlib.suppress(OSError):
            (self.folder / "stop").touch()

    def tell(self, part: int, counted: tuple[int, ...]) -> bool:
        """Write what a part has counted, now and then; return whether it shall go on."""
        now = time.perf_counter()
        if now < self.next:
            return True
        self.next = now + PULSE
        with contextlib.suppress(OSError):
            (self.folder / f"part {part}").write_text(" ".join(map(str, counted)), encoding="utf-8")
        return not (self.folder / "stop").exists()

    def counted(self, part: int) -> tuple[int, ...]:
        """Return what a part last wrote, () if nothing can be read."""
        try:
            return tuple(map(int, (self.folder / f"part {part}").read_text(encoding="utf-8").split()))
        except (OSError, ValueError):
            return ()


def gathered(
    executor: Executor, run: Callable[..., T], parts: Sequence[tuple[Any, ...]], enough: Callable[[T], bool],
    look: Callable[[Board], None],
) -> tuple[list[T], bool]:  # fmt: skip
    """Call `run(*part, folder)` for all parts; return their results, in order, up to the first that is `enough`.

    The others are stopped then. Also returned: was it interrupted? Then there are the results of all parts that had
    begun, up to the first that is enough. `look` is called now and then.

    Raises what a part raises; ValueError if a process of the executor ended.
    """
    if not isinstance(executor, Executor):
        raise ValueError(f"executor: expected an Executor of concurrent.futures, got {executor!r:.60}")
    folder, futures, interrupted = tempfile.mkdtemp(prefix="paxoskit "), list[Future[T]](), False
    board = Board(folder)
    found: list[T] = []
    try:
        try:
            futures += [executor.submit(run, *part, folder) for part in parts]
            for future in futures:
                while not wait([future], PULSE).done:
                    look(board)
                found.append(future.result())
                if enough(found[-1]):
                    break
        except KeyboardInterrupt:
            interrupted = True
        _end(board, futures)
        for future in futures[len(found) :] if interrupted else []:
            if future.done() and not future.cancelled() and not (found and enough(found[-1])):
                found.append(future.result())
        return found, interrupted
    except BrokenExecutor as error:
        raise ValueError(f"executor: it could not run all parts of the search: {error}") from None
    finally:
        _end(board, futures)
        shutil.rmtree(folder, ignore_errors=True)


def _end(board: Board, futures: Sequence[Future[Any]]) -> None:
    board.stop()
    for future in futures:
        future.cancel()
    wait([future for future in futures if not future.cancelled()], PATIENCE)
