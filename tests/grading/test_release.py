"""A students' copy holds no answer of an open lesson, in whatever file."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from paxoskit import cli
from paxoskit.grading.release import LINK, ReleaseError, release
from tests.grading.test_collect import written

TOP = Path(__file__).parents[2]


def solution_line(id):
    """Return a line that only the solution of an exercise has: the first between two of its marks."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in sorted((TOP / "solutions" / id).glob("*.py")))
    inside = text.split("# begin:", 1)[1].splitlines()[1:]
    return next(line.strip() for line in inside if len(line.strip()) > 20)


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    target = tmp_path_factory.mktemp("release") / "course"
    assert release(TOP, target, "03") == ["00_echo", "01_clock", "02_retries"]
    return target


def texts(folder):
    return {path.relative_to(folder): path.read_text(encoding="utf-8", errors="replace")
            for path in folder.rglob("*") if path.is_file()}  # fmt: skip


def test_a_copy_has_the_kit_the_exercises_and_the_closed_lessons_solutions(copy):
    names = {str(name) for name in texts(copy)}
    assert {"paxoskit/cli.py", "exercises/03_quorums/quorums.py", "solutions/02_retries/retries.py", "pyproject.toml",
            "notebooks/lessons/00_meet_the_cluster.ipynb"} <= names  # fmt: skip
    assert [name for name in names if name.startswith(("exercises/04", "solutions/03", "tests/answers"))] == []
    assert [name for name in names if "__pycache__" in name or name.startswith(".git/")] == []


def test_no_file_of_a_copy_has_a_line_of_an_open_lessons_solution(copy):
    lines = {id: solution_line(id) for id in ("03_quorums", "04_acceptor")}
    found = [(str(name), id) for name, text in texts(copy).items() for id, line in lines.items() if line in text]
    assert found == []


def test_the_exercises_of_a_copy_are_starters_whatever_the_clone_has(copy, tmp_path):
    written(tmp_path / "clone", {
        "exercises/00_echo/echo.py": "the teacher's own answer",
        "solutions/00_echo/echo.py": "def f():\n    # begin: think\n    return 1\n    # end\n",
    })  # fmt: skip
    release(tmp_path / "clone", tmp_path / "copy", "00")
    written_starter = (tmp_path / "copy/exercises/00_echo/echo.py").read_text()
    assert written_starter == 'def f():\n    raise NotImplementedError("think")\n'
    assert not (tmp_path / "copy/solutions").exists()


def test_reset_puts_back_the_starter_of_an_open_lesson_of_a_copy(copy, monkeypatch, capsys):
    monkeypatch.chdir(copy)
    mine = copy / "exercises/03_quorums/quorums.py"
    given = mine.read_text(encoding="utf-8")
    mine.write_text("what I wrote", encoding="utf-8")
    assert cli.run(["reset", "03"]) == 0
    assert mine.read_text(encoding="utf-8") == given
    assert "is the starter again" in capsys.readouterr().out


def test_every_link_of_a_copy_leads_to_a_file_that_is_in_it(copy):
    dead = [
        f"{page.relative_to(copy)}: {link[0]}"
        for page in [*copy.rglob("*.md"), *copy.rglob("*.ipynb")]
        for link in LINK.finditer(page.read_text(encoding="utf-8"))
        if not (page.parent / link[2]).exists()
    ]
    assert dead == []
    assert "for instructors" in (copy / "notebooks/START_HERE.ipynb").read_text(encoding="utf-8")


def readme(copy):
    return (copy / "README.md").read_text(encoding="utf-8")


def commands(copy):
    """Return the commands that a copy's README names, as written."""
    return [line.split("#")[0].split() for line in readme(copy).splitlines() if line.startswith("python3 -m paxoskit ")]


def test_the_readme_of_a_copy_names_only_what_is_in_it(copy):
    named = [name for name in re.findall(r"`([^`\s]+)`", readme(copy)) if "/" in name or name.endswith((".yml", ".md"))]
    assert len(named) > 8
    assert [name for name in named if not (copy / name).exists()] == []
    assert {name for _, _, _, name, *_ in commands(copy)} == {
        "lab", "check", "submit", "reset", "demo", "shell", "simulate"
    }  # fmt: skip
    assert not re.search(r"tests|benchmarks|grade\b|instructors|{|}", readme(copy))


def test_the_solutions_are_named_where_there_are_some(copy, tmp_path):
    release(TOP, tmp_path / "first", "00")
    assert "`solutions/`" in readme(copy)
    assert "solutions" not in readme(tmp_path / "first") and not (tmp_path / "first/solutions").exists()
    assert "exercises/00_echo/echo.py" in readme(tmp_path / "first")


def test_the_commands_of_a_copys_readme_run_in_it_as_written(copy, tmp_path):
    here = tmp_path / "mine"
    shutil.copytree(copy, here)
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    ends = {}
    for _, *arguments in commands(copy):
        if "lab" not in arguments:  # opens a browser; its options are tested elsewhere
            done = subprocess.run(
                [sys.executable, *arguments], cwd=here, env={**env, "PYTHONPATH": str(here)}, stdin=subprocess.DEVNULL,
                capture_output=True, text=True, timeout=300,
            )  # fmt: skip
            ends[arguments[2]] = done.returncode
            assert "Traceback" not in done.stderr
    assert ends == {"check": 1, "submit": 0, "reset": 0, "demo": 0, "shell": 0, "simulate": 0}
    assert (here / "03_quorums.zip").is_file()


def test_a_copy_is_never_written_over_something_or_into_the_clone(tmp_path):
    (tmp_path / "mine.txt").touch()
    with pytest.raises(ReleaseError, match="has something in it already"):
        release(TOP, tmp_path, "03")
    with pytest.raises(ReleaseError, match="lies in the clone itself"):
        release(TOP, TOP / "exercises" / "new", "03")
    assert not (TOP / "exercises" / "new").exists()


def test_a_lesson_that_is_none_gets_one_line(tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.run(["release", str(tmp_path / "new"), "--through", "99"])
    assert ended.value.code == 2
    assert "--through: expected the number of an exercise (00_echo, " in capsys.readouterr().err
