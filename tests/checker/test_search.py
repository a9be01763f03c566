"""The search tries everything: it comes to the same as a search that takes no short cut, and its counts are known."""

import gc
from dataclasses import replace

import pytest

from paxoskit.protocol.server import Server
from paxoskit.worlds.checker import OWN_CODE, PURE, Explorer, explore, setting_of
from paxoskit.worlds.search import Bounds
from tests.checker.naive import Naive
from tests.checker.synods import RIGHT, WRONG, Acceptor, Proposer
from tests.mutants import MUTANTS, TRAPS

SMALL = [(3, 1, 1), (1, 2, 2), (2, 2, 1)]
"""Acceptors, proposers, ballots: few enough for the naive search."""


def searched(acceptors, proposers, ballots):
    explorer = Explorer(setting_of(None, acceptors, proposers, 1, None), Bounds(ballots))
    assert explorer.begin() is None
    explorer.search.broad()
    return explorer.search


@pytest.mark.parametrize("bounds", SMALL, ids=str)
def test_the_same_is_said_and_the_same_states_are_reached_as_without_short_cuts(bounds):
    naive, search = Naive(acceptors=bounds[0], proposers=bounds[1], ballots=bounds[2]), searched(*bounds)
    said = {frozenset((f.sender, f.message) for f in search.messages(key[0] & search.judged) if f.sender)
            for key in search.keys}  # fmt: skip
    reached = {
        (kept.name, kept.state())
        for key in search.keys
        for node, number in enumerate(key[2:])
        for silent in {number} | search._silent(number, key[0] & search.inboxes[node] & search.alive[number])
        for kept in [search.runner.kept[search.locals[silent].state]]
    }
    assert naive.fallen is None
    assert said == naive.nets
    assert reached == naive.node_states


ODD = ("loops", "shared", "dice", "recurses")  # what they do is not a matter of states
PLAIN = [case for case in (*WRONG, *RIGHT) if not case.bounds and case.id not in (*ODD, "log", "statistic")]


@pytest.mark.parametrize("case", PLAIN, ids=lambda case: case.id)
def test_verdicts_are_those_of_the_search_without_short_cuts(case):
    part = "proposer" if hasattr(case.cls, "on_promise") else "acceptor"
    for acceptors, proposers, ballots in [(1, 2, 2), (2, 2, 1)]:
        naive = Naive(acceptors=acceptors, proposers=proposers, ballots=ballots, **{part: case.cls})
        result = explore(case.cls, acceptors=acceptors, proposers=proposers, ballots=ballots)
        fell = result.violation is not None and "undisturbed" not in result.violation.claim
        assert fell == (naive.fallen is not None)


def test_the_counts_of_two_ballots_are_known():
    result = explore(ballots=2)
    assert (result.ok, result.complete) == (True, True)
    assert result.states == 2_811


@pytest.mark.slow
def test_three_ballots_are_exhausted_and_their_counts_are_known():
    result = explore(ballots=3, seconds=300)
    assert (result.ok, result.complete) == (True, True)
    assert result.states == 91_768


@pytest.mark.parametrize(("acceptors", "states"), [(2, 211), (4, 14_691)])
def test_other_numbers_of_acceptors(acceptors, states):
    result = explore(acceptors=acceptors, ballots=2)
    assert (result.ok, result.complete) == (True, True)
    assert result.states == states


def test_garbage_collection_is_on_again_after_a_search():
    explore(ballots=1)
    assert gc.isenabled()


@pytest.mark.parametrize("case", WRONG, ids=lambda case: case.id)
def test_what_is_wrong_is_found_and_its_story_shows_it(case):
    result = explore(case.cls, **dict(case.bounds))
    assert result.violation is not None, case.says
    if result.violation.claim in (PURE, OWN_CODE):
        return  # there is nothing to replay
    world = result.story.replay(classes=result.classes(), claims=result.setting.claims())
    if "undisturbed" not in result.violation.claim:
        assert world.violations[0].claim == result.violation.claim
        assert world.violations[0].reason == result.violation.reason == result.story.says


@pytest.mark.parametrize("case", RIGHT, ids=lambda case: case.id)
def test_what_is_right_is_let_be(case):
    result = explore(case.cls, ballots=2, **dict(case.bounds))
    assert result.violation is None
    assert result.complete


def test_the_given_classes_play_together():
    result = explore({"acceptor": Acceptor, "proposer": Proposer}, ballots=1)
    assert result.ok
    assert explore([Proposer, Acceptor], ballots=1).states == result.states


# The whole server ------------------------------------------------------------------------------------------


def test_a_search_of_servers_ends_in_time_and_says_how_far_it_came():
    result = explore(Server, ballots=1, timers=1, states=1_000, seconds=60)
    assert result.ok and not result.complete
    assert result.covered.startswith("some of the runs of 3 servers and 1 requests with at most 1 ballots")
    assert result.not_covered[0].startswith("the search stopped: ")


@pytest.mark.parametrize(("bounds", "states"), [({}, 2_573), ({"crashes": 1}, 23_928)], ids=str)
def test_one_candidacy_over_one_slot_is_exhausted_and_its_counts_are_known(bounds, states):
    result = explore(Server, ballots=1, timers=1, seconds=300, **bounds)
    assert (result.ok, result.complete, result.states) == (True, True, states)


ODD_SERVERS = {trap.wrong for trap in TRAPS}


@pytest.mark.parametrize("cls", sorted(ODD_SERVERS, key=str), ids=lambda cls: cls.__name__)
def test_a_server_that_looks_wrong_and_is_right_is_let_be(cls):
    result = explore(cls, ballots=1, timers=1, seconds=300)
    assert (result.ok, result.complete) == (True, True)
    further = explore(cls, ballots=2, timers=2, seconds=300, states=500)
    assert further.ok and not further.complete


CRASH = ("M28", "M29", "M29b")
PLANTED = ("M2", "M3", "M5", "M7b", "M9", "M10", "M12", "M13", "M15", "M15b", "M18", "M25", "M41", "A14", *CRASH)
"""Mistakes in whole servers that two candidacies over one slot show; others need more slots, or more votes."""


@pytest.mark.parametrize("name", PLANTED)
def test_a_wrong_server_is_found(name):
    mutant = next(mutant for mutant in MUTANTS if mutant.id == name)
    servers, crashes = 4 if name == "M15" else 3, int(name in CRASH)
    result = explore(mutant.wrong, acceptors=servers, ballots=2, timers=2, crashes=crashes, seconds=300, states=6_000)
    assert result.violation is not None, mutant.says
    assert not result.complete and "the search stopped: a claim fell" in result.not_covered
    world = result.story.replay(classes=result.classes(), claims=result.setting.claims())
    assert world.violations[0].reason == result.violation.reason
    assert len(result.story.choices) <= 20


# From the middle of a run ----------------------------------------------------------------------------------


def test_whatever_happened_before_is_known_to_the_claims():
    for run in explore(ballots=1).runs(3):
        for cut in range(3, len(run.choices), 4):
            result = explore(replace(run, choices=run.choices[:cut]), ballots=2, states=500)
            assert result.ok, (cut, result.violation)
