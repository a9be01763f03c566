"""`python3 -m paxoskit explore`."""

import io
import json
import shutil
import sys
import time

import pytest

from paxoskit import cli
from paxoskit.explore import _bar
from paxoskit.worlds.search import PULSE, Counts
from paxoskit.worlds.story import Story

WRONG = "tests/checker/synods.py:AcceptIgnoresPromise"


def test_the_kits_own_classes_are_searched_to_the_end(capsys):
    assert cli.run(["explore", "--acceptors", "3", "--proposers", "2", "--ballots", "2", "--json"]) == 0
    lines = capsys.readouterr().out.splitlines()
    data = json.loads(lines[-1])
    assert lines[0] == "no claim fell in all runs of 3 acceptors and 2 proposers with at most 2 ballots in all"
    assert (data["states"], data["complete"], data["violation"]) == (2_811, True, None)
    assert "more ballots than 2" in data["not_covered"]


def test_a_wrong_class_ends_in_a_story_and_in_code_1(capsys, tmp_path):
    file = tmp_path / "story.json"
    assert cli.run(["explore", "--class", WRONG, "--ballots", "2", "--story", str(file), "--json"]) == 1
    data = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert data["violation"]["claim"] == "a promise is kept"
    assert Story.load(file).claim == "a promise is kept"
    assert data["story"]["world"]["nodes"][0].endswith("AcceptIgnoresPromise")


def test_a_class_whose_file_is_called_as_the_kits_own_is_told_of_by_its_own_file(paxoskit, tmp_path):
    shutil.copy("tests/answers/04_acceptor/wrong/report_told_once.py", tmp_path / "acceptor.py")
    file = tmp_path / "story.json"  # in a process of its own, where the kit's acceptor is not loaded yet
    done = paxoskit("explore", "--class", f"{tmp_path}/acceptor.py:Acceptor", "--story", str(file))
    assert (done.code, set(Story.load(file).nodes)) == (1, {"acceptor.py:Acceptor", "paxoskit:Proposer"})


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_story_is_found_by_a_notebook_beside_it_and_can_be_moved_with_its_class(paxoskit, tmp_path, workers):
    shutil.copy("tests/checker/synods.py", tmp_path / "mine.py")
    options = ["--class", "mine.py:AcceptIgnoresPromise", "--ballots", "2", "--workers", workers, "--json"]
    (tmp_path / "stories").mkdir()
    for folder, name in [(".", "mine.py:"), ("stories", f"{tmp_path / 'mine.py'}:")]:
        done = paxoskit("explore", *options, "--story", f"{folder}/story.json", cwd=tmp_path)
        assert done.code == 1
        assert done.said[-2] == (
            f"the story is in {folder}/story.json: python3 -m paxoskit lab --story {folder}/story.json"
        )
        nodes = Story.load(tmp_path / folder / "story.json").nodes
        assert nodes[0] == f"{name}AcceptIgnoresPromise"


def test_a_bar_says_how_much_of_the_time_is_used(monkeypatch):
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stderr", terminal)
    with _bar(10.0) as progress:
        progress(Counts(1_234, 0, 5))
        time.sleep(2 * PULSE)
        progress(Counts(5_678, 0, 5))
    said = terminal.getvalue().split("\r")
    assert any("[····················] 0 of 10 s, 5,678 states, Ctrl-C ends it" in line for line in said)
    assert said[-2:] == [" " * 79, ""]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--ballots", "0"], "paxoskit: --ballots: expected a whole number from 1 to 99, got '0'\n"),
        (["--class", "none.py:A"], "paxoskit: there is no file 'none.py'\n"),
        (["--class", "tests/checker/synods.py:Case"], "paxoskit: Case in tests/checker/synods.py is not a Node"),
        (["--claim", "safe"], "paxoskit: claims: expected names of claims (agreement, "),
        (["--class", WRONG, "--story", "/nowhere/s.json"], "paxoskit: --story: cannot write /nowhere/s.json: No such"),
        (["--frob"], "paxoskit: unrecognized arguments: --frob\n"),
    ],
)
def test_bad_input_gets_one_line_and_code_2(arguments, says, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.run(["explore", *arguments])
    assert ended.value.code == 2
    complaint = capsys.readouterr().err
    assert complaint.startswith(says) and complaint.count("\n") == 1
