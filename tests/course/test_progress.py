"""The map of the course: what is there is linked, and points come from what lies on the disk."""

import json
import re

import pytest

from paxoskit.course.lessons import LESSONS, lesson_path, questions
from paxoskit.course.progress import progress


@pytest.fixture
def top(tmp_path, monkeypatch):
    """A course with lesson 4 only, and with one question; the notebook that asks lies in `notebooks/`."""
    lesson = lesson_path(LESSONS[4], tmp_path)
    lesson.parent.mkdir(parents=True)
    source = 'predict("04/late", "Which?", {"a": "A.", "b": "B."}, right="b")'
    cell = {"cell_type": "code", "id": "q", "metadata": {}, "source": source, "outputs": [], "execution_count": None}
    book = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    lesson.write_text(json.dumps(book), encoding="utf-8")
    monkeypatch.chdir(tmp_path / "notebooks")
    return tmp_path


def keep(folder, name, data):
    (folder / ".paxoskit").mkdir(parents=True, exist_ok=True)
    (folder / ".paxoskit" / name).write_text(data if isinstance(data, str) else json.dumps(data), encoding="utf-8")


def test_at_the_beginning_there_are_no_points(top):
    assert progress().points == 0
    assert str(progress()).splitlines()[0] == "0 of 120 points so far"


def test_points_are_those_of_the_last_check_the_stories_and_the_answers(top):
    keep(top / "exercises" / "04_acceptor", "report.json", {"points": 4.5, "of": 6, "properties": []})
    keep(top / "notebooks" / "lessons", "predictions.json", {"answers": {"04": {"late": {"chosen": ["a"]}}}})
    assert progress().ways[4].points == 6.5
    assert "exercise 4.5 of 6; answered 1 of 1" in str(progress())


@pytest.mark.parametrize(
    "report", ["", "{", "[]", {"points": 7}, {"points": 7, "of": 6}, {"points": -1, "of": 6}, {"points": "x", "of": 6},
               {"points": 10**9, "of": 10**9}, {"points": None, "of": None}]
)  # fmt: skip
def test_what_is_no_report_gives_no_points(top, report):
    keep(top / "exercises" / "04_acceptor", "report.json", report)
    assert progress().points == 0


def test_a_lesson_that_is_there_is_linked_from_where_one_is_and_others_are_not(top):
    links = re.findall(r'href="([^"]+)"', progress()._repr_html_())
    assert links == ["lessons/04_acceptor.ipynb"]
    assert (top / "notebooks" / links[0]).is_file()


def test_the_table_has_a_row_a_lesson_with_a_heading(top):
    assert progress()._repr_html_().count('<th scope="row"') == len(LESSONS) == 12


def test_every_lesson_that_is_written_asks_under_its_own_number():
    written = [(lesson, lesson_path(lesson)) for lesson in LESSONS if lesson_path(lesson).is_file()]
    asked = {lesson.id: [one.id for one in questions(path)] for lesson, path in written}
    assert [id for number, ids in asked.items() for id in ids if not id.startswith(f"{number}/")] == []
    assert [number for number, ids in asked.items() if len(ids) != len(set(ids)) or len(ids) < 3] == []
