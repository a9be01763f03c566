"""Exercise 01: a Lamport clock, and what happened before what."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import permutations
from random import Random
from typing import Any

from paxoskit.grading.checks.play import dice, same
from paxoskit.grading.properties import Exercise, Failed, Property
from paxoskit.grading.subject import Subject, Thing

Happening = tuple[str, str, str | None]
"""An event of a run: whose it is, "local", "send" or "receive", and the message's name."""

BEFORE, AFTER, CONCURRENT = "before", "after", "concurrent"

LESSON: list[Happening] = [
    ("A", "send", "m1"),
    ("B", "local", None),
    ("C", "send", "m2"),
    ("B", "receive", "m1"),
    ("A", "receive", "m2"),
    ("B", "send", "m3"),
    ("C", "local", None),
    ("C", "receive", "m3"),
]
"""The run of the statement."""

SIX = ((0, 3), (1, 0), (7, 0), (4, 5), (2, 7), (1, 7))
"""The pairs of the lesson's run that are asked for."""


NAMES = (
    ("A", "B", "C"), ("A", "B", "C"), ("P1", "P10", "P"), ("server 1", "server 2", "client 1"), ("m1", "m2", "m3"),
    ("a", "A", "a "),
)  # fmt: skip
"""What processes are called: like a message, for instance."""

MESSAGES = ("m", "M", "m ", "m1", "m10", "m01", "\u00e9", "e\u0301", "None")
"""Names of messages that are nearly one, or that look like something else."""


def a_run(random: Random, length: int) -> list[Happening]:
    """Return a run of three processes, as somebody saw it: each receive comes after its send.

    In some runs a process may hear a message of its own.
    """
    names, to_oneself = random.choice(NAMES), random.random() < 0.3
    run: list[Happening] = []
    flying: list[tuple[str, str]] = []
    while len(run) < length:
        who = random.choice(names)
        here = [(name, sender) for name, sender in flying if sender != who or to_oneself]
        kind = random.choice(["local", "send", "receive", "receive"])
        if kind == "receive" and here:
            name, sender = random.choice(here)
            flying.remove((name, sender))
            run.append((who, "receive", name))
        elif kind == "send":
            name = f"m{len(run) + 1}"
            flying.append((name, who))
            run.append((who, "send", name))
        elif kind == "local":
            run.append((who, "local", None))
    return run


def past(run: list[Happening]) -> list[set[int]]:
    """Return for each event the events that happened before it."""
    before: list[set[int]] = []
    for index, (who, kind, message) in enumerate(run):
        causes = [
            j for j in range(index) if run[j][0] == who or (kind == "receive" and run[j][1:] == ("send", message))
        ]
        before.append({*causes, *(event for cause in causes for event in before[cause])})
    return before


def relation(before: list[set[int]], one: int, other: int) -> str:
    """Return how event `one` stands to event `other`, given what happened before each."""
    return BEFORE if one in before[other] else AFTER if other in before[one] else CONCURRENT


def told(run: list[Happening], *marked: int) -> str:
    """Return a run as text, one event a line, some of them marked."""
    arrow = {index: "  <--" for index in marked}
    return "\n".join(
        f"    {index}  {who} {kind}{f' {message}' if message else ''}{arrow.get(index, '')}"
        for index, (who, kind, message) in enumerate(run)
    )


def a_time(value: Any, what: str) -> int:
    """Return a clock's answer. Raises Failed if it is no whole number."""
    if type(value) is not int:
        raise Failed(f"{what} returned {value!r}; a whole number was expected: the time of the event.")
    return value


class Clocks:
    """One clock a process, run through a run; `times` and `stamps` are what they said."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.clocks: dict[str, Thing] = {}
        self.times: list[int] = []
        self.stamps: dict[str, int] = {}

    def happen(self, event: Happening) -> int:
        """Let an event happen at its process's clock; return its time."""
        who, kind, message = event
        clock = self.clocks.get(who)
        if clock is None:
            clock = self.clocks[who] = self.subject.make("LamportClock")
        if kind == "receive":
            assert message is not None
            stamp = self.stamps[message]
            time = a_time(clock.call("receive", stamp), f"receive({stamp})")
        else:
            time = a_time(clock.call(kind), f"{kind}()")
        if kind == "send":
            assert message is not None
            self.stamps[message] = time
        self.times.append(time)
        return time


def runs(seed: int, what: str, count: int) -> list[list[Happening]]:
    """Return the runs of a property: short ones first, so that a fault is shown on a short one."""
    return [a_run(dice("clock", what, seed, index), 2 + index // 4) for index in range(count)]


def judge_own_order(subject: Subject, seed: int) -> None:
    """Two events of one process: the later one has the later time."""
    for run in [LESSON, *runs(seed, "own", 60)]:
        clocks, last = Clocks(subject), dict[str, tuple[int, int]]()
        for index, event in enumerate(run):
            time = clocks.happen(event)
            who = event[0]
            if who in last and time <= last[who][1]:
                raise Failed(
                    f"two events of {who} have the times {last[who][1]} and {time}, the later event no later time:\n"
                    f"{told(run[: index + 1], last[who][0], index)}\nLook at what the clock does at a {event[1]}."
                )
            last[who] = (index, time)
    judge_any_stamp(subject, seed)


def judge_any_stamp(subject: Subject, seed: int) -> None:
    """A message may come from far ahead, or from far behind: the times of a process rise all the same."""
    random = dice("clock", "any stamp", seed)
    for _ in range(8):
        clock, told, last = subject.make("LamportClock"), list[str](), 0
        for _ in range(12):
            stamp = random.choice([0, 1, 7, 99, 998, 999, 1_000, 65_535, 10**9, 2**31, 2**53, 2**64])
            call = random.choice(["local()", "send()", f"receive({stamp})"])
            answer = clock.call("receive", stamp) if call.startswith("receive") else clock.call(call[:-2])
            time = a_time(answer, call)
            told.append(f"{call} at {time}")
            floor = max(last, stamp if call.startswith("receive") else 0)
            if time <= floor:
                raise Failed(
                    f"one clock's events: {', '.join(told)}; the last should be later than {floor}.\n"
                    "Look at what the clock does with a time that is far ahead, or far behind."
                )
            last = time


def judge_message_order(subject: Subject, seed: int) -> None:
    """A message is received at a later time than it was sent."""
    for run in [LESSON, *runs(seed, "message", 60)]:
        clocks = Clocks(subject)
        for index, event in enumerate(run):
            time = clocks.happen(event)
            if event[1] == "receive" and event[2] is not None and time <= clocks.stamps[event[2]]:
                sent = next(j for j in range(index) if run[j][1:] == ("send", event[2]))
                raise Failed(
                    f"{event[2]} was sent at time {clocks.stamps[event[2]]} and received at time {time}:\n"
                    f"{told(run[: index + 1], sent, index)}\nLook at what the clock makes of a message's time."
                )


def judge_no_faster(subject: Subject, seed: int) -> None:
    """No clock runs ahead of need: every event has the smallest time that the two rules leave, from 1 on."""
    for run in [LESSON, *runs(seed, "slow", 60)]:
        clocks, own, stamps = Clocks(subject), dict[str, int](), dict[str, int]()
        for index, (who, kind, message) in enumerate(run):
            heard = stamps[message] if kind == "receive" and message else 0
            right = max(own.get(who, 0), heard) + 1
            time = clocks.happen(run[index])
            if time != right:
                raise Failed(
                    f"the last event has the time {time}; {right} is the smallest that the rules allow:\n"
                    f"{told(run[: index + 1], index)}\nLook at where a clock begins, and by how much it is raised."
                )
            own[who] = right
            if kind == "send" and message:
                stamps[message] = right
    judge_exactly(subject, seed)


def judge_exactly(subject: Subject, seed: int) -> None:
    """The table of the statement, for one clock after another that lives long and hears of any time."""
    random = dice("clock", "exactly", seed)
    for life in (8, 70):
        clock, told, last = subject.make("LamportClock"), list[str](), 0
        for _ in range(life):
            stamp = max(0, random.choice([last, last + 1, last - 1, 0, last // 2, last + random.randint(2, 3_000)]))
            call = random.choice(["local()", "send()", f"receive({stamp})"])
            heard = call.startswith("receive")
            time = a_time(clock.call("receive", stamp) if heard else clock.call(call[:-2]), call)
            told.append(f"{call} at {time}")
            right = max(last, stamp if heard else 0) + 1
            if time != right:
                raise Failed(
                    f"event {len(told)} of one clock has the time {time}; {right} was expected. Its last events: "
                    f"{', '.join(told[-8:])}.\nLook at by how much it is raised: one more than the larger of both."
                )
            last = time


def judge_order(subject: Subject, run: list[Happening], pairs: Iterable[tuple[int, int]]) -> None:
    """`order` says how two events of a run stand to one another, for each of these pairs."""
    before = past(run)
    for one, other in pairs:
        got, right = subject.call("order", list(run), one, other), relation(before, one, other)
        if same(got, right):
            continue
        words = {
            BEFORE: "a chain of steps and messages leads from the first to the second",
            AFTER: "a chain of steps and messages leads from the second to the first",
            CONCURRENT: "no chain of steps and messages leads from either to the other, whatever a clock says",
        }
        raise Failed(f"order(run, {one}, {other}) returned {got!r}; {right!r} was expected: {words[right]}.\n"
                     f"{told(run, one, other)}")  # fmt: skip


def judge_six(subject: Subject, seed: int) -> None:
    """The six pairs of the lesson's run."""
    judge_order(subject, LESSON, SIX)


def a_chain(hops: int) -> list[Happening]:
    """Return a run in which a chain of so many messages goes from process to process, and one message goes nowhere."""
    run: list[Happening] = [("P0", "local", None), ("Q", "send", "m0")]
    for hop in range(1, hops + 1):
        run += [(f"P{hop - 1}", "send", f"m{hop}"), (f"P{hop}", "receive", f"m{hop}")]
    return run


def a_crowd() -> list[Happening]:
    """Return a run in which messages of nearly one name, from and to processes of their own, overtake one another."""
    senders = [*MESSAGES[1:], MESSAGES[0]]  # each is called like a message of somebody else
    sent: list[Happening] = [(who, "send", name) for who, name in zip(senders, MESSAGES)]
    return [*sent, *[(f"to {name}", "receive", name) for name in reversed(MESSAGES)]]


EQUAL: list[Happening] = [
    ("A", "local", None), ("B", "local", None), ("A", "send", "m1"), ("B", "receive", "m1"), ("A", "local", None),
    ("B", "local", None),
]  # fmt: skip
"""A run in which events of one process are equal, and are two events all the same."""

LIKE_KINDS: list[Happening] = [
    ("send", "local", None), ("receive", "local", None), ("local", "send", "send"), ("receive", "receive", "send"),
    ("send", "send", "receive"), ("receive", "send", "local"), ("local", "receive", "receive"),
    ("send", "receive", "local"), ("send", "local", None),
]  # fmt: skip
"""A run in which processes and messages are called like kinds of events."""


def judge_many(subject: Subject, seed: int) -> None:
    """All pairs of many runs, short runs first; and a long chain of messages."""
    for run in [*runs(seed, "order", 40), a_crowd(), EQUAL, LIKE_KINDS]:
        judge_order(subject, run, permutations(range(len(run)), 2))
    for hops in (2, 5, 9, 34):
        run = a_chain(hops)
        last = len(run) - 1
        judge_order(subject, run, ((0, last), (last, 2), (last, 1), (last - 2, last)))
    for hears in ("B", "C", "B"):  # the same two events, and between them another one than before
        judge_order(subject, [("A", "send", "m1"), (hears, "receive", "m1"), ("B", "local", None)], [(0, 2)])


EXERCISE = Exercise(
    id="01_clock",
    module="clock",
    names=("LamportClock", "order"),
    properties=(
        Property("own_order", "Of two events of one process, the later has the later time", 1, judge_own_order),
        Property("message_order", "A message is received at a later time than it was sent", 1, judge_message_order),
        Property("no_faster", "A clock begins at 0 and is raised no further than needed", 1, judge_no_faster),
        Property("six_pairs", "The six pairs of the lesson: before, after or concurrent", 1, judge_six),
        Property("order", "Before, after or concurrent is right for every pair of every run", 1, judge_many),
    ),
    planted="receive ignores the time that comes with a message",
    plant="""
def plant(answer):
    class Deaf(answer.LamportClock):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            receive = self.receive  # a method, or a function that the clock was given when it was made
            self.receive = lambda stamp: receive(0)

    answer.LamportClock = Deaf
    return answer
""",
)
