"""A search in a notebook: it shows how far it is, and when the cell is interrupted it ends with what it has."""

import time

import pytest
from jupyter_client.manager import start_new_kernel

from paxoskit.lab import searching
from paxoskit.lab.searching import QUICK, Bar, explore
from paxoskit.worlds import checker
from paxoskit.worlds.search import Counts


@pytest.fixture
def displayed(monkeypatch):
    """What is displayed under the cell."""
    there = []
    monkeypatch.setattr(searching, "display", there.append)
    return there


def test_a_quick_search_shows_no_bar_and_comes_to_the_same(displayed, monkeypatch):
    monkeypatch.setattr(searching, "QUICK", 3_600.0)
    assert explore(ballots=1).as_json() | {"seconds": 0} == checker.explore(ballots=1).as_json() | {"seconds": 0}
    assert displayed == []


def test_a_bar_is_shown_once_and_says_how_far_the_search_is(displayed, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(searching.time, "perf_counter", lambda: now[0])
    bar = Bar(10.0)
    bar(Counts(5, 7, 1))
    assert displayed == []
    now[0] += QUICK
    bar(Counts(1_234, 5_678, 3))
    now[0] += 2.0
    bar(Counts(2_234, 6_678, 4))
    assert displayed == [bar.root]
    assert bar.bar.value == 250
    assert bar.label.value == "2 of 10 s · 2,234 states, 6,678 transitions · ■ (interrupt) ends it"
    bar(Counts(9_999, 9_999, 5))
    assert bar.bar.value == 250, "not more often than a page can show"
    bar.close()
    assert bar.root.comm is None


SEARCH = """\
from paxoskit.lab.searching import explore
result = explore(ballots=6, proposers=3, seconds=3_000)
print(result.not_covered[0], "|", result.states > 0, result.complete)
"""


def test_an_interrupted_cell_ends_with_what_was_found():
    manager, client = start_new_kernel(kernel_name="python3")
    try:
        asked, said, bars, ends = client.execute(SEARCH), "", 0, time.monotonic() + 120
        while time.monotonic() < ends:
            message = client.get_iopub_msg(timeout=120)
            if message["parent_header"].get("msg_id") != asked:
                continue
            kind, content = message["msg_type"], message["content"]
            if kind == "display_data" and "application/vnd.jupyter.widget-view+json" in content["data"]:
                bars += 1
                manager.interrupt_kernel()
            said += content["text"] if kind == "stream" else " ".join(content.get("traceback", ()))
            if kind == "status" and content["execution_state"] == "idle":
                break
        assert said == "the search stopped: it was interrupted | True False\n"
        assert bars == 1
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
