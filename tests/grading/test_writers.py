"""Each format, held by a golden file; `python -m tests.grading.test_writers` writes them anew, to be read first."""

import csv
import io
import json
import re
from pathlib import Path
from xml.etree import ElementTree as xml

import pytest

from paxoskit.grading.collect import Collected
from paxoskit.grading.marks import Mark
from paxoskit.grading.report import (
    ERROR,
    FAILED,
    NOT_RUN,
    OWN_TEST,
    PASSED,
    PREDICTIONS,
    STORIES,
    TIMED_OUT,
    Report,
    Result,
)
from paxoskit.grading.roster import Roster, Student
from paxoskit.grading.writers import FORMATS, check_formats, gradescope, junit, pages, prairielearn, tables

GOLDEN = Path(__file__).parent / "golden"
STORY = "The shortest story that was found:\n  1. server 2 gets Prepare 1.4\n       server 2 sends Promise 1.4"

LOST = Report(
    "04_acceptor",
    (
        Result("promise", "A promise is kept", 0, 2, FAILED, f"Look at on_accept.\n{STORY}", "seed 7", seconds=0.25,
               story={"schema": 1}, printed="<b>hello</b>\n\x1b[31mred\n"),
        Result("votes", "An acceptor votes", 1.5, 1.5, PASSED, seconds=0.5),
        Result("hidden", "Other schedules", 0, 1, FAILED, "SECRET WORDS", "SECRET STAFF", hidden=True),
        Result("answers", "Every question is answered", 0, 0.5, TIMED_OUT, "no answer came", seconds=1),
        Result("own_test", "Your own test catches a bug", 0, 1, ERROR, "own_test.py, line 3:\n    x\nNameError: x",
               part=OWN_TEST),
        Result("story", "A story breaks the claim", 2, 2, PASSED, "told again", part=STORIES),
        Result("predictions", "Predictions", 1.5, 2, FAILED, "3 of 4 (on trust)", part=PREDICTIONS),
    ),
    "a process of its own; Landlock", seed=7, kit="1.0",
)  # fmt: skip
NOTHING = Report(
    "04_acceptor", tuple(Result(one.id, one.title, 0, one.of, NOT_RUN, "no acceptor.py", part=one.part)
                         for one in LOST.properties), "nothing was run", seed=7, kit="1.0",
)  # fmt: skip
MARKS = [
    Mark(Student("s1", "Doe, Jane", "s1", "jane@school.edu"), LOST, "d1", "", ("acceptor (1).py was taken",),
         {"promise": "<svg></svg>"}),
    Mark(Student("s2", "=HYPERLINK(\"http://x\")", "@s2", "+zoe@school.edu"), NOTHING, "d2", "no acceptor.py: a.pdf"),
]  # fmt: skip
ROSTER = Roster.read(
    "Student,ID,SIS User ID,SIS Login ID,Section,04_acceptor (77),Other (78)\n"
    "    Points Possible,,,,,10,5\n"
    '"Doe, Jane",1234,s1,jane@school.edu,A,,4\n'
    '"Absent, Al",1236,s3,al@school.edu,A,,3\n'
)
COLLECTED = Collected([], ["stray.txt"], [Student("s3", "Absent, Al")])


def texts():
    """Return what every format makes of two marks, by the name of its golden file."""
    return {
        "marks.json": json.dumps([mark.as_json() for mark in MARKS], ensure_ascii=False, indent=1) + "\n",
        "marks.csv": tables.own_csv(MARKS),
        "gradescope.json": json.dumps(gradescope.results(MARKS[0]), ensure_ascii=False, indent=1) + "\n",
        "prairielearn.json": json.dumps(prairielearn.results(MARKS[0]), ensure_ascii=False, indent=1) + "\n",
        "nbgrader.csv": tables.nbgrader_csv(MARKS),
        "canvas.csv": tables.canvas_csv(MARKS, ROSTER, "04_acceptor"),
        "moodle.csv": tables.moodle_csv(MARKS),
        "junit.xml": junit.junit_xml(MARKS, "04_acceptor"),
        "student.html": pages.student_page(MARKS[0]),
        "class.html": pages.class_page(MARKS, "04_acceptor", COLLECTED),
    }


@pytest.mark.parametrize("name", texts())
def test_a_format_is_what_its_golden_file_has(name):
    assert texts()[name] == (GOLDEN / name).read_text(encoding="utf-8")


def test_there_is_a_golden_file_for_every_format():
    files = " ".join(path.name for path in GOLDEN.iterdir())
    assert [name for name in FORMATS if {"json": "marks.json", "csv": "marks.csv"}.get(name, name) not in files] == []


def test_a_mark_comes_back_from_its_json():
    assert [Mark.from_json(json.loads(json.dumps(mark.as_json()))) for mark in MARKS] == MARKS


def test_hidden_words_are_in_no_file_for_students():
    public = {name: text for name, text in texts().items() if name != "marks.json"}
    assert [name for name, text in public.items() if "SECRET" in text] == []
    assert "public properties hold" in texts()["gradescope.json"]


def test_staff_words_are_in_no_file_for_students():
    public = {name: text for name, text in texts().items() if name != "marks.json"}
    assert [name for name, text in public.items() if "seed 7\n" in text] == []


def test_cells_that_a_spreadsheet_would_run_are_escaped():
    for name in ("marks.csv", "moodle.csv", "nbgrader.csv", "canvas.csv"):
        cells = [cell for row in csv.reader(io.StringIO(texts()[name])) for cell in row]
        assert [cell for cell in cells if cell[:1] in ("=", "+", "-", "@", "\t", "\r")] == []


def test_gradescopes_tests_add_up_to_its_score():
    data = gradescope.results(MARKS[0])
    assert sum(test["score"] for test in data["tests"]) == data["score"] == 5
    assert {test["visibility"] for test in data["tests"]} == {"visible", "after_published"}


def test_prairielearn_has_points_on_every_test_and_stays_below_its_bound():
    data = prairielearn.results(MARKS[0])
    assert all({"points", "max_points"} <= set(test) for test in data["tests"])
    assert data["score"] == 0.5
    assert prairielearn.results(MARKS[1]) == {"gradable": False, "format_errors": ["no acceptor.py: a.pdf"]}
    long = Report("x", tuple(Result(f"{n}", "t", 0, 1, FAILED, "\u2028" * 200_000) for n in range(9)), kit="1.0")
    assert len(json.dumps(prairielearn.results(Mark(Student("s"), long)))) < prairielearn.MOST_BYTES


def test_junit_is_xml_whatever_a_submission_printed():
    suites = xml.fromstring(texts()["junit.xml"])
    counts = {key: suites[0].get(key) for key in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": "7", "failures": "3", "errors": "2", "skipped": "0"}


def test_canvas_fills_its_own_column_and_leaves_the_rest():
    rows = list(csv.reader(io.StringIO(texts()["canvas.csv"])))
    assert rows[2] == ["Doe, Jane", "1234", "s1", "jane@school.edu", "A", "5", "4"]
    assert rows[3][5:] == ["", "3"]
    new = Roster.read("Student,ID,Section\n    Points Possible,,\n\"Doe, Jane\",s1,A\n")
    assert tables.canvas_csv(MARKS, new, "04_acceptor").splitlines() == [
        "Student,ID,Section,04_acceptor", "    Points Possible,,,10", '"Doe, Jane",s1,A,5',
    ]  # fmt: skip


def test_canvas_needs_its_gradebook_and_says_so():
    with pytest.raises(ValueError, match="export it from Canvas and give it with --roster FILE"):
        check_formats(["canvas"], None)
    with pytest.raises(ValueError, match="expected some of json,csv,"):
        check_formats(["pdf"], None)


def test_pages_escape_what_comes_from_a_submission_and_hold_no_script():
    page = texts()["student.html"]
    assert "&lt;b&gt;hello" in page and "<b>hello" not in page
    assert re.findall(r"<script|javascript:|https?://", page + texts()["class.html"].replace("http://x", "")) == []


if __name__ == "__main__":
    for file, text in texts().items():
        (GOLDEN / file).write_text(text, encoding="utf-8")
