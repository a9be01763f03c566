"""`simulate`: the same seeds give the same answer everywhere, and a wrong server does not get by."""

import json
import shutil
from pathlib import Path

import pytest

from paxoskit.simulate import Result, Sum, Task, results
from paxoskit.worlds.simulator import FAULTS

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
    assert "what happened last:" in said
    assert said[-2] == f"  python3 -m paxoskit simulate --first {seed} --seeds 1 {' '.join(options)}"
    again = paxoskit("simulate", "--first", str(seed), "--seeds", "1", *options, cwd=tmp_path)
    assert (again.code, again.said) == (1, said[:-1])


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
