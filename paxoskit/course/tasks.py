"""What is to be broken: the tasks of the lessons, and what confirms that a story breaks one.

A task is told again from its own beginning, with its own server and its own claims: a story is replayed, never
believed. No widget is needed for that: `breakit` shows a task in the lab, and a grader has none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from paxoskit.claims.claim import Claim, Violation
from paxoskit.claims.safety import SAFETY, safety_claims
from paxoskit.course import given, given_log
from paxoskit.protocol.node import Node
from paxoskit.worlds.story import Story, StoryError, story_name
from paxoskit.worlds.world import World

STORIES = "stories"
"""The folder in which a learner's stories are kept."""


@dataclass(frozen=True)
class Task:
    """What is to be broken: servers of the class `server`, so many, until `claim` falls.

    `claim` is the name of a safety claim, or a claim of the lesson's own. `others` are the servers that are not of
    that class. `acceptors`: if not 0, only the first so many are everybody's peers. `shortest`: if the lesson asks for
    a short story, how many choices the shortest has that its authors know; nobody has shown that there is none shorter.
    `closer`: if the lesson asks how much earlier another claim falls in the same story, the name of that claim.
    """

    id: str
    server: type[Node]
    claim: str | type[Claim]
    servers: int = 3
    clients: int = 1
    others: tuple[type[Node], ...] = ()
    acceptors: int = 0
    shortest: int = 0
    closer: str = ""
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
        return self.fall(story, self.claim_name)[1]

    def fall(self, story: Story, claim: str) -> tuple[int, Violation | None]:
        """Tell a story as `replay` does until `claim` falls; return how many choices that takes, and what fell.

        If the claim does not fall, these are all choices, and None.
        """
        own = replace(self.beginning(), choices=story.choices)
        world = self.world(own)
        for number, _ in enumerate(own.tell(world), 1):
            fallen = [violation for violation in world.violations if violation.claim == claim]
            if fallen:
                return number, fallen[0]
        return len(own.choices), None

    def world(self, story: Story) -> World:
        """Return the world of a story of this task as it begins, with claims that have seen nothing yet."""
        return story.world({story_name(cls): cls for cls in (self.server, *self.others)}, self.fresh_claims())


def only(claim: str) -> list[Claim]:
    """Return one safety claim, and what it reads: then no claim of a later lesson, with words of its own, falls first.

    >>> [one.name for one in only("agreement")]
    ['ghost recorder', 'agreement']
    """
    return safety_claims(without=[other.name for other in SAFETY if other.name != claim])


PREFIX = "chains are prefixes of one another"

TASKS = {
    task.id: task
    for task in (
        Task("00/early", given.AnswersFirst, given.AnswersStayTrue, shortest=16),
        Task("01/deaf", given.DeafOffice, given.ClockCondition),
        Task("02/last", given.RemembersTheLast, given.AnswersFitOneOrder, servers=1, clients=2),
        Task("03/half", given.HalfIsEnough, PREFIX, servers=4, clients=2, claims=partial(only, PREFIX)),
        Task("04/anyway", given.VotesAnyway, "a promise is kept"),
        Task("05/headstrong", given.Headstrong, "P2c"),
        Task("06/forgetful", given.Forgetful, "a promise is kept"),
        Task("07/outcome", given.Headstrong, "agreement", closer="P2c"),
        Task("08/reticent", given.Reticent, "a promise is complete"),
        Task("09/queue", given_log.AnswersTheQueue, "no acknowledged write is lost", clients=2),
        Task("10/remines", given_log.Remines, "agreement"),
        Task("11/count", given_log.CountsVotes, "no acknowledged write is lost", servers=5),
    )
}
"""The tasks of the lessons, by id: the lesson, and a word."""


def is_broken(task: Task, path: str | Path) -> bool:
    """Say whether the file `path` holds a story that, told again, breaks the task's claim."""
    try:
        return task.replay(Story.load(path)) is not None
    except StoryError:
        return False
