"""The minutes of a proposer: what it has heard and said, and what is wrong with what it says next.

A clock for its timers is here, too: `proposer` and `proposer_states` both let them ring without a world.
"""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from typing import Any

from paxoskit.grading.checks.cast import VOTER, is_ballot, quoted, told
from paxoskit.grading.checks.play import Said
from paxoskit.protocol.node import title
from paxoskit.protocol.plain import BOTTOM, Ballot, Message, Name
from paxoskit.protocol.synod import Accept, Accepted, Decided, Nack, Prepare, Promise, Propose, Vote
from paxoskit.trace import say
from paxoskit.worlds.choice import Choice
from paxoskit.worlds.story import Story
from paxoskit.worlds.world import World

MINE = "proposer.py:Proposer"

BALLOTS, P2C, COUNTS, PROGRESS = "ballots", "P2c", "counts", "progress"

RINGS = 8
"""So many rings of its timers must be enough for a proposer that nobody disturbs, once messages arrive again."""


def begin(acceptors: int, proposers: int = 1) -> Story:
    """Return a world of right acceptors and the learner's proposers."""
    nodes = (VOTER,) * acceptors + (MINE,) * proposers
    return Story(nodes=nodes, clients=(), acceptors=acceptors, claims="none")


class Minutes:
    """What a proposer has heard and said; judges what it says for the faults that `what` names."""

    def __init__(self, what: str, proposer: int, acceptors: int = 0) -> None:
        self.what = what
        self.me = proposer
        self.acceptors = acceptors or proposer - 1
        self.majority = self.acceptors // 2 + 1
        self.wish: str | None = None
        self.highest = BOTTOM
        self.in_the_way = BOTTOM
        """The highest ballot that a Nack told of in this life."""
        self.promises: dict[Ballot, dict[Name, Vote | None]] = {}
        self.votes: dict[tuple[Ballot, str], set[Name]] = {}
        self.proposed: dict[Ballot, str] = {}
        self.decided: list[Message] = []
        self.knows = False
        """Whether it has announced a decision in this life."""

    def now(self) -> tuple[object, ...]:
        """Return what matters most for what is said next, as something hashable: what is known of the newest ballot."""
        ballot = self.highest
        value = self.proposed.get(ballot)
        votes = self.votes.get((ballot, value), ()) if value is not None else ()
        return (
            tuple(self.proposed), max(ballot, self.in_the_way), frozenset(self.promises.get(ballot, {}).items()), value,
            frozenset(votes),
        )  # fmt: skip

    def copy(self) -> Minutes:
        """Return minutes with the same entries."""
        twin = object.__new__(type(self))
        twin.__dict__.update(vars(self))
        twin.promises = {ballot: dict(reports) for ballot, reports in self.promises.items()}
        twin.votes = {vote: set(who) for vote, who in self.votes.items()}
        twin.proposed, twin.decided = dict(self.proposed), list(self.decided)
        return twin

    def after(self, world: World, choice: Choice, said: list[Said]) -> str | None:
        """Write down what the proposer heard, and judge what it says then."""
        if choice.node != self.me:
            return None
        self.hear(choice)
        words = None
        for one in said:
            if one.sender == self.me:
                words = words or self.wrong(one)
                self.note(one)
        return words

    def wrong(self, one: Said) -> str | None:
        """Return what is wrong with what it said, in words."""
        if one.to is None:
            return self.wrong_fact(one.message)
        return self.malformed(one) or self.fault(one.message)

    def hear(self, choice: Choice) -> None:
        """Write down what came."""
        if choice.kind == "restart":
            self.wish, self.in_the_way, self.knows = None, BOTTOM, False
        match choice.what:
            case Propose(value=value):
                self.wish = value
            case Promise(ballot=ballot, vote=vote) if choice.kind == "deliver":
                self.promises.setdefault(ballot, {}).setdefault(choice.peer or 0, vote)
                if vote is not None:  # a vote is a fact, whoever tells of it
                    self.votes.setdefault((vote.ballot, vote.value), set()).add(choice.peer or 0)
            case Accepted(ballot=ballot, value=value) if choice.kind == "deliver":
                self.votes.setdefault((ballot, value), set()).add(choice.peer or 0)
            case Nack(promised=promised) if choice.kind == "deliver":
                self.in_the_way = max(self.in_the_way, promised)

    def note(self, one: Said) -> None:
        """Write down what was said."""
        message = one.message
        if one.to is None:
            self.decided.append(message)
            self.knows = True
        elif self.malformed(one):
            pass  # it is a fault by itself, and no ballot to remember
        elif type(message) is Prepare:
            self.highest = max(self.highest, message.ballot)
        elif type(message) is Accept:
            self.proposed.setdefault(message.ballot, message.value)

    def malformed(self, one: Said) -> str:
        """Return what is wrong with a message itself, or with whom it goes to."""
        message = one.message
        if type(message) not in (Prepare, Accept):
            return f"{title(self.me)} sent {say(message)}; a proposer may send Prepare and Accept."
        if not is_ballot(message.ballot):  # type: ignore[attr-defined]
            return f"{title(self.me)} sent {message!r:.120}, whose ballot is none."
        if type(message) is Accept and type(message.value) is not str:
            return f"{title(self.me)} sent {message!r:.120}, whose value is no text."
        if one.to is not None and one.to not in range(1, self.acceptors + 1):
            return (
                f"{title(self.me)} sent {say(message)} to {title(one.to)}, which is no acceptor (they are its peers)."
            )
        return ""

    def fault(self, message: Message) -> str | None:
        """Return what is wrong with a message, if that is this property's matter."""
        if self.what == BALLOTS:
            return self.wrong_ballot(message)
        if self.what == PROGRESS and self.knows and type(message) is Prepare:
            return (f"{title(self.me)} knows the decision and stands again all the same.\n"
                    "Look at what it does when its timer rings after a decision.")  # fmt: skip
        if self.what == P2C and self.wish is None:
            return (f"{title(self.me)} said {say(message)}, and has heard no Propose in this life.\n"
                    "Look at what makes it stand: nobody has asked it for a value.")  # fmt: skip
        if self.what == P2C and type(message) is Accept:
            return self.wrong_value(message)
        return None

    def wrong_ballot(self, message: Any) -> str | None:
        """A ballot is its proposer's own, and rises from one Prepare to the next; it holds one value."""
        ballot, me = message.ballot, title(self.me)
        if ballot.server != self.me or ballot.round < 1:
            return (f"{me} said {say(message)}, which is not a ballot of its own: Ballot(round, {self.me}), "
                    "the round from 1 up."
                    "\nLook at how two proposers can never have the same ballot.")  # fmt: skip
        if type(message) is Prepare and (ballot < self.highest or (ballot == self.highest and ballot in self.proposed)):
            return (f"{me} said {say(message)} after ballot {self.highest}: it stands again, and in no higher ballot.\n"
                    "Look at how the next ballot is found.")  # fmt: skip
        if type(message) is Prepare and self.highest < ballot < self.in_the_way:
            return (f"{me} said {say(message)}, though a Nack had told it of ballot {self.in_the_way}.\n"
                    "Look at what the next ballot must be above.")  # fmt: skip
        if type(message) is Accept and self.proposed.get(ballot, message.value) != message.value:
            return (f"{me} proposed {quoted(self.proposed[ballot])} in ballot {ballot}, and then "
                    f"{quoted(message.value)}: "
                    "two values in one "
                    "ballot.\nLook at what can happen after a proposal was made.")  # fmt: skip
        return None

    def wrong_value(self, message: Accept) -> str | None:
        """A proposal follows promises of a majority; some majority of them allows its value."""
        promises = self.promises.get(message.ballot, {})
        if message.ballot in self.proposed or self.allowed(message.value, promises):
            return None
        heard = "; ".join(f"{title(who)} reported {told(vote)}" for who, vote in promises.items()) or "none"
        return (
            f"{title(self.me)} proposed {quoted(message.value)} in ballot {message.ballot}; of the promises of that "
            "ballot it had "
            f"heard {len(promises)} (a majority is {self.majority}): {heard}; its own wish is {quoted(self.wish)}.\n"
            "Look at which answers are counted, and at what they say about the value."
        )

    def allowed(self, value: str, promises: dict[Name, Vote | None]) -> bool:
        """Say whether some majority of the promises heard allows the value: the highest vote's, or one's own wish."""
        for quorum in combinations(promises.values(), self.majority):
            votes = [vote for vote in quorum if vote is not None]
            if value == (max(votes, key=lambda vote: vote.ballot).value if votes else self.wish):
                return True
        return False

    def wrong_fact(self, fact: Message) -> str | None:
        """Only what a majority voted for in one ballot is decided."""
        if type(fact) is not Decided or type(fact.value) is not str:
            return f"{title(self.me)} announced {fact!r:.80}; Decided of a text was expected."
        return self.uncounted(fact.value) if self.what == COUNTS else None

    def uncounted(self, decided: str) -> str | None:
        """Return what is wrong if no majority is known to have voted for a value in one ballot."""
        if any(value == decided and len(who) >= self.majority for (_, value), who in self.votes.items()):
            return None
        heard = "; ".join(
            f"{' and '.join(map(title, sorted(who, key=str)))} for {quoted(value)} in ballot {ballot}"
            for (ballot, value), who in self.votes.items()
        )
        return (f"{title(self.me)} announced that {quoted(decided)} is decided; it had heard these votes: "
                f"{heard or 'none'}, and "
                f"{self.majority} of {self.acceptors} acceptors are a majority.\nLook at which votes are "
                "counted together, and whose."
                )  # fmt: skip


class Clock:
    """Says which timer rings next where messages take no time, and each timer the middle of its range."""

    def __init__(self) -> None:
        self.now = 0.0
        self.due: dict[Message, float] = {}
        self.rung: Counter[type] = Counter()

    def set(self, message: Message, low: float, high: float) -> None:
        """Set a timer, or move it."""
        self.due[message] = self.now + (low + high) / 2

    def next(self) -> Message | None:
        """Let the next timer ring, if there is one."""
        message = min(self.due, key=self.due.__getitem__, default=None)
        if message is not None:
            self.now = self.due.pop(message)
            self.rung[type(message)] += 1
        return message

    def is_over(self, rings: int) -> bool:
        """Say whether timers of each kind have rung so often; a proposer may have other timers besides `TryAgain`."""
        return bool(self.rung) and (min(self.rung.values()) >= rings or self.rung.total() >= MOST_RINGS * rings)


MOST_RINGS = 10
"""All kinds of timers together may ring so many times as often as one kind."""
