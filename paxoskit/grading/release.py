"""`release`: a copy of the course for students, up to a lesson.

It holds the kit, the lessons and exercises, and the solutions of *closed* lessons only: those before the lesson that it
goes through, from which the next ones may start. Its README is one for students. It does not hold `tests`, nor any file
that has a solution of an open lesson in it. A link to what is not in it becomes its words.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

from paxoskit.bootstrap import checkout
from paxoskit.grading.check import kept_starter
from paxoskit.grading.starters import starter
from paxoskit.options import Options

TOPS = ("LICENSE", "constraints.txt", "conftest.py", "environment.yml", "pyproject.toml", "paxoskit",
        "notebooks", "exercises", "docs")  # fmt: skip
"""What goes into a copy, where it is there: not the kit's own tests and benchmarks, in which there are answers."""

LEFT_OUT = ("docs/kill_matrix.md", "docs/mutants.md", "docs/teaching.md")
"""What tells of answers, and what is for instructors."""

README = Path(__file__).with_name("students.md")
"""What a copy says of itself: the clone's own README names tests and commands that a copy does not have."""

SOLUTIONS = "| `solutions/` | answers to the exercises of the lessons before this one |\n"

LINK = re.compile(r"(?<!!)\[([^\[\]]+)\]\((?![a-z]+:)([^)#\s]+)(?:#[^)\s]*)?\)")
"""A link of Markdown to a file: its words, and the file."""

NUMBERED = re.compile(r"(\d\d)_\w+$")
UNWANTED = shutil.ignore_patterns("__pycache__", "*.pyc", ".git", ".paxoskit", ".ipynb_checkpoints", "*.egg-info",
                                  ".venv", ".pytest_cache", ".mypy_cache", ".ruff_cache", "*.bak")  # fmt: skip


class ReleaseError(ValueError):
    """No copy can be written; the message is one line."""


def main(arguments: list[str]) -> int:
    """Run `python3 -m paxoskit release`: 0 if the copy was written, 2 for bad input."""
    options = Options("release", "Solutions of the lessons before NN are in it; those of NN and later are not.")
    options.add_argument("folder", metavar="DIR", help="where the copy is written; it must not exist, or be empty")
    options.add_argument("--through", required=True, metavar="NN", help="the last open lesson, such as 04")
    options.add_argument("--json", action="store_true", help="print one object as the last line")
    chosen = options.parse_args(arguments)
    try:
        top = checkout()
        if top is None:
            raise ReleaseError("a release is made from a clone of paxoskit; start it in one")
        solutions = release(top, Path(chosen.folder), chosen.through)
    except ReleaseError as error:
        options.error(str(error))
    except OSError as error:
        options.error(f"{chosen.folder} has no whole copy: {_why(error)}; delete it, and start again with room")
    of = ", ".join(solutions) or "none"
    print(f"written: {chosen.folder}, lessons 00 to {chosen.through[:2]}, solutions of {of}")
    if chosen.json:
        print(json.dumps({"folder": chosen.folder, "through": chosen.through[:2], "solutions": solutions}))
    return 0


def release(top: Path, target: Path, through: str) -> list[str]:
    """Write a copy of the course in `top` up to the lesson numbered `through`; return whose solutions are in it.

    Raises ReleaseError for a number that is none, and for a target with something in it.
    """
    if not re.fullmatch(r"\d\d(_\w+)?", through) or not any(_numbered(top / "exercises", lambda n: n == through[:2])):
        known = ", ".join(sorted(folder.name for folder in _numbered(top / "exercises", lambda n: True)))
        raise ReleaseError(f"--through: expected the number of an exercise ({known}), got {through!r}")
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise ReleaseError(f"{target} has something in it already: name a folder that is not there yet")
    if target.resolve().is_relative_to(top.resolve()):
        raise ReleaseError(f"{target} lies in the clone itself: name a folder outside")
    number = through[:2]
    target.mkdir(parents=True, exist_ok=True)
    for name in TOPS:
        source = top / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=UNWANTED)
        elif source.is_file():
            shutil.copy2(source, target / name)
    for name in LEFT_OUT:
        shutil.rmtree(target / name, ignore_errors=True)
        (target / name).unlink(missing_ok=True)
    for folder in _numbered(target / "exercises", lambda lesson: lesson > number):
        shutil.rmtree(folder)
    for folder in _numbered(top / "exercises", lambda lesson: lesson <= number):
        _put_starters(top / "solutions" / folder.name, target / "exercises" / folder.name)
    for notebook in (target / "notebooks" / "lessons").glob("[0-9][0-9]_*.ipynb"):
        if notebook.name[:2] > number:
            notebook.unlink()
    closed = list(_numbered(top / "solutions", lambda lesson: lesson < number))
    for folder in closed:
        shutil.copytree(folder, target / "solutions" / folder.name, ignore=UNWANTED)
    (target / "README.md").write_text(_readme(number, target / "exercises", bool(closed)), encoding="utf-8")
    for page in [*target.rglob("*.md"), *target.rglob("*.ipynb")]:
        _leave_out_dead_links(page)
    return [folder.name for folder in closed]


def _readme(number: str, exercises: Path, has_solutions: bool) -> str:
    """Return the README of a copy up to the lesson of this number: it names nothing that the copy does not have."""
    (exercise,) = _numbered(exercises, lambda lesson: lesson == number)
    return README.read_text(encoding="utf-8").format(
        number=int(number), exercise=exercise.name, module=f"{exercise.name[3:]}.py",
        solutions=SOLUTIONS if has_solutions else "",
    )  # fmt: skip


def _why(error: OSError) -> str:
    """Return why something could not be written; of many files that could not be copied, why the first one could not.

    >>> _why(OSError(28, "No space left on device"))
    'No space left on device'
    """
    if isinstance(error, shutil.Error) and error.args and isinstance(error.args[0], list):
        _, file, why = error.args[0][0]
        return f"{file}: {re.sub(r'^.Errno [0-9]+. |: .*$', '', str(why))}"
    return error.strerror or str(error)


def _numbered(folder: Path, wanted: Callable[[str], bool]) -> list[Path]:
    """Return the folders named `NN_name` in a folder whose number is wanted, in order."""
    found = sorted(path for path in folder.glob("[0-9][0-9]_*") if path.is_dir() and NUMBERED.match(path.name))
    return [path for path in found if wanted(path.name[:2])]


def _put_starters(solution: Path, exercise: Path) -> None:
    """Write the starters of an exercise, so that no answer of the teacher's own clone is given out.

    Each is there twice: `reset` finds the other one.
    """
    for file in sorted(solution.glob("*.py")):
        text = starter(file.read_text(encoding="utf-8"))
        for place in (exercise / file.name, kept_starter(exercise / file.name)):
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, encoding="utf-8")


def _leave_out_dead_links(page: Path) -> None:
    """Let only the words stay of each link to a file that is not there."""
    text = page.read_text(encoding="utf-8")
    kept = LINK.sub(lambda link: link[0] if (page.parent / link[2]).exists() else link[1], text)
    if kept != text:
        page.write_text(kept, encoding="utf-8")
