"""Tables in CSV: the kit's own, nbgrader's, Canvas's gradebook filled in, Moodle's.

A cell that a spreadsheet would take for a formula (it starts with `=`, `+`, `-`, `@`, a tab or a return) gets an
apostrophe in front: names and words come from students.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence

from paxoskit.grading.marks import Mark
from paxoskit.grading.report import PARTS, number
from paxoskit.grading.roster import Roster, plain
from paxoskit.grading.writers.words import in_short

NBGRADER = ["assignment", "duedate", "timestamp", "student_id", "last_name", "first_name", "email", "raw_score",
            "late_submission_penalty", "score", "max_score"]  # fmt: skip


def safe(cell: object) -> str:
    """Return a cell as text that no spreadsheet takes for a formula.

    >>> safe("=1+1"), safe(-1), safe("Jane")
    ("'=1+1", '-1', 'Jane')
    """
    if isinstance(cell, int | float):
        return number(cell)
    text = str(cell)
    return f"'{text}" if text.lstrip(" ")[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def csv_text(rows: Iterable[Sequence[object]]) -> str:
    """Return rows as the text of a CSV file, each cell safe."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([[safe(cell) for cell in row] for row in rows])
    return text.getvalue()


def own_csv(marks: Sequence[Mark]) -> str:
    """Return the kit's own table: a row a student, a column a property, and what a person should look at."""
    ids = list(dict.fromkeys(result.id for mark in marks for result in mark.report.properties))
    parts = [part for part in PARTS if any(part in mark.report.parts for mark in marks)]
    rows: list[list[object]] = [["student", "name", "id", "email", "points", "of", *parts, *ids, "look at", "notes"]]
    for mark in marks:
        points: dict[str, float] = {result.id: result.points for result in mark.report.properties}
        one = mark.student
        rows.append([
            one.key, one.name, one.id, one.email, mark.report.points, mark.report.of,
            *(mark.report.parts.get(part, ("",))[0] for part in parts), *(points.get(id, "") for id in ids),
            mark.look, "; ".join(mark.notes),
        ])  # fmt: skip
    return csv_text(rows)


def nbgrader_csv(marks: Sequence[Mark]) -> str:
    """Return the table that nbgrader's own export writes."""
    rows: list[list[object]] = [list(NBGRADER)]
    for mark in marks:
        first, last = _two_names(mark.student.name)
        points, of = mark.report.points, mark.report.of
        who = mark.student.id or mark.student.key
        rows.append([mark.report.exercise, "", "", who, last, first, mark.student.email, points, 0, points, of])
    return csv_text(rows)


def moodle_csv(marks: Sequence[Mark]) -> str:
    """Return a table for Moodle's grade import: grade and feedback belong together, or Moodle loses the grade."""
    rows = [[mark.student.email, mark.student.id, mark.report.points, in_short(mark)] for mark in marks]
    return csv_text([["email", "idnumber", "grade", "feedback"], *rows])


def check_canvas(roster: Roster | None) -> None:
    """Raise ValueError, in one line, where there is no gradebook of Canvas to fill in."""
    if roster is None or not {"student", "id"} <= {cell.strip().casefold() for cell in roster.header}:
        raise ValueError(
            "--format canvas fills in a gradebook: export it from Canvas and give it with --roster FILE "
            "(expected the columns Student and ID)"
        )


def canvas_csv(marks: Sequence[Mark], roster: Roster, exercise: str) -> str:
    """Return Canvas's exported gradebook with one column filled in: that of the exercise, or a new one at the end."""
    check_canvas(roster)
    place = _column(roster.header, exercise)
    points: dict[str, float] = {mark.student.key: mark.report.points for mark in marks}
    students = {one.row: one.key for one in roster.students}
    of = max((mark.report.of for mark in marks), default=0)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(roster.header if place < len(roster.header) else [*roster.header, exercise])
    for index, row in enumerate(roster.rows):
        cells = [*row, *[""] * (len(roster.header) - len(row))]
        cells = cells if place < len(cells) else [*cells, ""]
        if index in students and students[index] in points:
            cells[place] = safe(points[students[index]])
        elif row[0].strip().casefold() == "points possible" and place == len(roster.header):
            cells[place] = safe(of)
        writer.writerow(cells)
    return text.getvalue()


def _column(header: Sequence[str], exercise: str) -> int:
    """Return the place of an exercise's column: Canvas calls it `04_acceptor (12345)`, or as the teacher did."""
    wanted = plain(exercise)
    bare = [plain(re.sub(r"\(\d+\)\s*$", "", cell)) for cell in header]
    return next((place for place, name in enumerate(bare) if name == wanted), len(header))


def _two_names(name: str) -> tuple[str, str]:
    """Return first and last name, from "Doe, Jane" or "Jane Doe"."""
    if "," in name:
        last, _, first = name.partition(",")
        return first.strip(), last.strip()
    first, _, last = name.rpartition(" ")
    return first, last
