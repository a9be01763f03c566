"""`python3 -m paxoskit explore`."""

import json

import pytest

from paxoskit import cli
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
