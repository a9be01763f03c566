"""`simulate`: many seeds, every fault, every claim; and a run in which nothing happened proves nothing.

Each seed is a story of its own, so they run in as many processes as there are cores, or over any executor. Their
results are taken in the order of the seeds, up to the first that went wrong: the answer is the same, whatever ran them.
The story of that one is made short.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import shlex
import signal
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from paxoskit.claims.safety import safety_claims
from paxoskit.loading import LoadError, blame, load_server
from paxoskit.options import Options, whole
from paxoskit.protocol.node import Node
from paxoskit.protocol.plain import Name
from paxoskit.protocol.server import Server
from paxoskit.trace import story
from paxoskit.worlds.beginnings import choices_of
from paxoskit.worlds.choice import Choice
from paxoskit.worlds.interned import OWN_CODE, prints_to
from paxoskit.worlds.shrink import Stage, told
from paxoskit.worlds.simulator import NEMESES, Outcome, Simulator
from paxoskit.worlds.story import Story
from paxoskit.worlds.synod import place
from paxoskit.worlds.world import MOST_SERVERS, Flight, Timer

MOST_WORKERS = 61  # of a ProcessPoolExecutor on Windows
SHOWN = 15
"""So many events before a claim fell are shown, if its story cannot be made short."""

TOLD, SHORT = 100_000, 60
"""So many choices are told again, at most, to make a story short; so many choices are short enough to be printed."""

ENOUGH = 0.95
"""At least this share of what was asked must be answered."""


@dataclass(frozen=True)
class Task:
    """What is run for each seed; `place` is the FILE:Class of the server, empty for the kit's own."""

    servers: int
    steps: int
    nemesis: str
    place: str = ""

    def command(self, seed: int) -> str:
        """Return the command that runs just this seed."""
        server = f" --server {shlex.quote(self.place)}" if self.place else ""
        return (
            f"python3 -m paxoskit simulate --first {seed} --seeds 1 --servers {self.servers} --steps {self.steps} "
            f"--nemesis {self.nemesis}{server}"
        )

    def promised(self) -> list[str]:
        """Return the kinds of faults that the nemesis promises."""
        nemesis = NEMESES[self.nemesis]
        chances = [kind for kind in ("loss", "duplication", "delay") if getattr(nemesis, kind)]
        return [*chances, *nemesis.faults]


@dataclass(frozen=True)
class Result:
    """What one seed came to, as plain data: a learner's own classes stay in the process that loaded them."""

    seed: int
    steps: int = 0
    asked: int = 0
    acknowledged: int = 0
    elections: int = 0
    faults: dict[str, int] = field(default_factory=dict)
    checks: dict[str, int] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)
    digest: str = ""
    raised: str = ""
    story: str = ""

    @property
    def reasons(self) -> list[str]:
        """Why it went wrong, a line each; nothing if it did not."""
        return [f"the server's code fails: {self.raised}"] if self.raised else self.violations


@dataclass
class Sum:
    """What all seeds came to."""

    seeds: int = 0
    steps: int = 0
    asked: int = 0
    acknowledged: int = 0
    elections: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    checks: Counter[str] = field(default_factory=Counter)
    violations: int = 0
    digest: Any = field(default_factory=hashlib.sha256)
    wrong: Result | None = None

    def add(self, result: Result) -> None:
        """Count one seed."""
        self.seeds += 1
        for name in ("steps", "asked", "acknowledged", "elections"):
            setattr(self, name, getattr(self, name) + getattr(result, name))
        self.faults.update(result.faults)
        self.checks.update(result.checks)
        self.violations += len(result.violations)
        self.digest.update(result.digest.encode())
        if result.reasons:
            self.wrong = result

    def nothing(self, task: Task) -> list[str]:
        """Say, a line each, what did not happen, so that the run proves nothing about it."""
        counts = {"requests asked": self.asked, "answers": self.acknowledged, "elections": self.elections}
        counts |= {f"faults of the kind {kind}": self.faults[kind] for kind in task.promised()}
        counts |= {f"checks of the claim {claim!r}": count for claim, count in sorted(self.checks.items())}
        lines = [f"no {what} in {self.seeds} seeds" for what, count in counts.items() if count == 0]
        if not self.checks:
            lines.append("no claim was checked")
        if self.acknowledged < ENOUGH * self.asked:
            lines.append(f"only {self.acknowledged} of {self.asked} requests were answered")
        return lines

    def as_json(self, task: Task, first: int) -> dict[str, Any]:
        """Return the sum as one object; `failed` is the seed that went wrong, or None."""
        return {
            "first": first, "seeds": self.seeds, "servers": task.servers, "nemesis": task.nemesis, "steps": self.steps,
            "asked": self.asked, "acknowledged": self.acknowledged, "elections": self.elections,
            "faults": dict(sorted(self.faults.items())), "checks": dict(sorted(self.checks.items())),
            "violations": self.violations, "failed": self.wrong.seed if self.wrong else None,
            "why": self.wrong.reasons if self.wrong else [], "digest": self.digest.hexdigest(),
        }  # fmt: skip


def main(arguments: list[str]) -> int:
    """Run the command; return 0 if every claim held and everything happened, 1 if not, 2 for bad input."""
    options = _options()
    chosen = options.parse_args(arguments)
    task = Task(chosen.servers, chosen.steps, chosen.nemesis, chosen.server)
    try:
        _server(task.place)
    except LoadError as error:
        options.error(f"--server: {error}")
    total, short = Sum(), None
    seeds = range(chosen.first, chosen.first + chosen.seeds)
    try:
        for result in _watched(results(task, seeds, chosen.workers), len(seeds)):
            total.add(result)
        if total.wrong is not None:
            short = short_story(task, total.wrong.seed)
    except BrokenProcessPool:
        ended = "the process that ran this seed, or one of the next, ended"
        total.add(Result(chosen.first + total.seeds, raised=ended))
    except KeyboardInterrupt:
        print(f"\npaxoskit: stopped after {total.seeds} seeds", file=sys.stderr)
        return 130
    trouble = _trouble(total, task, short)
    print("\n".join(trouble or _summary(total, task)))
    if chosen.story and short is not None:
        try:
            short.story.at_home_in(Path(chosen.story).parent).save(chosen.story)
        except OSError as error:
            options.error(f"--story: cannot write {chosen.story}: {error.strerror}")
        print(f"the story is in {chosen.story}: python3 -m paxoskit lab --story {shlex.quote(chosen.story)}")
    if chosen.json:
        found = None if short is None else short.story.as_json()
        print(json.dumps(total.as_json(task, chosen.first) | {"story": found}))
    return 1 if trouble else 0


def _options() -> Options:
    options = Options("simulate", "Exit code 1 if a claim fell, or if what was promised did not happen.")
    options.add_argument("--seeds", type=whole(1, 10**9), default=100, help="how many seeds to run (100)")
    options.add_argument("--first", type=whole(0, 10**15), default=0, metavar="SEED", help="the first of them (0)")
    options.add_argument("--servers", type=whole(1, MOST_SERVERS), default=3, help="how many servers (3)")
    options.add_argument("--steps", type=whole(1, 10**9), default=2_000, help="steps of a seed, before the calm (2000)")
    options.add_argument(
        "--nemesis", choices=NEMESES, default="all", metavar="NAME", help=f"who makes trouble: {', '.join(NEMESES)}"
    )
    options.add_argument(
        "--server", "--class", dest="server", metavar="FILE:Class", default="",
        help="run this server, not the kit's own",
    )  # fmt: skip
    options.add_argument("--workers", type=whole(1, MOST_WORKERS), default=_cores(), help="how many processes (cores)")
    options.add_argument("--story", metavar="FILE", help="write the story of the seed that went wrong here, as JSON")
    options.add_argument("--json", action="store_true", help="print one object as the last line")
    return options


def _cores() -> int:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, MOST_WORKERS)


# Running -----------------------------------------------------------------------------------------------------


def results(
    task: Task, seeds: Iterable[int], workers: int = 1, executor: Executor | None = None
) -> Iterator[Result]:  # fmt: skip
    """Yield the result of each seed, in order, and end after the first that went wrong.

    They run here, in so many processes of our own, or over an `executor`, whichever: the results are the same.
    """
    if executor is not None:
        chosen = list(seeds)
        found: Iterator[Result] = executor.map(run_seed, [task] * len(chosen), chosen)
    else:
        found = _in_processes(task, list(seeds), workers) if workers > 1 else (run_seed(task, s) for s in seeds)
    for result in found:
        yield result
        if result.reasons:
            return


def _in_processes(task: Task, seeds: list[int], workers: int) -> Iterator[Result]:
    chunk = max(1, min(20, len(seeds) // (4 * workers)))
    workers = min(workers, -(-len(seeds) // chunk))
    with ProcessPoolExecutor(workers, initializer=_ignore_interrupts) as executor:
        try:
            yield from executor.map(run_seed, [task] * len(seeds), seeds, chunksize=chunk)
        except KeyboardInterrupt:
            for process in multiprocessing.active_children():
                process.terminate()  # one may sit in a learner's handler that never returns
            raise


def _ignore_interrupts() -> None:
    """Leave Ctrl-C to the process that started this one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@lru_cache(1)
def _server(place: str) -> type[Node]:
    """Return the server's class; each process loads it for itself."""
    return load_server(place) if place else Server


def run_seed(task: Task, seed: int) -> Result:
    """Run one seed: `steps` with faults, then the calm in which everything must be answered."""
    with prints_to(sys.stderr):  # what a learner's handlers print; the JSON stays the last line
        simulator = None
        try:
            simulator = Simulator(seed, servers=task.servers, nemesis=task.nemesis, server=_server(task.place))
            simulator.run(task.steps)
            if not simulator.violations:
                simulator.calm()
            return _result(simulator.outcome(), simulator)
        except (Exception, SystemExit) as error:
            if not task.place:
                raise  # our own code, our own traceback
            return Result(seed, raised=blame(error, task.place.rpartition(":")[0]), story=_end(simulator))


def _result(outcome: Outcome, simulator: Simulator) -> Result:
    numbers = {name: getattr(outcome, name) for name in ("seed", "steps", "asked", "acknowledged", "elections")}
    violations = [str(violation) for violation in outcome.violations]
    return Result(
        **numbers, faults=outcome.faults, checks=outcome.checks, violations=violations, digest=outcome.digest,
        story=_end(simulator) if violations else "",
    )  # fmt: skip


def _end(simulator: Simulator | None) -> str:
    """Return the last events of a run, one sentence a line."""
    return story(list(simulator.trace)[-SHOWN:]) if simulator else ""


# The short story ---------------------------------------------------------------------------------------------


class Short(NamedTuple):
    """The story of a seed that went wrong, its events in words, and how many choices the run itself had."""

    story: Story
    lines: list[str]
    choices: int
    shorter: bool
    """Does the same claim fall in it? If not, it is the run itself: what is wrong only shows at its end."""


class _Noting(Simulator):
    """Notes what it lets a server do: if the server's code fails, no trace tells of that."""

    last: Choice | None = None

    def _arrive(self, flight: Flight) -> None:
        self.last = Choice("deliver", flight.receiver, flight.sender, flight.message)
        super()._arrive(flight)

    def _ring(self, timer: Timer) -> None:
        self.last = Choice("fire", timer.node, what=timer.message)
        super()._ring(timer)

    def _restart(self, name: int) -> None:
        self.last = Choice("restart", name)
        super()._restart(name)

    def _ask(self, client: Name) -> None:
        self.last = None
        super()._ask(client)


def short_story(task: Task, seed: int, most: int = TOLD) -> Short | None:
    """Run a seed that went wrong once more, and return its story, with all choices left out that can be spared.

    None if there is nothing to tell: the code fails before anything happens. At most `most` choices are told again.
    """
    with prints_to(sys.stderr):
        cls = _server(task.place)
        simulator = last = None
        try:
            simulator = _Noting(seed, servers=task.servers, nemesis=task.nemesis, server=cls)
            simulator.run(task.steps)
            if not simulator.violations:
                simulator.calm()
        except (Exception, SystemExit):
            last = simulator and simulator.last
        if simulator is None:
            return None
        name = place(cls)
        choices = [*choices_of(simulator.trace), *([last] if last else [])]
        begin = Story(nodes=(name,) * task.servers, clients=((),) * len(simulator.world.clients))
        stage = Stage(begin, {name: cls}, safety_claims, loose=True)
        # What is lost may as well fly for ever; equal messages do the same.
        shortest = stage.shrunk([replace(one, copy=0) for one in choices if one.kind != "drop"], most)
        if shortest is None:
            violation = next(iter(simulator.violations), None)
            return Short(stage.story(choices, violation), [], len(choices), False)
        done, world, violation = shortest
        lines = told(event for event in world.trace if event.kind != "start")
        lines += [f"          then its code fails: {done[-1]}"] if violation.claim == OWN_CODE else []
        return Short(stage.story(done, violation), lines, len(choices), True)


# Saying so ---------------------------------------------------------------------------------------------------


def _watched(found: Iterator[Result], count: int) -> Iterator[Result]:
    """Pass the results on, and count them on a terminal."""
    if not sys.stderr.isatty():
        yield from found
        return
    for number, result in enumerate(found, 1):
        print(f"\r{number} of {count} seeds", end="", file=sys.stderr, flush=True)
        yield result
    print(file=sys.stderr)


def _trouble(total: Sum, task: Task, short: Short | None) -> list[str]:
    """Return, in lines, what went wrong; nothing if all is well."""
    if total.wrong is None:
        return [f"{line}: that proves nothing (more seeds or steps may)" for line in total.nothing(task)]
    wrong = total.wrong
    lines = [f"seed {wrong.seed}: {line}" for line in wrong.reasons]
    if short is not None and short.shorter and len(short.story.choices) <= SHORT:
        count = f"{len(short.story.choices)} choices, of {short.choices:,} in the run"
        lines += ["", f"the short story, {count}: {short.story.says}", "", *(f"  {line}" for line in short.lines)]
    elif wrong.story:
        lines += ["", "what happened last:", *(f"  {line}" for line in wrong.story.splitlines())]
    return [*lines, "", "to see it again:", f"  {task.command(wrong.seed)}"]


def _summary(total: Sum, task: Task) -> list[str]:
    """Return, in lines, what happened in a run in which all is well."""
    return [
        f"{total.seeds:,} seeds of {task.servers} servers, {total.steps:,} steps: no claim fell",
        f"  asked {total.asked:,}, answered {total.acknowledged:,}, elections {total.elections:,}",
        *_table("faults", total.faults),
        *_table("checks", total.checks),
        f"  digest {total.digest.hexdigest()}",
    ]


def _table(title: str, counts: Counter[str]) -> list[str]:
    return [f"  {title}:", *(f"    {count:>12,}  {name}" for name, count in sorted(counts.items()))] if counts else []
