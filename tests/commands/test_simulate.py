"""`simulate`: the same seeds give the same answer everywhere, and a wrong server does not get by."""

import contextlib
import json
import multiprocessing
import shutil
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from paxoskit.claims.safety import safety_claims
from paxoskit.loading import load_server
from paxoskit.simulate import Result, Sum, Task, results, short_story
from paxoskit.worlds.simulator import FAULTS
from paxoskit.worlds.story import Story, StoryError

M10 = Path(__file__).parents[1] / "data" / "counts_its_own_vote.py"

FAILS = """\
from paxoskit import Server

class Divides(Server):
    def on_accept(self, sender, accept):
        print("I am about to divide")
        return accept.block.height / 0

class Lacks(Server):
    on_heartbeat = None

class Quits(Server):
    def on_accept(self, sender, accept):
        raise SystemExit(3)

class Kills(Server):
    def on_accept(self, sender, accept):
        import os
        os._exit(3)
"""


def test_every_fault_happens_every_claim_is_checked_and_none_falls(paxoskit):
    code, said, complaint = paxoskit("simulate", "--seeds", "30", "--steps", "1000", "--nemesis", "all", "--json")
    sums = json.loads(said[-1])
    assert (code, complaint) == (0, [])
    assert (sums["seeds"], sums["violations"], sums["failed"], sums["why"]) == (30, 0, None, [])
    assert sums["asked"] == sums["acknowledged"] > 300
    assert {kind for kind, count in sums["faults"].items() if count} >= {*FAULTS, "loss", "duplication", "delay"}
    assert len(sums["checks"]) == 14
    assert min(sums["checks"].values()) > 0


def test_a_seed_gives_the_same_digest_twice_in_any_number_of_processes(paxoskit):
    options = ["simulate", "--first", "5", "--seeds", "8", "--steps", "400", "--nemesis", "loss", "--json"]
    outcomes = [paxoskit(*options, "--workers", workers) for workers in ("1", "1", "3")]
    assert outcomes[0].code == 0
    assert outcomes[0] == outcomes[1] == outcomes[2]


def test_any_executor_gives_the_same_results():
    task = Task(3, 300, "all")
    here = list(results(task, range(4)))
    with ThreadPoolExecutor(3) as threads, ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as processes:
        assert list(results(task, range(4), executor=threads)) == here
        assert list(results(task, range(4), executor=processes)) == here


def test_threads_leave_standard_output_where_it_was(capsys, tmp_path):
    (tmp_path / "mine.py").write_text(FAILS)
    before = sys.stdout
    with ThreadPoolExecutor(3) as threads:
        found = list(results(Task(3, 300, "none", f"{tmp_path}/mine.py:Divides"), range(4), executor=threads))
    assert [result.seed for result in found] == [0]
    assert sys.stdout is before
    said = capsys.readouterr()
    assert said.out == ""
    assert "I am about to divide" in said.err


def test_another_seed_gives_another_digest():
    first, second = results(Task(3, 300, "none"), [1, 2], workers=1)
    assert first.digest != second.digest


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_server_that_counts_its_own_vote_unasked_is_found_out(paxoskit, tmp_path, workers):
    shutil.copy(M10, tmp_path / "mine.py")
    options = ["--servers", "3", "--steps", "2000", "--nemesis", "all", "--server", "mine.py:Server"]
    found = paxoskit("simulate", "--seeds", "50", *options, "--workers", workers, "--json", cwd=tmp_path)
    code, said, complaint = found
    sums = json.loads(said[-1])
    seed = sums["failed"]
    assert (code, complaint) == (1, [])
    assert said[0] == f"seed {seed}: {sums['why'][0]}"
    assert any(line.startswith("the short story, 11 choices, of 35 in the run: server 2 ") for line in said)
    assert said[-2] == f"  python3 -m paxoskit simulate --first {seed} --seeds 1 {' '.join(options)}"
    again = paxoskit("simulate", "--first", str(seed), "--seeds", "1", *options, cwd=tmp_path)
    assert (again.code, again.said) == (1, said[:-1])


def test_the_story_of_the_seed_that_went_wrong_is_saved_and_can_be_told_again(paxoskit, tmp_path):
    shutil.copy(M10, tmp_path / "mine.py")
    options = ["--seeds", "3", "--class", "mine.py:Server", "--story", "story.json", "--json"]
    code, said, _ = paxoskit("simulate", *options, cwd=tmp_path)
    data, story = json.loads(said[-1]), Story.load(tmp_path / "story.json")
    assert code == 1
    assert said[-2] == "the story is in story.json: python3 -m paxoskit lab --story story.json"
    assert story.nodes == ("mine.py:Server",) * 3
    assert [choice.as_json() for choice in story.choices] == data["story"]["choices"]
    classes = {"mine.py:Server": load_server(f"{tmp_path}/mine.py:Server")}
    world = story.replay(classes=classes, claims=safety_claims())
    assert [violation.claim for violation in world.violations][:1] == [story.claim]
    assert world.violations[0].reason == story.says
    for spared in range(len(story.choices)):
        fewer = replace(story, choices=story.choices[:spared] + story.choices[spared + 1 :])
        with contextlib.suppress(StoryError):  # what comes later cannot happen without it
            fallen = fewer.replay(classes=classes, claims=safety_claims()).violations
            assert story.claim not in [violation.claim for violation in fallen[:1]]


def test_a_story_ends_with_the_choice_on_which_the_code_fails(tmp_path):
    (tmp_path / "mine.py").write_text(FAILS)
    short = short_story(Task(3, 300, "none", f"{tmp_path}/mine.py:Divides"), 0)
    assert short.shorter
    assert short.story.claim == "its own code fails"
    assert short.story.says == "ZeroDivisionError: division by zero (mine.py, line 6, in on_accept)"
    assert short.story.choices[-1].kind == "deliver"
    assert short.lines[-1] == f"          then its code fails: {short.story.choices[-1]}"
    assert len(short.story.choices) < 10


def test_what_only_shows_at_the_end_of_a_run_is_told_whole(tmp_path):
    (tmp_path / "mine.py").write_text("from paxoskit import Server\n\n\nclass Deaf(Server):\n"
                                      "    def on_prepare(self, sender, prepare):\n        pass\n")
    short = short_story(Task(3, 20, "none", f"{tmp_path}/mine.py:Deaf"), 0)
    assert not short.shorter
    assert short.story.claim == "everything asked is answered"
    assert len(short.story.choices) == short.choices


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("Divides", "mine.py, line 6, in on_accept: ZeroDivisionError: division by zero"),
        ("Lacks", "NodeError: server "),
        ("Quits", "mine.py, line 13, in on_accept: SystemExit: 3"),
        ("Kills", "the process that ran this seed, or one of the next, ended"),
    ],
)
def test_code_that_fails_is_reported_with_its_own_line(paxoskit, tmp_path, name, says):
    (tmp_path / "mine.py").write_text(FAILS)
    options = ["--seeds", "4", "--nemesis", "none", "--server", f"mine.py:{name}", "--workers", "2", "--json"]
    code, said, complaint = paxoskit("simulate", *options, cwd=tmp_path)
    assert code == 1
    assert said[0].startswith(f"seed 0: the server's code fails: {says}")
    assert json.loads(said[-1])["failed"] == 0
    assert set(complaint) <= {"I am about to divide"}


def test_a_world_in_which_nothing_happens_proves_nothing(paxoskit):
    code, said, complaint = paxoskit("simulate", "--seeds", "2", "--steps", "1", "--nemesis", "crash", "--json")
    assert (code, complaint) == (1, [])
    assert said[0] == "no faults of the kind crash in 2 seeds: that proves nothing (more seeds or steps may)"
    assert json.loads(said[-1])["violations"] == 0


def test_too_few_answers_prove_nothing():
    total = Sum()
    total.add(Result(1, asked=100, acknowledged=94, elections=1, checks={"P2b": 1}))
    assert total.nothing(Task(3, 10, "none")) == ["only 94 of 100 requests were answered"]


def test_a_claim_that_was_never_checked_proves_nothing():
    total = Sum()
    total.add(Result(1, asked=1, acknowledged=1, elections=1, checks={"P2b": 0, "P2c": 2}))
    assert total.nothing(Task(3, 10, "none")) == ["no checks of the claim 'P2b' in 1 seeds"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--seeds", "0"],
        ["--steps", "many"],
        ["--servers", "1000"],
        ["--first", "-1"],
        ["--workers", "0"],
        ["--nemesis", "everything"],
        ["--server", "none.py:Server"],
        ["extra"],
    ],
)
def test_bad_options_get_one_line_and_exit_code_2(paxoskit, arguments):
    code, said, complaint = paxoskit("simulate", *arguments)
    assert (code, said, len(complaint)) == (2, [], 1)
    assert arguments[0] in complaint[0]
