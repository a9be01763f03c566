"""Answers against properties: which wrong answer loses what, and that every right one has everything.

    python benchmarks/kill_matrix.py [--write] [--exercise ID]...

Prints docs/kill_matrix.md, or with `--write` writes it. With `--exercise` only these exercises are judged: the rest of
the page stays as it is.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from paxoskit.grading.properties import MODULES, exercise, judge
from paxoskit.grading.report import Report, number
from paxoskit.grading.subject import LocalSubject
from paxoskit.trace import write_whole

TOP = Path(__file__).parents[1]
PAGE = TOP / "docs" / "kill_matrix.md"

HEAD = """# Answers against properties

Written by `python benchmarks/kill_matrix.py --write`. A row is an answer (`tests/answers/`, and the solution), a column
a property of its exercise. A dot: the property holds. A cross: it is lost. **Bold**: the loss that the answer was
written for. `!`: an exception. What is lost besides is lost to the same mistake.
"""


def main() -> None:
    """Print the matrix, or write it."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--write", action="store_true", help="write docs/kill_matrix.md")
    options.add_argument("--exercise", action="append", choices=MODULES, metavar="ID", help="judge this one alone")
    given = options.parse_args()
    tables = {exercise_id: "" for exercise_id in MODULES}
    if given.exercise:
        _, *texts = re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
        tables |= {text.split("\n")[0]: f"## {text}" for text in texts}
    for exercise_id in given.exercise or MODULES:
        tables[exercise_id] = "\n".join([*table(exercise_id), ""])
    page = "\n".join([HEAD, "".join(tables.values())])
    if given.write:
        write_whole(PAGE, page)
    else:
        print(page, end="")


def table(exercise_id: str) -> list[str]:
    """Return the lines of one exercise."""
    one = exercise(exercise_id)
    names = [prop.id for prop in one.properties]
    folder = TOP / "tests" / "answers" / one.id
    lines = [f"## {one.id}", "", f"| answer | {' | '.join(names)} | points |", f"|---|{'---|' * (len(names) + 1)}"]
    lines.append(row("solution", judge(one, LocalSubject(TOP / "solutions" / one.id / one.file))))
    for file in [*sorted(folder.glob("right/*.py")), *sorted(folder.glob("wrong/*.py"))]:
        first = file.read_text(encoding="utf-8").splitlines()[0]
        loses = first.removeprefix("# loses: ").split(".")[0] if first.startswith("# loses: ") else ""
        lines.append(row(f"{file.parent.name}: {file.stem}", judge(one, LocalSubject(file)), loses))
    return [*lines, ""]


def row(name: str, report: Report, loses: str = "") -> str:
    """Return one line: a mark for each property of the build, and the points."""
    marks = []
    for result in report.properties:
        if result.part == "build":
            mark = "." if result.points == result.of else "!" if result.status == "error" else "✗"
            marks.append(f"**{mark}**" if result.id == loses else mark)
    points, of = report.parts["build"]
    return f"| {name} | {' | '.join(marks)} | {number(points)}/{number(of)} |"


if __name__ == "__main__":
    main()
