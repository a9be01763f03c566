"""Does an answer get the same points by workers, for marks, as in this process, for practice?

    python benchmarks/both_ways.py [--exercise 04] [--save FILE] [--compare FILE]

Judges each exercise's solution, its starter and all of tests/answers both ways, and prints every property in which the
two differ, in points or in status. That only workers find *shared memory* is no difference: practice looks for it in
few turns. `--save` writes what came of each property, `--compare` prints what differs from such a file, written before
a change for instance. Exit code 1 if anything differs.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from pathlib import Path

from paxoskit.grading.properties import MODULES, Exercise, exercise, judge, judge_property
from paxoskit.grading.remote import WorkerSubject
from paxoskit.grading.report import Result
from paxoskit.grading.subject import LocalSubject
from paxoskit.grading.workshop import Limits

TOP = Path(__file__).parents[1]
Row = list[list[object]]


def answers(one: Exercise) -> list[Path]:
    """Return the files of an exercise: its solution, its starter, the right and the wrong answers."""
    own = [TOP / folder / one.id / one.file for folder in ("solutions", "exercises")]
    return [*own, *sorted((TOP / "tests" / "answers" / one.id).glob("*/*.py"))]


def both(one: Exercise, file: Path) -> tuple[Row, Row]:
    """Judge an answer for practice and by workers; return a row for each property, both times."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(file, Path(folder, one.file))
        shutil.copy(TOP / "solutions" / one.id / "own_test.py", folder)
        near = judge(one, LocalSubject(Path(folder, one.file))).properties
        limits = Limits(**one.limits)  # type: ignore[arg-type]
        subject = WorkerSubject(Path(folder, one.file), one.given, limits)
        try:
            far = [judge_property(prop, subject, 0, one.roles) for prop in one.all()]
        finally:
            subject.close()
    return rows(near), [
        mine if theirs.says.startswith("shared memory") else row
        for mine, theirs, row in zip(rows(near), far, rows(far))
    ]


def rows(results: tuple[Result, ...] | list[Result]) -> Row:
    """Return what counts of results."""
    return [[result.id, result.points, result.status] for result in results]


def main() -> int:
    """Run the comparison."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--exercise", default="", help="the number of one exercise; all of them without it")
    options.add_argument("--save", type=Path)
    options.add_argument("--compare", type=Path)
    chosen = options.parse_args()
    found: dict[str, tuple[Row, Row]] = {}
    differ = 0
    for one in [exercise(id) for id in MODULES if id.startswith(chosen.exercise)]:
        began, files, here = time.perf_counter(), answers(one), 0
        for file in files:
            name = str(file.relative_to(TOP))
            near, far = found[name] = both(one, file)
            for mine, theirs in zip(near, far):
                if mine != theirs:
                    here += 1
                    print(f"  {name}: {mine[0]}: practice {mine[1:]}, workers {theirs[1:]}", flush=True)
        differ += here
        seconds = time.perf_counter() - began
        print(f"{one.id}: {len(files)} answers, {here} properties differ, {seconds:.0f} s", flush=True)
    if chosen.compare:
        before = json.loads(chosen.compare.read_text(encoding="utf-8"))
        changed = [name for name in found if name in before and json.loads(json.dumps(found[name])) != before[name]]
        print(f"{len(changed)} of {len(found)} answers have other results than before: {', '.join(changed) or 'none'}")
        differ += len(changed)
    if chosen.save:
        chosen.save.write_text(json.dumps(found, indent=1), encoding="utf-8")
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main())
