"""Code of a learner that never ends, and catches whatever would end it, ends with one line all the same."""

import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from paxoskit import endless
from paxoskit.endless import watched

TOP = Path(__file__).parents[2]

LOOPS = """
from paxoskit.protocol.node import Node

def spin(depth):
    while True:
        try:
            spin(depth - 1) if depth else run_on()
        except:
            pass

def run_on():
    while True:
        pass

class Acceptor(Node):
    def on_prepare(self, sender, prepare):
        spin(9)

    def on_accept(self, sender, accept):
        spin(9)
"""

SAYS = (
    r"paxoskit: mine\.py, line \d+, in (spin|run_on|<module>): no end after 1 s: look for a loop that never ends, "
    r"or for an `except:` that catches what would end it\n"
)

QUICK = """
import sys
from paxoskit import cli, endless
from paxoskit.grading import subject

endless.TICK, endless.LONGEST, subject.LONGEST_CALL = 0.05, 20, 0.2
sys.exit(cli.run(sys.argv[1:]))
"""


def run(*arguments, cwd):
    command = [sys.executable, "-c", QUICK, *arguments]
    env = {**os.environ, "PYTHONPATH": str(TOP)}
    return subprocess.run(command, cwd=cwd, env=env, text=True, capture_output=True, timeout=120)


@pytest.fixture
def loops(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(LOOPS)
    return file


def test_a_check_of_such_a_class_ends_with_the_line_in_which_it_hangs(loops):
    done = run("check", "04", "--file", "mine.py", cwd=loops.parent)
    assert done.returncode == 1
    assert re.fullmatch(SAYS, done.stderr)


def test_so_does_a_search_of_all_its_runs(loops):
    done = run("explore", "--class", "mine.py:Acceptor", "--json", cwd=loops.parent)
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(SAYS, done.stderr)


def test_so_does_a_part_of_that_search(loops):
    done = run("explore", "--class", "mine.py:Acceptor", "--workers", "2", cwd=loops.parent)
    assert done.returncode != 0
    assert re.match(SAYS, done.stderr)
    assert "Traceback" not in done.stderr


def test_a_file_that_never_ends_is_no_other(tmp_path):
    catches = "while True:\n    try:\n        while True:\n            pass\n    except:\n        pass\n"
    (tmp_path / "mine.py").write_text(catches)
    done = run("explore", "--class", "mine.py:Acceptor", cwd=tmp_path)
    assert done.returncode == 1
    assert re.fullmatch(SAYS, done.stderr)


@pytest.fixture
def ended(monkeypatch):
    """Watch often, and note who would be ended."""
    found = []
    monkeypatch.setattr(endless, "TICK", 0.001)
    monkeypatch.setattr(endless, "LONGEST", 5)
    monkeypatch.setattr(endless, "_end", lambda frame: found.append(frame.f_code.co_name))
    return found


def wait(ended, looks=50):
    """Give the watch time for so many looks."""
    for _ in range(looks):
        if not ended:
            threading.Event().wait(0.002)


def test_calls_that_end_are_not_one_that_does_not(ended):
    def short():
        threading.Event().wait(0.001)

    with watched([__file__ + "x"]):  # the test itself is a call without an end, as seen from its own file
        for _ in range(30):
            short()
    assert ended == []


def test_one_call_that_runs_on_is_found(ended):
    with watched([__file__]):
        wait(ended)
    assert "wait" in ended or "test_one_call_that_runs_on_is_found" in ended


def test_who_debugs_has_time_to_think(ended):
    source = "def think(wait):\n    wait()\n"
    debugger = {"__name__": "pdb"}
    exec(compile(source, "debugger", "exec"), debugger)
    with watched([__file__]):
        debugger["think"](lambda: threading.Event().wait(0.2))
        endless.LONGEST = 10**9
    assert ended == []
