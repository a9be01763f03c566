"""Exercise 05: a proposer asks before it proposes, proposes what it must, counts whom it should, and ends a duel."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from itertools import combinations
from random import Random
from typing import Any

from paxoskit.grading.checks.cast import ROLES, VOTER, is_ballot
from paxoskit.grading.checks.play import Fall, Play, Said, dice, hunt, hunts, same
from paxoskit.grading.properties import Exercise, Failed, Property
from paxoskit.grading.subject import LearnerError, Subject
from paxoskit.protocol.node import title
from paxoskit.protocol.plain import BOTTOM, Ballot, Message, Name
from paxoskit.protocol.synod import Accept, Accepted, Decided, Nack, Prepare, Promise, Propose, Vote
from paxoskit.trace import say
from paxoskit.worlds.choice import Choice
from paxoskit.worlds.story import Story
from paxoskit.worlds.world import Flight, World

MINE = "proposer.py:Proposer"

BALLOTS, P2C, COUNTS, PROGRESS = "ballots", "P2c", "counts", "progress"


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
        self.wish = ""
        self.highest = BOTTOM
        self.in_the_way = BOTTOM
        """The highest ballot that a Nack told of in this life."""
        self.promises: dict[Ballot, dict[Name, Vote | None]] = {}
        self.votes: dict[tuple[Ballot, str], set[Name]] = {}
        self.proposed: dict[Ballot, str] = {}
        self.decided: list[Message] = []

    def after(self, world: World, choice: Choice, said: list[Said]) -> str | None:
        """Write down what the proposer heard, and judge what it says then."""
        if choice.node != self.me:
            return None
        self.hear(choice)
        words = None
        for one in said:
            if one.sender == self.me and one.to is None:
                words = words or self.wrong_fact(one.message)
                self.decided.append(one.message)
            elif one.sender == self.me:
                words = words or self.malformed(one) or self.fault(one.message)
                self.note(one.message)
        return words

    def hear(self, choice: Choice) -> None:
        """Write down what came."""
        if choice.kind == "restart":
            self.wish, self.in_the_way = "", BOTTOM
        match choice.what:
            case Propose(value=value):
                self.wish = value
            case Promise(ballot=ballot, vote=vote) if choice.kind == "deliver":
                self.promises.setdefault(ballot, {}).setdefault(choice.peer or 0, vote)
            case Accepted(ballot=ballot, value=value) if choice.kind == "deliver":
                self.votes.setdefault((ballot, value), set()).add(choice.peer or 0)
            case Nack(promised=promised) if choice.kind == "deliver":
                self.in_the_way = max(self.in_the_way, promised)

    def note(self, message: Message) -> None:
        """Write down what was said."""
        if type(message) is Prepare:
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
        if self.what == P2C and not self.wish:
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
            return (f"{me} proposed {self.proposed[ballot]} in ballot {ballot}, and then {message.value}: "
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
            f"{title(self.me)} proposed {message.value} in ballot {message.ballot}; of the promises of that "
            "ballot it had "
            f"heard {len(promises)} (a majority is {self.majority}): {heard}; its own wish is {self.wish}.\n"
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
        if self.what != COUNTS:
            return None
        if any(value == fact.value and len(who) >= self.majority for (_, value), who in self.votes.items()):
            return None
        heard = "; ".join(
            f"{' and '.join(map(title, sorted(who, key=str)))} for {value} in ballot {ballot}"
            for (ballot, value), who in self.votes.items()
        )
        return (f"{title(self.me)} announced that {fact.value} is decided; it had heard these votes: "
                f"{heard or 'none'}, and "
                f"{self.majority} of {self.acceptors} acceptors are a majority.\nLook at which votes are "
                "counted together, and whose."
                )  # fmt: skip


def told(vote: Vote | None) -> str:
    """Return a reported vote in words."""
    return "no vote" if vote is None else f"{vote.value} in ballot {vote.ballot}"


# Trouble: whatever can happen to a proposer ----------------------------------------------------------------------


class Trouble:
    """A run by dice: acceptors that somebody else also speaks to, answers that come late, twice, or never."""

    def __init__(self, play: Play, random: Random, acceptors: int) -> None:
        self.play, self.random, self.acceptors, self.me = play, random, acceptors, acceptors + 1
        self.ours: tuple[int, ...] = (self.me,)
        self.theirs: tuple[int, ...] = (1, self.me + 1, self.me + 2)
        """Whose ballots the others use."""
        self.words = random.sample(WORDS, len(WORDS))
        self.values: dict[Ballot, str] = {}

    def value(self, ballot: Ballot) -> str:
        """Return what others propose in a ballot; the order of values is not that of ballots."""
        return self.values.setdefault(ballot, self.words[len(self.values) % len(self.words)])

    def run(self, steps: int) -> None:
        """Ask the proposer to propose, and let `steps` things happen."""
        for _ in range(self.random.randint(0, 3)):
            self.rival()
        self.play.step(Choice("ask", self.me, what=Propose("mine")))
        self.more(steps)

    def more(self, steps: int) -> None:
        """Let `steps` things happen."""
        for _ in range(steps):
            flying = list(self.play.world.flying.values())
            timers = [(node, message) for node, message in self.play.world.timers if node in self.ours]
            luck = self.random.random()
            if timers and (luck < 0.06 or not flying):
                node, message = self.random.choice(timers)
                self.play.step(Choice("fire", node, what=message))
            elif luck < 0.12:
                self.rival()
            elif flying:
                self.arrive(self.random.choice(flying[-8:] if self.random.random() < 0.5 else flying))

    def rival(self) -> None:
        """Another proposer, which this one does not see, speaks to one acceptor; its ballots are above and below."""
        ballot = Ballot(self.random.randint(1, 3), self.random.choice(self.theirs[:2]))
        message = Accept(ballot, self.value(ballot)) if self.random.random() < 0.6 else Prepare(ballot)
        self.play.step(Choice("ask", self.random.randint(1, self.acceptors), what=message))

    def arrive(self, flight: Flight) -> None:
        """Bring a message to its receiver, or double it."""
        double = self.random.random() < 0.15 and len(self.play.world.flying) < 40
        self.play.step(Choice("duplicate" if double else "deliver", flight.receiver, flight.sender, flight.message))


WORDS = ("red", "blue", "", "green", " ", "yellow", "0", "white", "None", "black", "pink", "a b")
"""Values of others: any text is one."""


class Company(Trouble):
    """A run in which two proposers of the learner's stand: what one hears, the other does not know."""

    def __init__(self, play: Play, random: Random, acceptors: int) -> None:
        super().__init__(play, random, acceptors)
        self.ours = (self.me, self.me + 1)
        self.theirs = (1, self.me + 2)

    def run(self, steps: int) -> None:
        """Ask both to propose, one of them later, and let `steps` things happen."""
        one, other = self.random.sample(self.ours, 2)
        self.play.step(Choice("ask", one, what=Propose(f"wish of {one}")))
        self.more(self.random.randint(0, 6))
        self.play.step(Choice("ask", other, what=Propose(f"wish of {other}")))
        self.more(steps)


class Reported(Trouble):
    """A run in which every acceptor has voted before, in ballots that differ little: the highest vote counts."""

    def run(self, steps: int) -> None:
        """Let acceptors vote for others, then let the proposer begin, and let `steps` things happen."""
        ballots = [Ballot(number, server) for number in (1, 2) for server in self.theirs]
        for acceptor in self.random.sample(range(1, self.acceptors + 1), self.acceptors):
            if self.random.random() < 0.8:
                ballot = self.random.choice(ballots)
                self.play.step(Choice("ask", acceptor, what=Accept(ballot, self.value(ballot))))
        self.play.step(Choice("ask", self.me, what=Propose("mine")))
        for _ in range(steps):
            flying = list(self.play.world.flying.values())
            timers = [message for node, message in self.play.world.timers if node == self.me]
            if flying:
                self.arrive(self.random.choice(flying))
            elif timers:
                self.play.step(Choice("fire", self.me, what=timers[0]))


RUNS = {3: 30, 4: 30, 5: 30, 7: 8}
"""So many runs full of trouble for each number of acceptors."""


def judge(what: str) -> Callable[[Subject, int], None]:
    """Return the judge of a safety property: runs full of trouble, in which a proposer must decide now and then."""

    def judged(subject: Subject, seed: int) -> None:
        for acceptors, count in RUNS.items():
            name = f"a proposer in trouble with {acceptors} acceptors, {count} runs, seed {seed}"
            ended, minutes = subject.once(name, partial(troubled, subject, seed, acceptors, count))
            if what in ended:
                raise ended[what]
            watched = list(minutes[what])
            if what == P2C:
                watched += reported(subject, seed, acceptors, count)
            if acceptors < 7 and not any(one.decided for one in watched):  # of seven, luck may bring no majority
                raise Failed(f"in {len(watched)} runs with {acceptors} acceptors, the proposer never "
                             "announced Decided.\nLet it "
                             "decide first: one that never does is safe, and of no use.")  # fmt: skip
        ended = subject.once(f"two proposers, seed {seed}", partial(together, subject, seed))
        if what in ended:
            raise ended[what]

    return judged


class Both:
    """The minutes of two proposers at once."""

    def __init__(self, what: str, acceptors: int) -> None:
        self.minutes = [Minutes(what, acceptors + number, acceptors) for number in (1, 2)]

    def after(self, world: World, choice: Choice, said: list[Said]) -> str | None:
        """Judge whoever this choice was about."""
        return next(filter(None, [one.after(world, choice, said) for one in self.minutes]), None)


def together(subject: Subject, seed: int) -> dict[str, Exception]:
    """Run what two proposers can do to each other, for all safety properties; return what ended each."""

    def company(play: Play, run: int) -> None:
        Company(play, dice("two proposers", seed, run), 3).run(20 + 10 * (run % 4))

    watchers = {what: partial(Both, what, 3) for what in (BALLOTS, P2C, COUNTS)}
    schedules = (partial(company, run=run) for run in range(12))
    return hunts(subject, begin(3, 2), {MINE: "Proposer"}, watchers, schedules, ROLES)


def reported(subject: Subject, seed: int, acceptors: int, count: int) -> list[Minutes]:
    """Run what turns on the reports of promises, for the property of those alone; return what was watched."""
    watched: list[Minutes] = []

    def watcher() -> Minutes:
        watched.append(Minutes(P2C, acceptors + 1))
        return watched[-1]

    def report(play: Play, run: int) -> None:
        Reported(play, dice("reported to a proposer", acceptors, seed, run), acceptors).run(10 * acceptors)

    schedules = (partial(report, run=run) for run in range(count))
    hunt(subject, begin(acceptors), {MINE: "Proposer"}, watcher, schedules, ROLES)
    return watched


def troubled(
    subject: Subject, seed: int, acceptors: int, count: int
) -> tuple[dict[str, Exception], dict[str, list[Minutes]]]:
    """Run every schedule once, for all safety properties; return what ended each, and what each has watched."""
    minutes: dict[str, list[Minutes]] = {what: [] for what in (BALLOTS, P2C, COUNTS)}

    def watcher(what: str) -> Minutes:
        minutes[what].append(Minutes(what, acceptors + 1))
        return minutes[what][-1]

    def trouble(play: Play, run: int) -> None:
        random = dice("proposer", acceptors, seed, run)
        Trouble(play, random, acceptors).run(random.choice([15, 40, 80]))

    watchers = {what: partial(watcher, what) for what in minutes}
    schedules = (partial(trouble, run=run) for run in range(count))
    return hunts(subject, begin(acceptors), {MINE: "Proposer"}, watchers, schedules, ROLES), minutes


# Progress: what must happen when little goes wrong ----------------------------------------------------------------


class Calm:
    """Right acceptors, some of them silent; every message arrives, a timer rings when nothing else can happen."""

    def __init__(self, play: Play, acceptors: int, down: tuple[int, ...] = ()) -> None:
        self.play, self.acceptors, self.me, self.down = play, acceptors, acceptors + 1, down

    def rival(self, message: Prepare | Accept, acceptors: int = 99) -> None:
        """Let the first so many acceptors have heard this of another proposer."""
        for acceptor in range(1, min(acceptors, self.acceptors) + 1):
            self.play.step(Choice("ask", acceptor, what=message))

    def go(self, lose: int = 0, of: type[Message] = Message, rings: int = 0) -> None:
        """Let the proposer begin; see that it decides, and then stands no more.

        Lost are its first `lose` messages of a kind, and all until its timer has rung `rings` times.
        """
        lost = 0
        decided = any(
            type(one.message) is Decided for one in self.play.step(Choice("ask", self.me, what=Propose("mine")))
        )
        for ring in range(rings + RINGS):
            while flight := next(iter(self.play.world.flying.values()), None):
                is_lost = lost < lose and isinstance(flight.message, of)
                lost += is_lost
                kind = "drop" if flight.receiver in self.down or is_lost or ring < rings else "deliver"
                said = self.play.step(Choice(kind, flight.receiver, flight.sender, flight.message))
                decided = decided or any(type(one.message) is Decided for one in said)
            if decided:
                return self.rest()
            timers = [message for node, message in self.play.world.timers if node == self.me]
            if not timers:
                raise Fall(f"nothing is in flight, {title(self.me)} has no timer running and has decided "
                           "nothing: it waits "
                           "for ever.\nLook at when a timer is set: silence may be loss.")  # fmt: skip
            self.play.step(Choice("fire", self.me, what=timers[0]))
        raise Fall(f"{title(self.me)} has decided nothing after {rings + RINGS} rings of its timer, though every "
                   "message arrived that was "
                   "not lost on purpose.\nLook at what it does when its timer rings, and at how high its "
                   "next ballot is.")  # fmt: skip

    def rest(self) -> None:
        """Whoever knows the decision stands no more."""
        for _ in range(3):
            for node, message in list(self.play.world.timers):
                if node == self.me:
                    said = self.play.step(Choice("fire", self.me, what=message))
                    if any(type(one.message) is Prepare for one in said):
                        raise Fall(f"{title(self.me)} knows the decision and stands again all the "
                                   "same.\nLook at what it does "
                                   "when its timer rings after a decision.")  # fmt: skip


RINGS = 8
"""So many rings of its timers must be enough for a proposer that nobody disturbs, once messages arrive again."""

OUTAGE = 6
"""For so many rings, all messages are lost."""

Scene = Callable[[Play], None]


def scenes(acceptors: int) -> Iterator[tuple[Scene, str]]:
    """Yield calm runs, each with the value that must be decided."""
    theirs = Accept(Ballot(7, acceptors + 2), "theirs")
    first_half, second_half = range(1, (acceptors + 1) // 2), range(acceptors // 2 + 2, acceptors + 1)

    def above(play: Play) -> None:
        calm = Calm(play, acceptors)
        calm.rival(Prepare(Ballot(40, acceptors + 2)))
        calm.go()

    def inherited(play: Play, voters: int = 99, lose: int = 0) -> None:
        calm = Calm(play, acceptors)
        calm.rival(theirs, voters)
        calm.go(lose)

    yield lambda play: Calm(play, acceptors).go(), "mine"
    yield lambda play: Calm(play, acceptors, down=tuple(first_half)).go(), "mine"
    yield lambda play: Calm(play, acceptors, down=tuple(second_half)).go(), "mine"
    for lose in (acceptors, 2 * acceptors, 2 * acceptors + 1):
        yield lambda play, lose=lose: Calm(play, acceptors).go(lose), "mine"  # type: ignore[misc]
    for kind in (Promise, Accept, Accepted):
        for lose in sorted({1, acceptors - acceptors // 2, acceptors}):
            yield lambda play, lose=lose, kind=kind: Calm(play, acceptors).go(lose, kind), "mine"  # type: ignore[misc]
    yield lambda play: Calm(play, acceptors).go(rings=OUTAGE), "mine"
    yield above, "mine"
    yield inherited, "theirs"
    yield lambda play: inherited(play, acceptors // 2 + 1, lose=1), "theirs"


class Progress(Minutes):
    """Watches that what is decided is the right value."""

    def __init__(self, proposer: int, right: str) -> None:
        super().__init__(PROGRESS, proposer)
        self.right = right

    def wrong_fact(self, fact: Message) -> str | None:
        """The value that must be decided."""
        if not same(fact, Decided(self.right)):
            return f"{title(self.me)} announced {say(fact)}; in this run {self.right!r} had to be decided."
        return None


def judge_progress(subject: Subject, seed: int) -> None:
    """With a majority of acceptors up, a proposer that is alone decides."""
    for acceptors in (3, 1, 5, 4):
        for scene, right in scenes(acceptors):

            def watcher(acceptors: int = acceptors, right: str = right) -> Progress:
                return Progress(acceptors + 1, right)

            story = begin(acceptors)
            tried(subject, story, watcher, scene)


def tried(
    subject: Subject, story: Story, watcher: Callable[[], Progress], scene: Scene, mine: Mapping[str, str] | None = None
) -> None:  # fmt: skip
    """Run one scene; what it finds is a story as it is, with nothing taken out: each step of it matters."""
    hers = {name: subject.node(cls) for name, cls in (mine or {MINE: "Proposer"}).items()}
    play = Play(story, {**ROLES, **hers}, watcher())
    try:
        scene(play)
    except Fall as fall:
        says = str(fall)
        raise Failed(says, story=replace(story, choices=tuple(play.choices), says=says.splitlines()[0])) from None
    except LearnerError as error:
        if play.choices:
            error.story = replace(story, choices=tuple(play.choices), says=error.says.splitlines()[-1])
        raise


# A duel -----------------------------------------------------------------------------------------------------------

HOP = 10.0
"""How long a message takes in a duel, in milliseconds: always the same, so that only timers can end it."""

LEAST_SLOW = 50.0
"""An Accept takes at least so long: more than a refused proposer needs to stand again at once."""

ROUNDS = 200
"""A duel that is not over after so many waits of its first proposer, and 20 seconds, goes on for ever."""


class Duel:
    """Two proposers of a learner's among right acceptors, in virtual time; timers ring when dice say.

    An Accept is slow: it takes 60 % of the shortest wait that the first proposer asks for. The second proposer begins
    half such a wait after the first. So whoever waits always equally long, or not at all, finds each of its Accepts
    refused because the other stood again meanwhile.
    """

    def __init__(self, play: Play, random: Random, acceptors: int = 3) -> None:
        self.play, self.random = play, random
        self.proposers = (acceptors + 1, acceptors + 2)
        self.agenda: list[tuple[float, int, Choice, float]] = []
        self.now, self.entries = 0.0, 0
        self.seen: set[int] = set()
        self.decided: set[Name] = set()
        self.slow = self.long = 0.0

    def later(self, wait: float, choice: Choice, number: int = 0) -> None:
        """Put a choice on the agenda."""
        self.entries += 1
        heapq.heappush(self.agenda, (self.now + wait, self.entries, choice, number))

    def over(self) -> bool:
        """Let both propose; say whether both know in the end what is decided."""
        first, second = self.proposers
        self.play.step(Choice("ask", first, what=Propose(f"wish of {first}")))
        wait = min((timer.low for timer in self.play.world.timers.values()), default=100.0)
        self.slow, self.long = max(LEAST_SLOW, 0.6 * wait), max(20_000.0, ROUNDS * wait)
        self.later(max(0.8 * LEAST_SLOW, wait / 2), Choice("ask", second, what=Propose(f"wish of {second}")))
        self.schedule()
        while self.agenda and len(self.decided) < 2 and len(self.play.choices) < 4000:
            self.now, _, choice, number = heapq.heappop(self.agenda)
            if self.now > self.long:
                return False
            if choice.kind == "fire" and not self.rings(choice, number):
                continue
            self.play.step(choice)
            self.schedule()
        return len(self.decided) == 2

    def rings(self, choice: Choice, number: float) -> bool:
        """Say whether this timer still runs, and was not set anew since."""
        timer = self.play.world.timers.get((choice.node, choice.what)) if choice.what is not None else None
        return timer is not None and timer.number == number

    def schedule(self) -> None:
        """Give a time to all that the last step set in motion."""
        world = self.play.world
        for flight in list(world.flying.values()):
            if flight.number not in self.seen:
                self.seen.add(flight.number)
                self.later(
                    self.slow if isinstance(flight.message, Accept) else HOP,
                    Choice("deliver", flight.receiver, flight.sender, flight.message),
                )
        for timer in world.timers.values():
            if timer.number not in self.seen:
                self.seen.add(timer.number)
                wait = self.random.uniform(timer.low, timer.high)
                self.later(wait, Choice("fire", timer.node, what=timer.message), timer.number)
        last = world.trace.since(max(0, world.trace.count - 30))
        self.decided |= {event.node for event in last if event.kind == "announce" and type(event.what) is Decided}


class Silent:
    """Judges nothing: a duel is judged by its end."""

    def after(self, world: World, choice: Choice, said: list[Said]) -> str | None:
        """Find nothing."""
        return None


def judge_duel(subject: Subject, seed: int) -> None:
    """Two proposers that get in each other's way both know in the end what is decided."""
    for run in range(16):
        story = begin(3, 2)
        play = Play(story, {**ROLES, MINE: subject.node("Proposer")}, Silent())
        duel = Duel(play, dice("duel", seed, run))
        if not duel.over():
            rounds = max((c.what.ballot.round for c in play.choices if isinstance(c.what, Prepare)), default=0)
            says = (f"of two proposers, the second began soon after the first; {len(duel.decided)} of them "
                    "knew a decision after "
                    f"{min(duel.now, duel.long) / 1000:.0f} seconds and {rounds} rounds.\nLook at how long "
                    "each waits before it stands again: "
                    "two that wait equally long meet again and again.")  # fmt: skip
            raise Failed(says, story=replace(story, choices=tuple(play.choices[:60]), says=says.splitlines()[0]))


EXERCISE = Exercise(
    id="05_proposer",
    module="proposer",
    names=("Proposer",),
    properties=(
        Property("ballots", "A ballot is its proposer's own, rises, and has one value", 1, judge(BALLOTS)),
        Property(
            "value", "A proposal follows a majority of promises, and has the value that they demand", 1.5, judge(P2C)
        ),
        Property("counts", "Decided is what a majority of acceptors voted for in one ballot", 1, judge(COUNTS)),
        Property(
            "progress", "Alone with a majority of acceptors, a proposer decides, whatever was lost", 1, judge_progress
        ),
        Property("duel", "A duel of two proposers ends", 0.5, judge_duel),
    ),
    roles=ROLES,
    planted="the votes that promises report never reach the proposer",
    plant="""
def plant(answer):
    true = answer.Proposer

    class Deaf(true):
        def receive(self, sender, message):
            if type(message).__name__ == "Promise":
                message = type(message)(message.ballot, None)
            return super().receive(sender, message)

    answer.Proposer = Deaf
    return answer
""",
)
