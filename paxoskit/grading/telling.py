"""A story in words, as it goes with a learner's classes: each choice, what was said then, what her code printed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from paxoskit.grading.subject import LearnerError, Subject, in_words
from paxoskit.protocol.node import Node
from paxoskit.trace import Event, Trace, sentence
from paxoskit.worlds.story import OURS, Story

MOST_LINES = 40
"""A story is told in at most so many lines."""

SPOKEN = ("send", "lost", "announce")


class Told(NamedTuple):
    """A story that was told: as text, and as the trace that it left."""

    text: str
    trace: Trace


def told(story: Story, subject: Subject, roles: Mapping[str, type[Node]]) -> Told:
    """Tell a story with the classes of a subject, and with the kit's own in the roles that are not hers."""
    return tell(story, cast_of(story, subject, roles), subject)


def cast_of(story: Story, subject: Subject, roles: Mapping[str, type[Node]]) -> dict[str, type[Node]]:
    """Return the classes of a story by their names there: the subject's, and the kit's own in the other roles."""
    names = [name for name in dict.fromkeys(story.nodes) if name not in roles and name not in OURS]
    return {**roles, **{name: subject.node(name.rpartition(":")[2]) for name in names}}


def own_names(story: Story, classes: Mapping[str, type[Node]]) -> dict[str, type[Node]]:
    """Return classes given by class name under the names that they have in a story.

    Raises ValueError, in one line, for a class that the story needs and nobody gave.
    """
    found = {}
    for name in story.nodes:
        cls = name.rpartition(":")[2]
        if name not in OURS:
            if cls not in classes:
                raise ValueError(f"the story needs the class {cls}: replay(story, {cls}=…)")
            found[name] = classes[cls]
    return found


def tell(story: Story, classes: Mapping[str, type[Node]], subject: Subject) -> Told:
    """Return a story as numbered lines, what followed from each choice indented below it."""
    lines: list[str] = []
    subject.printed()
    try:
        world = story.world(classes)
    except LearnerError as error:
        return Told(f"    a server begins\n{_indented(error.says)}", Trace())
    for number, choice in enumerate(story.choices, 1):
        seen = world.trace.count
        world.trace.now += 10
        failed = ""
        try:
            world.happen(choice)
        except LearnerError as error:
            failed = error.says
        except ValueError:
            break  # the answer behaves otherwise this time; the story ends here
        except Exception as error:
            failed = in_words(error)[0]
        events = world.trace.since(seen)
        lines.append(f"{number:3}. {sentence(events[0]) if events else choice}")
        lines += [f"       {sentence(event)}" for event in events if _spoken(event)]
        lines += [f"       | {line}" for line in subject.printed().splitlines()[:10]]
        if failed:
            lines.append(_indented(failed))
            break
        world.fresh.clear()
    if len(lines) > MOST_LINES:
        lines[MOST_LINES // 2 : -MOST_LINES // 2] = ["  …"]
    return Told("\n".join(lines), world.trace)


def _spoken(event: Event) -> bool:
    return event.kind in SPOKEN


def _indented(text: str) -> str:
    return "\n".join(f"       ! {line}" for line in text.splitlines())

