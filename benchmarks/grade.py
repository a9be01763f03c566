"""How long does a class take to grade? Made submissions, right, wrong and hostile mixed, through `grade`.

    python benchmarks/grade.py                    300 submissions to 04_acceptor, two processes
    python benchmarks/grade.py --count 50 --jobs 1 --exercise 00_echo
    python benchmarks/grade.py --same              as many, drawn from the same answers, without the comments
    python benchmarks/grade.py --count 30 --dask  by a Dask cluster on this machine (pip install distributed)

Each submission differs from every other in a comment, so that none can be taken for another; with `--same` they do
not, and the same files are judged once. A third are right, a third wrong (`tests/answers`), a third hostile
(`tests/grading/hostile` put in front of a right answer); the order is drawn with a seed. It prints the seconds, and
those of CPU, which count on a busy machine: what takes 60 s on two idle cores uses at most 120 of them. It checks that
a second run judges nothing and gives the same marks; with `--again` it also grades everything once more with `--jobs 1`
and in two threads, and with `--dask` in Dask's processes, and compares.
Exit code 1 if marks differ.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from random import Random

from paxoskit.grading.grade import grade, own_executor
from paxoskit.grading.properties import exercise
from paxoskit.grading.workshop import Workshop

TOP = Path(__file__).resolve().parents[1]
STOP = ("forks_400", "reads_the_answer", "kills_its_parent", "opens_tcp")
"""Attacks that need something of the test's own, or slow the machine itself."""


def made(id: str, count: int, seed: int, place: Path, same: bool = False) -> Counter[str]:
    """Write `count` submissions into a folder, one folder each; return how many there are of each kind.

    Unless they may be the `same`, each has a comment of its own.
    """
    one = exercise(id)
    solution, others = TOP / "solutions" / one.id, TOP / "tests" / "answers" / one.id
    right, wrong = [solution / one.file, *sorted(others.glob("right/*.py"))], sorted(others.glob("wrong/*.py"))
    hostile = [path for path in sorted((TOP / "tests" / "grading" / "hostile").glob("*.py")) if path.stem not in STOP]
    dice, kinds = Random(seed), Counter[str]()
    for number in range(count):
        kind = ("right", "wrong", "hostile")[number % 3]
        kinds[kind] += 1
        base = dice.choice(wrong if kind == "wrong" else right).read_text(encoding="utf-8")
        if kind == "hostile":
            base = attacked(dice.choice(hostile).read_text(encoding="utf-8"), base)
        folder = place / f"student_{number:03}_{kind}"
        folder.mkdir(parents=True)
        (folder / one.file).write_text(base if same else f"{base}\n# student {number}\n", encoding="utf-8")
        (folder / "own_test.py").write_text((solution / "own_test.py").read_text(encoding="utf-8"), encoding="utf-8")
    return kinds


def attacked(attack: str, answer: str) -> str:
    """Return an answer in which every handler attacks first."""
    call = "\n\nattack = globals().get('attack', lambda: None)\n"
    lines = []
    for line in answer.splitlines():
        lines.append(line)
        if line.strip().startswith("def on_") and line.endswith(":"):
            lines.append(" " * (len(line) - len(line.lstrip()) + 4) + "attack()")
    body = "\n".join(line for line in lines if not line.startswith("from __future__"))
    return attack + call + body


def main() -> int:
    """Run the benchmark."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--exercise", default="04_acceptor")
    options.add_argument("--count", type=int, default=300)
    options.add_argument("--jobs", type=int, default=2)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--same", action="store_true", help="without a comment that makes each differ")
    options.add_argument("--again", action="store_true", help="once more with one process and in threads, and compare")
    options.add_argument("--dask", action="store_true", help="once more in processes of Dask, and compare")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder, "in")
        kinds = made(chosen.exercise, chosen.count, chosen.seed, place, chosen.same)
        print(f"{chosen.count} submissions ({dict(kinds)}) to {chosen.exercise}, Python {platform.python_version()}, "
              f"{os.cpu_count()} cores")  # fmt: skip
        ways = [f"{chosen.jobs} jobs", f"{chosen.jobs} jobs, a second run"]
        ways += ["1 job", "2 threads"] if chosen.again else []
        ways += ["Dask"] if chosen.dask else []
        found = []
        for way in ways:
            out = Path(folder, way.partition(",")[0])
            with executor(way, chosen.jobs) as one:
                found.append(timed(way, place, chosen.exercise, out, one))
        differing = [(way, one) for way, marks in zip(ways, found) for one in marks if marks[one] != found[0][one]]
        for way, one in differing:
            print(f"{one} has {found[ways.index(way)][one]} ({way}), {found[0][one]} ({ways[0]})")
        print("marks are", "NOT the same" if differing else "the same")
    return 1 if differing else 0


@contextmanager
def executor(way: str, jobs: int) -> Iterator[Executor]:
    """Return who does the work; what it started has ended afterwards."""
    if way == "Dask":
        from distributed import Client

        with Client(processes=True, n_workers=jobs, threads_per_worker=1, dashboard_address=None) as client:
            yield client.get_executor()
    else:
        with ThreadPoolExecutor(2) if way == "2 threads" else own_executor(1 if way == "1 job" else jobs) as own:
            yield own


def timed(way: str, place: Path, id: str, out: Path, executor: Executor) -> dict[str, object]:
    """Grade once, print the seconds and what came of each kind; return the marks."""
    began, used, judged = time.perf_counter(), cpu(), []
    marks, _ = grade(place, id, out, executor=executor, judged=lambda mark, left: judged.append(mark))
    seconds = time.perf_counter() - began
    executor.shutdown()
    for shop in list(Workshop.made.values()):
        shop.close()
    used = cpu() - used
    points: dict[str, list[float]] = {}
    for mark in marks:
        points.setdefault(mark.student.key.rpartition("_")[2], []).append(mark.report.parts["build"][0])
    means = ", ".join(f"{kind} {sum(each) / len(each):.2f}" for kind, each in sorted(points.items()))
    each = f", {used / len(judged):.2f} each" if judged else ""
    told = f"{way}: {seconds:.1f} s, {used:.1f} s of CPU{each}, for {len(judged)} judged of {len(marks)}"
    print(f"{told}; load {os.getloadavg()[0]:.1f}; mean build points: {means}", flush=True)
    return {mark.student.key: [(one.id, one.points, one.status) for one in mark.report.properties] for mark in marks}


def cpu() -> float:
    """Return the CPU seconds of this process and of all its children that have ended; Dask's have not."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


if __name__ == "__main__":
    sys.exit(main())
