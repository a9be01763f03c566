"""Marks in the forms that others read: each writer is a pure function from marks to text, held by golden files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from paxoskit.grading.collect import Collected
from paxoskit.grading.marks import Mark
from paxoskit.grading.properties import Exercise
from paxoskit.grading.roster import Roster
from paxoskit.grading.writers import gradescope, junit, pages, prairielearn, tables
from paxoskit.trace import write_whole

FORMATS = ("json", "csv", "gradescope", "prairielearn", "nbgrader", "canvas", "moodle", "junit", "html")


def check_formats(formats: Sequence[str], roster: Roster | None) -> None:
    """Raise ValueError, in one line, for formats that are none or cannot be written."""
    for name in formats:
        if name not in FORMATS:
            raise ValueError(f"--format: expected some of {','.join(FORMATS)}, got {name!r}")
    if "canvas" in formats:
        tables.check_canvas(roster)


def write_formats(
    formats: Sequence[str], marks: Sequence[Mark], one: Exercise, out: Path, roster: Roster | None, collected: Collected
) -> list[Path]:
    """Write the marks in these formats into the folder `out`; return the files, for one a student only its folder."""
    written = []
    for name in formats:
        texts = _texts(name, marks, one, roster, collected)
        for file, text in texts.items():
            path = out / file
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, text)
        written.append(out / ("pages/index.html" if name == "html" else next(iter(texts), name)))
    return written


def _texts(
    name: str, marks: Sequence[Mark], one: Exercise, roster: Roster | None, collected: Collected
) -> dict[str, str]:
    """Return the files of a format: their texts, by name."""
    match name:
        case "json":
            return {"marks.json": _json([mark.as_json() for mark in marks])}
        case "csv":
            return {"marks.csv": tables.own_csv(marks)}
        case "nbgrader":
            return {"nbgrader.csv": tables.nbgrader_csv(marks)}
        case "canvas":
            return {"canvas.csv": tables.canvas_csv(marks, roster or Roster(), one.id)}
        case "moodle":
            return {"moodle.csv": tables.moodle_csv(marks)}
        case "junit":
            return {"junit.xml": junit.junit_xml(marks, one.id)}
        case "gradescope":
            return {f"gradescope/{mark.student.key}.json": _json(gradescope.results(mark)) for mark in marks}
        case "prairielearn":
            return {f"prairielearn/{mark.student.key}.json": _json(prairielearn.results(mark)) for mark in marks}
        case _:
            own = {f"pages/{mark.student.key}.html": pages.student_page(mark) for mark in marks}
            return {**own, "pages/index.html": pages.class_page(marks, one.id, collected)}


def _json(data: object) -> str:
    return json.dumps(data, ensure_ascii=False, indent=1) + "\n"
