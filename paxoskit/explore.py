"""`explore`: every run of acceptors and proposers within the bounds, and the shortest story of one that is wrong."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable

from paxoskit.loading import LoadError, load_node
from paxoskit.options import Options, seconds, whole
from paxoskit.protocol.node import Node
from paxoskit.worlds.checker import Result, explore
from paxoskit.worlds.choice import DISKS, KEPT
from paxoskit.worlds.search import Counts


def main(arguments: list[str]) -> int:
    """Run the command; return 0 if no claim fell, 1 if one did, 2 for bad input."""
    options = _options()
    chosen = options.parse_args(arguments)
    try:
        with contextlib.redirect_stdout(sys.stderr):  # what a learner's file prints; the JSON stays the last line
            classes = [load_node(place) for place in chosen.classes]
            result = _explore(classes, chosen)
    except (LoadError, ValueError) as error:
        options.error(str(error))
    if chosen.story and result.story is not None:
        try:
            result.story.save(chosen.story)
        except OSError as error:
            options.error(f"--story: cannot write {chosen.story}: {error.strerror}")
    print(result)
    if chosen.story and result.story is not None:
        print(f"the story is in {chosen.story}")
    if chosen.json:
        print(json.dumps(result.as_json()))
    if any("interrupted" in text for text in result.not_covered):
        return 130
    return 0 if result.ok else 1


def _explore(classes: list[type[Node]], chosen: object) -> Result:
    wanted = vars(chosen)
    names = ("acceptors", "proposers", "ballots", "crashes", "timers", "depth", "seconds", "states", "slots", "seed")
    bounds = {name: wanted[name] for name in names}
    return explore(
        classes or None, claims=wanted["claims"], disks=wanted["disks"] or (KEPT,), progress=_progress(), **bounds
    )


def _progress() -> Callable[[Counts], None] | None:
    """Return who says on a terminal how far the search is."""
    if not sys.stderr.isatty():
        return None

    def say(counts: Counts) -> None:
        print(f"\r{counts.states:,} states, {counts.depth} steps deep ", end="", file=sys.stderr, flush=True)

    return say


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
    options.add_argument("--seed", type=whole(0, 10**15), default=0, help="of the walks that come first (0)")
    options.add_argument(
        "--claim", dest="claims", metavar="NAME", action="append", help="judge by this claim alone; once for each"
    )
    options.add_argument("--story", metavar="FILE", help="write the story of what is wrong here, as JSON")
    options.add_argument("--json", action="store_true", help="print one object as the last line")
    return options
