"""Exercise 04: an acceptor keeps its promises, reports its vote, and votes for what it is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial
from itertools import product
from random import Random

from paxoskit.grading.checks.cast import PROMPTER, ROLES, is_ballot
from paxoskit.grading.checks.play import Play, Said, dice, hunts, same, sends
from paxoskit.grading.properties import Exercise, Failed, Property
from paxoskit.grading.subject import Subject
from paxoskit.protocol.node import Send, title
from paxoskit.protocol.plain import BOTTOM, Ballot, Message, Name
from paxoskit.protocol.synod import Accept, Accepted, Nack, Prepare, Promise, Vote
from paxoskit.trace import say
from paxoskit.worlds.choice import AFTER, Choice
from paxoskit.worlds.story import Story
from paxoskit.worlds.world import World

MINE = "acceptor.py:Acceptor"
BEGIN = Story(nodes=(MINE, PROMPTER, PROMPTER), clients=(), acceptors=3, claims="none")

PROMISE, REPORT, VOTES, ANSWERS = "promise", "report", "votes", "answers"

VALUES = {
    (1, 2): "red", (1, 3): "blue", (2, 2): "green", (2, 3): "yellow", (3, 2): "white", (3, 3): "black",
}  # fmt: skip
"""The value that is proposed in each ballot: at most one, as it must be."""


class Heard:
    """What an acceptor had said, and what it heard then: made into words only where there is a fault to tell."""

    def __init__(self, ledger: Ledger, asked: Message, sender: Name) -> None:
        self.ledger, self.asked, self.sender = ledger, asked, sender

    def __str__(self) -> str:
        return f"{self.ledger.state()} it heard {say(self.asked)} of {title(self.sender)}"


class Ledger:
    """What an acceptor has promised and voted, in its own words; judges answers for the faults that `what` names."""

    def __init__(self, what: str, kinds: set[type]) -> None:
        self.what = what
        self.kinds = kinds
        self.promised = BOTTOM
        self.votes: list[Vote] = []
        self.unsaid: list[Vote] = []
        """Votes that may be on the disk: a crash came before they could be said."""

    @property
    def vote(self) -> Vote | None:
        """The vote in the highest ballot."""
        return max(self.votes, key=lambda vote: vote.ballot, default=None)

    def after(self, world: World, choice: Choice, said: list[Said]) -> str | None:
        """Judge what the acceptor says to a Prepare or an Accept, and write it down."""
        asked = choice.what
        if choice.kind != "deliver" or choice.node != 1 or not isinstance(asked, (Prepare, Accept)):
            return None
        sent = sends(said, 1)
        if choice.crash == AFTER and isinstance(asked, Accept):
            self.unsaid.append(Vote(asked.ballot, asked.value))
        heard = Heard(self, asked, choice.peer or 0)
        for _, message in sent:
            if bad := malformed(message):
                return f"server 1: {bad}"
        words = self.fault(heard, asked, choice, sent)
        for _, message in sent:
            self.kinds.add(type(message))
            if type(message) is Promise:
                self.promised = max(self.promised, message.ballot)
            elif type(message) is Accepted:
                self.votes.append(Vote(message.ballot, message.value))
        return words

    def state(self) -> str:
        """Return what the acceptor has said, in words."""
        promised = "had promised nothing" if self.promised == BOTTOM else f"had promised ballot {self.promised}"
        vote = self.vote
        voted = "had voted for nothing" if vote is None else f"had voted last for {vote.value} in ballot {vote.ballot}"
        return f"server 1 {promised} and {voted};"

    def fault(self, heard: Heard, asked: Prepare | Accept, choice: Choice, sent: Sequence[Send]) -> str | None:
        """Return what is wrong with the answer, if that is this property's matter."""
        messages = [message for _, message in sent]
        match self.what:
            case "promise":
                return self.broken_promise(heard, messages)
            case "report":
                return self.wrong_report(heard, messages)
            case "votes":
                return self.wrong_vote(heard, asked, messages)
        strangers = [to for to, _ in sent if to != choice.peer]
        if strangers:
            return f"{heard} and answered somebody else, {title(strangers[0])}.\nLook at whom an answer goes to."
        return self.no_answer(heard, asked, messages)

    def broken_promise(self, heard: Heard, messages: list[Message]) -> str | None:
        """After a promise, no promise and no vote in a lower ballot."""
        for message in messages:
            if type(message) in (Promise, Accepted) and message.ballot < self.promised:  # type: ignore[attr-defined]
                return (f"{heard} and said {say(message)}: below the ballot that it had promised.\n"
                        "Look at what is compared with the promise, and at what the promise is "
                        "afterwards.")  # fmt: skip
        return None

    def wrong_report(self, heard: Heard, messages: list[Message]) -> str | None:
        """A promise reports the vote in the highest ballot."""
        for message in messages:
            if type(message) is Promise and not any(same(message.vote, vote) for vote in self.reports()):
                told = "no vote" if message.vote is None else f"{message.vote.value} in ballot {message.vote.ballot}"
                right = "no vote" if self.vote is None else f"{self.vote.value} in ballot {self.vote.ballot}"
                return (f"{heard} and its promise of ballot {message.ballot} reports {told}; it should "
                        f"report {right}.\n"
                        "Look at what an acceptor keeps of its votes, and when it changes that.")  # fmt: skip
        return None

    def reports(self) -> list[Vote | None]:
        """Return what a promise may report: the highest vote, or a higher one that was never said."""
        best = self.vote
        return [best, *(vote for vote in self.unsaid if best is None or vote.ballot > best.ballot)]

    def wrong_vote(self, heard: Heard, asked: Prepare | Accept, messages: list[Message]) -> str | None:
        """A vote answers an Accept: its ballot, its value. A promise answers a Prepare: its ballot."""
        for message in messages:
            if type(message) is Accepted:
                right: Message | None = Accepted(asked.ballot, asked.value) if isinstance(asked, Accept) else None
                if right is None or not same(message, right):
                    return (
                        f"{heard} and said {say(message)}.\nLook at what a vote is for: ballot and value are "
                        "the proposer's."
                    )
            elif type(message) is Promise and (isinstance(asked, Accept) or message.ballot != asked.ballot):
                return (
                    f"{heard} and said {say(message)}.\nLook at which ballot is promised: the one that was asked for."
                )
        return None

    def no_answer(self, heard: Heard, asked: Prepare | Accept, messages: list[Message]) -> str | None:
        """What need not be refused is granted; what is refused is answered with a Nack."""
        ballot = asked.ballot
        floor = max([self.promised, *(vote.ballot for vote in self.votes)])
        granted = any(type(message) in (Promise, Accepted) for message in messages)
        nacks = [message for message in messages if type(message) is Nack]
        must = ballot > floor if isinstance(asked, Prepare) else ballot == self.promised == floor
        if must and not granted:
            told = f"said {say(messages[0])}" if messages else "said nothing"
            wants = "a Promise" if isinstance(asked, Prepare) else "an Accepted"
            return f"{heard} and {told}; {wants} was expected.\nLook at when an acceptor may refuse."
        if not messages:
            return (
                f"{heard} and said nothing.\nA proposer cannot tell silence from a lost message: look at what "
                "you answer."
            )
        for nack in nacks:
            if nack.ballot != ballot or (ballot < self.promised and nack.promised <= ballot):
                return (f"{heard} and said {say(nack)}.\nLook at what a Nack tells: the ballot that is "
                        "refused, and the higher "
                        "one that is in its way.")  # fmt: skip
        return None


def malformed(message: Message) -> str:
    """Return what is wrong with a message itself; nothing if it is one that an acceptor may send."""
    if type(message) not in (Promise, Accepted, Nack):
        return f"it sent {say(message)}; an acceptor may send Promise, Accepted and Nack."
    for name in ("ballot", "promised"):
        if hasattr(message, name) and not is_ballot(getattr(message, name)):
            return f"it sent {message!r:.120}, whose {name} is no ballot."
    if type(message) is Accepted and type(message.value) is not str:
        return f"it sent {message!r:.120}, whose value is no text."
    vote = message.vote if type(message) is Promise else None
    if vote is not None and not (type(vote) is Vote and is_ballot(vote.ballot) and type(vote.value) is str):
        return f"it sent {message!r:.120}, whose vote is neither None nor a Vote of a ballot and a text."
    return ""


def tell(play: Play, message: Prepare | Accept) -> list[Said]:
    """Let the ballot's proposer say a message, and bring it to the acceptor."""
    ask, deliver = said_and_heard(message)
    play.step(ask)
    return play.step(deliver)


@lru_cache(1_000)
def said_and_heard(message: Prepare | Accept) -> tuple[Choice, Choice]:
    """Return the two choices by which the ballot's proposer says a message and the acceptor hears it."""
    proposer = message.ballot.server
    return Choice("ask", proposer, what=message), Choice("deliver", 1, proposer, message)


def accept(ballot: tuple[int, int]) -> Accept:
    """Return the Accept of a ballot: the value in it is always the same."""
    return Accept(Ballot(*ballot), VALUES[ballot])


def prepare(ballot: tuple[int, int]) -> Prepare:
    """Return the Prepare of a ballot."""
    return Prepare(Ballot(*ballot))


SHORT: list[Prepare | Accept] = [
    prepare((1, 2)),
    prepare((2, 3)),
    prepare((3, 2)),
    accept((1, 2)),
    accept((1, 3)),
    accept((2, 2)),
    accept((2, 3)),
]
"""What every run of three messages is made of."""

ALL: list[Prepare | Accept] = [kind(ballot) for ballot in VALUES for kind in (prepare, accept)]


def runs(seed: int) -> Iterator[list[Prepare | Accept]]:
    """Yield runs of an acceptor's life: all short ones, then longer ones by dice."""
    for length in (1, 2, 3):
        yield from map(list, product(SHORT, repeat=length))
    random = dice("acceptor", seed)
    for _ in range(150):
        yield [random.choice(ALL) for _ in range(random.randint(4, 9))]
    yield from (rising(random) for _ in range(50))


def rising(random: Random) -> list[Prepare | Accept]:
    """Return a long life, its ballots rising for the most part."""
    rounds = sorted(random.randint(1, 3) for _ in range(12))
    return [random.choice((prepare, accept))((number, random.choice((2, 3)))) for number in rounds]


def judge(what: str) -> Callable[[Subject, int], None]:
    """Return the judge of a property. An acceptor that never promises, votes or refuses aloud has none of them."""

    def judged(subject: Subject, seed: int) -> None:
        ended, kinds = subject.once(f"acceptor's lives, seed {seed}", lambda: lived(subject, seed))
        if what in ended:
            raise ended[what]
        for kind in (Promise, Accepted, Nack):
            if kind not in kinds[what]:
                raise Failed(f"in {len(list(runs(seed)))} runs, server 1 never once said {kind.__name__}.\n"
                             "Let it promise, vote and refuse aloud first: one that never does is of no use to a "
                             "proposer, whatever else it keeps.")  # fmt: skip

    return judged


def lived(subject: Subject, seed: int) -> tuple[dict[str, Exception], dict[str, set[type]]]:
    """Run every schedule once, for all properties; return what ended each, and which messages each has seen."""
    kinds: dict[str, set[type]] = {what: set() for what in (PROMISE, REPORT, VOTES, ANSWERS)}
    watchers = {what: partial(Ledger, what, kinds[what]) for what in kinds}
    schedules = (partial(tell_all, run=run) for run in runs(seed))
    return hunts(subject, BEGIN, {MINE: "Acceptor"}, watchers, schedules, ROLES, bare=True), kinds


def tell_all(play: Play, run: Sequence[Prepare | Accept]) -> None:
    """Tell the acceptor one message after the other."""
    for message in run:
        tell(play, message)


def judge_two(subject: Subject, seed: int) -> None:
    """Two acceptors share nothing: what one promised binds only that one."""
    cls = subject.node("Acceptor")
    one, other = (cls(name, (1, 2, 3)) for name in (1, 2))
    for node in (one, other):
        node.start()
    one.receive(3, prepare((3, 3)))
    one.receive(3, accept((3, 3)))
    effects = other.receive(3, prepare((1, 3)))
    if Promise(Ballot(1, 3), None) not in [effect[1] for effect in effects if len(effect) == 2]:
        raise Failed("server 1 promised ballot 3.3 and voted in it; server 2, which had heard nothing, was "
                     "then asked to "
                     "promise ballot 1.3 and did not say Promise 1.3 without a vote.\nLook at where your "
                     "acceptor keeps "
                     "what it knows: two servers share no memory.")  # fmt: skip


def judge_answers(subject: Subject, seed: int) -> None:
    """Every message is answered, and no acceptor answers for another."""
    judge(ANSWERS)(subject, seed)
    judge_two(subject, seed)


EXERCISE = Exercise(
    id="04_acceptor",
    module="acceptor",
    names=("Acceptor",),
    properties=(
        Property(
            "promise", "A promise is kept: after it, no promise and no vote in a lower ballot", 1.5, judge(PROMISE)
        ),
        Property("report", "A promise reports the vote in the highest ballot that was cast", 1.5, judge(REPORT)),
        Property("votes", "A vote is for the ballot and the value that were proposed", 1, judge(VOTES)),
        Property("answers", "Everything is answered, and nothing is refused without need", 1, judge_answers),
    ),
    roles=ROLES,
    planted="the acceptor forgets, before each Accept, all that it promised",
    plant="""
def plant(answer):
    true = answer.Acceptor

    class Forgetful(true):
        def receive(self, sender, message):
            if type(message).__name__ == "Accept":
                return true(self.name, self.peers).receive(sender, message)
            return super().receive(sender, message)

    answer.Acceptor = Forgetful
    return answer
""",
)
