"""Does every verdict come out the same, again and again?

    python benchmarks/grading.py [--repeats 1000] [--exercise 04]

Judges the answers of each exercise (solution, right, wrong) again and again in this process, with the same seed, and
compares what was lost and in which words. Prints how many verdicts, how many differed, and the seconds a verdict.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from paxoskit.grading.properties import MODULES, exercise, judge_property
from paxoskit.grading.subject import LocalSubject

TOP = Path(__file__).parents[1]


def verdict(exercise_id: str, file: Path) -> list[tuple[str, str, str]]:
    """Return what became of each property of an answer, in words."""
    one, subject = exercise(exercise_id), LocalSubject(file)
    results = [judge_property(prop, subject, 0, one.roles) for prop in one.properties]
    return [(result.id, result.status, result.says) for result in results]


def main() -> None:
    """Repeat every verdict, and print the figures."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--repeats", type=int, default=1000)
    options.add_argument("--exercise", default="", help="the number of one exercise; all of them without it")
    chosen = options.parse_args()
    for exercise_id in MODULES:
        if not exercise_id.startswith(chosen.exercise):
            continue
        folder = TOP / "tests" / "answers" / exercise_id
        files = [TOP / "solutions" / exercise_id / exercise(exercise_id).file, *sorted(folder.glob("*/*.py"))]
        first = {file: verdict(exercise_id, file) for file in files}
        began, flaky = time.perf_counter(), 0
        for number in range(chosen.repeats):
            file = files[number % len(files)]
            flaky += verdict(exercise_id, file) != first[file]
        each = (time.perf_counter() - began) / max(1, chosen.repeats)
        print(f"{exercise_id}: {len(files)} answers, {chosen.repeats} verdicts again, {flaky} differed, "
              f"{each:.2f} s a verdict")  # fmt: skip


if __name__ == "__main__":
    main()
