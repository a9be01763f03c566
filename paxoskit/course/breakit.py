"""Break it: a given wrong server in the lab, and a learner who finds the run that shows what is wrong with it.

She delivers, drops, crashes and cuts; when she thinks that a claim fell, she presses a button. The kit then tells her
story again from its beginning, with the given server and claims of its own: only what falls again counts. The story
is kept in `.paxoskit/stories/`, and a grader does the same with it: a story is replayed, never believed.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import ipywidgets

from paxoskit.claims.claim import Claim, Violation
from paxoskit.claims.safety import safety_claims
from paxoskit.course import given, given_log
from paxoskit.course.keeping import kept
from paxoskit.course.stage import story_name
from paxoskit.lab.lab import Lab
from paxoskit.protocol.node import Node
from paxoskit.worlds.stepper import Stepper
from paxoskit.worlds.story import Story, StoryError
from paxoskit.worlds.world import World

STORIES = "stories"


@dataclass(frozen=True)
class Task:
    """What is to be broken: servers of the class `server`, so many, until `claim` falls.

    `claim` is the name of a safety claim, or a claim of the lesson's own. `others` are the servers that are not of
    that class. `acceptors`: if not 0, only the first so many are everybody's peers. `shortest`: if the lesson asks for
    a short story, how many choices the shortest has that its authors know; nobody has shown that there is none shorter.
    """

    id: str
    server: type[Node]
    claim: str | type[Claim]
    servers: int = 3
    clients: int = 1
    others: tuple[type[Node], ...] = ()
    acceptors: int = 0
    shortest: int = 0
    claims: Callable[[], Sequence[Claim]] = field(default=safety_claims)

    @property
    def claim_name(self) -> str:
        """The name of the claim that is to fall."""
        return self.claim if isinstance(self.claim, str) else self.claim.name

    def fresh_claims(self) -> list[Claim]:
        """Return claims that have seen nothing yet, among them the one that is to fall."""
        return list(self.claims()) if isinstance(self.claim, str) else [self.claim()]

    def beginning(self) -> Story:
        """Return the story in which nothing has happened yet."""
        nodes = (*[story_name(self.server)] * self.servers, *map(story_name, self.others))
        return Story(nodes, clients=((),) * self.clients, acceptors=self.acceptors)

    def replay(self, story: Story) -> Violation | None:
        """Tell a story again, from this task's own beginning; return what fell if the claim did, else None.

        Only the choices are taken from the story: which servers they happen to, and what judges them, the task says.
        Raises StoryError for a choice that cannot happen.
        """
        own = replace(self.beginning(), choices=story.choices)
        world = self.world(own)
        for _ in own.tell(world):
            fallen = [violation for violation in world.violations if violation.claim == self.claim_name]
            if fallen:
                return fallen[0]
        return None

    def world(self, story: Story) -> World:
        """Return the world of a story of this task as it begins, with claims that have seen nothing yet."""
        return story.world({story_name(cls): cls for cls in (self.server, *self.others)}, self.fresh_claims())


TASKS = {
    task.id: task
    for task in (
        Task("00/early", given.AnswersFirst, given.AnswersStayTrue, shortest=16),
        Task("01/deaf", given.DeafOffice, given.ClockCondition),
        Task("02/last", given.RemembersTheLast, given.AnswersFitOneOrder, servers=1, clients=2),
        Task("03/half", given.HalfIsEnough, "chains are prefixes of one another", servers=4, clients=2),
        Task("04/anyway", given.VotesAnyway, "a promise is kept"),
        Task("05/headstrong", given.Headstrong, "P2c"),
        Task("06/forgetful", given.Forgetful, "a promise is kept"),
        Task("07/outcome", given.Headstrong, "agreement"),
        Task("08/reticent", given.Reticent, "a promise is complete"),
        Task("09/queue", given_log.AnswersTheQueue, "no acknowledged write is lost", clients=2),
        Task("10/remines", given_log.Remines, "agreement"),
        Task("11/count", given_log.CountsVotes, "no acknowledged write is lost", servers=5),
    )
}
"""The tasks of the lessons, by id: the lesson, and a word."""


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
            self._say(f"✗ Not yet: “{self.task.claim_name}” still holds after {len(story.choices)} choices.")
            return None
        whole = replace(self.task.beginning(), choices=story.choices, claim=fallen.claim, says=fallen.reason)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        whole.save(self.path)
        self._say(f"✓ “{fallen.claim}” fell: {fallen.reason}.", *self._praise(len(story.choices)))
        return fallen

    def _praise(self, choices: int) -> list[str]:
        """Say where the story is kept, and, where a short one is wanted, how long it is."""
        says = [f"Your story is kept in {_short(self.path)}."]
        if self.task.shortest:
            says.append(f"It has {choices} choices; the shortest that we know has {self.task.shortest}.")
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


def is_broken(task: Task, path: str | Path) -> bool:
    """Say whether the file `path` holds a story that, told again, breaks the task's claim."""
    try:
        return task.replay(Story.load(path)) is not None
    except StoryError:
        return False


def _paragraphs(*lines: str) -> str:
    return f'<div role="status">{"".join(f"<p>{html.escape(line)}</p>" for line in lines)}</div>'


def _short(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
