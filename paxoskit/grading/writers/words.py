"""What students may read of a mark: the same words in every format."""

from __future__ import annotations

from paxoskit.grading.marks import Mark
from paxoskit.grading.report import PASSED, Result, number

WAITS = "what this property is about is shown once the marks are out"


def feedback(result: Result) -> str:
    """Return the words of one property for its student, what her code printed included."""
    if result.hidden:
        return WAITS
    parts = [result.says] if result.says else []
    if result.printed:
        parts.append("your code printed:\n" + result.printed.rstrip("\n"))
    return "\n\n".join(parts)


def headline(mark: Mark) -> str:
    """Return the points in one line. It never says "all tests passed" while some are hidden."""
    report = mark.report
    shown = [result for result in report.properties if not result.hidden]
    passed = sum(result.status == PASSED for result in shown)
    public = "public " if len(shown) < len(report.properties) else ""
    points = f"{number(report.points)} of {number(report.of)} points"
    return f"{points}; {passed} of {len(shown)} {public}properties hold"


def parts(mark: Mark) -> str:
    """Return the points of each part in one line: "build 3/5, own test 1/1, stories 0/2, predictions 2/2"."""
    return ", ".join(f"{part} {number(points)}/{number(of)}" for part, (points, of) in mark.report.parts.items())


def remarks(mark: Mark) -> list[str]:
    """Return what stands above the properties: what could not be run, and what was renamed or left out."""
    return [*([mark.problem] if mark.problem else []), *(f"note: {note}" for note in mark.notes)]


def in_short(mark: Mark) -> str:
    """Return the whole feedback in a few lines of plain text: for the one cell that some platforms have."""
    lost = [
        f"{result.title}: {number(result.points)}/{number(result.of)}"
        + (f" ({result.status})" if result.status != "failed" else "")
        for result in mark.report.properties
        if result.points < result.of and not result.hidden
    ]
    return "\n".join([headline(mark), *remarks(mark), *lost])
