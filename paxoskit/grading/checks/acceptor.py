"""Exercise 04: an acceptor keeps its promises, reports its vote, and votes for what it is asked."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import lru_cache, partial
from itertools import product
from random import Random
from string import printable
from typing import Any

from paxoskit.grading.checks.cast import PROMPTER, ROLES, is_ballot, quoted, told
from paxoskit.grading.checks.play import Play, Said, begun, copied, dice, hunt_together, newborn, same, sends
from paxoskit.grading.properties import Exercise, Failed, Property
from paxoskit.grading.subject import RAISED, LearnerError, Subject
from paxoskit.protocol.node import After, Effect, Node, NodeError, Send, title
from paxoskit.protocol.plain import BOTTOM, Ballot, Message, Name
from paxoskit.protocol.synod import Accept, Accepted, Nack, Prepare, Promise, Vote
from paxoskit.trace import say
from paxoskit.worlds.choice import AFTER, Choice
from paxoskit.worlds.story import Story
from paxoskit.worlds.world import World

MINE = "acceptor.py:Acceptor"
BEGIN = Story(nodes=(MINE, PROMPTER, PROMPTER), clients=(), acceptors=3, claims="none")
FIVE = Story(nodes=(MINE, *[PROMPTER] * 4), clients=(), acceptors=5, claims="none")
MANY = Story(nodes=(MINE, *[PROMPTER] * 14), clients=(), acceptors=3, claims="none")

PROMISE, REPORT, VOTES, ANSWERS = "promise", "report", "votes", "answers"

VALUES = {
    (1, 2): "red", (1, 3): "", (2, 2): "green", (2, 3): "yellow", (3, 2): "white", (3, 3): "black",
}  # fmt: skip
"""The value that is proposed in each of the ballots that come most often: at most one, as it must be."""

OTHER_VALUES = ("", " grey ", "pink", "None", "0", "brown", "'violet'")
"""What is proposed in all other ballots: any text is a value, and one value may be proposed in several ballots."""

TEXTS = (
    "", "two\nlines", " ", "\n", "tab\tand \0", "007", "1.50", "1_000", "True", "null", "a:b, c;d|e", "(2, 'x')",
    '"quoted" \\n', "{0} %s", "Grüße", "e\u0301", "日本", "🙂", "end\n", "x" * 300, "true", "a line\r\n",
    "\ufeffa  b &lt; %41", printable, "long " * 20_001,
)  # fmt: skip
"""Texts that somebody might take for something else, or keep only a part of."""

CLOSE = (
    ((1, 9), (1, 10)), ((1, 15), (2, 2)), ((9, 15), (10, 2)), ((2, 13), (12, 3)), ((99, 11), (100, 2)),
    ((999, 11), (1_000, 2)),
)  # fmt: skip
"""Two ballots each, the lower first: a number or a text made of them may be in another order than they are."""

FAR = (
    ((1, 10**25 - 1), (1, 10**25)), ((1, 999), (1, 1_000)), ((999_999, 4), (10**6, 2)), ((1, 2**70 + 4), (2, 2)),
    ((10**16, 2), (10**16, 3)), ((10**16, 5), (10**16 + 1, 4)), ((2**31 - 1, 4), (2**31, 2)), ((3, 2), (2**64, 3)),
    ((10**25 - 1, 4), (10**25, 2)), ((1, 2_000), (1, 2**64 + 2)),
)  # fmt: skip
"""Such ballots of many servers or rounds, which no world of nodes needs to have.

They are too great for a table, for a float, for a text of a fixed width, and for the lower half of one number.
"""

LONG = 20
"""What comes again and again comes so often."""

CROWD = 80
"""So many proposers ask one acceptor, one after the other."""

LATE = 130
"""So many Accepts come, the highest first."""

TICKS = 12
"""Timers of an acceptor that nobody speaks to may ring so often."""

STATES = 150
"""After the schedules, each message of `THREE` is tried in so many states of an acceptor and of what it has said."""


class Turn:
    """What an acceptor had said, and what it heard then: made into words only where there is a fault to tell."""

    def __init__(self, ledger: Ledger, asked: Message, sender: Name) -> None:
        self.ledger, self.asked, self.sender = ledger, asked, sender

    def __str__(self) -> str:
        return f"{self.ledger.state()} it heard {spoken(self.asked)} of {title(self.sender)}"


class Judged:
    """What ledgers that share it have judged: the same answer to the same entries is not judged again."""

    def __init__(self) -> None:
        self.pages: dict[tuple[Ballot, Vote | None, tuple[Vote, ...]], int] = {}
        """The entries that a ledger had, each with its number."""
        self.answers: dict[tuple[Any, ...], tuple[Any, ...]] = {}


class Ledger:
    """What an acceptor has promised and voted, in its own words; judges answers for the faults that `what` names.
    """

    def __init__(self, what: str, kinds: set[type], judged: Judged | None = None) -> None:
        self.what = what
        self.kinds = kinds
        self.judged = judged
        self.page = -1
        """The number of its entries in what was judged."""
        self.me = title(1)
        self.promised = BOTTOM
        self.vote: Vote | None = None
        """The vote in the highest ballot, the first of them."""
        self.unsaid: tuple[Vote, ...] = ()
        """Votes that may be on the disk: a crash came before they could be said."""
        self.granted: frozenset[Ballot] = frozenset()
        """The ballots that it promised or voted in."""

    def after(self, world: World, choice: Choice, said: list[Said]) -> str | None:
        """Judge a turn for the faults that `what` names."""
        return self.faults(world, choice, said, (self.what,)).get(self.what)

    def faults(self, world: World, choice: Choice, said: list[Said], matters: Collection[str]) -> dict[str, str]:
        """Judge what the acceptor says to a Prepare or an Accept, and write it down."""
        asked = choice.what
        if choice.kind != "deliver" or choice.node != 1 or not isinstance(asked, (Prepare, Accept)):
            return {}
        return self.judge(choice, asked, sends(said, 1), matters)

    def judge(
        self, choice: Choice, asked: Prepare | Accept, sent: list[Send], matters: Collection[str]
    ) -> dict[str, str]:
        """Judge an answer, if the same one to the same entries was not judged yet, and write it down."""
        if self.judged is None:
            return self.judge_anew(choice, asked, sent, matters)[0]
        # What is said may be anything, so it is known by its identity; the message stands in the answer that is kept.
        judged = self.judged
        key = (self.page, id(choice), *[(to, type(to), id(said), self.knows(said)) for to, said in sent], *matters)
        if key not in judged.answers:
            found, granted = self.judge_anew(choice, asked, sent, matters)
            entries = self.promised, self.vote, self.unsaid
            page = judged.pages.setdefault(entries, len(judged.pages))
            judged.answers[key] = found, granted, page, entries, (choice, sent)
        found, granted, self.page, (self.promised, self.vote, self.unsaid), _ = judged.answers[key]
        if not granted <= self.granted:
            self.granted |= granted
        return found  # type: ignore[no-any-return]

    def knows(self, message: Message) -> bool:
        """Say whether a message is a Nack that tells of a ballot which this acceptor promised or voted in."""
        return type(message) is Nack and is_ballot(message.promised) and message.promised in self.granted

    def judge_anew(
        self, choice: Choice, asked: Prepare | Accept, sent: list[Send], matters: Collection[str]
    ) -> tuple[dict[str, str], frozenset[Ballot]]:
        """Judge an answer and write it down; return its faults, and the ballots that it promised or voted in."""
        if choice.crash == AFTER and isinstance(asked, Accept):
            self.unsaid += (Vote(asked.ballot, asked.value),)
        heard = Turn(self, asked, choice.peer or 0)
        for _, message in sent:
            if bad := malformed(message):
                return dict.fromkeys(matters, f"{self.me}: {bad}"), frozenset()
        found = {}
        for self.what in tuple(matters):
            if words := self.fault(heard, asked, choice, sent):
                found[self.what] = words
        return found, self.note(sent)

    def note(self, sent: Sequence[Send]) -> frozenset[Ballot]:
        """Write down what the acceptor says; return the ballots that it promised or voted in."""
        granted = set()
        for _, message in sent:
            self.kinds.add(type(message))
            if type(message) is Promise:
                self.promised = max(self.promised, message.ballot)
            elif type(message) is Accepted and (self.vote is None or message.ballot > self.vote.ballot):
                self.vote = Vote(message.ballot, message.value)
            if type(message) in (Promise, Accepted):
                granted.add(message.ballot)  # type: ignore[attr-defined]
        self.granted |= granted
        return frozenset(granted)

    def copy(self) -> Ledger:
        """Return a ledger with the same entries."""
        twin = Ledger(self.what, set())
        twin.promised, twin.vote, twin.granted = self.promised, self.vote, self.granted
        return twin

    def state(self) -> str:
        """Return what the acceptor has said, in words."""
        promised = "had promised nothing" if self.promised == BOTTOM else f"had promised ballot {self.promised}"
        vote = self.vote
        voted = "had voted for nothing" if vote is None else f"had voted last for {told(vote)}"
        return f"{self.me} {promised} and {voted};"

    def fault(self, heard: Turn, asked: Prepare | Accept, choice: Choice, sent: Sequence[Send]) -> str | None:
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

    def broken_promise(self, heard: Turn, messages: list[Message]) -> str | None:
        """After a promise, no promise and no vote in a lower ballot."""
        for message in messages:
            if type(message) in (Promise, Accepted) and message.ballot < self.promised:  # type: ignore[attr-defined]
                return (f"{heard} and said {say(message)}: below the ballot that it had promised.\n"
                        "Look at what is compared with the promise, and at what the promise is "
                        "afterwards.")  # fmt: skip
        return None

    def wrong_report(self, heard: Turn, messages: list[Message]) -> str | None:
        """A promise reports the vote in the highest ballot."""
        for message in messages:
            if type(message) is Promise and not any(same(message.vote, vote) for vote in self.reports()):
                return (f"{heard} and its promise of ballot {message.ballot} reports {told(message.vote)}; it should "
                        f"report {told(self.vote)}.\n"
                        "Look at what an acceptor keeps of its votes, and when it changes that.")  # fmt: skip
        return None

    def reports(self) -> list[Vote | None]:
        """Return what a promise may report: the highest vote, or a higher one that was never said."""
        best = self.vote
        return [best, *(vote for vote in self.unsaid if best is None or vote.ballot > best.ballot)]

    def wrong_vote(self, heard: Turn, asked: Prepare | Accept, messages: list[Message]) -> str | None:
        """A vote answers an Accept: its ballot, its value. A promise answers a Prepare: its ballot."""
        for message in messages:
            if type(message) is Accepted:
                right: Message | None = Accepted(asked.ballot, asked.value) if isinstance(asked, Accept) else None
                if right is None or not same(message, right):
                    return (
                        f"{heard} and said {spoken(message)}.\nLook at what a vote is for: ballot and value are "
                        "the proposer's."
                    )
            elif type(message) is Promise and (isinstance(asked, Accept) or message.ballot != asked.ballot):
                return (
                    f"{heard} and said {say(message)}.\nLook at which ballot is promised: the one that was asked for."
                )
        return None

    def no_answer(self, heard: Turn, asked: Prepare | Accept, messages: list[Message]) -> str | None:
        """What need not be refused is granted; what is refused is answered with a Nack."""
        ballot = asked.ballot
        floor = self.promised if self.vote is None else max(self.promised, self.vote.ballot)
        granted = any(type(message) in (Promise, Accepted) for message in messages)
        nacks = [message for message in messages if type(message) is Nack]
        must = ballot > floor if isinstance(asked, Prepare) else ballot == self.promised == floor
        if must and not granted:
            got = f"said {say(messages[0])}" if messages else "said nothing"
            wants = "a Promise" if isinstance(asked, Prepare) else "an Accepted"
            return f"{heard} and {got}; {wants} was expected.\nLook at when an acceptor may refuse."
        if len(messages) > 1:
            return (
                f"{heard} and said both, {spoken(messages[0])} and {spoken(messages[-1])}.\n"
                "Look at what still runs after an answer: every message gets one."
            )
        if not messages:
            return (
                f"{heard} and said nothing.\nA proposer cannot tell silence from a lost message: look at what "
                "you answer."
            )
        for nack in nacks:
            in_the_way = ballot < nack.promised and nack.promised in self.granted
            if nack.promised > ballot and not in_the_way and nack.ballot == ballot >= floor:
                return (f"{heard} and said {say(nack)}: in ballot {nack.promised}, it had neither promised nor voted.\n"
                        "Look at what a Nack tells: a ballot that the acceptor promised, or voted in.")  # fmt: skip
            if nack.ballot != ballot or (ballot < floor and not in_the_way):
                return (f"{heard} and said {say(nack)}.\nLook at what a Nack tells: the ballot that is "
                        "refused, and the higher "
                        "one that is in its way.")  # fmt: skip
        return None


def spoken(message: Message) -> str:
    """Return a message in words; the value in it so that it can be told from others that look like it."""
    value = getattr(message, "value", None)
    return say(message) if type(value) is not str else f"{type(message).__name__} {message.ballot} {quoted(value)}"  # type: ignore[attr-defined]


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


@lru_cache(10_000)
def said_and_heard(message: Prepare | Accept) -> tuple[Choice, Choice]:
    """Return the two choices by which the ballot's proposer says a message and the acceptor hears it."""
    proposer = message.ballot.server
    return Choice("ask", proposer, what=message), heard_of(proposer, message)


@lru_cache(10_000)
def heard_of(sender: int, message: Prepare | Accept) -> Choice:
    """Return the choice by which the acceptor hears a message of somebody, be the ballot its own or another's."""
    return Choice("deliver", 1, sender, message)


def accept(ballot: tuple[int, int]) -> Accept:
    """Return the Accept of a ballot: the value in it is always the same."""
    other = OTHER_VALUES[(3 * ballot[0] + ballot[1]) % len(OTHER_VALUES)]
    return Accept(Ballot(*ballot), VALUES.get(ballot, other))


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


THREE: list[Prepare | Accept] = [kind(ballot) for ballot in ((1, 3), (2, 2), (3, 3)) for kind in (prepare, accept)]
"""Of three ballots: what the search through an acceptor's states says to it."""


def runs(seed: int) -> Iterator[list[Prepare | Accept]]:
    """Yield runs of an acceptor's life: all short ones, then longer ones by dice."""
    for length in (1, 2, 3):
        yield from map(list, product(SHORT, repeat=length))
    random = dice("acceptor", seed)
    for _ in range(110):
        yield [random.choice(ALL) for _ in range(random.randint(4, 9))]
    yield from (rising(random) for _ in range(40))


def runs_of_five(seed: int) -> Iterator[list[Prepare | Accept]]:
    """Yield runs among five servers, in ballots of any rounds and with any texts as values."""
    random = dice("one of five acceptors", seed)
    for _ in range(60):
        rounds = random.sample([1, 2, 3, 9, 10, 11, 99, 100, 1_000], 3)
        kinds = [random.choice((prepare, accept)) for _ in range(random.randint(2, 9))]
        yield [kind((random.choice(rounds), random.randint(2, 5))) for kind in kinds]


def runs_of_values(seed: int) -> Iterator[list[Prepare | Accept]]:
    """Yield runs in which few values are proposed, each in several ballots.

    A proposer proposes again what was reported to it: one value in many ballots is what happens most.
    """
    votes = [message for message in SHORT if isinstance(message, Accept)]
    for first, second in product(votes, repeat=2):
        yield [Accept(first.ballot, "red"), Accept(second.ballot, "red"), prepare((3, 2))]
    random = dice("few values", seed)
    for _ in range(40):
        yield [inherited(random.choice(ALL)) for _ in range(random.randint(4, 9))]


def inherited(message: Prepare | Accept) -> Prepare | Accept:
    """Return a message; if it is an Accept, with one of two values."""
    if isinstance(message, Prepare):
        return message
    return Accept(message.ballot, "blue" if message.ballot == (2, 3) else "red")


def runs_of_close(pairs: Iterable[tuple[tuple[int, int], tuple[int, int]]]) -> Iterator[list[Prepare | Accept]]:
    """Yield runs of two messages in ballots that lie close together, and the question in a still higher one."""
    for low, high in pairs:
        said = [kind(ballot) for ballot in (low, high) for kind in (prepare, accept)]
        for first, second in product(said, repeat=2):
            if first.ballot != second.ballot:
                yield [first, second, prepare((high[0] + 1, high[1]))]


def long_runs() -> Iterator[list[Prepare | Accept]]:
    """Yield long lives: many copies, many refusals, the highest vote first, all of a long climb once more, late, and
    many promises after one vote.
    """
    ask, vote = prepare((3, 3)), accept((3, 3))
    late: list[Prepare | Accept] = [prepare((2, 2)), accept((2, 2))]
    for low in late:
        yield [ask, *[low] * LONG, vote, *late]
        yield [vote, *[low] * LONG, prepare((4, 2))]
    yield [*[ask] * LONG, *[vote] * LONG, ask, *late]
    climb = [kind((number, 2 + number % 14)) for number in range(1, LONG + 1) for kind in (prepare, accept)]
    yield climb + climb
    yield [climb[1], *[message for message in climb if isinstance(message, Prepare)]]
    yield [message for message in reversed(climb) if isinstance(message, Accept)] + [prepare((LONG + 1, 2))]


def late() -> Iterator[Prepare | Accept]:
    """Yield many Accepts, the highest first, and then a question."""
    for number in range(LATE, 0, -1):
        yield accept((number, 2))
    yield prepare((LATE + 1, 2))


def crowd() -> Iterator[Prepare | Accept]:
    """Yield what a crowd of proposers says, each in a higher round than the one before, which may not give up yet.

    Were one promise or one vote among them not kept, or one refusal one too many, what comes next would show it.
    """
    random = dice("a crowd of proposers")
    for number in range(1, CROWD + 1):
        own, lower = (number, CROWD + number), (number, CROWD + number - 1)
        yield prepare(own)
        more: list[Prepare | Accept] = [accept(own), accept(lower), prepare(lower)]
        yield from random.sample(more, random.randint(0, 3))


def rising(random: Random) -> list[Prepare | Accept]:
    """Return a long life, its ballots rising for the most part."""
    rounds = sorted(random.randint(1, 3) for _ in range(12))
    return [random.choice((prepare, accept))((number, random.choice((2, 3)))) for number in rounds]


NEEDED = {
    PROMISE: (Promise, Accepted), REPORT: (Promise, Accepted), VOTES: (Promise, Accepted),
    ANSWERS: (Promise, Accepted, Nack),
}  # fmt: skip
"""What an acceptor must have said at least once, for its property to mean anything."""


def judge(what: str) -> Callable[[Subject, int], None]:
    """Return the judge of a property. An acceptor that never promises or votes has none of them."""

    def judged(subject: Subject, seed: int) -> None:
        ended, kinds = subject.once(f"acceptor's lives, seed {seed}", lambda: lived(subject, seed))
        if what in ended:
            raise ended[what]
        for kind in NEEDED[what]:
            if kind not in kinds:
                count = sum(len(lives) for _, lives in families(seed))
                raise Failed(f"in {count} runs, server 1 never once said {kind.__name__}.\n"
                             "Let it promise, vote and refuse aloud first: one that never does is of no use to a "
                             "proposer, whatever else it keeps.")  # fmt: skip

    return judged


def lived(subject: Subject, seed: int) -> tuple[dict[str, Exception], set[type]]:
    """Run every schedule once, for all properties; return what ended each, and which messages were seen."""
    kinds: set[type] = set()
    book = partial(Ledger, "", kinds, Judged())

    def hunted(begin: Story, lives: Iterable[list[Prepare | Accept]]) -> None:
        for run in lives:
            left = [what for what in NEEDED if what not in ended]
            try:
                if not left or is_spotless(subject, begin, run, book(), left):
                    continue
            except LearnerError as error:
                if error.why != RAISED:
                    ended.update(dict.fromkeys(left, error))
                    continue
            schedule = partial(tell_all, run=run)
            ended.update(
                hunt_together(subject, begin, {MINE: "Acceptor"}, book, left, [("", schedule)], ROLES)
            )

    ended: dict[str, Exception] = {}
    hunted(BEGIN, ([message] for message in SHORT))  # what gives no answer at all is told of one message
    for begin, lives in families(seed):
        if len(ended) < len(NEEDED):
            foresee(subject, begin, lives)
        hunted(begin, lives)
    if len(ended) < len(NEEDED):
        for place in (*ALONE, *(TIMED if After in kinds else ()), *OWN_NAME):
            if place in OWN_NAME and ANSWERS in ended:
                continue
            for what, words in alone(subject, *place):
                ended.setdefault(what, Failed(words))
    if ANSWERS not in ended:
        try:
            judge_company(subject)
        except (Failed, LearnerError) as error:
            ended[ANSWERS] = error
    if not ended:
        hunted(BEGIN, deep(subject))
    return ended, kinds


@lru_cache(8)
def families(seed: int) -> list[tuple[Story, list[list[Prepare | Accept]]]]:
    """Return the runs of all kinds, each kind with how its world begins."""
    return [
        (BEGIN, [*runs(seed), *runs_of_values(seed)]), (FIVE, [*runs_of_five(seed)]),
        (MANY, [*runs_of_close(CLOSE), *long_runs()]),
    ]  # fmt: skip


def is_spotless(
    subject: Subject, begin: Story, run: Iterable[Prepare | Accept], ledger: Ledger, matters: Collection[str]
) -> bool:
    """Say whether an acceptor that is told these messages, and no world around it, does nothing that a world must see.

    It must see faults, timers, and what is sent to nobody. Raises LearnerError for an exception.
    """
    servers = range(1, len(begin.nodes) + 1)
    node, effects = begun(subject.node("Acceptor"), 1, tuple(servers))
    for message in run:
        if effects:
            ledger.kinds.update(map(type, effects))
            return False
        sent = node.receive(message.ballot.server, message)
        for effect in sent:
            if type(effect) is not Send or effect[0] not in servers:
                ledger.kinds.add(type(effect))
                return False
        if ledger.judge(said_and_heard(message)[1], message, sent, matters):  # type: ignore[arg-type]
            return False
    return True


def foresee(subject: Subject, begin: Story, lives: Iterable[list[Prepare | Accept]]) -> None:
    """Say what an acceptor in this story will hear in all its lives."""
    node = newborn(subject.node("Acceptor"), 1, tuple(range(1, len(begin.nodes) + 1)))
    subject.foresee(node, (as_heard(run) for run in lives))


Asked = tuple[int, Prepare | Accept]
"""Who asks, and what."""


def as_heard(run: Iterable[Prepare | Accept]) -> list[Asked]:
    """Return messages as the acceptor hears them, each from its ballot's proposer."""
    return [(message.ballot.server, message) for message in run]


def tell_all(play: Play, run: Sequence[Prepare | Accept]) -> None:
    """Tell the acceptor one message after the other."""
    for message in run:
        tell(play, message)


# Every message in every state --------------------------------------------------------------------------------------


def deep(subject: Subject) -> list[list[Prepare | Accept]]:
    """Return the runs in which properties fall that a search through the acceptor's own states finds: one for each.

    From each state that is reached, breadth first, each message of `THREE` is heard, until no state is new or there
    are `STATES`. An acceptor that keeps two fields has less than twenty, so all its runs of these messages are tried,
    however long; of one that keeps more, all short ones. A state is the node's own, and what it has said; where a
    node's state is no plain data, or cannot be copied, there is no search.
    """
    found: dict[str, list[Prepare | Accept]] = {}
    try:
        for what, run in falls(subject):
            found.setdefault(what, run)
    except NodeError:
        pass
    return list(found.values())


def falls(subject: Subject) -> Iterator[tuple[str, list[Prepare | Accept]]]:
    """Yield properties, each with a run that ends in a fault of it; an exception counts as silence."""
    first = newborn(subject.node("Acceptor"), 1, (1, 2, 3))
    wave: list[tuple[Node, Ledger, list[Prepare | Accept]]] = [(first, Ledger("", set()), [])]
    known: set[object] = set()
    while wave:
        subject.foresee(first, [as_heard([*before, message]) for _, _, before in wave for message in THREE])
        reached = []
        for (node, ledger, before), message in product(wave, THREE):
            twin, run = copied(node), [*before, message]
            try:
                sent = [effect for effect in twin.receive(message.ballot.server, message) if type(effect) is Send]
            except LearnerError:
                sent = []
            yield from ((what, run) for what in faults(ledger, message, sent))
            if any(malformed(answer) for _, answer in sent):
                continue
            after = ledger.copy()
            after.note(sent)
            state = type(twin).state(twin), after.promised, after.vote
            if state not in known and len(known) < STATES:
                known.add(state)
                reached.append((twin, after, run))
        wave = reached


SAID_TO_THREE: list[Prepare | Accept] = [
    kind(ballot) for ballot in ((1, 1), (1, 2), (2, 1)) for kind in (prepare, accept)
]
"""What server 3 hears, of proposers whose names are below its own."""

ANYBODY = (2, 3, 4, 5, 77)
"""Who may ask server 1, in ballots of its own or of others: some are its peers."""


def asked_by_anybody(servers: Sequence[int]) -> Iterator[list[Asked]]:
    """Yield lives in which whoever asks does so in any ballot of these servers, be it its own or another's.

    One proposer may say what another has begun. So nothing that an acceptor keeps or says depends on who asks, but to
    whom the answer goes.
    """
    random = dice("whoever asks", *servers)
    first, last = servers[0], servers[-1]
    said = [kind(ballot) for ballot in ((2, first), (2, last)) for kind in (prepare, accept)]
    runs: list[list[Prepare | Accept]] = [
        [*two, prepare((3, first)), prepare((3, last))] for two in product(said, repeat=2)
    ]
    for _ in range(15):
        ballots = [(random.randint(1, 3), random.choice(servers)) for _ in range(3)]
        runs.append([random.choice((prepare, accept))(random.choice(ballots)) for _ in range(6)])
    for run in runs:
        yield [(random.choice(ANYBODY), message) for message in run]


ALONE: tuple[tuple[int, tuple[int, ...], list[list[Asked]]], ...] = (
    (3, (1, 2, 3), [as_heard([*two, prepare((2, 2))]) for two in product(SAID_TO_THREE, repeat=2)]),
    (1, (1, 2, 3), [as_heard([prepare((1, 2)), Accept(Ballot(1, 2), text), prepare((2, 3))]) for text in TEXTS]),
    (1, (1, 2, 3), [*map(as_heard, runs_of_close(FAR))]),
    (3, (3, 40, 70, 90), [*map(as_heard, runs_of_close((((1, 10), (1, 99)), ((1, 90), (2, 10)))))]),
    (1, (1,), [*map(as_heard, runs_of_close((((1, 2), (1, 3)),)))]),
    (2, (1, 2), [*map(as_heard, runs_of_close((((1, 3), (2, 1)),)))]),
    (77, tuple(range(70, 79)), [*map(as_heard, runs_of_close((((1, 10), (1, 99)),)))]),
    (1, (1, 2, 3), [as_heard(crowd()), as_heard(late())]),
    (1, (1, 2, 3), list(asked_by_anybody((3, 4, 5)))),
)  # fmt: skip
"""Acceptors that are alone with their proposers: their names, their peers, and what they hear of whom."""

OWN_NAME = ((1, (1, 2, 3), list(asked_by_anybody((1, 2, 4)))),)
"""What an acceptor hears besides that answers whoever asks: ballots of its own name, said late or by others."""

TIMED = ((1, (1, 2, 3), [*map(as_heard, product(SHORT, repeat=3))]),)
"""What an acceptor hears besides that has set a timer."""


def alone(
    subject: Subject, name: int, peers: tuple[int, ...], lives: list[list[Asked]]
) -> Iterator[tuple[str, str]]:
    """Yield properties, each with a fault of it in words, that fall where no world is needed; an exception ends it.

    Before each message and after the last one, the timers that the acceptor has set ring, and those that it sets then.
    """
    cls = subject.node("Acceptor")
    subject.foresee(begun(cls, name, peers)[0], lives)
    judged = Judged()
    for run in lives:
        node, effects = begun(cls, name, peers)
        ledger, late = Ledger("", set(), judged), ""
        timers: dict[Message, None] = {}
        ledger.me = title(name)
        for sender, message in (*run, (0, None)):
            try:
                if timers or any(type(effect) is After for effect in effects):
                    effects = rung(node, name, effects, timers)
                    late = "\nTimers that it set had run out before that."
                if said := [effect for effect in effects if type(effect) is Send]:
                    yield ANSWERS, f"{title(name)} said {say(said[0].message)}, and nobody had asked it anything.{late}"
                if message is None:
                    break
                effects = node.receive(sender, message)
            except LearnerError as error:
                heard = "its own timers" if message is None else spoken(message)
                yield from ((what, f"{title(name)} heard {heard}.\n{error.says}") for what in NEEDED)
                return
            sent = [effect for effect in effects if type(effect) is Send]
            found = ledger.judge(heard_of(sender, message), message, sent, NEEDED)
            yield from ((what, words + late) for what, words in found.items())
            effects = [effect for effect in effects if type(effect) is After]


def rung(node: Node, name: int, effects: list[Effect], timers: dict[Message, None]) -> list[Effect]:
    """Let timers ring, and those that are set then, `TICKS` rings at most; return what it did besides.

    `timers`: those that run, the next one to ring first; it is changed.
    """
    done: list[Effect] = []
    for left in range(TICKS, -1, -1):
        timers |= dict.fromkeys(effect.message for effect in effects if type(effect) is After)
        done += [effect for effect in effects if type(effect) is not After]
        if not timers or not left:
            break
        ring = next(iter(timers))
        del timers[ring]
        effects = node.receive(name, ring)
    return done


def faults(ledger: Ledger, message: Prepare | Accept, sent: list[Send]) -> list[str]:
    """Return the properties that an answer lacks."""
    deliver = said_and_heard(message)[1]
    heard = Turn(ledger, message, message.ballot.server)
    if any(malformed(answer) for _, answer in sent):
        return list(NEEDED)
    return [ledger.what for ledger.what in NEEDED if ledger.fault(heard, message, deliver, sent)]


def judge_company(subject: Subject) -> None:
    """No acceptor answers for another, and whoever asks is answered. Raises Failed for the first that does not hold."""
    judge_two(subject)
    judge_memory(subject)
    judge_copy(subject)
    judge_strangers(subject)


def judge_two(subject: Subject) -> None:
    """Two acceptors share nothing: what one promised binds only that one."""
    cls = subject.node("Acceptor")
    one, other = (newborn(cls, name, (1, 2, 3)) for name in (1, 3))
    one.receive(2, prepare((3, 2)))
    one.receive(2, accept((3, 2)))
    effects = other.receive(2, prepare((1, 2)))
    if Promise(Ballot(1, 2), None) not in [effect[1] for effect in effects if len(effect) == 2]:
        raise Failed("server 1 promised ballot 3.2 and voted in it; server 3, which had heard nothing, was then asked "
                     "to promise ballot 1.2 and did not say Promise 1.2 without a vote.\nLook at where your acceptor "
                     "keeps what it knows: two servers share no memory.")  # fmt: skip


def judge_memory(subject: Subject) -> None:
    """What one acceptor hears changes nothing in another: not its answers alone, which a copy of its state may hide."""
    one, other = (subject.make("Acceptor", name, (1, 2, 3)) for name in (1, 2))
    try:
        before = other.call("state")
        for message in (prepare((3, 3)), accept((3, 3))):
            one.call("receive", 3, message)
        after = other.call("state")
    except LearnerError:
        return  # what its state holds cannot be told
    if before != after:
        raise Failed("server 1 promised ballot 3.3 and voted in it; that changed what server 2 keeps, which had heard "
                     "nothing.\nLook at where your acceptor keeps what it knows (a default argument is made once, for "
                     "all): two servers share no memory.")  # fmt: skip


def judge_copy(subject: Subject) -> None:
    """All that an acceptor knows is in its attributes: a copy of it answers as it does."""
    node = newborn(subject.node("Acceptor"), 1, (1, 2, 3))
    for message in (prepare((2, 3)), accept((2, 3))):
        node.receive(3, message)
    try:
        type(node).state(node)
        twin = copied(node)
    except Exception:
        return  # it holds what cannot be copied: a function that knows its node
    for message in (prepare((1, 2)), prepare((3, 2))):
        true, said = (list(one.receive(2, message)) for one in (node, twin))
        if true != said:
            raise Failed("server 1 promised ballot 2.3 and voted in it; a copy of it, all its attributes the same, "
                         f"then answered {say(message)} otherwise than it did itself.\n{IN_ATTRIBUTES}")  # fmt: skip
    undisturbed = copied(node)
    right = [list(undisturbed.receive(2, message)) for message in (accept((3, 2)), prepare((4, 2)))]
    voted = list(node.receive(2, accept((3, 2))))
    for message in (Accept(Ballot(3, 2), "another"), prepare((9, 2)), accept((9, 2))):
        twin.receive(2, message)
    if [voted, list(node.receive(2, prepare((4, 2))))] != right:
        raise Failed("a copy of server 1, all its attributes the same, voted in ballot 3.2 for another value, promised "
                     "ballot 9.2 and voted in it; server 1 itself then answered Prepare 4.2 otherwise than it does "
                     f"where there is no such copy.\n{IN_ATTRIBUTES}")  # fmt: skip


IN_ATTRIBUTES = "Look at where your acceptor keeps what it knows: in plain attributes, `self.…`, and nowhere else."


def judge_strangers(subject: Subject) -> None:
    """Whoever asks is a proposer, be it one of the acceptors or not."""
    for asks in (2, 4, 77):
        node = newborn(subject.node("Acceptor"), 1, (1, 2, 3))
        for message in (prepare((1, asks)), accept((1, asks))):
            right = Promise(message.ballot, None) if isinstance(message, Prepare) else Accepted(*vars(message).values())
            sent = [effect for effect in node.receive(asks, message) if type(effect) is Send]
            if not any(to == asks and same(answer, right) for to, answer in sent):
                raise Failed(
                    f"acceptors are the servers 1, 2 and 3; server 1 heard {say(message)} of {title(asks)} "
                    f"and did not answer it with {say(right)}.\nLook at who may be a proposer: whoever asks."
                )
    judge_forwarded(subject)


def judge_forwarded(subject: Subject) -> None:
    """Who asked is answered, whoever's ballot it asks for: one proposer may say what another one has begun."""
    own, forwarded = (newborn(subject.node("Acceptor"), 1, (1, 2, 3)) for _ in range(2))
    for message in (prepare((3, 4)), accept((3, 4)), prepare((2, 4)), accept((2, 4))):
        right = [effect[1] for effect in own.receive(4, message) if type(effect) is Send]
        sent = [effect for effect in forwarded.receive(5, message) if type(effect) is Send]
        if not same([answer for _, answer in sent], right) or {to for to, _ in sent} != {5}:
            said = ", ".join(f"{say(answer)} to {title(to)}" for to, answer in sent) or "nothing"
            raise Failed(
                f"server 1 heard {say(message)} of server 5 and said {said}; asked the same by server 4, it said "
                f"{', '.join(map(say, right)) or 'nothing'}.\n"
                "Look at who is a proposer, and at whom an answer goes to: whoever asks, whatever its ballot is called."
            )


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
        Property("answers", "Everything is answered, and nothing is refused without need", 1, judge(ANSWERS)),
    ),
    roles=ROLES,
    planted="the acceptor forgets, before each Accept, all that it promised",
    plant="""
def plant(answer):
    true = answer.Acceptor

    class Forgetful(true):
        def receive(self, sender, message):
            if type(message).__name__ == "Accept":
                anew = true(self.name, self.peers)
                true.start(anew)
                return true.receive(anew, sender, message)
            return super().receive(sender, message)

    answer.Acceptor = Forgetful
    return answer
""",
)
