"""What is wrong is told shortly, in words, as a story that anyone can replay."""

import json
import tracemalloc

import pytest

from paxoskit.loading import load_node
from paxoskit.protocol.synod import Accept, Accepted, Promise
from paxoskit.worlds.checker import OWN_CODE, PROGRESS, PURE, Explorer, explore, setting_of
from paxoskit.worlds.search import Bounds, Counts, Enough
from paxoskit.worlds.shrink import Stage
from paxoskit.worlds.stages import reach
from paxoskit.worlds.story import Story
from tests.checker.synods import (
    CRASH,
    WRONG,
    AcceptIgnoresPromise,
    AcceptKeepsTheOldBallot,
    CountsOldVotesForItsValue,
    NeverEnds,
    NeverVotes,
    NoneIsTheLowest,
    Recurses,
    RollsDice,
    SaysNone,
    SharedMemory,
    SpinsOnOneLine,
    WritesItDown,
)

SHORTEST = {
    "M1": 14, "M2": 10, "M3": 10, "M4": 10, "M5": 10, "M7": 8, "M9": 12, "M10": 8, "M12": 10, "M13": 10, "M13b": 10,
    "M15b": 6, "M18": 12, "M28": 11, "M29": 11,
}  # fmt: skip
"""The fewest promises, proposals, votes and restarts that break agreement, known from exhaustive search."""

CASES = {case.id: case for case in WRONG}


def length(result):
    """Count promises, proposals, votes and restarts."""
    proposals = {(event.node, event.what) for event in result.events
                 if event.kind == "send" and type(event.what) is Accept}  # fmt: skip
    others = [event for event in result.events if event.kind == "restart"
              or (event.kind == "send" and type(event.what) in (Promise, Accepted))]  # fmt: skip
    return len(proposals) + len(others)


@pytest.mark.parametrize("name", SHORTEST)
def test_a_story_is_at_most_half_as_long_again_as_the_shortest_known(name):
    case = CASES[name]
    result = explore(case.cls, **dict(case.bounds))
    assert 0 < length(result) <= 1.5 * SHORTEST[name]


@pytest.mark.parametrize("name", [
    "M1", "M2", "M3", "M4", "M5", "M7", "M9", "M10", "M12", "M13b", "M18", "M28", "M29"
])  # fmt: skip
def test_so_is_a_story_that_must_go_on_until_two_values_are_chosen(name):
    case = CASES[name]
    bounds = {"ballots": 2} if case.bounds == CRASH else {}  # with three and a restart it takes ten times as long
    result = explore(case.cls, claims=["agreement"], seconds=300, **bounds, **dict(case.bounds))
    assert result.violation.claim == "agreement"
    assert 0 < length(result) <= 1.5 * SHORTEST[name]


def test_no_choice_of_a_story_can_be_spared():
    result = explore(AcceptIgnoresPromise, claims=["agreement"])
    stage = result.setting.stage()
    choices = list(result.story.choices)
    for spared in range(len(choices)):
        _, _, violation = stage.tell(choices[:spared] + choices[spared + 1 :])
        assert violation is None


def test_a_story_says_which_votes_made_which_majority():
    result = explore(AcceptIgnoresPromise, claims=["agreement"])
    assert result.violation.reason.startswith("two values are chosen: ")
    assert result.violation.reason.count("by the votes of server ") == 2
    assert "a claim fell: agreement" in str(result)
    assert "server 4 is asked to propose red" in str(result)


def test_a_story_is_saved_loaded_and_replayed(tmp_path):
    result = explore(AcceptIgnoresPromise)
    result.story.save(tmp_path / "story.json")
    story = Story.load(tmp_path / "story.json")
    assert story == result.story
    world = story.replay(classes={name: load_node(name) for name in set(story.nodes) if name[:9] != "paxoskit:"},
                         claims=result.setting.claims())  # fmt: skip
    assert [violation.claim for violation in world.violations] == [story.claim]


@pytest.mark.parametrize(
    ("cls", "claim", "says"),
    [
        (NoneIsTheLowest, OWN_CODE, "TypeError: '<' not supported between instances of 'Ballot' and 'NoneType'"),
        (SpinsOnOneLine, OWN_CODE, "its turn does not end: it ran 200,000 lines, the last in synods.py, line "),
        (SaysNone, OWN_CODE, "TypeError: Promise.ballot: expected a ballot, (round, server), got None (synods.py"),
        (NeverEnds, OWN_CODE, "its turn does not end: it ran 200,000 lines, the last in synods.py, line "),
        (Recurses, OWN_CODE, "RecursionError: maximum recursion depth exceeded"),
        (SharedMemory, PURE, "SharedMemory.votes changed: it belongs to the class, so all nodes share it"),
        (RollsDice, PURE, "RollsDice is not a function of its state and of what it hears"),
        (NeverVotes, PROGRESS, "proposer 4 was asked to propose 'red', nothing was lost and nobody disturbed it"),
    ],
)
def test_code_that_fails_is_named_in_a_sentence(cls, claim, says):
    result = explore(cls)
    assert result.violation.claim == claim
    assert says in result.violation.reason


def test_a_state_of_which_no_copy_can_be_made_is_a_fault_of_the_class():
    class HoldsAFile(AcceptIgnoresPromise):
        def __init__(self, *rest):
            super().__init__(*rest)
            self.file = (line for line in ())

    result = explore(HoldsAFile, ballots=1)
    assert result.violation.claim == OWN_CODE
    assert result.violation.reason == "server 1: TypeError: cannot pickle 'generator' object"


def test_a_state_that_only_grows_is_named_and_left_out(capsys):
    result = explore(WritesItDown, ballots=2)
    assert result.ok and result.complete
    assert "self.log only grows" in result.warnings[0]
    assert capsys.readouterr().out == ""


def test_what_no_run_did_is_said():
    assert explore(ballots=1, proposers=1).never == (
        "no run had two competing ballots",
        "in no run an acceptor refused a ballot (Nack)",
    )
    assert explore(ballots=2).never == ()


def test_five_runs_end_differently():
    result = explore(ballots=2)
    runs = result.runs(5)
    endings = {tuple(event.what for event in story.replay().trace if type(event.what) is Accepted) for story in runs}
    assert len(runs) == len(endings) == 5


def test_what_was_not_covered_is_said():
    shallow = explore(ballots=2, depth=3)
    assert "of at most 3 steps" in shallow.covered and "more than 3 steps" in shallow.not_covered
    few = explore(ballots=3, states=3_000)
    assert not few.complete and "the search stopped: the bound of 3,000 states was reached" in few.not_covered
    assert few.covered.startswith("some of the runs of 3 acceptors and 2 proposers")
    assert "150 walks with dice" in few.covered and " steps lead to" in few.covered
    assert "more ballots than 2" in explore(ballots=2).not_covered


def test_a_search_that_ended_at_a_violation_does_not_say_that_it_covered_everything():
    result = explore(AcceptIgnoresPromise, ballots=2)
    assert not result.complete and result.covered.startswith("some of the runs of ")
    assert result.not_covered[0] == "the search stopped: a claim fell"


def test_an_interrupted_search_says_what_it_found():
    def interrupt(counts: Counts) -> None:
        raise KeyboardInterrupt

    result = explore(ballots=2, progress=interrupt)
    assert result.ok and not result.complete
    assert "the search stopped: it was interrupted" in result.not_covered


@pytest.mark.parametrize("call", [1, 2, 7, 20])
def test_an_interrupt_while_a_story_is_shortened_leaves_the_shortest_so_far(monkeypatch, call):
    calls, tell = [], Stage.tell

    def told(self, choices):
        calls.append(len(choices))
        if len(calls) == call:
            raise KeyboardInterrupt
        return tell(self, choices)

    monkeypatch.setattr(Stage, "tell", told)
    result = explore(AcceptIgnoresPromise, claims=["agreement"])
    monkeypatch.undo()
    assert result.violation.claim == "agreement"
    assert result.warnings == ("it was interrupted while the story was being shortened: a shorter one may exist",)
    assert len(calls) <= call + 1
    world = result.story.replay(classes=result.classes(), claims=result.setting.claims())
    assert world.violations[0].reason == result.story.says


def test_memory_is_bounded_and_the_bound_is_said():
    result = explore(ballots=3, memory=2)
    assert result.ok and not result.complete
    assert result.not_covered[0] == "the search stopped: the bound of 2 MB of memory was reached"


def test_the_memory_that_a_search_takes_is_estimated_well():
    explorer = Explorer(setting_of(None, 3, 2, 1, None), Bounds(2, states=1_000, seconds=600))
    explorer.begin()
    tracemalloc.start()
    try:
        explorer.search.broad()
    except Enough:
        taken = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert 1 <= explorer.search.bytes() / taken < 4


def test_a_result_is_json():
    data = explore(AcceptIgnoresPromise).as_json()
    assert json.loads(json.dumps(data))["violation"]["claim"] == "a promise is kept"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"ballots": 0}, "ballots: expected a whole number from 1 to 99, got 0"),
        ({"acceptors": 10}, "acceptors: expected a whole number from 1 to 9, got 10"),
        ({"claims": ["safe"]}, "claims: expected names of claims"),
        ({"disks": ["burnt"]}, "disks: expected some of kept, last save lost, lost, got 'burnt'"),
        ({"disks": "kept"}, "disks: expected some of kept, last save lost, lost, got 'kept'"),
        ({"disks": None}, "disks: expected some of kept, last save lost, lost, got None"),
        ({"disks": (), "crashes": 1}, "disks: expected some of kept, last save lost, lost, got ()"),
        ({"claims": []}, "claims: expected the names of some, got none; leave it out for all of them"),
        ({"slots": 0}, "slots: expected a whole number from 1 to 5, got 0"),
        ({"seed": None}, "seed: expected a whole number, got None"),
        ({"what": 7}, "expected a class that inherits from Node, got 7"),
        ({"what": {"learner": NoneIsTheLowest}}, "expected the roles acceptor, proposer or server, got 'learner'"),
        ({"what": [NoneIsTheLowest, NeverEnds]}, "expected one class for each role, got two acceptors"),
        ({"memory": 0}, "memory: expected a whole number from 1 to 1000000, got 0"),
        ({"seconds": -1}, "seconds: expected more than 0 and at most 86400, got -1"),
    ],
)
def test_bad_bounds_get_one_line(arguments, says):
    with pytest.raises(ValueError) as refused:
        explore(**arguments)
    assert str(refused.value).startswith(says) and "\n" not in str(refused.value)


# By stages -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"ballots": "2"}, "ballots: expected a whole number from 1 to 99, got '2'"),
        ({"crashes": -1}, "crashes: expected a whole number from 0 to 99, got -1"),
        ({"seconds": 0}, "seconds: expected more than 0 and at most 86400, got 0"),
        ({"disks": ["burnt"]}, "disks: expected some of kept, last save lost, lost, got 'burnt'"),
        ({"keep": 0}, "keep: expected a whole number from 1 to 100000, got 0"),
        ({"memory": 0}, "memory: expected a whole number from 1 to 1000000, got 0"),
        ({"then": 7}, "expected goals to be functions of a View, got 7"),
    ],
)
def test_bad_bounds_of_stages_get_one_line(arguments, says):
    with pytest.raises(ValueError) as refused:
        reach(None, lambda view: view.votes, **arguments)
    assert str(refused.value).startswith(says) and "\n" not in str(refused.value)


def test_stages_that_are_interrupted_say_how_far_they_came():
    asked = []

    def interrupted(view):
        asked.append(view)
        if len(asked) > 20:
            raise KeyboardInterrupt
        return False

    result = reach(None, lambda view: view.votes, interrupted, ballots=2)
    assert result.covered.startswith("1 of 2 stages, ")
    assert result.ok and result.not_covered[0] == "the search stopped: it was interrupted"


def test_stages_keep_to_their_memory():
    result = reach(None, lambda view: len(view.chosen) > 1, ballots=3, memory=1)
    assert result.not_covered[0] == "the search stopped: the bound of 1 MB of memory was reached"


def voters(view, value):
    return {name for mark, names in view.votes.items() if mark.value == value for name in names}


def red_is_chosen_above_blue(view):
    blue = [mark.ballot for mark in view.votes if mark.value == "blue"]
    return any(mark.value == "red" and mark.ballot > max(blue) and 1 in view.votes[mark] for mark in view.chosen)


@pytest.mark.slow
def test_stages_find_the_four_ballots_of_an_acceptor_that_keeps_the_old_ballot():
    result = reach(
        AcceptKeepsTheOldBallot,
        lambda view: voters(view, "red") == {1},
        lambda view: voters(view, "red") == {1} and voters(view, "blue") == {2},
        red_is_chosen_above_blue,
        claims=["agreement"], ballots=4, keep=20, seconds=300,
    )  # fmt: skip
    assert result.violation.claim == "agreement"
    assert len({event.what.ballot for event in result.events if type(event.what) is Accept}) == 4
    assert 0 < length(result) <= 1.5 * 18


def test_stages_find_an_old_vote_that_is_counted():
    result = reach(
        CountsOldVotesForItsValue, lambda view: view.votes, claims=["only chosen values are decided"], ballots=4, keep=5
    )
    assert result.violation.claim == "only chosen values are decided"
    assert 0 < length(result) <= 1.5 * 13


def test_stages_say_how_far_they_came():
    result = reach(None, lambda view: voters(view, "red") and voters(view, "green"), ballots=2, acceptors=2)
    assert result.ok and result.story is None
    assert result.covered.startswith("0 of 1 stages, ")
    assert "runs that pass by the stages" in result.not_covered
