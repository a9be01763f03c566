"""`explore`: every run of acceptors and proposers within the bounds, and the shortest story of one that is wrong."""

from __future__ import annotations

import contextlib
import json
import shlex
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from paxoskit.endless import watch, watched
from paxoskit.loading import LoadError, load_node
from paxoskit.options import Options, seconds, whole
from paxoskit.protocol.node import Node
from paxoskit.worlds.checker import INTERRUPTED, Result, explore
from paxoskit.worlds.choice import DISKS, KEPT
from paxoskit.worlds.search import PULSE, Counts

BOUNDS = (
    "acceptors", "proposers", "ballots", "crashes", "timers", "depth", "seconds", "states", "memory", "slots", "seed"
)  # fmt: skip
WIDTH = 79
"""Columns of a terminal that the progress takes."""


def main(arguments: list[str]) -> int:
    """Run the command; return 0 if no claim fell, 1 if one did, 2 for bad input."""
    options = _options()
    chosen = options.parse_args(arguments)
    try:
        with contextlib.redirect_stdout(sys.stderr), watched(_files(chosen.classes)):  # the JSON stays the last line
            classes = [load_node(place) for place in chosen.classes]
            result = _explore(classes, chosen)
    except (LoadError, ValueError) as error:
        options.error(str(error))
    except KeyboardInterrupt:
        print("\npaxoskit: stopped", file=sys.stderr)
        return 130
    if chosen.story and result.story is not None:
        try:
            result.story.at_home_in(Path(chosen.story).parent).save(chosen.story)
        except OSError as error:
            options.error(f"--story: cannot write {chosen.story}: {error.strerror}")
    print(result)
    if chosen.story and result.story is not None:
        print(f"the story is in {chosen.story}: python3 -m paxoskit lab --story {shlex.quote(chosen.story)}")
    if chosen.json:
        print(json.dumps(result.as_json()))
    if not result.ok:
        return 1
    return 130 if any(INTERRUPTED in text for text in result.not_covered) else 0


def _explore(classes: list[type[Node]], chosen: object) -> Result:
    wanted = vars(chosen)
    bounds = {name: wanted[name] for name in BOUNDS}
    workers = wanted["workers"]
    files = _files(wanted["classes"])
    executor = ProcessPoolExecutor(workers, initializer=_begin_part, initargs=(files,)) if workers > 1 else None
    with _bar(wanted["seconds"]) as progress, executor or contextlib.nullcontext():
        return explore(
            classes or None, claims=wanted["claims"], disks=wanted["disks"] or (KEPT,), progress=progress,
            executor=executor, **bounds,
        )  # fmt: skip


def _files(places: Iterable[str]) -> list[str]:
    """Return the files in which somebody's own classes are."""
    return [str(Path(place.rpartition(":")[0])) for place in places]


def _begin_part(files: list[str]) -> None:
    """Leave Ctrl-C to the process that started this one, which tells parts to stop, and watch for what has no end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    watch(files)


@contextlib.contextmanager
def _bar(seconds: float) -> Iterator[Callable[[Counts], None] | None]:
    """Give who shows on a terminal how far the search is, None where there is no terminal; wipe it out at the end."""
    if not sys.stderr.isatty():
        yield None
        return
    begun, shown = time.perf_counter(), [0.0]

    def say(counts: Counts) -> None:
        used = time.perf_counter() - begun
        if used - shown[0] >= PULSE:
            shown[0] = used
            line = f"{bar(used / seconds)} {used:.0f} of {seconds:g} s, {counts.states:,} states, Ctrl-C ends it"
            print(f"\r{line:<{WIDTH}.{WIDTH}}", end="", file=sys.stderr, flush=True)

    try:
        yield say
    finally:
        print(f"\r{'':<{WIDTH}}\r", end="", file=sys.stderr, flush=True)


def bar(share: float) -> str:
    """Return how much of the time is used, as a bar.

    >>> bar(0.5)
    '[##########··········]'
    """
    full = min(20, max(0, round(20 * share)))
    return f"[{'#' * full}{'·' * (20 - full)}]"


def _options() -> Options:
    options = Options("explore", "Exit code 1 if a claim fell. Ballots, crashes, timers: so many in all, in a run.")
    options.add_argument(
        "--class", dest="classes", metavar="FILE:Class", action="append", default=[],
        help="an acceptor, a proposer or a server to try, not the kit's own; once for each",
    )  # fmt: skip
    options.add_argument("--acceptors", type=whole(1, 9), default=3, help="how many acceptors, or servers (3)")
    options.add_argument("--proposers", type=whole(1, 9), default=2, help="how many proposers (2)")
    options.add_argument("--ballots", type=whole(1, 99), default=3, help="how many ballots in all (3)")
    options.add_argument("--crashes", type=whole(0, 99), default=0, help="how many crashes in all (0)")
    options.add_argument(
        "--disk", dest="disks", choices=DISKS, action="append", metavar="DISK",
        help=f"what a crash may leave of a disk: {', '.join(DISKS)} (kept); once for each",
    )  # fmt: skip
    options.add_argument("--timers", type=whole(0, 10**6), help="how many timers may ring in all (as ballots allow)")
    options.add_argument("--slots", type=whole(1, 5), default=1, help="how many requests, for a server (1)")
    options.add_argument("--depth", type=whole(0, 10**6), help="how many steps, at most")
    options.add_argument("--seconds", type=seconds, default=60.0, help="how long, at most (60)")
    options.add_argument("--states", type=whole(1, 10**8), default=1_000_000, help="how many states, at most (1000000)")
    options.add_argument("--memory", type=whole(1, 10**6), default=2_000, help="how many MB, at most (2000)")
    options.add_argument("--workers", type=whole(1, 61), default=1, help="in how many processes parts of it run (1)")
    options.add_argument("--seed", type=whole(0, 10**15), default=0, help="of the walks that come first (0)")
    options.add_argument(
        "--claim", dest="claims", metavar="NAME", action="append", help="judge by this claim alone; once for each"
    )
    options.add_argument("--story", metavar="FILE", help="write the story of what is wrong here, as JSON")
    options.add_argument("--json", action="store_true", help="print one object as the last line")
    return options
