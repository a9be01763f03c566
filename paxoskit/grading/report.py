"""What a submission is worth and why: one result a property, and what they come to.

One report for everybody who asks: a notebook draws it, the commands print it, the writers turn it into the files of
learning platforms. It is plain data, so it goes to JSON and back unchanged.
"""

from __future__ import annotations

import dataclasses
import html
import re
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from paxoskit import __version__
from paxoskit.protocol.plain import field_types, fits

SCHEMA = 1

PASSED, FAILED, ERROR = "passed", "failed", "error"
TIMED_OUT, NOT_RUN, NOT_JUDGED = "timed out", "not run", "not judged"
STATUSES = (PASSED, FAILED, ERROR, TIMED_OUT, NOT_RUN, NOT_JUDGED)
"""What became of a property. *not run*: there was nothing to run, for instance no such file. *not judged*: the check
itself could not tell, for instance a slow machine; a person looks, and no point is lost for good."""

BUILD, OWN_TEST, STORIES, PREDICTIONS = "build", "own test", "stories", "predictions"
PARTS = (BUILD, OWN_TEST, STORIES, PREDICTIONS)
"""What a lesson's points are for: what was built, the learner's own test, recorded stories, locked predictions."""

MARKS = {PASSED: "✓", FAILED: "✗", ERROR: "!", TIMED_OUT: "…", NOT_RUN: "–", NOT_JUDGED: "?"}


class ReportError(ValueError):
    """What is no report; the message is one line."""


@dataclass(frozen=True)
class Result:
    """One property and what became of it.

    `says` is for the student, in the lesson's words; `staff` is for those who mark. `hidden`: its words wait until the
    marks are out. `story`: a story as JSON, which replays what cost the point. `printed`: what the student's code
    printed meanwhile. `seconds`: how long the check ran.

    >>> Result("promise", "a promise is kept", 2, 2, PASSED).points
    2

    Raises ValueError for points outside 0 to `of`, and for a status or a part that is none.
    """

    id: str
    title: str
    points: float
    of: float
    status: str
    says: str = ""
    staff: str = ""
    hidden: bool = False
    seconds: float = 0.0
    story: dict[str, Any] | None = None
    printed: str = ""
    part: str = BUILD

    def __post_init__(self) -> None:
        if not 0 <= self.points <= self.of:
            raise ValueError(f"{self.id}: expected 0 to {self.of} points, got {self.points}")
        if self.status not in STATUSES:
            raise ValueError(f"{self.id}: expected a status ({', '.join(STATUSES)}), got {self.status!r}")
        if self.part not in PARTS:
            raise ValueError(f"{self.id}: expected a part ({', '.join(PARTS)}), got {self.part!r}")


@dataclass(frozen=True)
class Report:
    """All results of one submission to one exercise.

    `isolation`: what kept the submission from its judge, in words.
    `notes`: what a reader must know besides, for instance which file was taken. `practice`: no marks follow from it.

    >>> report = Report("04_acceptor", (Result("promise", "a promise is kept", 1, 2, FAILED, says="Look at …"),))
    >>> report.points, report.of, Report.from_json(report.as_json()) == report
    (1, 2, True)
    """

    exercise: str
    properties: tuple[Result, ...]
    isolation: str = "none, as this is practice: the answer ran in the same process as its judge"
    practice: bool = False
    seed: int | None = None
    notes: tuple[str, ...] = ()
    kit: str = __version__
    schema: int = SCHEMA

    @property
    def points(self) -> float:
        """The points of all properties together."""
        return total(result.points for result in self.properties)

    @property
    def of(self) -> float:
        """The points that a right submission has."""
        return total(result.of for result in self.properties)

    @property
    def parts(self) -> dict[str, tuple[float, float]]:
        """Points and most points of each part that there is, in the order of `PARTS`."""
        found = {part: [one for one in self.properties if one.part == part] for part in PARTS}
        return {
            part: (total(one.points for one in results), total(one.of for one in results))
            for part, results in found.items()
            if results
        }

    @property
    def seconds(self) -> float:
        """How long all checks ran, one after the other."""
        return round(sum(result.seconds for result in self.properties), 3)

    @property
    def passed(self) -> bool:
        """Whether every property has all its points."""
        return all(result.points == result.of and result.status == PASSED for result in self.properties)

    def as_json(self) -> dict[str, Any]:
        """The report as one JSON object; `points`, `of` and `parts` are for readers, and not read back."""
        return {
            "schema": self.schema, "kit": self.kit, "exercise": self.exercise, "points": self.points, "of": self.of,
            "parts": {part: list(pair) for part, pair in self.parts.items()}, "isolation": self.isolation,
            "practice": self.practice, "seed": self.seed, "notes": list(self.notes),
            "properties": [dataclasses.asdict(result) for result in self.properties],
        }  # fmt: skip

    @classmethod
    def from_json(cls, data: Any) -> Report:
        """Read back what `as_json` wrote. Raises ReportError, in one line, for what is no report."""
        if not isinstance(data, dict) or data.get("schema") != SCHEMA:
            raise ReportError(f"expected a report of schema {SCHEMA}, got {str(data)[:60]!r}")
        try:
            results = tuple(_result(one) for one in data["properties"])
            report = cls(
                exercise=data["exercise"], properties=results, isolation=data["isolation"], practice=data["practice"],
                seed=data["seed"], notes=tuple(data["notes"]), kit=data["kit"],
            )  # fmt: skip
        except (KeyError, TypeError, ValueError) as error:
            raise ReportError(f"expected a report: {' '.join(str(error).split())}") from None
        return report

    def __str__(self) -> str:
        return "\n".join([*self._heading(), *(line for result in self.properties for line in _lines(result))])

    def _heading(self) -> list[str]:
        first = f"{self.exercise}: {number(self.points)} of {number(self.of)} points"
        parts = [f"{part} {number(points)}/{number(of)}" for part, (points, of) in self.parts.items()]
        lines = [first + (f" ({', '.join(parts)})" if len(parts) > 1 else "") + (" — practice" * self.practice)]
        return [*lines, *(f"  note: {note}" for note in self.notes), f"  isolation: {self.isolation}"]

    def _repr_html_(self) -> str:
        """The report as a table, for a notebook."""
        heading = "".join(f"<p>{html.escape(line.strip())}</p>" for line in self._heading())
        rows = "".join(_row(result) for result in self.properties)
        return (
            f'<div class="paxoskit-report">{heading}<table><thead><tr>'
            f'<th scope="col" style="text-align:left">property</th>'
            f'<th scope="col">points</th><th scope="col" style="text-align:left">what to look at</th></tr></thead>'
            f"<tbody>{rows}</tbody></table></div>"
        )


def total(points: Iterable[float]) -> float:
    """Return the sum of points, without the dust of floating-point numbers; whole if it is whole.

    >>> total([0.1, 0.2]), total([1.5, 1.5])
    (0.3, 3)
    """
    number = round(sum(points), 3)
    return int(number) if number == int(number) else number


def number(points: float) -> str:
    """Return points as one writes them.

    >>> number(2.0), number(0.5)
    ('2', '0.5')
    """
    return f"{points:g}"


def _result(data: Any) -> Result:
    result = Result(**data)
    for name, kind in field_types(Result).items():
        value = getattr(result, name)
        if kind is float:
            right = type(value) in (int, float)
        elif name == "story":
            right = value is None or type(value) is dict
        else:
            right = fits(value, kind)
        if not right:
            raise ValueError(f"property {result.id!r}: expected {name} to be {kind}, got {str(value)[:60]!r}")
    return result


def _lines(result: Result) -> list[str]:
    """Return a result as lines of text: its title and points, then the words for the student."""
    points = f"{number(result.points)}/{number(result.of)}"
    status = "" if result.status in (PASSED, FAILED) else f"   ({result.status})"
    lines = [f"  {MARKS[result.status]} {points:>7}  {result.title}{status}"]
    for paragraph in result.says.splitlines() if result.says and not result.hidden else ():
        indent = " " * (13 + len(paragraph) - len(paragraph.lstrip()))
        if paragraph.startswith("python3 -m paxoskit "):  # whole, however long: it is to be copied
            lines.append(indent + paragraph)
            continue
        lines += textwrap.wrap(paragraph.strip(), 110, initial_indent=indent, subsequent_indent=indent) or [""]
    if result.printed and not result.hidden:
        lines += ["             it printed:", *(f"               {line}" for line in result.printed.splitlines()[:20])]
    return lines


def with_code(text: str) -> str:
    """Return text as HTML; what stands in backquotes is code.

    >>> with_code("`on_accept` votes & answers")
    '<code>on_accept</code> votes &amp; answers'
    """
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text))


def _row(result: Result) -> str:
    says = "" if result.hidden else html.escape(result.says)
    printed = "" if result.hidden or not result.printed else f"\n\nit printed:\n{html.escape(result.printed[:2000])}"
    status = "" if result.status == PASSED else f" <em>({result.status})</em>"
    top = "vertical-align:top"  # said of each cell: JupyterLab centres the cells of a row that says it for them
    return (
        f'<tr class="{result.status.replace(" ", "-")}"><th scope="row" style="text-align:left;{top}">'
        f"{MARKS[result.status]} {with_code(result.title)}{status}</th>"
        f'<td style="white-space:nowrap;{top}">{number(result.points)} of {number(result.of)}</td>'
        f'<td style="text-align:left;white-space:pre-wrap;{top}">{says}{printed}</td></tr>'
    )
