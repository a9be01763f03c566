"""How long does an exhaustive search of Paxos take? The kit's, a naive one, minicheck's and Harmony's, in turn.

    python3 benchmarks/checker.py [--runs 5] [--servers] [--harmony paxos.hny] [--json FILE]

The kit searches the reference acceptor and proposer of `solutions/` (three acceptors, two proposers, two ballots in
all, either proposer may have both). The naive search of `tests/checker/naive.py` and minicheck (PyPI `minicheck`),
which is given the naive one's steps, go over the *same classes*, one copy of a node a step, at bounds that they can
exhaust: one acceptor, two proposers, two ballots. Harmony (PyPI `harmony`, needs gcc) runs its own Paxos example,
`code/paxos.hny` of its repository in the version that is installed, given with --harmony: another model, so its number
of states is not comparable. What is not installed is named, and left out.

With --servers, once each: the whole Multi-Paxos server, over one slot and two, to bounds that take minutes.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

TOP = Path(__file__).parents[1]
sys.path.insert(0, str(TOP))

from paxoskit.protocol.server import Server  # noqa: E402
from paxoskit.worlds.checker import explore  # noqa: E402
from tests.checker.naive import Naive  # noqa: E402


def kit(ballots: int, acceptors: int = 3) -> tuple[int, float]:
    """Return the states and the seconds of the kit's search."""
    result = explore(ballots=ballots, acceptors=acceptors, seconds=600)
    assert result.ok and result.complete
    return result.states, result.seconds


def naive() -> tuple[int, float]:
    """Return the states and the seconds of the search without short cuts."""
    begun = time.perf_counter()
    found = Naive(acceptors=1, proposers=2, ballots=2)
    return len(found.seen), time.perf_counter() - begun


def harmony(program: Path) -> tuple[int, float]:
    """Return the states that Harmony says it found, and the seconds of the whole command, its compiler included."""
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:  # it writes its results beside the program
        shutil.copy(program, folder)
        command = ["harmony", "--noweb", "-c", "F=1", "-c", "NBALLOTS=2", program.name]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
    seconds = time.perf_counter() - begun
    found = re.search(r"(\d+) states \(time", done.stdout)
    if found is None or "No issues found" not in done.stdout:
        raise SystemExit(f"harmony came to no end: {(done.stdout + done.stderr)[-300:]}")
    return int(found[1]), seconds


class _Steps(Naive):
    """The naive search's steps, for somebody else to search."""

    def search(self, queue: list[Any]) -> None:
        """Search nothing; remember where to begin."""
        self.begin, self.worlds = queue[0], {}

    def key(self, world: Any) -> Any:
        """Return what tells a world from others, and remember the world."""
        nodes, *rest = world
        key = (tuple(state for _, state in nodes), *rest)
        self.worlds[key] = world
        return key

    def after(self, state: Any) -> list[tuple[str, Any]]:
        """Return the worlds one step later."""
        nodes, timers, net, facts, memory = self.worlds[state[0]]
        steps = [self.deliver(nodes, timers, net, facts, memory, *flight) for flight in net]
        steps += [self.deliver(nodes, timers - {timer}, net, facts, memory, *timer) for timer in timers]
        return [("step", (self.key(world),)) for world in steps if world is not None]


def with_minicheck() -> tuple[int, float]:
    """Return the states and the seconds of minicheck's search of the naive search's steps."""
    from minicheck import Protocol, check_safety

    steps = _Steps(acceptors=1, proposers=2, ballots=2)
    model = Protocol(
        name="paxos", candidate=False, fields=("world",), initial=(steps.key(steps.begin),), transitions=steps.after,
        invariants={"no claim fell": lambda _: steps.fallen is None},
    )  # fmt: skip
    begun = time.perf_counter()
    found = check_safety(model)
    assert found["properties"]["no claim fell"]["holds"] is True, found
    return len(steps.worlds), time.perf_counter() - begun


SERVERS: tuple[dict[str, int], ...] = (
    {"ballots": 1, "timers": 1}, {"ballots": 1, "timers": 1, "crashes": 1}, {"ballots": 1, "timers": 2},
    {"ballots": 1, "timers": 1, "slots": 2}, {"ballots": 2, "timers": 2}, {"ballots": 2, "timers": 2, "slots": 2},
    {"ballots": 2, "timers": 2, "slots": 2, "crashes": 1},
)  # fmt: skip


def whole_servers(states: int) -> list[dict[str, object]]:
    """Search the kit's server within some bounds, each once; return a row for each."""
    rows = []
    for bounds in SERVERS:
        begun = time.process_time()
        result = explore(Server, states=states, seconds=3_600, **bounds)
        assert result.ok, result
        rows.append({
            "bounds": bounds, "states": result.states, "transitions": result.transitions, "complete": result.complete,
            "cpu_seconds": time.process_time() - begun, "covered": result.covered, "not_covered": result.not_covered,
        })  # fmt: skip
        words = ", ".join(f"{number} {name}" for name, number in bounds.items())
        print(f"{words}: {result.states:,} states, {result.transitions:,} transitions, "
              f"{rows[-1]['cpu_seconds']:.1f} s of CPU; {result.covered}", flush=True)  # fmt: skip
    return rows


def measured(runs: int, harmony_program: Path | None) -> list[dict[str, object]]:
    """Run all tools in turn, `runs` times; return a row for each."""
    tools: dict[str, Callable[[], tuple[int, float]]] = {
        "paxoskit, 2 ballots": lambda: kit(2),
        "paxoskit, 3 ballots": lambda: kit(3),
        "paxoskit, 1 acceptor": lambda: kit(2, acceptors=1),
        "naive, 1 acceptor": naive,
    }
    if importlib.util.find_spec("minicheck"):
        tools["minicheck, 1 acceptor"] = with_minicheck
    else:
        print("minicheck is not installed: pip install minicheck")
    if harmony_program is not None and shutil.which("harmony"):
        tools["Harmony, its own Paxos"] = lambda: harmony(harmony_program)
    elif shutil.which("harmony"):
        print("Harmony is installed, and is left out: give its code/paxos.hny with --harmony")
    else:
        print("Harmony is not installed: pip install harmony (it needs gcc)")
    found: dict[str, list[tuple[int, float]]] = {name: [] for name in tools}
    for _ in range(runs):
        for name, run in tools.items():
            found[name].append(run())
    return [
        {"tool": name, "states": rows[0][0], "median": statistics.median(seconds for _, seconds in rows),
         "least": min(seconds for _, seconds in rows), "most": max(seconds for _, seconds in rows)}
        for name, rows in found.items()
    ]  # fmt: skip


def main() -> int:
    """Print the table, and write it as JSON if asked."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--runs", type=int, default=5)
    options.add_argument("--harmony", type=Path, metavar="FILE", help="Harmony's paxos.hny")
    options.add_argument("--json", type=Path, metavar="FILE")
    options.add_argument("--servers", action="store_true", help="search whole servers as well")
    options.add_argument("--states", type=int, default=300_000, help="of whole servers, at most (300000)")
    chosen = options.parse_args()
    rows = measured(chosen.runs, chosen.harmony)
    for row in rows:
        print(f"{row['tool']:28} {row['states']:>9,} states  {row['median']:7.2f} s "
              f"({row['least']:.2f} to {row['most']:.2f}, {chosen.runs} runs)")  # fmt: skip
    servers = whole_servers(chosen.states) if chosen.servers else []
    if chosen.json:
        chosen.json.write_text(json.dumps([*rows, *servers], indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
