"""How fast are histories judged, and do the search and the witness claim agree? Prints a table, and writes JSON.

    python3 benchmarks/linearizable.py [--runs 5] [--simulated 2000] [--bad 200] [--json linearizable.json] [FILE…]

The histories are made here: clients ask a store that does each operation at one moment between its beginning and its
end, some answers are lost, some operations take long. `stale` is the same history with three reads answered what
another read was told: most of these are illegal, and some are not. FILE: logs of your own.
"""

from __future__ import annotations

import argparse
import heapq
import json
import platform
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

from paxoskit.claims.linearizable import History, Operation, history_of, linearizable, read_history
from paxoskit.claims.linearizable.history import READS
from paxoskit.worlds.simulator import NEMESES, Simulator

LOGS = Path(__file__).parents[1] / "tests" / "data" / "etcd"


@dataclass(frozen=True)
class Clients:
    """How clients behave: how many ask how much of which store, and how often an answer is lost or late.

    `functions` are drawn from at random; `values` is how many values there are, 0 for a new one each time. An operation
    takes 1 ms on the average, a slow one 20; an operation without an answer takes effect up to long after, or never.
    """

    clients: int
    operations: int
    keys: int
    functions: tuple[str, ...]
    values: int = 0
    lost: float = 0.0
    slow: float = 0.05

    def history(self, seed: int) -> History:
        """Return what they asked and were told: a linearizable history."""
        return History(_Play(self, Random(f"clients {seed}")).run())


REGISTER = ("read", "read", "write", "cas")
STORE = ("get", "get", "put", "append", "append")


@dataclass
class _Asked:
    process: int
    f: str
    key: int
    value: Any
    invoked: float
    outcome: str = "ok"
    result: Any = None


class _Play:
    """Clients and a store, event by event."""

    def __init__(self, clients: Clients, dice: Random) -> None:
        self.clients, self.dice = clients, dice
        self.agenda: list[tuple[float, int, str, Any]] = []
        self.held: dict[int, Any] = {}
        self.done: list[Operation] = []
        self.entries = self.asked = 0
        self.names = clients.clients

    def later(self, at: float, what: str, item: Any) -> None:
        self.entries += 1
        heapq.heappush(self.agenda, (at, self.entries, what, item))

    def run(self) -> list[Operation]:
        for client in range(self.clients.clients):
            self.later(self.dice.random(), "ask", client)
        while self.agenda:
            now, _, what, item = heapq.heappop(self.agenda)
            getattr(self, what)(now, item)
        return self.done

    def ask(self, now: float, process: int) -> None:
        if self.asked == self.clients.operations:
            return
        self.asked += 1
        dice, key = self.dice, self.dice.randrange(self.clients.keys)
        asked = _Asked(process, dice.choice(self.clients.functions), key, None, now)
        asked.value = self.value(asked.f, process)
        takes = dice.expovariate(1 / (20.0 if dice.random() < self.clients.slow else 1.0))
        moment = now + takes * dice.random()
        if dice.random() < self.clients.lost:
            asked.outcome = "info"
            moment = now + dice.expovariate(1 / 30.0)
        if asked.outcome == "ok" or dice.random() < 0.5:
            self.later(moment, "happen", asked)
        self.later(now + takes, "answer", asked)

    def value(self, f: str, process: int) -> Any:
        dice, values = self.dice, self.clients.values
        if f in READS:
            return None
        if f == "cas":
            return (dice.randrange(values or 5), dice.randrange(values or 5))
        return dice.randrange(values) if values else f"x {process} {self.asked} y"

    def happen(self, now: float, asked: _Asked) -> None:
        held = self.held.get(asked.key)
        if asked.f in READS:
            asked.result = held
        elif asked.f == "append":
            self.held[asked.key] = (held or "") + asked.value
        elif asked.f != "cas":
            self.held[asked.key] = asked.value
        elif held == asked.value[0]:
            self.held[asked.key] = asked.value[1]
        elif asked.outcome == "ok":
            asked.outcome = "fail"

    def answer(self, now: float, asked: _Asked) -> None:
        result = asked.result if asked.outcome == "ok" else None
        self.done.append(
            Operation(asked.process, asked.f, asked.key, asked.value, asked.invoked, now, result, asked.outcome)
        )
        process = asked.process
        if asked.outcome == "info":
            process, self.names = self.names, self.names + 1
        self.later(now + self.dice.expovariate(5.0), "ask", process)


def stale(history: History, seed: int, reads: int = 3) -> History:
    """Return the history with some reads answered what another read of the same key was told."""
    dice, changed = Random(f"stale {seed}"), list(history)
    there = [number for number, each in enumerate(changed) if each.f in READS and each.outcome == "ok"]
    for number in dice.sample(there, min(reads, len(there))):
        same = [other for other in there if changed[other].key == changed[number].key]
        changed[number] = replace(changed[number], result=changed[dice.choice(same)].result)
    return History(changed)


def certainly_bad(history: History, seed: int) -> History | None:
    """Return the history with one get answered wrongly for certain; None if it has no get that this can be done to.

    What it is told was overwritten: it was put once, another put of the key began after that one's end, and had ended
    before the get began. Or nobody put it, ever.
    """
    dice, changed = Random(f"bad {seed}"), list(history)
    puts = [each for each in changed if each.f == "put" and each.outcome == "ok"]
    gets = [number for number, each in enumerate(changed) if each.f == "get" and each.outcome == "ok"]
    dice.shuffle(gets)
    for number in gets:
        get = changed[number]
        before = [put for put in puts if put.key == get.key and put.completed < get.invoked]  # type: ignore[operator]
        old = [
            put for put in before
            if any(put.completed < other.invoked for other in before)  # type: ignore[operator]
            and sum(other.value == put.value for other in changed) == 1
        ]  # fmt: skip
        value = dice.choice(old).value if old else "never put"
        if old or seed % 4 == 0:
            changed[number] = replace(get, result=value)
            return History(changed, history.unit)
    return None


CASES = {
    "register, 5 clients, 5 values, 15 % lost": Clients(5, 170, 1, REGISTER, 5, 0.15),
    "register, 10 clients, 5 values, 5 % lost": Clients(10, 1_000, 1, REGISTER, 5, 0.05),
    "10 registers, 100 clients, 5 % lost": Clients(100, 5_000, 10, REGISTER, 5, 0.05),
    "register, 50 clients, all values differ": Clients(50, 2_000, 1, ("read", "write"), 0, 0.02),
    "10 keys, 10 clients, put, append": Clients(10, 400, 10, STORE),
    "10 keys, 50 clients, put, append": Clients(50, 2_000, 10, STORE),
    "10 keys, 50 clients, put, append, 10 % lost": Clients(50, 2_000, 10, STORE, 0, 0.1),
    "1 key, 50 clients, put, append": Clients(50, 2_000, 1, STORE),
    "1 key, 50 clients, put, append, 10 % lost": Clients(50, 2_000, 1, STORE, 0, 0.1),
    "1 key, 50 clients, append": Clients(50, 2_000, 1, ("get", "append"), 0, 0.0),
    "10 keys, 50 clients, append, 10 % lost": Clients(50, 5_000, 10, ("get", "append"), 0, 0.1),
}
"""Histories like those of the Jepsen runs against etcd, of the labs in which a key-value store is built, and harder."""

SEEDS = 5


def timed(name: str, histories: Sequence[History], runs: int) -> dict[str, Any]:
    """Judge each history `runs` times; return medians and verdicts."""
    medians, words, found_by = [], [], []
    for history in histories:
        verdicts = [linearizable(history) for _ in range(runs)]
        medians.append(statistics.median(verdict.milliseconds for verdict in verdicts))
        words.append(verdicts[0].word)
        found_by.append(verdicts[0].found_by)
    row = {
        "who": name, "histories": len(histories), "operations": sum(map(len, histories)),
        "median_ms": statistics.median(medians), "most_ms": max(medians),
        **{word: words.count(word) for word in ("legal", "illegal", "undecided")},
        "by_wing_gong": sum("Wing" in name for name in found_by),
    }  # fmt: skip
    print(
        f"  {row['median_ms']:>8.1f} {row['most_ms']:>8.1f}  {row['legal']:>3} {row['illegal']:>3} "
        f"{row['undecided']:>3} {row['by_wing_gong']:>4}  {name}", flush=True,
    )  # fmt: skip
    return row


def simulated(seed: int) -> Simulator:
    """Run a small simulation of the kit's own servers under one of the nemeses; every claim watches."""
    nemesis = list(NEMESES)[seed % len(NEMESES)]
    simulator = Simulator(seed, servers=3 + 2 * (seed % 2), nemesis=nemesis)
    simulator.run(400)
    return simulator


def agreement(seeds: range) -> Iterator[tuple[bool, bool | None, int]]:
    """Yield for each seed: does the witness claim hold, what does the search say, how many operations."""
    for seed in seeds:
        simulator = simulated(seed)
        history = history_of(simulator.trace)
        fell = any(violation.claim == "linearizable per key" for violation in simulator.violations)
        yield not fell, linearizable(history).ok, len(history)


def bad_ones(count: int) -> Iterator[bool | None]:
    """Yield the search's answer for so many histories that are certainly bad."""
    seed = 0
    while count:
        bad = certainly_bad(history_of(simulated(seed).trace), seed)
        seed += 1
        if bad is not None:
            count -= 1
            yield linearizable(bad).ok


def main() -> None:
    """Print the table, and write it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--simulated", type=int, default=2_000)
    parser.add_argument("--bad", type=int, default=200)
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("files", nargs="*", metavar="FILE")
    options = parser.parse_args()
    print(f"Python {platform.python_version()}, medians of {options.runs} runs; milliseconds of the median history, "
          "of the slowest; legal, illegal, undecided; found by Wing–Gong–Lowe")  # fmt: skip
    rows = [timed(path.name, [read_history(path)], options.runs) for path in sorted(LOGS.glob("*.jsonl"))]
    rows += [timed(path, [read_history(path)], options.runs) for path in options.files]
    for name, clients in CASES.items():
        histories = [clients.history(seed) for seed in range(SEEDS)]
        rows.append(timed(name, histories, options.runs))
        rows.append(timed(f"{name}: stale", [stale(each, seed) for seed, each in enumerate(histories)], options.runs))
    pairs = list(agreement(range(options.simulated)))
    agree = sum(witness == search for witness, search, _ in pairs)
    print(f"search and witness agree on {agree} of {len(pairs)} simulated histories, "
          f"{sum(size for _, _, size in pairs)} operations")  # fmt: skip
    found = [ok is False for ok in bad_ones(options.bad)]
    print(f"{sum(found)} of {len(found)} bad histories are rejected")
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"rows": rows, "agree": agree, "of": len(pairs), "rejected": sum(found), "bad": len(found)},
                      file, indent=1)  # fmt: skip


if __name__ == "__main__":
    main()
