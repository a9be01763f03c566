"""In practice, too, dice without a seed are no memory that is shared; and the session's own dice fall as ever."""

import random
from random import Random
from threading import Event, Thread

import pytest

from paxoskit.grading.subject import LearnerError, LocalSubject
from paxoskit.protocol.messages import Get, Reply
from paxoskit.protocol.node import Node


class Thrower(Node):
    """Answers what dice say that it makes for each answer."""

    dice = Random

    def on_get(self, sender, get):
        self.send(sender, Reply("s", 1, str(self.dice().random())))


class Outsider(Thrower):
    """Its dice are the machine's: no seed repeats what they said."""

    dice = random.SystemRandom


def doubt_of(kind):
    """Return what is said of memory when a node hears three messages."""
    subject = LocalSubject(names={"Server": kind})
    node = subject.node("Server")(1, (1, 2))
    replies = {str(effect) for _ in range(3) for effect in node.receive(2, Get("k"))}
    assert len(replies) == 3
    return subject.recheck()


def test_dice_that_a_handler_makes_are_no_shared_memory_and_those_of_the_machine_are():
    assert doubt_of(Thrower) == ""
    assert doubt_of(Outsider).startswith("shared memory: server 1")


def thrown():
    """Return what new dice say, as a learner's function does."""
    return Random().random()


def test_dice_follow_the_modules_only_where_the_learners_code_runs():
    subject = LocalSubject(names={"thrown": thrown})
    with subject.in_time():
        falls = []
        for ask in (lambda: subject.call("thrown"), thrown):
            random.seed(5)
            one = ask()
            random.seed(5)
            falls.append(one == ask())
    assert falls == [True, False]


def test_other_threads_throw_their_own_dice_while_the_learners_code_runs():
    def draws_beside():
        before = random.getstate()
        beside = Thread(target=thrown)
        beside.start()
        beside.join()
        return random.getstate() == before

    assert LocalSubject(names={"draws_beside": draws_beside}).call("draws_beside")


def raises():
    raise ZeroDivisionError(Random().random())


@pytest.mark.parametrize("function", [thrown, raises])
def test_nothing_of_the_session_is_changed_afterwards(function):
    subject, before = LocalSubject(names={"throw": function}), (Random.seed, random.getstate())
    with subject.in_time():
        try:
            subject.call("throw")
        except LearnerError:
            assert function is raises
    assert (Random.seed, random.getstate()) == before
    if function is thrown:
        subject.call("throw")
        assert Random.seed is before[0]


def test_of_two_threads_that_judge_the_last_one_puts_everything_back():
    seed, begun, over = Random.seed, Event(), Event()

    def judges_longer():
        with LocalSubject(names={}).in_time():
            begun.set()
            over.wait(10)

    longer = Thread(target=judges_longer)
    with LocalSubject(names={}).in_time():
        longer.start()
        assert begun.wait(10)
    assert Random.seed is not seed
    over.set()
    longer.join()
    assert Random.seed is seed
