"""The mark of one student: the report of her submission, what a person must look at, and what a teacher changed."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from paxoskit.grading.report import BUILD, ERROR, NOT_JUDGED, NOT_RUN, PASSED, TIMED_OUT, Report, number
from paxoskit.grading.roster import Student
from paxoskit.trace import write_whole

SCHEMA = 1
STORY = "The shortest story that was found:"
COLUMNS = ("student", "property", "points", "comment")


class OverrideError(ValueError):
    """A row of `overrides.csv` that means nothing; the message is one line."""


@dataclass(frozen=True)
class Mark:
    """What one student's submission came to. `digest` tells whether it must be judged again."""

    student: Student
    report: Report
    digest: str = ""
    problem: str = ""
    """Why there was nothing to run; empty if there was."""

    notes: tuple[str, ...] = ()
    """What was renamed, left out or chosen when the submission was collected."""

    pictures: dict[str, str] = field(default_factory=dict)
    """The stories that cost points, drawn: SVG by the property's id."""

    @property
    def look(self) -> str:
        """Why a person should look at this mark, in one line; empty if nobody need."""
        if self.problem:
            return self.problem
        build = [result for result in self.report.properties if result.part == BUILD]
        if build and all(result.status in (ERROR, NOT_RUN, TIMED_OUT) for result in build):
            return " ".join(build[0].says.partition(STORY)[0].split())[:200]
        unsure = [result.id for result in self.report.properties if result.status == NOT_JUDGED]
        if unsure:
            return f"not judged: {', '.join(unsure)}"
        return next((note for note in self.notes if note.startswith("wrong file name")), "")

    def as_json(self) -> dict[str, Any]:
        """The mark as one object."""
        return {
            "schema": SCHEMA, "student": self.student.as_json(), "digest": self.digest, "problem": self.problem,
            "look": self.look, "notes": list(self.notes), "report": self.report.as_json(), "pictures": self.pictures,
        }  # fmt: skip

    @classmethod
    def from_json(cls, data: Any) -> Mark:
        """Read back what `as_json` wrote. Raises ValueError for what is none."""
        try:
            if data["schema"] != SCHEMA:
                raise ValueError(f"expected a mark of schema {SCHEMA}, got {data['schema']!r}")
            return cls(
                Student.from_json(data["student"]), Report.from_json(data["report"]), data["digest"], data["problem"],
                tuple(data["notes"]), data["pictures"],
            )  # fmt: skip
        except (KeyError, TypeError) as error:
            raise ValueError(f"expected a mark: {error}") from None

    def save(self, folder: Path) -> None:
        """Write the mark to its own file in `folder`, which is there whole or not at all."""
        text = json.dumps(self.as_json(), ensure_ascii=False, indent=1) + "\n"
        write_whole(folder / f"{self.student.key}.json", text)

    @classmethod
    def load(cls, folder: Path, key: str) -> Mark | None:
        """Read a student's mark from its file; None if there is none that can be read."""
        try:
            return cls.from_json(json.loads((folder / f"{key}.json").read_text(encoding="utf-8")))
        except (OSError, ValueError, RecursionError):
            return None


def same_files(marks: Iterable[Mark]) -> list[list[Mark]]:
    """Return those who handed in the same files, two or more together: a group, or a starter as it was.

    Where there was nothing to run there are no files to speak of.

    >>> from paxoskit.grading.report import Report
    >>> report = Report("04_acceptor", (), "")
    >>> marks = [Mark(Student(name), report, digest) for name, digest in (("ada", "1"), ("ben", "2"), ("cy", "1"))]
    >>> [[mark.student.key for mark in equal] for equal in same_files(marks)]
    [['ada', 'cy']]
    """
    found: dict[str, list[Mark]] = {}
    for mark in marks:
        if mark.digest and not mark.problem:
            found.setdefault(mark.digest, []).append(mark)
    return [equal for equal in found.values() if len(equal) > 1]


# What a teacher changed ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Override:
    """A row of `overrides.csv`: this student has so many points for this property, because."""

    student: str
    property: str
    points: float
    comment: str
    line: int


def read_overrides(path: Path) -> list[Override]:
    """Return the rows of a file of overrides; none if it is not there. Raises OverrideError, naming the line."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise OverrideError(f"{path}: expected a CSV file in UTF-8: {error}") from None
    rows = [row for row in csv.reader(io.StringIO(text)) if any(cell.strip() for cell in row)]
    if not rows or tuple(cell.strip().casefold() for cell in rows[0]) != COLUMNS:
        raise OverrideError(f"{path}, line 1: expected the header {','.join(COLUMNS)}")
    return [_override(row, line, path) for line, row in enumerate(rows[1:], 2)]


def _override(row: Sequence[str], line: int, path: Path) -> Override:
    if len(row) not in (3, 4):
        raise OverrideError(f"{path}, line {line}: expected {', '.join(COLUMNS)}, got {len(row)} cells")
    try:
        points = float(row[2])
    except ValueError:
        raise OverrideError(f"{path}, line {line}: expected points as a number, got {row[2]!r}") from None
    return Override(row[0].strip(), row[1].strip(), points, row[3].strip() if len(row) == 4 else "", line)


def with_overrides(marks: Iterable[Mark], overrides: Sequence[Override]) -> list[Mark]:
    """Return the marks as a teacher changed them.

    Raises OverrideError, naming the line, for a student or a property that is none, and points out of bounds.
    """
    marks = list(marks)
    for override in overrides:
        places = [place for place, mark in enumerate(marks) if override.student in _names(mark.student)]
        if len(places) != 1:
            why = f"means {len(places)} students" if places else "is no student who handed in"
            raise OverrideError(f"overrides, line {override.line}: {override.student!r} {why}")
        marks[places[0]] = _changed(marks[places[0]], override)
    return marks


def _names(student: Student) -> set[str]:
    return {student.key, student.id, student.email, student.name} - {""}


def _changed(mark: Mark, override: Override) -> Mark:
    known = {result.id: result for result in mark.report.properties}
    if override.property not in known:
        raise OverrideError(
            f"overrides, line {override.line}: there is no property {override.property!r}; there are {', '.join(known)}"
        )
    old = known[override.property]
    if not 0 <= override.points <= old.of:
        raise OverrideError(
            f"overrides, line {override.line}: expected 0 to {number(old.of)} points, got {override.points:g}"
        )
    by_hand = f"{number(override.points)} points, set by hand (before: {number(old.points)})"
    says = f"{by_hand}: {override.comment}" if override.comment else by_hand
    new = replace(
        old, points=override.points, says=f"{says}\n\n{old.says}".strip(), staff=f"{by_hand}\n{old.staff}".strip(),
        status=PASSED if override.points == old.of else old.status,
    )  # fmt: skip
    results = tuple(new if result.id == old.id else result for result in mark.report.properties)
    return replace(mark, report=replace(mark.report, properties=results))
