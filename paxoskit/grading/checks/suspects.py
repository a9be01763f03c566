"""Runs of right and of wrong servers, for claims to judge: a small world of plain tuples, thirty ways to be wrong.

An event of a run is what a server said: `(server, word, ballot, about)`. Who judges sees no more than that.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any

Ballot = tuple[int, int]
Event = tuple[int, str, Ballot, Any]
Run = list[Event]
Vote = tuple[Ballot, str]

LOWEST: Ballot = (0, 0)

RIGHT = (
    "as in exercise 04", "an Accept raises no promise, the highest vote is kept", "votes only in the promised ballot",
)  # fmt: skip
"""Right acceptors: the plain one, and two that look wrong."""

WRONG_ACCEPTORS = (
    "promises any ballot", "promises any ballot once it has voted", "promises a ballot one round too low",
    "votes in any ballot", "votes in any ballot once it has voted", "compares rounds only", "compares servers first",
    "forgets its promise in a crash", "forgets its vote in a crash", "forgets everything in a crash",
    "an Accept raises no promise, the newest vote is kept", "reports no vote", "reports its first vote",
    "reports its lowest vote", "reports its newest vote, and votes in any ballot", "reports the promised ballot",
    "reports another value", "reports each vote once", "reports only what it voted in this round",
    "votes twice in a ballot, for two values",
)  # fmt: skip

WRONG_PROPOSERS = (
    "ignores the reports", "takes the lowest report", "takes the newest report", "takes the report that came first",
    "counts promises of any ballot", "counts promises by message", "takes half for a majority", "counts itself",
    "proposes two values in a ballot", "proposes without asking after its first try",
)  # fmt: skip

WRONG = WRONG_ACCEPTORS + WRONG_PROPOSERS
"""The thirty wrong servers."""


@dataclass
class Acceptor:
    """An acceptor, right or wrong in one way."""

    way: str
    promised: Ballot = LOWEST
    votes: list[Vote] = field(default_factory=list)
    told: int = 0

    def prepare(self, ballot: Ballot, random: Random) -> tuple[Ballot, Vote | None] | None:
        """Return the ballot that is promised and the vote that is reported; None to refuse."""
        if self.refuses(ballot, "promises"):
            return None
        said = (max(1, ballot[0] - 1), ballot[1]) if self.way == "promises a ballot one round too low" else ballot
        self.promised = max(ballot, self.promised) if self.way.startswith("votes in any") else ballot
        report = self.report(ballot)
        self.told = len(self.votes)
        return said, report

    def refuses(self, ballot: Ballot, does: str) -> bool:
        """Say whether a ballot is refused."""
        if self.way == f"{does} any ballot once it has voted" or self.way == f"{does} in any ballot once it has voted":
            return ballot < self.promised and not self.votes
        if self.way in (f"{does} any ballot", f"{does} in any ballot") or (
            does == "votes" and self.way == "reports its newest vote, and votes in any ballot"
        ):
            return False
        if self.way == "compares rounds only":
            return ballot[0] < self.promised[0]
        if self.way == "compares servers first":
            return ballot[::-1] < self.promised[::-1]
        return ballot < self.promised

    def report(self, ballot: Ballot) -> Vote | None:
        """Return the vote that a promise reports."""
        votes = self.votes
        match self.way:
            case "reports no vote":
                votes = []
            case "reports its first vote":
                votes = votes[:1]
            case "reports its lowest vote":
                votes = sorted(votes)[:1]
            case "reports its newest vote, and votes in any ballot":
                votes = votes[-1:]
            case "an Accept raises no promise, the newest vote is kept":
                votes = votes[-1:]
            case "reports each vote once":
                votes = votes[self.told :]
            case "reports only what it voted in this round":
                votes = [vote for vote in votes if vote[0][0] == ballot[0]]
        best = max(votes, default=None)
        if best is not None and self.way == "reports the promised ballot":
            return ballot, best[1]
        if best is not None and self.way == "reports another value":
            return best[0], "grey"
        return best

    def accept(self, ballot: Ballot, value: str) -> list[str]:
        """Return the values that it votes for in this ballot: none to refuse."""
        if self.refuses(ballot, "votes") or (self.way.startswith("votes only") and ballot != self.promised):
            return []
        if not self.way.startswith("an Accept raises no promise"):
            self.promised = max(self.promised, ballot)
        values = [value, f"not {value}"] if self.way == "votes twice in a ballot, for two values" else [value]
        self.votes += [(ballot, one) for one in values]
        return values

    def crash(self) -> None:
        """Begin a new life."""
        if self.way in ("forgets its promise in a crash", "forgets everything in a crash"):
            self.promised = LOWEST
        if self.way in ("forgets its vote in a crash", "forgets everything in a crash"):
            self.votes = []


@dataclass
class Proposer:
    """A proposer, right or wrong in one way."""

    name: int
    way: str
    acceptors: int
    round: int = 0
    ballot: Ballot = LOWEST
    reports: list[tuple[int, Vote | None]] = field(default_factory=list)
    proposed: bool = False

    def stand(self, above: int) -> None:
        """Stand in a higher ballot."""
        self.round = max(self.round, above) + 1
        self.ballot, self.proposed = (self.round, self.name), False
        self.reports = self.reports if self.way == "counts promises of any ballot" else []

    def promise(self, acceptor: int, ballot: Ballot, vote: Vote | None) -> list[str]:
        """Hear a promise; return the values that it proposes now."""
        if self.proposed or (ballot != self.ballot and self.way != "counts promises of any ballot"):
            return []
        if self.way == "counts promises by message" or acceptor not in [name for name, _ in self.reports]:
            self.reports.append((acceptor, vote))
        count = len(self.reports) + (self.way == "counts itself")
        enough = (self.acceptors + 1) // 2 if self.way == "takes half for a majority" else self.acceptors // 2 + 1
        if self.acceptors % 2 and self.way == "takes half for a majority":
            enough = self.acceptors // 2
        if count < enough:
            return []
        self.proposed = True
        value = self.value()
        return [value, "pink"] if self.way == "proposes two values in a ballot" else [value]

    def value(self) -> str:
        """Return the value that it proposes."""
        votes = [vote for _, vote in self.reports if vote is not None]
        own = f"wish {self.name}"
        if not votes or self.way == "ignores the reports":
            return own
        if self.way == "takes the lowest report":
            return min(votes)[1]
        if self.way == "takes the newest report":
            return votes[-1][1]
        return votes[0][1] if self.way == "takes the report that came first" else max(votes)[1]


class Scene:
    """Acceptors and proposers, messages in flight, dice, and what was said."""

    def __init__(self, random: Random, acceptors: int, ways: dict[int, str], proposers: int = 3) -> None:
        self.random = random
        self.acceptors = {name: Acceptor(ways.get(name, RIGHT[0])) for name in range(1, acceptors + 1)}
        names = range(acceptors + 1, acceptors + 1 + proposers)
        self.proposers = {name: Proposer(name, ways.get(name, ""), acceptors) for name in names}
        self.flying: list[tuple[int, str, Ballot, Any, int]] = []
        self.run: Run = []

    def say(self, server: int, word: str, ballot: Ballot, about: Any, to: list[int]) -> None:
        """Write down what a server says, and let it go."""
        self.run.append((server, word, ballot, about))
        self.flying += [(server, word, ballot, about, one) for one in to]

    def play(self, events: int) -> Run:
        """Let things happen until so many events were said."""
        for _ in range(events * 6):
            if len(self.run) >= events:
                break
            luck = self.random.random()
            if not self.flying or luck < 0.05:
                self.stand(self.random.choice(list(self.proposers.values())))
            elif luck < 0.09:
                self.random.choice(list(self.acceptors.values())).crash()
            else:
                self.arrive()
        return self.run[:events]

    def stand(self, proposer: Proposer) -> None:
        """Let a proposer stand."""
        above = self.random.choice([0, max(one.round for one in self.proposers.values())])
        tried = proposer.round > 0
        proposer.stand(above)
        if tried and proposer.way == "proposes without asking after its first try":
            proposer.proposed = True
            self.say(proposer.name, "Accept", proposer.ballot, proposer.value(), list(self.acceptors))
        else:
            self.say(proposer.name, "Prepare", proposer.ballot, None, list(self.acceptors))

    def arrive(self) -> None:
        """Bring one of the messages in flight, at times leaving a copy in flight."""
        index = self.random.randrange(len(self.flying))
        sender, word, ballot, about, to = self.flying[index]
        if self.random.random() > 0.1:
            del self.flying[index]
        if word == "Prepare":
            answer = self.acceptors[to].prepare(ballot, self.random)
            if answer is not None:
                self.say(to, "Promise", answer[0], answer[1], [sender])
        elif word == "Accept":
            for value in self.acceptors[to].accept(ballot, about):
                self.say(to, "Accepted", ballot, value, [])
        elif word == "Promise":
            proposer = self.proposers[to]
            for value in proposer.promise(sender, ballot, about):
                self.say(to, "Accept", proposer.ballot, value, list(self.acceptors))


def ways_of(random: Random, way: str, acceptors: int) -> dict[int, str]:
    """Return who is wrong in this way: all proposers, or some or all of the acceptors."""
    if way in WRONG_PROPOSERS:
        return dict.fromkeys(range(acceptors + 1, acceptors + 4), way)
    names = list(range(1, acceptors + 1))
    return dict.fromkeys(names if random.random() < 0.6 else random.sample(names, random.randint(1, acceptors)), way)


def a_run(random: Random, way: str, events: int) -> tuple[Run, int]:
    """Return a run of servers that are wrong (or right) in this way, and how many acceptors there are."""
    acceptors = random.choice([3, 3, 3, 4, 5])
    return Scene(random, acceptors, ways_of(random, way, acceptors)).play(events), acceptors
