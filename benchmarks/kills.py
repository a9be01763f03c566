"""Is an acknowledged put ever lost, however often the process of a cluster on a file is killed?

    python3 benchmarks/kills.py [--kills 1000] [--seed 0] [--json kills.json]

A process opens a cluster of three on a file, lets two clients put, and is killed (SIGKILL) after a random while: one
in four within its first second, often before its cluster has a leader, the others within a quarter of a second after
they looked at what earlier lives had left. The next process opens the same file, must find every put that
was ever acknowledged, each key with that value or one that was asked for later, and goes on; every claim watches. A
new file begins after every 25 lives. A kill of the process is no loss of power: what the system had not yet written to
the device outlives it. (POSIX only: the processes are forks.)
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from pathlib import Path
from random import Random

from paxoskit.worlds.cluster import Cluster

LIVES = 25
KEYS = 20


def live(file: Path, floor: dict[int, int], number: int, say: int) -> None:
    """One life: look whether every acknowledged put is there, then put until killed. `say` is a pipe's end."""
    with Cluster(3, clients=2, storage=file) as cluster:
        for key, least in floor.items():
            found = cluster.get(key, timeout=30)
            if found is None or found < least:
                os.write(say, f"LOST {key}: {least} was acknowledged, found {found}\n".encode())
        cluster.get("there is a leader", timeout=30)
        os.write(say, b"found\n")
        waiting = []
        while True:
            for client in (1, 2):
                number += 1
                waiting.append((number, cluster.put_async(number % KEYS, number, client=client, timeout=30)))
            for done, future in waiting:
                future.result()
                os.write(say, f"{done}\n".encode())
            waiting.clear()
            if cluster.violations:
                os.write(say, f"LOST {cluster.violations[0]}\n".encode())


def life(file: Path, floor: dict[int, int], number: int, dice: Random) -> tuple[list[str], bool]:
    """Let a process live for a while; return the lines that it said, and whether it looked at all keys."""
    hear, say = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(hear)
        try:
            live(file, floor, number, say)
        except BaseException as error:
            os.write(say, f"LOST {type(error).__name__}: {error}\n".encode())
        os._exit(0)
    os.close(say)
    with os.fdopen(hear) as pipe:
        early, lines = dice.random() < 0.25, list[str]()
        while not early and lines[-1:] != ["found"] and (line := pipe.readline()):
            lines.append(line.strip())
        time.sleep(dice.uniform(0.0, 1.0 if early else 0.25))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        lines += pipe.read().splitlines()
    return lines, "found" in lines


def main() -> int:
    """Kill so many processes, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    dice, begun = Random(options.seed), time.monotonic()
    acknowledged = looked = number = 0
    lost: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        floor: dict[int, int] = {}
        for kill in range(options.kills):
            if kill % LIVES == 0:
                floor = {}
            # a puts' number is at least what any earlier life may have asked
            lines, found = life(Path(folder) / f"{kill // LIVES}.db", floor, number, dice)
            looked += found
            lost += [f"life {kill}: {line}" for line in lines if line.startswith("LOST")]
            for line in lines:
                if line.isdecimal():
                    acknowledged += 1
                    floor[int(line) % KEYS] = max(int(line), floor.get(int(line) % KEYS, 0))
                    number = max(number, int(line))
            number += KEYS
    figures = {
        "kills": options.kills, "lives that looked at every key": looked, "puts acknowledged": acknowledged,
        "lost": lost, "seconds": round(time.monotonic() - begun, 1),
    }  # fmt: skip
    for name, figure in figures.items():
        print(f"{name}: {figure}")
    if options.json:
        Path(options.json).write_text(json.dumps(figures, indent=1), encoding="utf-8")
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
