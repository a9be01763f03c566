"""Break it: a given wrong server in the lab, and a learner who finds the run that shows what is wrong with it.

She delivers, drops, crashes and cuts; when she thinks that a claim fell, she presses a button. The kit then tells her
story again from its beginning, with the given server and claims of its own: only what falls again counts. The story
is kept in `.paxoskit/stories/`, and a grader does the same with it: a story is replayed, never believed.
"""

from __future__ import annotations

import html
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import ipywidgets

from paxoskit.claims.claim import Claim, Violation
from paxoskit.claims.safety import safety_claims
from paxoskit.course.keeping import kept
from paxoskit.course.tasks import STORIES, TASKS, Task, is_broken
from paxoskit.lab.lab import Lab
from paxoskit.protocol.node import Node
from paxoskit.worlds.stepper import Stepper
from paxoskit.worlds.story import Story, StoryError


def breakit(
    id: str, *, server: type[Node] | None = None, claim: str | type[Claim] | None = None, **more: Any
) -> Broken:
    """Show a task in the lab: one of the lessons' own by its id, or another with a `server` and a `claim`.

    `more` is what else a `Task` has: `servers`, `clients`, `others`, `acceptors`.

    Raises ValueError, in one line, for a task that is none.
    """
    if server is None and claim is None and not more:
        if id not in TASKS:
            raise ValueError(f"breakit: expected one of {', '.join(TASKS)}, or a server and a claim, got {id!r}")
        return Broken(TASKS[id])
    if not isinstance(id, str) or not re.fullmatch(r"[\w-]+/[\w-]+", id):
        raise ValueError(f'breakit: expected an id of a lesson and a word, such as "03/half", got {id!r}')
    if server is None or claim is None:
        raise ValueError(f"breakit {id}: expected both a server and a claim")
    if id in TASKS:
        raise ValueError(f"breakit: {id} is a task of the course; give yours another id")
    names = [one.name for one in safety_claims()]
    if isinstance(claim, str) and claim not in names:
        raise ValueError(f"breakit {id}: expected a claim ({', '.join(names[1:])}), got {claim!r}")
    return Broken(Task(id, server, claim, **more))


class Broken:
    """A task in the learner's hands: the lab, a button, and what the kit says to her story."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.path = kept(f"{STORIES}/{task.id.replace('/', '-')}.json")
        self.lab = Lab(Stepper(task.world(task.beginning())))
        button = ipywidgets.Button(description="It fell: look at my story", button_style="primary")
        button.layout.width = "18em"
        button.on_click(lambda _: self.confirm())
        self._says = ipywidgets.HTML(self._begin())
        self._says.add_class("paxoskit-task")
        self._root = ipywidgets.VBox([self._says, button])

    def confirm(self, story: Story | None = None) -> Violation | None:
        """Tell a story again (the lab's, if none is given); keep it if the claim falls. Return what fell, or None."""
        story = self.lab.story() if story is None else story
        try:
            fallen = self.task.replay(story)
        except StoryError as error:
            self._say(f"✗ {error}", "The story cannot be told again.")
            return None
        if fallen is None:
            self._say(f"✗ Not yet: “{self.task.claim_name}” still holds after {_count(story)}.")
            return None
        whole = replace(self.task.beginning(), choices=story.choices, claim=fallen.claim, says=fallen.reason)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        whole.save(self.path)
        self._say(f"✓ “{fallen.claim}” fell: {fallen.reason}.", *self._praise(story))
        return fallen

    def _praise(self, story: Story) -> list[str]:
        """Say where the story is kept, and, where the lesson asks for it, how long it is, or which claim fell when."""
        says = [f"Your story is kept in {_short(self.path)}."]
        if self.task.shortest:
            says.append(f"It has {len(story.choices)} choices; the shortest that we know has {self.task.shortest}.")
        if self.task.closer:
            falls = {claim: self.task.fall(story, claim) for claim in (self.task.closer, self.task.claim_name)}
            told = [f"“{claim}” after {number} choices" for claim, (number, fallen) in falls.items() if fallen]
            says.append(f"What fell when: {', '.join(told)}.")
        return says

    @property
    def done(self) -> bool:
        """Whether a story is kept that, told again, breaks the claim."""
        return is_broken(self.task, self.path)

    def _begin(self) -> str:
        task = self.task
        servers = "One server" if task.servers == 1 else f"{task.servers} servers"
        words = f"{servers} of the class {task.server.__name__}: let “{task.claim_name}” fall."
        return _paragraphs(words, *(["✓ Broken already; your story is kept."] if self.done else []))

    def _say(self, *lines: str) -> None:
        self._says.value = _paragraphs(*lines)

    def _ipython_display_(self) -> None:
        from IPython.display import display

        display(self._root, self.lab)  # type: ignore[no-untyped-call]

    def __repr__(self) -> str:
        return f"<break {self.task.id}: {'done' if self.done else 'not yet'}>"


def _count(story: Story) -> str:
    return f"{len(story.choices)} choice{'s' * (len(story.choices) != 1)}"


def _paragraphs(*lines: str) -> str:
    return f'<div role="status">{"".join(f"<p>{html.escape(line)}</p>" for line in lines)}</div>'


def _short(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
