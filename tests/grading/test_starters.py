"""A solution is the only source: its starter follows from it, asks for little, and says what is asked."""

import ast
from pathlib import Path

import pytest

from paxoskit.grading.properties import MODULES, exercise
from paxoskit.grading.starters import solution_shown, starter, starters, write_starters, written_lines

TOP = Path(__file__).parents[2]


def test_solutions_and_starters_are_in_step():
    for name, text in starters(TOP / "solutions").items():
        file = TOP / "exercises" / name
        assert file.is_file(), f"{name}: write it with `python -m paxoskit.grading.starters`"
        assert file.read_text(encoding="utf-8") == text, f"{name}: write it with `python -m paxoskit.grading.starters`"


@pytest.mark.parametrize("exercise_id", MODULES)
def test_an_exercise_has_all_its_files(exercise_id):
    one = exercise(exercise_id)
    folder = TOP / "exercises" / one.id
    assert {file.name for file in folder.iterdir() if file.is_file()} >= {
        "README.md", "own_test.py", one.file, f"test_{one.id}.py",
    }  # fmt: skip
    statement = (folder / "README.md").read_text(encoding="utf-8")
    for word in (*one.names, "you hear", "you may send", "you may not", "silence", "nack", "differs from the kit"):
        assert word.lower() in statement.lower(), word
    assert f"python3 -m paxoskit check {one.id[:2]}" in statement
    assert f"**{one.planted}**" in " ".join(statement.split())


@pytest.mark.parametrize("exercise_id", MODULES)
def test_the_visible_tests_name_every_property_once(exercise_id):
    one = exercise(exercise_id)
    tree = ast.parse((TOP / "exercises" / one.id / f"test_{one.id}.py").read_text(encoding="utf-8"))
    named = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)][1:]
    assert named == [prop.id for prop in one.all()]


@pytest.mark.parametrize("exercise_id", MODULES)
def test_an_exercise_is_worth_five_points_and_one_for_the_own_test(exercise_id):
    one = exercise(exercise_id)
    assert sum(prop.points for prop in one.properties) == 5
    assert one.of == 6


@pytest.mark.parametrize("exercise_id", MODULES)
def test_a_learner_writes_at_most_sixty_lines(exercise_id):
    one = exercise(exercise_id)
    text = (TOP / "solutions" / one.id / one.file).read_text(encoding="utf-8")
    assert 3 <= written_lines(text) <= 60
    ast.parse(solution_shown(text))


def test_a_region_that_is_not_closed_is_named():
    with pytest.raises(ValueError, match=r"^line 2: the region has no end$"):
        starter("def f():\n    # begin: do it\n    return 1\n")
    with pytest.raises(ValueError, match=r"^line 1: a region ends that has not begun$"):
        starter("# end\n")
    with pytest.raises(ValueError, match=r"^line 2: a region begins before the one of line 1 has ended$"):
        starter("# begin: a\n# begin: b\n")


def test_starters_are_written_once(tmp_path):
    written = write_starters(TOP / "solutions", tmp_path)
    assert sorted(written) == sorted(starters(TOP / "solutions"))
    assert write_starters(TOP / "solutions", tmp_path) == []
