"""How long does an exhaustive search of single-decree Paxos take? The kit's, a naive one and Harmony's, in turn.

    python3 benchmarks/checker.py [--runs 5] [--harmony paxos.hny] [--json FILE]

The kit searches the reference acceptor and proposer of `solutions/` (three acceptors, two proposers, two ballots in
all, either proposer may have both). The naive search of `tests/checker/naive.py` goes over the *same classes*, one
copy of a node a step, at bounds that it can exhaust: one acceptor, two proposers, two ballots. Harmony (PyPI `harmony`,
needs gcc) runs its own Paxos example, whose file is given with --harmony: another model, so its number of states is not
comparable. Without --harmony it is left out.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

TOP = Path(__file__).parents[1]
sys.path.insert(0, str(TOP))

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
    """Return the states that Harmony says it found, and the seconds of the whole command."""
    begun = time.perf_counter()
    command = [shutil.which("harmony") or "harmony", "--noweb", "-c", "F=1", "-c", "NBALLOTS=2", str(program)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    seconds = time.perf_counter() - begun
    words = done.stdout.replace(",", " ").split()
    states = [int(words[index - 1]) for index, word in enumerate(words) if word.startswith("states") and index]
    return (states[0] if states else 0), seconds


def measured(runs: int, harmony_program: Path | None) -> list[dict[str, object]]:
    """Run all tools in turn, `runs` times; return a row for each."""
    tools: dict[str, Callable[[], tuple[int, float]]] = {
        "paxoskit, 2 ballots": lambda: kit(2),
        "paxoskit, 3 ballots": lambda: kit(3),
        "paxoskit, 1 acceptor": lambda: kit(2, acceptors=1),
        "naive, 1 acceptor": naive,
    }
    if harmony_program is not None:
        tools["Harmony, its own Paxos"] = lambda: harmony(harmony_program)
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
    chosen = options.parse_args()
    rows = measured(chosen.runs, chosen.harmony)
    for row in rows:
        print(f"{row['tool']:28} {row['states']:>9,} states  {row['median']:7.2f} s "
              f"({row['least']:.2f} to {row['most']:.2f}, {chosen.runs} runs)")  # fmt: skip
    if chosen.json:
        chosen.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
