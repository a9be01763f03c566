"""Submissions that cheat or attack: none has more points than without, none stops the judge, none leaves anything.

Each file in `hostile/` is put in front of one and the same wrong answer, which has two points of five.
"""

import os
import re
import socket
import threading
from dataclasses import replace

import pytest

from paxoskit.grading.grade import judge_answer
from paxoskit.grading.launcher import children
from paxoskit.grading.properties import Property
from paxoskit.grading.remote import GIVEN
from paxoskit.grading.workshop import Limits, Workshop
from tests.grading.small import HOSTILE, RIGHT, SMALL, WRONG, hand_in, judged, points

WORTH = {"counts": 0, "anew": 0, "adds": 0, "pairs": 2}
ATTACKS = sorted(path.stem for path in HOSTILE.glob("*.py"))
FORKING = ["daemon", "forks_400", "threads_that_outlive", "kills_its_parent", "ignores_all_signals"]


@pytest.fixture(scope="module")
def listener():
    """A server on this machine that counts who connects to it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        heard = []

        def listen():
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                heard.append(connection)
                connection.close()

        threading.Thread(target=listen, daemon=True).start()
        yield server.getsockname()[1], heard
        server.shutdown(socket.SHUT_RDWR)


@pytest.fixture(scope="module")
def attack(tmp_path_factory, listener):
    """Return how to judge an attack that is put in front of the wrong answer: each once, its report kept."""
    kept = {}

    def judge(name, alone=True):
        if (name, alone) not in kept:
            folder = tmp_path_factory.mktemp(name)
            right = folder / "right.py"
            right.write_text(RIGHT, encoding="utf-8")
            text = (HOSTILE / f"{name}.py").read_text(encoding="utf-8")
            filled = {"@RIGHT@": right, "@TOP@": HOSTILE.parents[2], "@JUDGE@": os.getpid(), "@PORT@": listener[0]}
            for word, value in filled.items():
                text = text.replace(word, str(value))
            kept[name, alone] = judged(folder / "in", text + WRONG, alone)
        return kept[name, alone]

    return judge


def left_over():
    """Return what the launcher has as children: every worker, and whatever was left behind."""
    shop = Workshop.of(GIVEN)
    return children(shop.process.pid)


def test_the_wrong_answer_has_two_points_without_an_attack_and_the_right_one_five(tmp_path):
    assert points(judged(tmp_path / "wrong", WRONG)) == WORTH
    assert points(judged(tmp_path / "right", RIGHT)) == {"counts": 1, "anew": 1, "adds": 1, "pairs": 2}


@pytest.mark.parametrize(("name", "alone"), [*((name, True) for name in ATTACKS), *((name, False) for name in FORKING)])
def test_an_attack_gains_nothing_and_leaves_nothing(name, alone, attack, tmp_path, listener):
    report = attack(name, alone)
    gained = {id: got for id, got in points(report).items() if got > WORTH[id]}
    assert gained == {}
    assert len(report.properties) == len(WORTH)
    assert left_over() == []
    assert listener[1] == []
    assert points(judged(tmp_path / "next", RIGHT)) == {"counts": 1, "anew": 1, "adds": 1, "pairs": 2}


def status(report, id):
    return next(result.status for result in report.properties if result.id == id)


@pytest.mark.parametrize("name", ["loops", "ignores_all_signals", "sleeps"])
def test_what_never_answers_has_timed_out_and_keeps_the_points_of_the_rest(name, attack):
    report = attack(name)
    assert [status(report, id) for id in WORTH] == ["timed out", "timed out", "timed out", "passed"]


LOOP = "while True: pass"
LOOPS = f"""
from paxoskit.protocol.node import Node

class Counter(Node):
    def on_get(self, sender, get):
        {LOOP}

def add(a, b):
    {LOOP}

def pairs(items):
    {LOOP}
"""


def test_after_some_time_outs_no_more_is_run(tmp_path):
    report = judge_answer(SMALL, hand_in(tmp_path, LOOPS), {}, Limits(call=0.2, time_outs=2))
    assert {result.status for result in report.properties} == {"timed out"}
    counts, anew, adds, pairs = (result.says for result in report.properties)
    assert counts == "Counter hearing Get: no answer came: look for a loop that never ends, or for a wait"
    assert anew.startswith("Counter hearing Get is not run again")
    assert adds.startswith("add: no answer came")
    assert pairs == "not run: other parts of your answer took too long already"


def test_what_cannot_be_loaded_is_tried_once(tmp_path):
    report = judge_answer(SMALL, hand_in(tmp_path, LOOP), {}, Limits(call=0.2, time_outs=2))
    assert [(result.status, result.says) for result in report.properties] == [
        ("timed out", "small.py: no answer came: look for a loop that never ends, or for a wait")
    ] * len(WORTH)


def test_what_takes_long_in_all_has_a_bound(tmp_path):
    def often(subject, seed):
        for number in range(1_000):
            subject.call("add", number, 1)

    slow = RIGHT.replace("    return a + b", "    sum(range(300_000))\n    return a + b")
    twice = replace(SMALL, properties=(Property("often", "It adds often", 1, often),) * 2)
    report = judge_answer(twice, hand_in(tmp_path, slow), {}, Limits(total=0.5))
    assert [(result.status, result.says) for result in report.properties] == [
        ("timed out", "your answer took too long in all: look for what runs long"),
        ("timed out", "not run: other parts of your answer took too long already"),
    ]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("exit_in_call", "your code ended its own process"),
        ("exit_at_import", "your code ended its own process"),
        ("wants_4_gib", "small.py, line 5, in attack:\n    return bytearray(4 << 30)\nMemoryError"),
        ("junk_on_every_descriptor", "your code wrote into the pipe to its judge"),
        ("reads_the_answer", "PermissionError"),
        ("opens_tcp", "PermissionError"),
        ("opens_udp", "PermissionError"),
        ("calls_by_other_numbers", "PermissionError"),
        ("runs_a_program", "PermissionError"),
        ("daemon", "PermissionError"),
        ("threads_that_outlive", "RuntimeError: can't start new thread"),
        ("fills_the_disk", "File too large"),
        ("system_exit", "SystemExit"),
    ],
)
def test_the_words_say_what_happened(name, words, attack):
    report = attack(name)
    assert words in next(result.says for result in report.properties if result.id == "adds")


def test_files_named_like_the_judges_own_are_only_files(tmp_path):
    cheat = "import os\nprint('5 passed')\nos._exit(0)\n"
    report = judged(tmp_path, WRONG, pytest=cheat, conftest=cheat, json=cheat, dataclasses=cheat, paxoskit=cheat)
    assert points(report) == WORTH


def test_what_is_printed_is_kept_up_to_a_bound(tmp_path):
    report = judged(tmp_path, WRONG.replace("attack()", "print('here ' * 10_000)"))
    printed = next(result.printed for result in report.properties if result.id == "adds")
    assert re.fullmatch(r"(here ){2000}", printed)
