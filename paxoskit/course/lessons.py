"""The course: its lessons in order, and what each of their notebooks asks.

What a lesson asks is read from its notebook and from nowhere else: `questions` finds each `predict(…)` and `explain(…)`
in the source, runs nothing, and takes only literal arguments.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from paxoskit.bootstrap import checkout
from paxoskit.course.keeping import read

PREDICTIONS = "predictions.json"

LESSONS_FOLDER = Path("notebooks", "lessons")


class Lesson(NamedTuple):
    """A lesson: its number, its title, the names of its notebook and its exercise, and what one can do after it."""

    number: int
    title: str
    notebook: str
    exercise: str
    afterwards: str

    @property
    def id(self) -> str:
        """The number in two digits, as questions, tasks and files have it.

        >>> LESSONS[4].id
        '04'
        """
        return f"{self.number:02}"


LESSONS = (
    Lesson(0, "Meet the cluster", "00_meet_the_cluster", "00_echo", "put, get, break and mend a cluster"),
    Lesson(1, "Messages and order", "01_messages_and_order", "01_clock", "say what happened before what"),
    Lesson(2, "One server, many clients", "02_one_server", "02_retries", "retry safely, and judge a history"),
    Lesson(3, "Majorities", "03_majorities", "03_quorums", "prove that two majorities meet, and use it"),
    Lesson(4, "Paxos I: the acceptor", "04_acceptor", "04_acceptor", "state both of its rules, and what each protects"),
    Lesson(5, "Paxos II: the proposer", "05_proposer", "05_proposer", "choose the value, and end a duel"),
    Lesson(6, "Crash and disk", "06_crash_and_disk", "06_disk", "say what must be on disk before each answer"),
    Lesson(7, "Claims and checking", "07_claims", "07_claims", "write claims, and read a counterexample"),
    Lesson(8, "Many slots", "08_many_slots", "08_log", "run a log under a stable leader"),
    Lesson(9, "The replicated store", "09_store", "09_store", "say why a read goes through the log"),
    Lesson(10, "The log is a block chain", "10_block_chain", "10_chain", "name the first bad block, and who proves it"),
    Lesson(11, "Chaos day", "11_chaos_day", "11_chaos", "run an experiment, and report it with replays"),
)
"""The twelve lessons, first things first."""


class Asked(NamedTuple):
    """A question as its notebook has it."""

    kind: str
    id: str
    question: str
    choices: dict[str, str]
    right: str


def lesson_path(lesson: Lesson, top: Path | None = None) -> Path:
    """Return where a lesson's notebook is, whether or not it is there; `top` is the folder that has `notebooks/`."""
    return (top or course_top()) / LESSONS_FOLDER / f"{lesson.notebook}.ipynb"


def course_top() -> Path:
    """Return the folder that has the notebooks: the nearest one above the current folder, else that of the clone."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / LESSONS_FOLDER).is_dir():
            return folder
    return checkout() or here


def questions(notebook: str | Path) -> list[Asked]:
    """Return what a notebook asks, in order. Raises ValueError for a question whose arguments are not literals."""
    data = json.loads(Path(notebook).read_text(encoding="utf-8"))
    sources = ["".join(cell["source"]) for cell in data["cells"] if cell["cell_type"] == "code"]
    return [asked for source in sources for asked in _asked(source, notebook)]


@lru_cache(1_000)
def _asked(source: str, notebook: str | Path) -> tuple[Asked, ...]:
    found: list[Asked] = []
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return ()  # a cell with %magic, or one that a learner is still writing
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("predict", "explain"):
            try:
                id, question, choices = map(ast.literal_eval, node.args)
                (right,) = [ast.literal_eval(word.value) for word in node.keywords if word.arg == "right"]
            except ValueError:
                raise ValueError(f"{notebook}: expected literals in {ast.unparse(node):.60}") from None
            found.append(Asked(node.func.id, id, question, choices, right))
    return tuple(found)


class Answers(NamedTuple):
    """How a learner stands with the questions of a lesson: of each kind, how many there are and how many count.

    A prediction counts once it is locked, right or wrong. An explanation counts once its right reason was found.
    """

    predicted: int = 0
    predictions: int = 0
    explained: int = 0
    explanations: int = 0

    @property
    def points(self) -> float:
        """Two points a lesson: one for committing to every prediction, one for finding every reason.

        >>> Answers(3, 4, 1, 1).points
        1.75
        """
        parts = [(self.predicted, self.predictions), (self.explained, self.explanations)]
        shares = [done / of for done, of in parts if of]
        return 2.0 * sum(shares) / len(shares) if shares else 0.0


def as_shown(id: str, choices: Iterable[str]) -> list[str]:
    """Return the answers of a question in the order in which the page shows them: the same each time, mixed by its id.

    An author tends to write the right answer in the same place each time; on the page its place says nothing.

    >>> as_shown("04/late", ["a", "b", "c"]) == as_shown("04/late", ["c", "b", "a"])
    True
    """
    return sorted(choices, key=lambda answer: sha256(f"{id} {answer}".encode()).digest())


def answers(notebook: str | Path, data: dict[str, Any] | None = None) -> Answers:
    """Return how the answers in `data` (what is kept beside the notebook) stand to the questions of a notebook.

    All of it is on trust: the answers lie on the learner's own disk.
    """
    data = read(PREDICTIONS, Path(notebook).parent) if data is None else data
    count = {"predict": [0, 0], "explain": [0, 0]}
    for asked in questions(notebook):
        chosen = _chosen(data, asked.id)
        count[asked.kind][1] += 1
        if asked.kind == "predict":
            count["predict"][0] += any(answer in asked.choices for answer in chosen)
        else:
            count["explain"][0] += asked.right in chosen
    return Answers(*count["predict"], *count["explain"])


def _chosen(data: Any, id: str) -> list[Any]:
    """Return what was chosen for a question; whatever is not as `predict` wrote it is nothing."""
    found = data.get("answers") if isinstance(data, dict) else None
    for part in (*id.split("/", 1), "chosen"):
        found = found.get(part) if isinstance(found, dict) else None
    return found if isinstance(found, list) else []
