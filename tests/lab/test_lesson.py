"""Lesson 0, executed without a browser: what its text says is what its cells show."""

import re
import time
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

LESSON = Path(__file__).parents[2] / "notebooks" / "lessons" / "00_meet_the_cluster.ipynb"


@pytest.fixture(scope="module")
def lesson() -> nbformat.NotebookNode:
    return nbformat.read(LESSON, as_version=4)


@pytest.fixture(scope="module")
def outputs() -> dict[str, list[nbformat.NotebookNode]]:
    """What each code cell shows, by its id; the run takes less than 30 seconds."""
    notebook = nbformat.read(LESSON, as_version=4)
    begun = time.monotonic()
    NotebookClient(notebook, timeout=60, kernel_name="python3", store_widget_state=False).execute()
    assert time.monotonic() - begun < 30
    return {cell.id: cell.outputs for cell in notebook.cells if cell.cell_type == "code"}


def said(outputs: dict[str, list[nbformat.NotebookNode]], cell: str) -> str:
    """What a cell prints and returns, as text."""
    shown = outputs[cell]
    return "".join(output["text"] if "text" in output else output["data"]["text/plain"] for output in shown).strip()


def test_the_notebook_in_the_repository_has_no_outputs(lesson):
    code = [cell for cell in lesson.cells if cell.cell_type == "code"]
    assert [cell.id for cell in code if cell.outputs or cell.execution_count] == []
    assert "widgets" not in lesson.metadata


def test_its_kernel_is_python3_and_its_cell_ids_are_words(lesson):
    assert lesson.metadata.kernelspec.name == "python3"
    assert [cell.id for cell in lesson.cells if not cell.id.replace("-", "").isalpha()] == []


def test_no_code_cell_has_more_than_ten_lines(lesson):
    assert [cell.id for cell in lesson.cells if cell.cell_type == "code" and cell.source.count("\n") >= 10] == []


@pytest.mark.slow
def test_one_server_that_burns_loses_everything(outputs):
    assert said(outputs, "one-burns").splitlines() == ["before: {\"'order 17'\": \"'3 apples'\"}", "after:  {}"]


@pytest.mark.slow
def test_the_lab_is_a_widget_with_a_still_picture(outputs):
    (shown,) = outputs["lab"]
    assert {"application/vnd.jupyter.widget-view+json", "image/svg+xml"} <= set(shown["data"])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("put-get", "'green'"),
        ("literal-key", "[1, -2, None]"),
        ("slow-put", "put 'colour' 'red' → waiting"),
        ("fast", "put 'colour' 'red' → done"),
        ("restart", "42"),
        ("majorities", "1"),
        ("violations", "[]"),
    ],
)
def test_the_cell_shows(outputs, cell, expected):
    assert said(outputs, cell) == expected


@pytest.mark.slow
def test_after_the_leader_died_another_one_leads(outputs):
    assert said(outputs, "kill-leader").endswith("'red'")
    before, after = re.findall(r"leader \w+: (\d)", said(outputs, "new-leader"))
    assert before != after


@pytest.mark.slow
def test_without_a_majority_the_reason_is_one_line(outputs):
    assert "no majority: 2 of 5 servers are up" in said(outputs, "no-majority")
    assert "\n" not in said(outputs, "no-majority")


@pytest.mark.slow
def test_the_unanswered_put_happened_or_did_not(outputs):
    assert said(outputs, "violet") in ("'violet'", "'white'")


@pytest.mark.slow
def test_each_block_names_the_one_before(outputs):
    rows = [line.split() for line in said(outputs, "blocks").splitlines()]
    assert [row[1] for row in rows[1:]] == [row[3] for row in rows[:-1]]
    assert all(row[3][-1] in "012" for row in rows)


@pytest.mark.slow
def test_verify_names_the_tampered_block(outputs):
    good, bad = said(outputs, "verify").splitlines()
    assert good.endswith("None") and "block 2" in bad


@pytest.mark.slow
def test_all_servers_end_with_the_same_chain(outputs):
    assert len(set(eval(said(outputs, "same-chain")).values())) == 1


@pytest.mark.slow
def test_the_larger_side_of_a_partition_leads(outputs):
    assert said(outputs, "partition") in "345"
