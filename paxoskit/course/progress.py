"""How far a learner is: the map of the course, with her points so far, and a link to each lesson.

Ten points a lesson. Eight of them are for what she built, tested and broke; two for her predictions and reasons. What
is shown comes from files on her own disk, written by `check`, `breakit` and `predict`: it is for herself. Marks come
from whoever grades, who runs and replays everything again.
"""

from __future__ import annotations

import html
import json
import os
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from paxoskit.course.keeping import FOLDER, kept
from paxoskit.course.lessons import LESSONS, Answers, Lesson, answers, course_top, lesson_path
from paxoskit.course.tasks import STORIES, TASKS, is_broken

REPORT = "report.json"
"""What `check` keeps of its last run, in the folder `.paxoskit` beside the answer."""

OF = 10


class Way(NamedTuple):
    """How far a learner is in one lesson. None: nothing is known yet."""

    lesson: Lesson
    notebook: Path | None
    built: tuple[float, float] | None
    """The points of the last check, and how many there were to have."""

    broken: int
    tasks: int
    answers: Answers

    @property
    def points(self) -> float:
        """All points together: those of the last check, two for the tasks, two for the questions.

        >>> Way(LESSONS[1], None, (3.0, 6.0), 1, 1, Answers(3, 4, 1, 1)).points
        6.75
        """
        stories = 2.0 * self.broken / self.tasks if self.tasks else 0.0
        return (self.built[0] if self.built else 0.0) + stories + self.answers.points


class Progress:
    """The map of the course: it shows itself as a table, and prints as text."""

    def __init__(self, ways: list[Way], here: Path) -> None:
        self.ways = ways
        self._here = here

    @property
    def points(self) -> float:
        """The points of all lessons."""
        return sum(way.points for way in self.ways)

    def __repr__(self) -> str:
        lines = [f"{_number(self.points)} of {OF * len(self.ways)} points so far"]
        for way in self.ways:
            title = f"{way.lesson.number:2}  {way.lesson.title:<26}"
            lines.append(f"{title} {_number(way.points):>5} of {OF}   {'; '.join(_words(way)) or 'not begun'}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = "".join(self._row(way) for way in self.ways)
        columns = ("lesson", "afterwards you can", "points", "so far")
        head = "".join(f'<th scope="col" style="text-align:left">{name}</th>' for name in columns)
        return (
            f"<table><caption><strong>{_number(self.points)} of {OF * len(self.ways)} points so far</strong> "
            f"(from your own disk; marks come from your teacher)</caption><thead><tr>{head}</tr></thead>"
            f"<tbody>{rows}</tbody></table>"
        )

    def _row(self, way: Way) -> str:
        title = html.escape(f"{way.lesson.number} · {way.lesson.title}")
        if way.notebook is not None:
            link = quote(Path(os.path.relpath(way.notebook, self._here)).as_posix())
            title = f'<a href="{html.escape(link)}">{title}</a>'
        texts = (way.lesson.afterwards, f"{_number(way.points)} of {OF}", "; ".join(_words(way)))
        left = ' style="text-align:left"'
        cells = "".join(f"<td{left}>{html.escape(text)}</td>" for text in texts)
        return f'<tr><th scope="row"{left}>{title}</th>{cells}</tr>'


def progress(top: str | Path | None = None) -> Progress:
    """Return how far you are. `top`: the folder that has `notebooks/` and `exercises/` (the nearest one above here)."""
    folder = Path(top) if top is not None else course_top()
    return Progress([_way(lesson, folder) for lesson in LESSONS], Path.cwd())


def _way(lesson: Lesson, top: Path) -> Way:
    notebook = lesson_path(lesson, top)
    tasks = [task for id, task in TASKS.items() if id.startswith(f"{lesson.id}/")]
    stories = [kept(f"{STORIES}/{task.id.replace('/', '-')}.json", notebook.parent) for task in tasks]
    return Way(
        lesson,
        notebook if notebook.is_file() else None,
        _built(top / "exercises" / lesson.exercise / FOLDER / REPORT),
        sum(is_broken(task, path) for task, path in zip(tasks, stories) if path.is_file()),
        len(tasks),
        answers(notebook) if notebook.is_file() else Answers(),
    )


def _built(path: Path) -> tuple[float, float] | None:
    """Return the points that the last check gave, of how many; None for what is no report."""
    try:
        data: Any = json.loads(path.read_text(encoding="utf-8"))
        points, of = float(data["points"]), float(data["of"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return (points, of) if 0 <= points <= of <= OF else None


def _words(way: Way) -> list[str]:
    words = []
    if way.built is not None:
        words.append(f"exercise {_number(way.built[0])} of {_number(way.built[1])}")
    if way.broken:
        words.append(f"broke {way.broken} of {way.tasks}")
    if way.answers.predicted or way.answers.explained:
        words.append(f"answered {way.answers.predicted + way.answers.explained} of "
                     f"{way.answers.predictions + way.answers.explanations}")  # fmt: skip
    if way.notebook is None:
        words.append("its notebook is not here")
    return words


def _number(points: float) -> str:
    return f"{round(points, 2):g}"
