"""What an exercise is: its names, and the properties that a right answer has.

A property is stated in the lesson's words, is worth points, and is judged by a function of a subject and a seed: it
returns for an answer that has the property and raises `Failed` for one that has not. A seed changes schedules only.
"""

from __future__ import annotations

import importlib
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from paxoskit.grading.report import (
    BUILD,
    ERROR,
    FAILED,
    NOT_JUDGED,
    NOT_RUN,
    OWN_TEST,
    PASSED,
    TIMED_OUT,
    Report,
    Result,
    total,
)
from paxoskit.grading.subject import MISSING, NOT_WRITTEN, LearnerError, Subject
from paxoskit.grading.subject import TIMED_OUT as NO_END
from paxoskit.grading.telling import told
from paxoskit.protocol.node import Node
from paxoskit.worlds.story import Story


class Failed(Exception):
    """An answer lacks a property: in words for the student, more for the staff, and the story that shows it."""

    def __init__(self, says: str, staff: str = "", story: Story | None = None) -> None:
        super().__init__(says)
        self.says = says
        self.staff = staff
        self.story = story


@dataclass(frozen=True)
class Property:
    """One property of right answers: `judge(subject, seed)` raises Failed for an answer that lacks it."""

    id: str
    title: str
    points: float
    judge: Callable[[Subject, int], None]
    part: str = BUILD


@dataclass(frozen=True)
class Exercise:
    """One exercise: its folder's name, its module, the names that an answer defines, and its properties.

    `plant` is the text of the module whose `plant(answer)` puts a bug into an answer, for the learner's own test;
    `planted` says what the bug is.
    """

    id: str
    module: str
    names: tuple[str, ...]
    properties: tuple[Property, ...]
    plant: str = ""
    planted: str = ""
    roles: dict[str, type[Node]] = field(default_factory=dict)
    """Node classes that play along in the exercise's worlds, by their names in a story."""
    given: tuple[str, ...] = ("plain", "node", "messages", "literals", "synod")
    """The modules of `paxoskit.protocol` that an answer may import where marks are given."""
    limits: dict[str, float] = field(default_factory=dict)
    """What a worker may use where that is more than usual: fields of `workshop.Limits`, such as `call` and `memory`."""

    @property
    def file(self) -> str:
        """The name of the file to write."""
        return f"{self.module}.py"

    def all(self) -> tuple[Property, ...]:
        """The properties, the learner's own test at the end."""
        return (*self.properties, *([_own_test(self)] if self.plant else []))

    @property
    def of(self) -> float:
        """The most points that there are."""
        return total(one.points for one in self.all())


MODULES = {
    "00_echo": "echo", "01_clock": "clock", "02_retries": "retries", "03_quorums": "quorums",
    "04_acceptor": "acceptor", "05_proposer": "proposer", "06_disk": "disk", "07_claims": "claims",
    "08_log": "log", "09_store": "store", "10_chain": "chain", "11_chaos": "chaos",
}  # fmt: skip
"""The exercises, and the module of `paxoskit.grading.checks` that has the properties of each."""


def exercise(id: str) -> Exercise:
    """Return an exercise by its id, or by its number ("04"). Raises ValueError, in one line, for one that is none."""
    found = [one for one in MODULES if id in (one, one[:2])]
    if not found:
        raise ValueError(f"expected an exercise, one of {', '.join(MODULES)}, got {id!r}")
    module = importlib.import_module(f"paxoskit.grading.checks.{MODULES[found[0]]}")
    made: Exercise = module.EXERCISE
    return made


def judge(one: Exercise, subject: Subject, seed: int = 0, seen: Callable[[Result], None] | None = None) -> Report:
    """Judge a subject: one result for each property, in order; `seen` is called with each as it comes."""
    results = []
    for prop in one.all():
        results.append(judge_property(prop, subject, seed, one.roles))
        if seen:
            seen(results[-1])
    return Report(one.id, tuple(results), subject.isolation, subject.practice, seed)


def judge_property(
    prop: Property, subject: Subject, seed: int = 0, roles: Mapping[str, type[Node]] | None = None
) -> Result:
    """Judge one property. The learner's code begins anew; whatever it does, there is a result.

    `roles`: the kit's classes that play along in its stories, by their names there.
    """
    began = time.perf_counter()
    subject.renew()
    subject.printed()
    status, says, staff = PASSED, "", ""
    story: Story | None = None
    try:
        with subject.in_time():
            prop.judge(subject, seed)
    except Failed as failed:
        status, says, staff, story = FAILED, failed.says, failed.staff, failed.story
    except LearnerError as error:
        status, says, story = _STATUS.get(error.why, ERROR), error.says, error.story
    except Exception as error:  # a fault of the kit costs nobody a point in silence: a person has to look
        status, says = NOT_JUDGED, f"the check itself failed ({type(error).__name__}): show this to whoever teaches"
        staff = traceback.format_exc()
    if story is not None:
        says += f"\nThe shortest story that was found:\n{_told(story, subject, roles or {})}"
    if status in (PASSED, FAILED):
        status, doubt = _doubted(subject, status)
        says = f"{doubt}\n\n{says}".strip()
    points = prop.points if status == PASSED else 0
    return Result(
        prop.id, prop.title, points, prop.points, status, says, staff, False, round(time.perf_counter() - began, 3),
        None if story is None else story.as_json(), subject.printed() if status != PASSED else "", prop.part,
    )  # fmt: skip


def _told(story: Story, subject: Subject, roles: Mapping[str, type[Node]]) -> str:
    """Return a story as text; what goes wrong in telling it must not hide what was found."""
    try:
        subject.renew()
        with subject.in_time():
            return told(story, subject, roles).text
    except LearnerError as error:
        return f"(it could not be told again: {error.says})"


def _doubted(subject: Subject, status: str) -> tuple[str, str]:
    """Return what becomes of a property when its nodes are looked at once more for shared memory, and why."""
    try:
        doubt = subject.recheck()
    except LearnerError as error:
        return (status, "") if status == FAILED else (TIMED_OUT if error.why == NO_END else FAILED, error.says)
    return (FAILED if doubt else status), doubt


_STATUS = {NOT_WRITTEN: FAILED, MISSING: NOT_RUN, NO_END: TIMED_OUT}


def _own_test(one: Exercise) -> Property:
    def judge_test(subject: Subject, seed: int) -> None:
        mine, bug = subject.own_test(), subject.own_test(one.plant)
        if mine.ended == "missing":
            raise Failed(mine.says)
        if mine.ended != "passed":
            raise Failed(f"your own test does not pass on your own answer:\n{mine.says}")
        if bug.ended == "passed":
            raise Failed(f"your own test passes although there is a bug: {one.planted}. It should fail then.")
        if bug.ended != "failed":
            raise Failed(f"with the bug ({one.planted}) your own test should end in a failed assert, and it ended so:\n"
                         f"{bug.says}")  # fmt: skip

    title = f"Your own test passes on your answer, and catches a bug: {one.planted}"
    return Property("own_test", title, 1, judge_test, OWN_TEST)
