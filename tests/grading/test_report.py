"""A report: its sums, its text and its table; what is no report is refused in a line."""

import json

import pytest

from paxoskit.grading.report import (
    ERROR,
    FAILED,
    OWN_TEST,
    PASSED,
    PREDICTIONS,
    STORIES,
    Report,
    ReportError,
    Result,
)

REPORT = Report(
    "04_acceptor",
    (
        Result("promise", "a promise is kept", 0.5, 2.5, FAILED, "Look at <on_accept>.", printed="hello"),
        Result("votes", "an acceptor votes", 2.5, 2.5, PASSED),
        Result("secret", "other schedules", 0, 0, ERROR, "HIDDEN", hidden=True),
        Result("own_test", "your own test", 1, 1, PASSED, part=OWN_TEST),
        Result("story", "break it", 2, 2, PASSED, part=STORIES),
        Result("predictions", "predictions", 0.75, 2, FAILED, part=PREDICTIONS),
    ),
    notes=("a note",),
)


def test_points_are_summed_in_all_and_by_part():
    assert (REPORT.points, REPORT.of) == (6.75, 10)
    assert REPORT.parts == {"build": (3, 5), "own test": (1, 1), "stories": (2, 2), "predictions": (0.75, 2)}
    assert not REPORT.passed


def test_it_goes_to_json_and_back():
    assert Report.from_json(json.loads(json.dumps(REPORT.as_json()))) == REPORT


def test_the_text_has_points_words_and_what_was_printed_and_nothing_hidden():
    text = str(REPORT)
    assert text.splitlines()[0] == (
        "04_acceptor: 6.75 of 10 points (build 3/5, own test 1/1, stories 2/2, predictions 0.75/2)"
    )
    assert "  ✗ 0.5/2.5  a promise is kept\n             Look at <on_accept>.\n             it printed:\n" in text
    assert "HIDDEN" not in text and "HIDDEN" not in REPORT._repr_html_()


def test_the_table_escapes_what_a_submission_says():
    assert "Look at &lt;on_accept&gt;." in REPORT._repr_html_()


@pytest.mark.parametrize(
    "change",
    [
        {"schema": 2}, {"properties": 3}, {"properties": [{"id": "x"}]}, {"exercise": None, "properties": None},
        {"properties": [{**REPORT.as_json()["properties"][0], "points": 3}]},
        {"properties": [{**REPORT.as_json()["properties"][0], "status": "fine"}]},
        {"properties": [{**REPORT.as_json()["properties"][0], "says": 7}]},
    ],
)  # fmt: skip
def test_what_is_no_report_is_refused_in_a_line(change):
    with pytest.raises(ReportError, match=r"^expected a report[^\n]*$"):
        Report.from_json({**REPORT.as_json(), **change})


@pytest.mark.parametrize("wrong", [{"points": 3}, {"points": -1}, {"status": "fine"}, {"part": "extra"}])
def test_a_result_out_of_bounds_is_refused(wrong):
    with pytest.raises(ValueError, match=r"^x: expected "):
        Result(**{"id": "x", "title": "t", "points": 1, "of": 2, "status": PASSED, **wrong})
