"""The story that a learner sees is short: at most half as long again as the shortest one that is known."""

import re
from pathlib import Path

import pytest

from paxoskit.grading.checks import acceptor
from paxoskit.grading.properties import exercise, judge_property
from paxoskit.grading.subject import LocalSubject
from paxoskit.grading.telling import told
from paxoskit.protocol.synod import Accept, Accepted, Promise
from paxoskit.worlds.story import Story

ANSWERS = Path(__file__).parents[1] / "answers"

SHORTEST = {
    "M1": 14, "M2": 10, "M4": 10, "M5": 10, "M7": 8, "M9": 12, "M10": 8, "M12": 10, "M13": 10, "M15": 6,
    "M28": 11, "M29": 11,
}  # fmt: skip
"""For each mistake, how many promises, proposals, votes and restarts are on the shortest path to two chosen values.

An exhaustive search with three acceptors found them. A property falls before two values are chosen, so its story may
be shorter.
"""

LONGER = 1.5


def answers(pattern):
    """Return wrong answers as pytest parameters."""
    return [pytest.param(file, id=f"{file.parts[-3]}/{file.stem}") for file in sorted(ANSWERS.glob(pattern))]


KNOWN = [one for one in answers("0[456]_*/wrong/M*.py") if one.values[0].stem.split("_")[0] in SHORTEST]


def story_of(file):
    """Return the story that shows what an answer loses, and its trace."""
    one, subject = exercise(file.parts[-3]), LocalSubject(file)
    lost = re.match(r"# loses: (\w+)\.", file.read_text(encoding="utf-8"))[1]
    prop = next(prop for prop in one.properties if prop.id == lost)
    story = Story.from_json(judge_property(prop, subject, 0, one.roles).story)
    subject.renew()
    return story, told(story, subject, one.roles).trace, prop.id


def count(trace):
    """Return how many promises, proposals, votes and restarts there are; a proposal to three acceptors is one."""
    proposals = {
        (event.node, event.what.ballot) for event in trace if event.kind == "send" and type(event.what) is Accept
    }
    said = [event for event in trace if event.kind == "send" and type(event.what) in (Promise, Accepted)]
    return len(proposals) + len(said) + sum(event.kind == "restart" for event in trace)


@pytest.mark.parametrize("file", KNOWN)
def test_a_mistake_of_the_catalogue_is_shown_by_a_short_story(file):
    _, trace, _ = story_of(file)
    assert count(trace) <= LONGER * SHORTEST[file.stem.split("_")[0]]


@pytest.mark.parametrize("file", answers("04_acceptor/wrong/M*.py"))
def test_the_story_of_an_acceptor_is_nearly_as_short_as_the_shortest_that_a_search_finds(file):
    story, _, lost = story_of(file)
    shortest = next(run for what, run in acceptor.falls(LocalSubject(file)) if what == lost)
    told_and_heard = 2 * len(shortest)
    assert len(story.choices) <= LONGER * told_and_heard


def test_enough_mistakes_are_told():
    assert len(KNOWN) >= 16
