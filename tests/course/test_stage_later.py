"""What lessons 9 to 11 give: right nodes that hold under faults, wrong ones that do not, experiments that repeat."""

import re
from dataclasses import replace

import pytest

from paxoskit.claims.linearizable import linearizable
from paxoskit.claims.linearizable.history import history_of
from paxoskit.claims.safety import safety_claims
from paxoskit.course import given, given_log
from paxoskit.course.chaos import draw_run, draw_spread, draw_trials, ran, report, short_story, trial, trials
from paxoskit.course.stage import Stage
from paxoskit.course.stage_chain import draw_blocks, draw_tries, remined, tamper, tries, with_value
from paxoskit.course.stage_store import cost, draw_lease
from paxoskit.protocol.chain import NO_HASH, Content, mine, verify
from paxoskit.protocol.messages import Get, Put
from paxoskit.protocol.server import Server
from paxoskit.worlds.simulator import Simulator
from paxoskit.worlds.story import OURS


def histories(server, seeds):
    for seed in seeds:
        run = Simulator(seed, servers=3, server=server, nemesis="all", claims=False)
        run.run(2_500)
        yield linearizable(history_of(run.trace))


# Lesson 9 ----------------------------------------------------------------------------------------------------


def test_reads_that_ask_a_majority_are_linearizable_under_every_fault():
    verdicts = list(histories(given_log.ReadIndex, range(8)))
    assert [verdict.why for verdict in verdicts if not verdict.ok] == []
    assert sum(len(verdict.history.operations) for verdict in verdicts) > 200


@pytest.mark.parametrize(
    ("server", "answers"), [(given_log.ReadsLocally, ["1"]), (given_log.ReadIndex, []), (Server, [])]
)
def test_a_deposed_leader_that_asks_nobody_answers_with_an_old_value(server, answers):
    stage = Stage(servers=3, server=server, clients=[(1,), (2,)], claims=[given.AnswersFitOneOrder()])
    stage.fire("ElectionTimeout", 1).settle().ask("client 1", Put("'x'", "1")).settle()
    for follower in (3, 2, 2):
        stage.fire("ElectionTimeout", follower)
    stage.settle(besides=[1]).ask("client 2", Put("'x'", "2")).settle(besides=[1])
    before = stage.trace.count
    stage.ask("client 1", Get("'x'")).deliver("Request", "client 1", 1)
    assert [event.what.answer for event in stage.sent("Reply") if event.n > before] == answers
    stage.settle()
    assert bool(stage.violations) == bool(answers)


def test_a_read_waits_for_what_its_leader_inherited():
    """Without this, a new leader answers from a store that lacks a put which an earlier leader acknowledged."""
    stage = Stage(servers=3, server=given_log.ReadIndex, clients=[(1,), (2,)], claims=[given.AnswersFitOneOrder()])
    stage.fire("ElectionTimeout", 1).settle().ask("client 1", Put("'x'", "1")).deliver("Request", "client 1", 1)
    stage.deliver("Accept", 1, 3).deliver("Accepted", 3, 1).deliver("Reply", 1, "client 1").crash(1)
    for server in (3, 2, 2):
        stage.fire("ElectionTimeout", server)
    stage.deliver("Prepare", 2, 3).deliver("Promise", 3, 2)
    stage.ask("client 2", Get("'x'")).deliver("Request", "client 2", 2)
    stage.deliver("DoYouFollow", 2, 3).deliver("IFollow", 3, 2)
    assert [event for event in stage.sent("Reply") if event.node == 2] == []
    assert stage.settle().sent("Reply")[-1].what.answer == "1" and stage.violations == []


def test_what_a_read_costs():
    stage = Stage(servers=3).fire("ElectionTimeout", 1).settle()
    before = stage.trace.count
    stage.ask("client 1", Get("'x'")).settle()
    assert cost(stage, before) == "Accept 2 · Accepted 2 · Decide 2 · saves 6"


# Lesson 10 ---------------------------------------------------------------------------------------------------


def three_blocks():
    stage = Stage(servers=3).fire("ElectionTimeout", 1).settle()
    for key in ("'a'", "'b'", "'c'"):
        stage.ask("client 1", Put(key, "1")).settle()
    return stage, list(stage.world.chain(1))


def test_a_changed_block_fails_and_a_rewritten_end_does_not():
    _, blocks = three_blocks()
    changed = [blocks[0], with_value(blocks[1], "2"), blocks[2]]
    rewritten = remined(changed)
    assert verify(changed).height == 1
    assert verify(rewritten) is None
    assert (rewritten[0], rewritten[2].hash == blocks[2].hash) == (blocks[0], False)


def test_only_a_server_that_is_down_is_tampered_with():
    stage, blocks = three_blocks()
    with pytest.raises(ValueError, match="server 2 is up: crash it first"):
        tamper(stage, 2, blocks)
    tamper(stage.crash(2), 2, [replace(blocks[0], nonce=1)]).restart(2)
    assert len(stage.world.chain(2)) == 1


def test_without_nonces_no_claim_falls_and_the_blocks_are_unmined():
    for seed in range(3):
        claims = safety_claims(without=["links and nonces hold"])
        run = Simulator(seed, servers=3, server=given_log.Unmined, nemesis="all", claims=claims)
        run.run(2_000)
        assert run.calm() and verify(run.world.chain(1)).check == "nonce"


def test_mining_takes_what_chance_says():
    for difficulty in (1, 2):
        mean = sum(tries(1_000_000 * miner, difficulty) for miner in range(400)) / 400
        assert 0.7 < mean / (16 / 3) ** difficulty < 1.4


# Lesson 11 ---------------------------------------------------------------------------------------------------


def test_a_trial_is_its_seed_and_its_set_up():
    assert trial(3, "all", servers=3, steps=500) == trial(3, "all", servers=3, steps=500)
    assert trial(3, "all", servers=3, steps=500).digest != trial(4, "all", servers=3, steps=500).digest


@pytest.mark.parametrize("server", [given.Headstrong, given.Forgetful])
def test_a_run_becomes_a_short_story_in_which_the_same_claim_falls(server):
    run = next(one for one in (ran(seed, "all", server, 3, 300) for seed in range(40)) if one.violations)
    story = short_story(run)
    assert story.replay(claims=safety_claims()).violations[0].claim == run.violations[0].claim == story.claim
    assert len(story.choices) < 0.6 * len(list(run.trace.choices()))


def test_a_quiet_run_has_no_short_story():
    with pytest.raises(ValueError, match="no claim fell in this run"):
        short_story(ran(1, servers=3, steps=100))


def test_a_report_says_how_to_run_again_what_fell():
    found = trials([Server, given.Forgetful], ["none", "all"], range(2), servers=3, steps=600)
    text = report("Which?", "one", found)
    assert "| Server | all | 2 | 0 |" in text and "| Forgetful | all | 2 | 2 |" in text
    (call,) = re.findall(r"`ran\((\d+), 'all', Forgetful, 3, (\d+)\)`", text)
    assert ran(int(call[0]), "all", given.Forgetful, 3, int(call[1])).violations
    assert [text.count(f"\n\n{begin}") for begin in ("**Set-up.**", "| server |", "* “", "**So.**")] == [1] * 4


def test_pictures_are_drawn_of_nothing_too():
    assert draw_run(ran(0, servers=1, steps=0)) and draw_spread({0: [1], 1: [2]}, "x", "y")
    assert draw_trials(trials([Server], ["none"], [0], servers=1, steps=10))
    assert draw_blocks([]) and draw_tries({1: 5.0}) and draw_lease(4, 5, 1.0)


def test_only_chains_that_are_compared_are_drawn_as_somebodys():
    block = mine(Content(0, NO_HASH, ()))
    figures = draw_blocks([block]), draw_blocks([block], [block])
    one, two = ([text.get_text() for text in figure.axes[0].texts] for figure in figures)
    assert "block 0" in one and "1" not in one
    assert two.count("block 0") == 1 and {"1", "2"} <= set(two)


def test_answers_are_counted_in_whole_numbers():
    for steps in (0, 100, 300):
        assert all(tick == int(tick) for tick in draw_run(ran(0, steps=steps)).axes[0].get_yticks())


def test_a_lease_is_red_only_where_a_slow_clock_outlasts_the_others():
    said = [draw_lease(4, 5, rate).axes[0].get_title(loc="right") for rate in (1.0, 0.8, 0.75)]
    assert said == ["", "", "red: the answer may be stale"]


def test_a_story_can_name_every_given_node():
    assert [cls for cls in given_log.GIVEN if OURS.get(f"paxoskit:given {cls.__name__}") is not cls] == []
