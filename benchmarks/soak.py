"""How long does safety hold? Simulated clusters of 3, 5 and 7 servers under every nemesis, alone and in pairs.

    python3 benchmarks/soak.py [--minutes 8] [--workers 2] [--first SEED] [--json soak.json]

Each seed takes the next number of servers and the next nemesis (or pair) in turn, runs 2,000 steps with every claim
on, then must answer everything that was asked. The first seed that fails is named, with the line that repeats it.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from itertools import combinations, count
from typing import Any

from paxoskit.worlds.simulator import NEMESES, Nemesis, Simulator

STEPS = 2_000
SIZES = (3, 5, 7)


def pair(a: Nemesis, b: Nemesis) -> Nemesis:
    """Return both at once."""
    return Nemesis(max(a.loss, b.loss), max(a.duplication, b.duplication), max(a.delay, b.delay), a.faults + b.faults)


def troubles() -> dict[str, Nemesis]:
    """Return all nemeses: each alone, and each pair that is more than its parts."""
    alone = {name: nemesis for name, nemesis in NEMESES.items() if name not in ("none", "all")}
    pairs = {f"{a} + {b}": pair(alone[a], alone[b]) for a, b in combinations(alone, 2)}
    return {**alone, **pairs, "all": NEMESES["all"]}


def one(seed: int) -> dict[str, Any]:
    """Run one seed and return what it came to."""
    names = list(troubles().items())
    name, nemesis = names[seed % len(names)]
    servers = SIZES[seed // len(names) % len(SIZES)]
    simulator = Simulator(seed, servers, nemesis=nemesis)
    simulator.run(STEPS)
    simulator.calm()
    return {
        "seed": seed, "servers": servers, "nemesis": name, "steps": simulator.steps, "events": simulator.trace.count,
        "asked": simulator.asked, "acknowledged": simulator.acknowledged,
        "violations": [str(violation) for violation in simulator.violations],
    }  # fmt: skip


def main() -> int:
    """Run for some minutes, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=8.0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    sums: Counter[str] = Counter()
    fallen: list[dict[str, Any]] = []
    start = time.monotonic()
    seeds = count(options.first)
    with ProcessPoolExecutor(options.workers) as pool:
        while not sums or (time.monotonic() - start < 60 * options.minutes and not fallen):
            batch = [next(seeds) for _ in range(200)]
            for result in pool.map(one, batch, chunksize=10):
                sums.update({key: result[key] for key in ("steps", "events", "asked", "acknowledged")}, seeds=1)
                if result["violations"]:
                    fallen.append(result)
    seconds = time.monotonic() - start
    summary = {**sums, "seconds": round(seconds), "nemeses": len(troubles()), "violations": len(fallen)}
    print(json.dumps(summary))
    for result in fallen:
        print(f"seed {result['seed']}, {result['servers']} servers, {result['nemesis']}: {result['violations'][0]}")
        print(f"again: python3 benchmarks/soak.py --minutes 0 --first {result['seed']}")
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(summary | {"fallen": fallen}, file, indent=1)
    return 1 if fallen else 0


if __name__ == "__main__":
    raise SystemExit(main())
