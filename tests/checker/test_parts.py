"""A search in parts comes to the same with any executor, in any order of time; and it can be stopped, and heard of."""

import contextlib
import io
import multiprocessing
import sys
import threading
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor

import pytest

from paxoskit.loading import load_node
from paxoskit.worlds import checker
from paxoskit.worlds.checker import PARTS, explore
from paxoskit.worlds.interned import kept_prints, watched
from paxoskit.worlds.search import Counts
from tests.checker.synods import AcceptIgnoresPromise, Acceptor, CountsOldVotes, SharedMemory, WritesItDown

CARELESS = """\
from paxoskit.protocol.synod import Accepted, Vote
from paxoskit.worlds.synod import reference

class Careless(reference("acceptor")):
    def on_accept(self, sender, accept):
        print("yes")
        self.vote = Vote(accept.ballot, accept.value)
        self.send(sender, Accepted(accept.ballot, accept.value))
"""


class Backwards(Executor):
    """Runs what was submitted last first, each in the thread that asks for a result: the worst of orders."""

    def __init__(self):
        self.waiting = []

    def submit(self, function, /, *arguments, **options):
        future = Future()
        self.waiting.append((future, function, arguments, options))
        if len(self.waiting) == len(PARTS):
            for one, run, given, more in reversed(self.waiting):
                one.set_running_or_notify_cancel()
                one.set_result(run(*given, **more))
            self.waiting.clear()
        return future


@pytest.fixture(scope="module")
def executors():
    """Threads, processes that know nothing of this one, and an executor that does the last part first."""
    context = multiprocessing.get_context("spawn")
    with ThreadPoolExecutor(3) as threads, ProcessPoolExecutor(2, mp_context=context) as processes:
        yield [threads, processes, Backwards()]


def what_came_of_it(result):
    return (
        result.violation, result.story, result.states, result.transitions, result.handler_calls, result.covered,
        result.not_covered, result.complete, result.warnings, result.never,
    )  # fmt: skip


@pytest.mark.parametrize("cls", [None, AcceptIgnoresPromise, CountsOldVotes], ids=str)
def test_every_executor_comes_to_the_same(cls, executors):
    found = [explore(cls, ballots=2, seed=3, executor=executor) for executor in executors]
    assert what_came_of_it(found[0]) == what_came_of_it(found[1]) == what_came_of_it(found[2])
    alone = explore(cls, ballots=2, seed=3)
    assert found[0].ok == alone.ok
    assert found[0].complete == alone.complete
    if alone.ok:
        assert found[0].states == alone.states
        assert found[0].covered == alone.covered
        assert found[0].transitions > alone.transitions  # of all parts
    else:
        world = found[0].story.replay(classes=found[0].classes(), claims=found[0].setting.claims())
        assert world.violations[0].reason == found[0].violation.reason


def test_a_bound_that_is_reached_is_said_of_all_parts_together(executors):
    few = [explore(ballots=2, states=500, executor=executor) for executor in executors]
    assert len({result.covered for result in few}) == 1
    assert few[0].covered.endswith(" steps lead to") and ": 160 walks with dice, 5" in few[0].covered
    assert not few[0].complete and "the search stopped: the bound of 500 states was reached" in few[0].not_covered


def test_an_impure_class_is_named(executors):
    for executor in executors:
        result = explore(SharedMemory, ballots=1, executor=executor)
        assert result.violation.claim == checker.PURE
        assert result.story is not None


# What a process can load -----------------------------------------------------------------------------------


def test_a_class_from_a_file_is_loaded_there(tmp_path, executors, capsys):
    file = tmp_path / "mine.py"
    file.write_text(CARELESS)
    cls = load_node(f"{file}:Careless")
    found = [explore(cls, ballots=2, executor=executor) for executor in executors]
    assert what_came_of_it(found[0]) == what_came_of_it(found[1])
    assert found[1].violation.claim == "a promise is kept"
    assert found[1].told() == found[0].told()
    assert capsys.readouterr().out == ""


def test_a_class_that_is_in_no_file_gets_one_line_and_the_executor_lives_on(executors):
    class Here(Acceptor):
        pass

    threads, processes, _ = executors
    assert explore(Here, ballots=1, executor=threads).ok
    with pytest.raises(ValueError) as refused:
        explore(Here, ballots=1, executor=processes)
    says = str(refused.value)
    assert says.startswith("executor: test_a_class_that_is_in_no_file_gets_one_line_and_the_executor_lives_on.<locals>")
    assert says.endswith("it is in no file that a process can load: write it into one, or take a ThreadPoolExecutor")
    assert "\n" not in says
    assert explore(ballots=1, executor=processes).ok


def test_a_class_whose_file_has_changed_is_not_taken_for_the_one_that_was_meant(tmp_path, executors):
    file = tmp_path / "other.py"
    file.write_text(CARELESS)
    cls = load_node(f"{file}:Careless")
    file.write_text(CARELESS.replace("yes", "no"))
    with pytest.raises(ValueError, match="the process has another Careless than this one"):
        explore(cls, ballots=2, executor=executors[1])


@pytest.mark.parametrize("executor", [3, ThreadPoolExecutor])
def test_what_is_no_executor_gets_one_line(executor):
    with pytest.raises(ValueError, match="executor: expected an Executor of "):
        explore(ballots=1, executor=executor)


def test_a_process_that_ends_is_said(tmp_path):
    file = tmp_path / "ends.py"
    file.write_text(CARELESS.replace('print("yes")', "import os; os._exit(3)"))
    cls, context = load_node(f"{file}:Careless"), multiprocessing.get_context("spawn")
    with (
        ProcessPoolExecutor(1, mp_context=context) as processes,
        pytest.raises(ValueError, match="executor: it could not run all parts of the search: "),
    ):
        explore(cls, ballots=2, executor=processes)


# Stopped, and heard of -------------------------------------------------------------------------------------


def test_what_one_part_found_ends_the_others(executors):
    """Without that, everything of four ballots would be tried for half an hour."""
    for executor in executors[:2]:
        result = explore(AcceptIgnoresPromise, ballots=4, seconds=1_800, executor=executor)
        assert result.violation.claim == "a promise is kept"
        assert result.seconds < 300


def test_progress_is_told_and_may_interrupt(executors):
    for executor in executors[:2]:
        told = []

        def look(counts: Counts, told: list[Counts] = told) -> None:
            told.append(counts)
            if counts.states > 500:
                raise KeyboardInterrupt

        result = explore(ballots=4, seconds=1_800, executor=executor, progress=look)
        assert told[-1].states > 500
        assert result.ok and not result.complete
        assert result.not_covered[0] == "the search stopped: it was interrupted"
        assert " walks with dice" in result.covered
        assert result.seconds < 300


# What turns print ------------------------------------------------------------------------------------------


def test_threads_keep_each_its_own_prints_and_stdout_is_put_back(capsys):
    before, ready = sys.stdout, threading.Barrier(4)

    def work(name):
        ready.wait()
        found = []
        for number in range(200):
            with watched() as watch:
                print(name, number)
            found.append(watch.printed)
        return found == [f"{name} {number}\n" for number in range(200)]

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(work, "abcd")) == [True] * 4
    assert sys.stdout is before
    assert capsys.readouterr().out == ""


def test_an_interrupt_in_the_middle_of_a_turn_leaves_nothing_behind(capsys):
    before, traced = sys.stdout, sys.gettrace()
    with kept_prints():
        watched().__enter__()  # and it never comes to its __exit__
    assert (sys.stdout, sys.gettrace()) == (before, traced)
    print("heard")
    assert capsys.readouterr().out == "heard\n"


def test_who_prints_beside_a_search_is_heard():
    heard = io.StringIO()

    def progress(counts: Counts) -> None:
        print("searching")

    with contextlib.redirect_stdout(heard):
        assert explore(WritesItDown, ballots=2, progress=progress).ok
        assert sys.stdout is heard
    assert set(heard.getvalue().splitlines()) == {"searching"}
