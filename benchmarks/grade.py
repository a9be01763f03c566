"""How long does a class take to grade? Made submissions, right, wrong and hostile mixed, through `grade`.

    python benchmarks/grade.py                    300 submissions to 04_acceptor, two processes
    python benchmarks/grade.py --count 50 --jobs 1 --exercise 00_echo

Each submission differs from every other in a comment, so that none can be taken for another. A third are right, a third
wrong (`tests/answers`), a third hostile (`tests/grading/hostile` put in front of a right answer); the order is drawn
with a seed. It prints the seconds, and those of CPU, which count on a busy machine: what takes 60 s on two idle cores
uses at most 120 of them. It checks that a second run judges nothing and gives the same marks; with `--again` it also
grades everything once more with one process and compares. Exit code 1 if marks differ.
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
from pathlib import Path
from random import Random

from paxoskit.grading.grade import grade
from paxoskit.grading.properties import exercise

TOP = Path(__file__).resolve().parents[1]
STOP = ("forks_400", "reads_the_answer", "kills_its_parent", "opens_tcp")
"""Attacks that need something of the test's own, or slow the machine itself."""


def made(id: str, count: int, seed: int, place: Path) -> Counter[str]:
    """Write `count` submissions into a folder, one folder each; return how many there are of each kind."""
    one = exercise(id)
    solution = TOP / "solutions" / id
    right = [solution / one.file, *sorted((TOP / "tests" / "answers" / id / "right").glob("*.py"))]
    wrong = sorted((TOP / "tests" / "answers" / id / "wrong").glob("*.py"))
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
        (folder / one.file).write_text(f"{base}\n# student {number}\n", encoding="utf-8")
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
    options.add_argument("--again", action="store_true", help="once more with one process, and compare")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder, "in")
        kinds = made(chosen.exercise, chosen.count, chosen.seed, place)
        print(f"{chosen.count} submissions ({dict(kinds)}), {chosen.jobs} jobs, Python {platform.python_version()}, "
              f"load {os.getloadavg()[0]:.1f}")  # fmt: skip
        first = timed(place, chosen.exercise, Path(folder, "out"), chosen.jobs)
        second = timed(place, chosen.exercise, Path(folder, "out"), chosen.jobs)
        same = first == second
        if chosen.again:
            same = timed(place, chosen.exercise, Path(folder, "once more"), 1) == first and same
        print("marks are", "the same" if same else "NOT the same")
    return 0 if same else 1


def timed(place: Path, id: str, out: Path, jobs: int) -> dict[str, object]:
    """Grade once, print the seconds and what came of each kind; return the marks."""
    began, used, judged = time.perf_counter(), cpu(), []
    marks, _ = grade(place, id, out, jobs=jobs, judged=lambda mark, left: judged.append(mark))
    seconds, used = time.perf_counter() - began, cpu() - used
    points: dict[str, list[float]] = {}
    for mark in marks:
        points.setdefault(mark.student.key.rpartition("_")[2], []).append(mark.report.parts["build"][0])
    means = ", ".join(f"{kind} {sum(each) / len(each):.2f}" for kind, each in sorted(points.items()))
    told = f"{seconds:7.1f} s, {used:.1f} s of CPU, for {len(judged)} judged of {len(marks)}"
    print(f"{told}; mean build points: {means}", flush=True)
    return {mark.student.key: [(one.id, one.points, one.status) for one in mark.report.properties] for mark in marks}


def cpu() -> float:
    """Return the CPU seconds of this process and of all its children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


if __name__ == "__main__":
    sys.exit(main())
