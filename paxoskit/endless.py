"""The last resort against somebody's own code that never ends: a line that says where it hangs, and the process ends.

A handler that runs on and on can be interrupted from within, by an exception; but `except:` without a name catches that
too. So somebody watches from a thread of its own, whom nothing can catch. For commands only: it ends the process.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from types import FrameType

TICK = 1.0
"""Every so many seconds somebody looks."""

LONGEST = 20
"""After so many looks at one and the same call it has no end. (Looks, not seconds: a process may have been stopped.)"""

DEBUGGERS = ("pdb", "bdb")
"""While one of these modules is in use, somebody thinks: no call takes too long."""


@contextlib.contextmanager
def watched(files: Iterable[str | Path]) -> Iterator[None]:
    """Watch, while the body runs, the calls of code from these files in this thread; end the process if one has no end.

    The process ends with exit code 1, and with one line on standard error.

    >>> with watched(["mine.py"]):
    ...     1 + 1
    2
    """
    done = threading.Event()
    watch(files, done)
    try:
        yield
    finally:
        done.set()


def watch(files: Iterable[str | Path], done: threading.Event | None = None) -> None:
    """Begin to watch the calls of code from these files in this thread, until `done` is set, or for ever."""
    names, thread = {str(file) for file in files}, threading.get_ident()
    arguments = (names, thread, done or threading.Event())
    threading.Thread(target=_look, args=arguments, name="paxoskit endless", daemon=True).start()


def _look(files: Collection[str], thread: int, done: threading.Event) -> None:
    seen: FrameType | None = None
    looks = 0
    while not done.wait(TICK):
        stack = _stack(sys._current_frames().get(thread))
        call = next((frame for frame in reversed(stack) if frame.f_code.co_filename in files), None)
        thinks = any(frame.f_globals.get("__name__") in DEBUGGERS for frame in stack)
        looks = looks + 1 if call is not None and call is seen and not thinks else 0
        seen = call
        if call is not None and looks >= LONGEST:
            _end(next(frame for frame in stack if frame.f_code.co_filename in files))


def _stack(frame: FrameType | None) -> list[FrameType]:
    """Return a frame and all that wait for it, the innermost first."""
    found = []
    while frame is not None:
        found.append(frame)
        frame = frame.f_back
    return found


def _end(frame: FrameType) -> None:
    """Say where it hangs, and end this process."""
    line = (
        f"{frame.f_code.co_filename}, line {frame.f_lineno}, in {frame.f_code.co_name}: no end after "
        f"{LONGEST * TICK:.0f} s: look for a loop that never ends, or for an `except:` that catches what would end it"
    )
    os.write(2, f"paxoskit: {line}\n".encode(errors="backslashreplace"))  # other threads may hold what print needs
    os._exit(1)
