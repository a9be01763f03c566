"""A story from a file is opened as a small notebook, and nothing that it names is run before a reader does it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest

from paxoskit import cli
from paxoskit.lab.opening import story_notebook
from paxoskit.worlds.choice import Choice
from paxoskit.worlds.story import Story, StoryError

STORY = Story(("paxoskit:Server",) * 3, (Choice("crash", 2), Choice("restart", 2)))


def opened(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> list[str]:
    """Return the command that `lab` hands over to; an empty list if it does not get so far."""
    calls: list[list[str]] = []
    monkeypatch.setattr(cli, "become", lambda command, env: calls.append(command))
    cli.run(["lab", *arguments])
    return calls[0] if calls else []


def test_the_notebook_is_valid_and_its_cell_opens_the_story(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    STORY.save(tmp_path / "lost point.json")
    notebook, classes = story_notebook(tmp_path / "lost point.json")
    assert (notebook.name, classes) == ("lost point.lab.ipynb", [])
    read = nbformat.read(notebook, as_version=4)
    nbformat.validate(read)
    monkeypatch.chdir(notebook.parent)
    names: dict[str, object] = {}
    exec(read.cells[-1].source, names)
    lab = names["lab"]
    assert lab._session.time()["count"] == 2 and lab.step() == "server 2 crashes (disk kept)"  # type: ignore[attr-defined]
    lab.close()  # type: ignore[attr-defined]


def test_the_cell_says_how_the_story_ends_even_if_that_is_another_story_by_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    replace(STORY, says="the first end").save(tmp_path / "a.json")
    notebook, _ = story_notebook(tmp_path / "a.json")
    replace(STORY, says="another end").save(tmp_path / "a.json")
    words, cell = nbformat.read(story_notebook(tmp_path / "a.json")[0], as_version=4).cells
    assert words.cell_type == "markdown" and words.source.startswith("Run the cell below")
    monkeypatch.chdir(notebook.parent)
    names: dict[str, object] = {}
    exec(cell.source, names)
    names["lab"].close()  # type: ignore[attr-defined]
    assert capsys.readouterr().out == "another end\n"


def test_lab_story_opens_its_notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    STORY.save(tmp_path / "lost point.json")
    command = opened(monkeypatch, "--story", str(tmp_path / "lost point.json"), "--no-browser")
    assert f"--ServerApp.root_dir={tmp_path}" in command
    assert "--LabApp.default_url=/lab/tree/lost%20point.lab.ipynb" in command
    assert command[-1] == "--no-browser"


def test_a_notebook_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    STORY.save(tmp_path / "a.json")
    notebook, _ = story_notebook(tmp_path / "a.json")
    notebook.write_text("mine", encoding="utf-8")
    story_notebook(tmp_path / "a.json")
    assert notebook.read_text(encoding="utf-8") == "mine"


def test_another_folder_may_hold_the_notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    STORY.save(tmp_path / "a.json")
    (tmp_path / "there").mkdir()
    opened(monkeypatch, "--story", str(tmp_path / "a.json"), str(tmp_path / "there"))
    cell = json.loads((tmp_path / "there" / "a.lab.ipynb").read_text(encoding="utf-8"))["cells"][-1]
    assert "story = Story.load('../a.json')\n" in cell["source"]


def test_a_class_is_named_and_its_file_is_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.py").write_text("raise SystemExit('it ran')", encoding="utf-8")
    Story(("mine.py:Mine",) * 3).save(tmp_path / "a.json")
    assert opened(monkeypatch, "--story", str(tmp_path / "a.json")) != []
    assert "the story names the class mine.py:Mine" in capsys.readouterr().out


@pytest.mark.parametrize("text", ["", "{}", None])
def test_what_is_no_story_is_one_line_and_exit_code_2(
    text: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "a.json"
    if text is not None:
        file.write_text(text, encoding="utf-8")
    assert cli.run(["lab", "--story", str(file)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    with pytest.raises(StoryError):
        story_notebook(file)
