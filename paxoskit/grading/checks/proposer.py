"""Exercise 05: a proposer asks before it proposes, proposes what it must, counts whom it should, and ends a duel."""

from __future__ import annotations

import heapq
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import chain, repeat, zip_longest
from random import Random
from time import sleep
from typing import Any

from paxoskit.grading.checks.cast import ROLES, is_ballot
from paxoskit.grading.checks.minutes import BALLOTS, COUNTS, MINE, P2C, PROGRESS, RINGS, Clock, Minutes, begin
from paxoskit.grading.checks.play import Fall, Play, Said, Schedule, Watcher, dice, hunts, same
from paxoskit.grading.checks.proposer_states import STUCK, TURNS, Enough, Run, Search
from paxoskit.grading.properties import Exercise, Failed, Property
from paxoskit.grading.subject import SHARED_MEMORY, LearnerError, Subject
from paxoskit.protocol.node import After, Effect, Node, NodeError, title
from paxoskit.protocol.plain import BOTTOM, Ballot, Message, Name
from paxoskit.protocol.synod import Accept, Accepted, Decided, Nack, Prepare, Promise, Propose, Vote
from paxoskit.trace import say
from paxoskit.worlds.choice import Choice
from paxoskit.worlds.story import Story
from paxoskit.worlds.world import Flight, World

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


WORDS = ("red", "blue", "", "green", " ", "yellow", "0", "white", "None", "end\n", "e\u0301 " + "long " * 60, " A b ")
"""Values of others: any text is one, as it is."""


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


NEAR = ((1, 2), (1, 2), (1, 2), (2, 100), (9, 10), (99, 100))
"""Pairs of rounds in which others may have voted: as numbers, and not as texts, the second is above the first.

However far below, a vote counts.
"""


class Reported(Trouble):
    """A run in which every acceptor has voted before, in ballots that differ little: the highest vote counts.

    One value may have votes in several ballots, as values that are proposed again have.
    """

    def run(self, steps: int) -> None:
        """Let acceptors vote for others, then let the proposer begin, and let `steps` things happen."""
        self.words = self.words[: self.random.choice([2, 3, len(self.words)])]
        rounds, servers = self.random.choice(NEAR), (*self.theirs, *self.random.choice([(), (10, 2**70 + 3)]))
        ballots = [Ballot(number, server) for number in rounds for server in servers]
        self.random.shuffle(ballots)
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


class Forgotten(Trouble):
    """A run in which one acceptor has voted before, and much is lost: one ballot hears of that vote, the next does not.

    Then the next one's value is the proposer's wish again.
    """

    def run(self, steps: int) -> None:
        """Let one acceptor vote for another, then let the proposer begin, and let `steps` things happen."""
        ballot = Ballot(1, self.theirs[0])
        self.play.step(Choice("ask", self.random.randint(1, self.acceptors), what=Accept(ballot, self.value(ballot))))
        self.play.step(Choice("ask", self.me, what=Propose("mine")))
        for _ in range(steps):
            flying = list(self.play.world.flying.values())
            timers = [message for node, message in self.play.world.timers if node == self.me]
            if self.random.random() < 0.1:
                rival = Prepare(Ballot(self.random.randint(1, 5), self.theirs[1]))
                self.play.step(Choice("ask", self.random.randint(1, self.acceptors), what=rival))
            elif flying:
                flight = self.random.choice(flying)
                lost = 0.9 if isinstance(flight.message, Accept) else 0.3
                kind = "drop" if self.random.random() < lost else "deliver"
                self.play.step(Choice(kind, flight.receiver, flight.sender, flight.message))
            elif timers:
                self.play.step(Choice("fire", self.me, what=timers[0]))


class InPart(Trouble):
    """A run in which one promise tells of a vote, and the ballot comes to nothing before there is a majority.

    The next ballot does not hear of that vote: its value is the proposer's wish, as if nothing had been told.
    """

    def run(self, steps: int) -> None:
        """Let one acceptor tell of a vote and another one refuse or say nothing; then let the others promise."""
        tells, refuses, third = self.random.sample(range(1, 4), 3)
        self.play.step(Choice("ask", tells, what=Accept(Ballot(1, self.theirs[0]), "theirs")))
        self.play.step(Choice("ask", refuses, what=Prepare(Ballot(3, self.theirs[1]))))
        self.play.step(Choice("ask", self.me, what=Propose("mine")))
        self.hear((tells, refuses)[:steps])
        timers = [message for node, message in self.play.world.timers if node == self.me]
        for message in timers[:1]:
            self.play.step(Choice("fire", self.me, what=message))
        self.hear((refuses, third))
        self.hear((refuses, third))

    def hear(self, acceptors: Sequence[int]) -> None:
        """Bring these acceptors what is said to them, and their answers back; lose the rest."""
        for _ in range(2):
            for flight in list(self.play.world.flying.values()):
                between = flight.receiver if flight.sender == self.me else flight.sender
                kind = "deliver" if between in acceptors else "drop"
                self.play.step(Choice(kind, flight.receiver, flight.sender, flight.message))


class Retold(InPart):
    """A run in which three ballots hear of three votes: the highest one, a lower one, and none. Only the last counts.

    What was proposed before, and came to nothing, is no vote, and it has not become the proposer's wish.
    """

    def run(self, steps: int) -> None:
        """Let two of five acceptors vote for others, then let the proposer stand; with `steps`, it is refused."""
        low, high, third, fourth, fifth = self.random.sample(range(1, 6), 5)
        for server, acceptor in enumerate((low, high), 1):
            self.play.step(Choice("ask", acceptor, what=Accept(Ballot(1, server), f"theirs in 1.{server}")))
        self.play.step(Choice("ask", self.me, what=Propose("mine")))
        for number, heard in enumerate((high, low, fifth), 1):
            self.hear((heard, third, fourth))
            for acceptor in (third, fourth)[:steps]:
                self.play.step(Choice("ask", acceptor, what=Prepare(Ballot(10 * number, self.theirs[1]))))
            self.hear((third, fourth)[:steps])
            timers = [message for node, message in self.play.world.timers if node == self.me]
            for message in timers[:1]:
                self.play.step(Choice("fire", self.me, what=message))


class Aftermath(Trouble):
    """A run in which, after a proposal, all that led to it comes again, and promises come that were held back.

    Those report a vote, and would have led to another value: what was proposed in a ballot stays proposed, whether it
    was chosen meanwhile, or refused, or nothing came back yet, and whatever rings.
    """

    def come_again(self, fate: str) -> None:
        """Let a majority promise and report no vote, and the proposal that follows come to this fate; then the rest."""
        acceptors = self.random.sample(range(1, self.acceptors + 1), self.acceptors)
        early, late = acceptors[: self.acceptors // 2 + 1], acceptors[self.acceptors // 2 + 1 :]
        for acceptor in late:
            self.play.step(Choice("ask", acceptor, what=Accept(Ballot(1, 1), self.words[0])))
        self.play.step(Choice("ask", self.me, what=Propose("mine")))
        if self.random.random() < 0.5:
            self.stand_again(early[0])
        for flight in self.flying(Prepare):
            self.bring(flight)
        for flight in self.flying(Promise, early):
            self.bring(flight, doubled=True)
        self.come_to(fate, acceptors)
        for flight in (*self.flying(Nack), *self.flying(Promise, late), *self.flying(Promise)):
            self.bring(flight)
        self.more(10)

    def stand_again(self, acceptor: int) -> None:
        """Let its first ballot be refused, which it is told late, and its timer ring."""
        self.play.step(Choice("ask", acceptor, what=Prepare(Ballot(1, self.theirs[1]))))
        for flight in self.flying(Prepare):
            kind = "deliver" if flight.receiver == acceptor else "drop"
            self.play.step(Choice(kind, flight.receiver, flight.sender, flight.message))
        self.ring(1)

    def ring(self, most: int) -> None:
        """Let some of its timers ring."""
        timers = [message for node, message in self.play.world.timers if node == self.me]
        for message in self.random.sample(timers, min(most, len(timers))):
            self.play.step(Choice("fire", self.me, what=message))

    def come_to(self, fate: str, acceptors: list[int]) -> None:
        """Let the proposal be chosen, or refused, or let nothing be heard of it yet."""
        if fate == "refused":
            for acceptor in acceptors[self.random.randint(0, 1) :]:
                self.play.step(Choice("ask", acceptor, what=Prepare(Ballot(5, self.theirs[1]))))
        if not fate.startswith("not heard of"):
            for flight in self.flying(Accept):
                self.bring(flight)
            for flight in self.flying(Accepted):
                self.bring(flight, doubled=True)
        if fate.endswith("its timers ring"):
            self.ring(99)
        elif fate.endswith("a timer rings"):
            self.ring(1)

    def flying(self, kind: type[Message], senders: Sequence[Name] = ()) -> list[Flight]:
        """Return what is in flight of a kind, from these senders if any are named, in an order by dice."""
        flights = [
            flight for flight in self.play.world.flying.values()
            if type(flight.message) is kind and (not senders or flight.sender in senders)
        ]  # fmt: skip
        return self.random.sample(flights, len(flights))

    def bring(self, flight: Flight, doubled: bool = False) -> None:
        """Bring a message to its receiver, and leave a copy of it in flight if it is to come again."""
        for kind in ["duplicate", "deliver"] if doubled else ["deliver"]:
            with suppress(ValueError):  # it came already: of two equal ones, one was named
                self.play.step(Choice(kind, flight.receiver, flight.sender, flight.message))


FATES = ("chosen", "chosen, and its timers ring", "refused", "not heard of", "not heard of, and a timer rings")
"""What a proposal comes to before that comes again which led to it."""

AFTERMATHS = {3: 3, 4: 1, 5: 1}
"""So many runs for each fate, for each number of acceptors."""


class Crowd(Aftermath):
    """A run among a number of acceptors that no other run has: they answer one by one, some report votes."""

    def get_through(self) -> None:
        """Let the proposer ask, propose and decide; some answers come twice."""
        acceptors = range(1, self.acceptors + 1)
        for acceptor in self.random.sample(acceptors, self.acceptors // 2):
            ballot = Ballot(1, self.random.choice(acceptors))
            self.play.step(Choice("ask", acceptor, what=Accept(ballot, self.value(ballot))))
        self.play.step(Choice("ask", self.me, what=Propose("mine")))
        for kind in (Prepare, Promise, Accept, Accepted):
            for flight in self.flying(kind):
                self.bring(flight, doubled=self.random.random() < 0.2)


CROWDS = (2, 6, 8, 9, 10, 11)
"""Numbers of acceptors that no other run has."""

FORGOTTEN = 15
"""So many runs, with three acceptors, in which a vote is heard of and then is not."""

RUNS = {3: 30, 4: 30, 5: 30, 7: 8}
"""So many runs full of trouble for each number of acceptors."""


def judge(what: str) -> Callable[[Subject, int], None]:
    """Return the judge of a safety property: runs full of trouble, in which a proposer must decide now and then."""

    def judged(subject: Subject, seed: int) -> None:
        must_be_its_own(subject)
        for acceptors in RUNS:
            watched = []
            for ended, minutes in (troubled_once(subject, seed, acceptors), reported_once(subject, seed, acceptors)):
                if what in ended:
                    raise ended[what]
                watched += minutes[what]
            if acceptors < 7 and not any(one.decided for one in watched):  # of seven, luck may bring no majority
                raise Failed(f"in {len(watched)} runs with {acceptors} acceptors, the proposer never "
                             "announced Decided.\nLet it "
                             "decide first: one that never does is safe, and of no use.")  # fmt: skip
        for ended in (together_once(subject, seed), aftermath_once(subject, seed), searched(subject, seed)):
            if what in ended:
                raise ended[what]

    return judged


def troubled_once(subject: Subject, seed: int, acceptors: int) -> tuple[dict[str, Exception], dict[str, list[Minutes]]]:
    """Return what `troubled` returns, which is run once."""
    count = RUNS[acceptors]
    name = f"a proposer in trouble with {acceptors} acceptors, {count} runs, seed {seed}"
    return subject.once(name, partial(troubled, subject, seed, acceptors, count))


def reported_once(subject: Subject, seed: int, acceptors: int) -> tuple[dict[str, Exception], dict[str, list[Minutes]]]:
    """Return what `reported` returns, which is run once."""
    count = RUNS[acceptors]
    name = f"what is reported to a proposer by {acceptors} acceptors, {count} runs, seed {seed}"
    return subject.once(name, partial(reported, subject, seed, acceptors, count))


def together_once(subject: Subject, seed: int) -> dict[str, Exception]:
    """Return what `together` returns, which is run once."""
    return subject.once(f"two proposers, seed {seed}", partial(together, subject, seed))


def aftermath_once(subject: Subject, seed: int) -> dict[str, Exception]:
    """Return what `aftermath` returns, which is run once."""
    return subject.once(f"what comes after a proposal, seed {seed}", partial(aftermath, subject, seed))


def searched(subject: Subject, seed: int) -> dict[str, Exception]:
    """Return what a search through the proposer's states finds, once no schedule has ended a safety property."""
    if together_once(subject, seed) or aftermath_once(subject, seed):
        return {}
    for once in (troubled_once, reported_once):
        if any(once(subject, seed, acceptors)[0] for acceptors in RUNS):
            return {}
    return subject.once("each choice in each state of a proposer", partial(deep, subject))


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


def aftermath(subject: Subject, seed: int) -> dict[str, Exception]:
    """Run what comes after a proposal, and then what comes in larger groups; return what ended each property."""
    ended: dict[str, Exception] = {}

    def again(play: Play, acceptors: int, fate: str, run: int) -> None:
        Aftermath(play, dice("after a proposal", acceptors, seed, fate, run), acceptors).come_again(fate)

    def crowd(play: Play, acceptors: int) -> None:
        Crowd(play, dice("a crowd of acceptors", acceptors, seed), acceptors).get_through()

    for acceptors in (*AFTERMATHS, *CROWDS):
        watchers = {what: partial(Minutes, what, acceptors + 1) for what in (BALLOTS, P2C, COUNTS)}
        schedules: list[Schedule] = [
            partial(again, acceptors=acceptors, fate=fate, run=run)
            for fate in FATES for run in range(AFTERMATHS.get(acceptors, 0))
        ] or [partial(crowd, acceptors=acceptors)]  # fmt: skip
        ended = {**hunts(subject, begin(acceptors), {MINE: "Proposer"}, watchers, schedules, ROLES), **ended}
    return ended


def reported(
    subject: Subject, seed: int, acceptors: int, count: int
) -> tuple[dict[str, Exception], dict[str, list[Minutes]]]:
    """Run what turns on the reports of promises; return what ended each property, and what each has watched."""

    def report(play: Play, run: int) -> None:
        Reported(play, dice("reported to a proposer", acceptors, seed, run), acceptors).run(10 * acceptors)

    def forget(play: Play, run: int) -> None:
        Forgotten(play, dice("forgotten by a proposer", acceptors, seed, run), acceptors).run(10 * acceptors)

    def in_part(play: Play, answers: int) -> None:
        InPart(play, dice("told in part", seed, answers), acceptors).run(answers)

    def retold(play: Play, refused: int) -> None:
        Retold(play, dice("told otherwise", seed, refused), acceptors).run(refused)

    schedules = [partial(report, run=run) for run in range(count)]
    if acceptors == 3:
        schedules += [partial(forget, run=run) for run in range(FORGOTTEN)]
        schedules += [partial(in_part, answers=answers) for answers in (1, 2)]
    if acceptors == 5:
        schedules += [partial(retold, refused=refused) for refused in (0, 1, 2)]
    return watched_all(subject, acceptors, schedules)


def troubled(
    subject: Subject, seed: int, acceptors: int, count: int
) -> tuple[dict[str, Exception], dict[str, list[Minutes]]]:
    """Run every schedule once, for all safety properties; return what ended each, and what each has watched."""

    def trouble(play: Play, run: int) -> None:
        chance = dice("proposer", acceptors, seed, run)
        Trouble(play, chance, acceptors).run(chance.choice([15, 40, 80]))

    return watched_all(subject, acceptors, [partial(trouble, run=run) for run in range(count)])


def watched_all(
    subject: Subject, acceptors: int, schedules: Iterable[Schedule]
) -> tuple[dict[str, Exception], dict[str, list[Minutes]]]:
    """Run schedules for all safety properties; return what ended each, and what each has watched."""
    minutes: dict[str, list[Minutes]] = {what: [] for what in (BALLOTS, P2C, COUNTS)}

    def watcher(what: str) -> Minutes:
        minutes[what].append(Minutes(what, acceptors + 1))
        return minutes[what][-1]

    watchers = {what: partial(watcher, what) for what in minutes}
    return hunts(subject, begin(acceptors), {MINE: "Proposer"}, watchers, schedules, ROLES), minutes


# Progress: what must happen when little goes wrong ----------------------------------------------------------------


class Calm:
    """Right acceptors, some of them silent; every message arrives, a timer rings when nothing else can happen."""

    def __init__(self, play: Play, acceptors: int, down: tuple[int, ...] = (), name: int = 0) -> None:
        self.play, self.acceptors, self.me, self.down = play, acceptors, name or acceptors + 1, down
        self.clock = Clock()
        self.seen = 0
        """The number of the newest timer that the clock knows of."""

    def rival(self, message: Prepare | Accept, acceptors: int = 99) -> None:
        """Let the first so many acceptors have heard this of another proposer."""
        for acceptor in range(1, min(acceptors, self.acceptors) + 1):
            self.play.step(Choice("ask", acceptor, what=message))

    def go(self, lose: int = 0, of: type[Message] = Message, rings: int = 0, wish: str = "mine") -> None:
        """Let the proposer begin; see that it decides, and then stands no more.

        Lost are its first `lose` messages of a kind, and all until its timer has rung `rings` times.
        """
        said = self.play.step(Choice("ask", self.me, what=Propose(wish)))
        self.end(lose, of, rings, any(type(one.message) is Decided for one in said))

    def end(self, lose: int = 0, of: type[Message] = Message, rings: int = 0, decided: bool = False) -> None:
        """See that a proposer that has begun decides, and then stands no more."""
        lost = 0
        while not self.clock.is_over(rings + RINGS):
            silent = max(self.clock.rung.values(), default=0) < rings
            while flight := next(iter(self.play.world.flying.values()), None):
                is_lost = lost < lose and isinstance(flight.message, of)
                lost += is_lost
                kind = "drop" if flight.receiver in self.down or is_lost or silent else "deliver"
                said = self.play.step(Choice(kind, flight.receiver, flight.sender, flight.message))
                decided = decided or any(type(one.message) is Decided for one in said)
            if decided:
                return self.rest()
            timer = self.next_timer()
            if timer is None:
                raise Fall(f"nothing is in flight, {title(self.me)} has no timer running and has decided "
                           "nothing: it waits "
                           "for ever.\nLook at when a timer is set: silence may be loss.")  # fmt: skip
            self.play.step(Choice("fire", self.me, what=timer))
        raise Fall(f"{title(self.me)} has decided nothing after {rings + RINGS} rings of its timer, though every "
                   "message arrived that was "
                   "not lost on purpose.\nLook at what it does when its timer rings, and at how high its "
                   "next ballot is.")  # fmt: skip

    def next_timer(self) -> Message | None:
        """Return the proposer's timer that rings next, if one runs."""
        new = [timer for timer in self.play.world.timers.values() if timer.node == self.me and timer.number > self.seen]
        for timer in sorted(new, key=lambda timer: timer.number):
            self.clock.set(timer.message, timer.low, timer.high)
            self.seen = timer.number
        while (message := self.clock.next()) is not None:
            if (self.me, message) in self.play.world.timers:
                return message
        return None

    def rest(self) -> None:
        """Whoever knows the decision stands no more: let its timers ring, and whoever watches will see."""
        for _ in range(RESTS):
            for node, message in list(self.play.world.timers):
                if node == self.me:
                    self.play.step(Choice("fire", self.me, what=message))


RESTS = 10
"""After a decision, each of its timers rings so often."""


OUTAGE, LONG_OUTAGE = 6, 110
"""For so many rings, all messages are lost."""

REFUSED = 12
"""So many ballots are refused one after the other."""

FAR = {3: 40, 4: 110_000}
"""The round of the ballot that is in the way, for each number of acceptors; 300 for others."""

WISH = {5: " Mine\r\n", 4: "mi\u0301ne " * 60}
"""A wish that is decided as it is, for each number of acceptors; the empty text for others."""

LATER_NAME = 8
"""The name of a proposer of three acceptors that has others before it: how many acceptors there are, it does not say.
"""

ENDS = 12
"""Among so many acceptors those at both ends are a majority: their names are no digits."""

Scene = Callable[[Play], None]


def scenes(acceptors: int) -> Iterator[tuple[Scene, str]]:
    """Yield calm runs, each with the value that must be decided."""
    theirs = Accept(Ballot(7, acceptors + 2), "theirs")
    first_half, second_half = range(1, (acceptors + 1) // 2), range(acceptors // 2 + 2, acceptors + 1)
    each_second = range(2, acceptors + 1, 2)[: (acceptors - 1) // 2]

    def above(play: Play) -> None:
        calm = Calm(play, acceptors)
        calm.rival(Prepare(Ballot(FAR.get(acceptors, 300), acceptors + 2)))
        calm.go()

    def refused(play: Play) -> None:
        calm = Calm(play, acceptors)
        play.step(Choice("ask", calm.me, what=Propose("mine")))
        for _ in range(REFUSED):
            asked = [flight.message.ballot for flight in play.world.flying.values() if type(flight.message) is Prepare]
            calm.rival(Prepare(Ballot(max(filter(is_ballot, asked), default=BOTTOM).round + 9, acceptors + 2)))
            if any(type(one.message) is Decided for one in play.deliver_all()):
                return calm.rest()  # it stood again at once, before anybody could refuse that too
            if (timer := calm.next_timer()) is not None:
                play.step(Choice("fire", calm.me, what=timer))
        calm.clock.rung.clear()  # from here on nobody disturbs it
        calm.end()

    def inherited(play: Play, voters: int = 99, lose: int = 0) -> None:
        calm = Calm(play, acceptors)
        calm.rival(theirs, voters)
        calm.go(lose)

    def long_outage(play: Play) -> None:
        for acceptor in range(2, acceptors + 1):  # the first to answer then has no vote to report
            play.step(Choice("ask", acceptor, what=theirs))
        Calm(play, acceptors).go(rings=LONG_OUTAGE)

    yield lambda play: Calm(play, acceptors).go(), "mine"
    yield lambda play: Calm(play, acceptors, down=tuple(first_half)).go(), "mine"
    yield lambda play: Calm(play, acceptors, down=tuple(second_half)).go(), "mine"
    if acceptors > 4:
        yield lambda play: Calm(play, acceptors, down=tuple(each_second)).go(), "mine"
    for lose in (acceptors, 2 * acceptors, 2 * acceptors + 1):
        yield lambda play, lose=lose: Calm(play, acceptors).go(lose), "mine"  # type: ignore[misc]
    for kind in (Promise, Accept, Accepted):
        for lose in sorted({1, acceptors - acceptors // 2, acceptors}):
            yield lambda play, lose=lose, kind=kind: Calm(play, acceptors).go(lose, kind), "mine"  # type: ignore[misc]
    yield lambda play: Calm(play, acceptors).go(rings=OUTAGE), "mine"
    if acceptors == 3:
        yield long_outage, "theirs"
    wish = WISH.get(acceptors, "")
    yield lambda play: Calm(play, acceptors).go(wish=wish), wish
    yield above, "mine"
    if acceptors == 3:
        yield refused, "mine"
    yield inherited, "theirs"
    yield lambda play: inherited(play, acceptors // 2 + 1, lose=1), "theirs"


class Progress(Minutes):
    """Watches that what is decided is the right value, and that it is decided indeed."""

    def __init__(self, proposer: int, right: str, acceptors: int = 0) -> None:
        super().__init__(PROGRESS, proposer, acceptors)
        self.right = right

    def wrong_fact(self, fact: Message) -> str | None:
        """The value that must be decided."""
        if not same(fact, Decided(self.right)):
            return f"{title(self.me)} announced {say(fact)}; in this run {self.right!r} had to be decided."
        return self.uncounted(self.right)


class Thorough(Progress):
    """Watches besides that it stands at once, and that it asks all acceptors."""

    def after(self, world: World, choice: Choice, said: list[Said]) -> str | None:
        """Judge a turn: what is asked of acceptors is asked of all of them, and the first of it at once."""
        asked: dict[Message, set[Name]] = {}
        for one in said if choice.node == self.me else ():
            if one.sender == self.me and one.to is not None and self.begins(one.message):
                asked.setdefault(one.message, set()).add(one.to)
        words = super().after(world, choice, said)
        if words or choice.node != self.me:
            return words
        stands = any(one.sender == self.me and type(one.message) is Prepare for one in said)
        if type(choice.what) is Propose and not stands:
            return (f"{title(self.me)} heard {say(choice.what)} and asked no acceptor anything.\n"
                    "Look at when it first stands in a ballot: at once.")  # fmt: skip
        for message, receivers in asked.items():
            if left_out := set(range(1, self.acceptors + 1)) - receivers:
                names = " and ".join(title(name) for name in sorted(left_out))
                return (
                    f"{title(self.me)} said {say(message)} to {len(receivers)} of {self.acceptors} acceptors, and not "
                    f"to {names}.\nLook at whom it asks: all acceptors, for any majority of them may answer."
                )
        return None

    def begins(self, message: Message) -> bool:
        """Say whether this is the first Prepare or the first Accept of a ballot."""
        if type(message) is Prepare:
            return is_ballot(message.ballot) and message.ballot > self.highest
        return type(message) is Accept and is_ballot(message.ballot) and message.ballot not in self.proposed


def judge_progress(subject: Subject, seed: int) -> None:
    """With a majority of acceptors up, a proposer that is alone decides."""
    must_be_its_own(subject)
    judge_scenes(subject)
    if PROGRESS in (ended := searched(subject, seed)):
        raise ended[PROGRESS]


def judge_scenes(subject: Subject) -> None:
    """In each calm scene, the proposer decides what it must."""
    for acceptors in (3, 1, 5, 4):
        for scene, right in scenes(acceptors):

            def watcher(acceptors: int = acceptors, right: str = right) -> Progress:
                return Thorough(acceptors + 1, right)

            story = begin(acceptors)
            tried(subject, story, watcher, scene)
    among_others = begin(3, LATER_NAME - 3)
    tried(
        subject, among_others, lambda: Thorough(LATER_NAME, "mine", 3),
        lambda play: Calm(play, 3, down=(2,), name=LATER_NAME).go(),
    )  # fmt: skip
    middle = tuple(range(3, ENDS // 2 + 2))
    tried(subject, begin(ENDS), lambda: Thorough(ENDS + 1, "mine"), lambda play: Calm(play, ENDS, down=middle).go())


def tried(
    subject: Subject, story: Story, watcher: Callable[[], Watcher], scene: Scene, mine: Mapping[str, str] | None = None
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


# What a proposer is made of -----------------------------------------------------------------------------------------


def must_be_its_own(subject: Subject) -> None:
    """Raise LearnerError, in one line, where a proposer is not its own data: it does not go on as its copy would.

    Or where proposers share memory, in the words that are used where marks are given.
    """
    if says := subject.once("is a proposer its own?", lambda: no_data(subject) or shared(subject)):
        raise LearnerError(says)


def no_data(subject: Subject) -> str:
    """Return which attribute of a proposer's is no data, and what to use in its place; nothing if there is none.

    A function may stay, as long as a copy of the proposer goes on as it would itself. A copy takes each turn here.
    """
    search = Search(subject, 3)
    decides = False
    with suppress(LearnerError, NodeError, Enough):
        decides = search.decides(search.after(*search.born())[0])
    where, _, kind = search.odd.partition(": ")
    kind = kind.rpartition("got a ")[2]
    if not kind or (decides and kind not in INSTEAD):
        return ""
    instead = INSTEAD.get(kind, "Keep the name of a method there, and find it with getattr")
    return f"self.{where} holds a {kind}, with which no copy of the proposer can go on. {instead}."


_VIEW = "Keep a list or a set of it"
_PHASE = "Keep there what it would go on with (the phase, who answered and what), as numbers, texts, lists or dicts"
_OUTSIDE = "Leave it out: handlers run one at a time, and a proposer needs nothing from outside"
INSTEAD = {
    **dict.fromkeys(("generator", "coroutine", "async_generator"), _PHASE),
    **dict.fromkeys(("dict_keys", "dict_values", "dict_items", "mappingproxy", "Match"), _VIEW),
    **dict.fromkeys(("lock", "RLock", "TextIOWrapper", "BufferedReader", "BufferedWriter", "socket"), _OUTSIDE),
    "module": "Use the name that you imported, without self",
}
"""Types of which Python makes no copies, and what to do without them."""


def shared(subject: Subject) -> str:
    """Say, in the words for marks, if a proposer does something else where another one lives; nothing if not.

    In marks each lives in a process of its own, and all that it did is done again there: of this, only what changes in
    one of two objects is found here then.
    """
    state = random.getstate()
    try:
        with suppress(LearnerError, StopIteration):
            alone = lives(subject, [(5, "blue")])
            sleep(0.005)  # so that a clock has moved on
            if alone != lives(subject, [(5, "blue")]) or live_otherwise_together(subject):
                return SHARED_MEMORY.format(node=title(5))
            if not born_alike(subject) or changes_another(subject):
                return SHARED_MEMORY.format(node=title(5))
    finally:
        random.setstate(state)
    return ""


def born_alike(subject: Subject) -> bool:
    """Say whether a proposer is born twice with the same state, though a clock has moved on."""
    states = []
    for _ in range(2):
        random.seed(5)
        states.append(subject.make("Proposer", 5, (1, 2, 3)).call("state"))
        sleep(0.002)
    return bool(states[0] == states[1])


def changes_another(subject: Subject) -> bool:
    """Say whether a proposer's state changes although only another one, an object beside it, hears anything."""
    one, other = (subject.make("Proposer", name, (1, 2, 3)) for name in (4, 5))
    before = other.call("state")
    effects = subject.node("Proposer")(4, (1, 2, 3)).receive(4, Propose("mine"))
    ballot = next(effect[-1].ballot for effect in effects if type(effect[-1]) is Prepare)
    for sender, message in (
        (4, Propose("mine")), (1, Promise(ballot, None)), (2, Promise(ballot, None)), (1, Accepted(ballot, "mine")),
    ):  # fmt: skip
        one.call("receive", sender, message)
    return bool(other.call("state") != before)


def live_otherwise_together(subject: Subject) -> bool:
    """Say whether one of two proposers does something else than it does alone: beside another, or behind its copy."""
    for pair, late in (([(4, "red"), (5, "blue")], 0), ([(5, "red"), (5, "blue")], 1)):
        if lives(subject, pair, late) != [life for one in pair for life in lives(subject, [one])]:
            return True
    return False


def lives(subject: Subject, proposers: Sequence[tuple[int, str]], late: int = 0) -> list[list[list[Message]]]:
    """Let proposers live in one process, turn by turn, each with its name and its wish; return what each did.

    Each begins so many turns after the one before.
    """
    nodes = []
    for name, _ in proposers:
        random.seed(name)  # as where marks are given
        nodes.append(subject.node("Proposer")(name, (1, 2, 3)))
    each = [
        chain(repeat(None, late * place), a_life(node, *proposer))
        for place, (node, proposer) in enumerate(zip(nodes, proposers, strict=True))
    ]
    turns = zip(*zip_longest(*each), strict=True)
    return [[[effect[-1] for effect in effects] for effects in one if effects is not None] for one in turns]


def a_life(node: Node, name: int, wish: str) -> Iterator[list[Effect]]:
    """Let a proposer be asked, refused, and then, in its next ballot, decide; yield what it does each time."""
    said: list[Any] = []

    def hears(sender: Name, message: Message) -> list[Effect]:
        random.seed(len(said))  # in marks, dice are thrown so too: the same for the same turn
        effects = node.receive(sender, message)
        said.extend(effect[-1] for effect in effects)
        return effects

    first = [*type(node).start(node), *hears(name, Propose(wish))]
    timers = [effect.message for effect in first if type(effect) is After]
    yield first
    ballot: Any = next((one.ballot for one in said if type(one) is Prepare), None)
    if not is_ballot(ballot):
        return
    one, two, three = (1 + (name + number) % 3 for number in range(3))  # not in the order of another one
    for sender, vote in ((one, None), (two, Vote(Ballot(1, 1), "red")), (three, None)):
        yield hears(sender, Promise(ballot, vote))
    value = next((accept.value for accept in said if type(accept) is Accept), wish)
    yield hears(one, Accepted(ballot, value))
    yield hears(three, Nack(ballot, Ballot(ballot.round + 1, 1)))
    for timer in timers[:1]:
        yield hears(name, timer)
    yield hears(two, Accepted(ballot, value))
    again = [prepare.ballot for prepare in said if type(prepare) is Prepare][-1]
    for sender in (one, two):
        yield hears(sender, Promise(again, None))
    value = next((accept.value for accept in reversed(said) if type(accept) is Accept), wish)
    for sender in (one, two):
        yield hears(sender, Accepted(again, value))


def deep(subject: Subject) -> dict[str, Exception]:
    """Return what a search finds that no schedule did: what ends each property, as a hunt would raise it.

    Where a node's state is nested too deeply, the search ends.
    """
    ended: dict[str, Exception] = {}
    for acceptors in TURNS:
        found: dict[str, Run] = {}
        with suppress(NodeError, RecursionError):
            for what, run in Search(subject, acceptors).falls():
                if (PROGRESS if what == STUCK else what) not in ended:
                    found.setdefault(what, run)
        for what, run in found.items():
            try:
                ended = {**told_again(subject, acceptors, what, run), **ended}
            except (Failed, LearnerError) as error:
                ended.setdefault(PROGRESS, error)
    return ended


def told_again(subject: Subject, acceptors: int, what: str, run: Run) -> dict[str, Exception]:
    """Return what ends a property in this run. Raises what ends it, if it is that nothing is decided behind the run."""
    story = begin(acceptors)
    if what != STUCK:
        schedule = partial(tell_run, run=run)
        watchers = {what: partial(Minutes, what, acceptors + 1)}
        return hunts(subject, story, {MINE: "Proposer"}, watchers, [schedule], ROLES)

    def scene(play: Play) -> None:
        tell_run(play, run)
        for flight in list(play.world.flying.values()):
            play.step(Choice("drop", flight.receiver, flight.sender, flight.message))
        Calm(play, acceptors, down=tuple(range(acceptors // 2 + 2, acceptors + 1))).end()

    tried(subject, story, partial(Minutes, PROGRESS, acceptors + 1), scene)
    return {}


def tell_run(play: Play, run: Run) -> None:
    """Let the choices of a run happen; what is delivered more than once is doubled before."""
    left = Counter(run)
    for choice in run:
        left[choice] -= 1
        with suppress(ValueError):  # it cannot happen: the node is no function of what it heard
            if choice.kind == "deliver" and left[choice]:
                play.step(replace(choice, kind="duplicate"))
            play.step(choice)


# A duel -----------------------------------------------------------------------------------------------------------

HOP = 10.0
"""How long a message takes in a duel, in milliseconds: always the same, so that only timers can end it."""

LEAST_SLOW = 50.0
"""An Accept takes at least so long: more than a refused proposer needs to stand again at once."""

ROUNDS = 200
"""A duel that is not over after so many waits of its first proposer, and 20 seconds, goes on for ever."""


PAIRS = {11: (14, 24), 12: (4, 8), 13: (4, 9), 14: (4, 7), 15: (5, 6)}
"""Which two of more proposers meet in a run, for each run of these numbers; the first two in others."""


class Duel:
    """Two proposers of a learner's among right acceptors, in virtual time; timers ring when dice say.

    An Accept is slow: it takes 60 % of the shortest wait that the first proposer asks for. The second proposer begins
    half such a wait after the first. So whoever waits always equally long, or not at all, finds each of its Accepts
    refused because the other stood again meanwhile.
    """

    def __init__(self, play: Play, random: Random, proposers: tuple[int, int] = (4, 5)) -> None:
        self.play, self.random = play, random
        self.proposers = proposers
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


class Patient:
    """Judges of a duel, which is judged by its end, only that a Nack lets nobody stand again at once."""

    def after(self, world: World, choice: Choice, said: list[Said]) -> str | None:
        """Return what a proposer did in the turn of a Nack, if it stood again."""
        stands = [one.message for one in said if one.sender == choice.node and type(one.message) is Prepare]
        if type(choice.what) is not Nack or choice.kind != "deliver" or not stands:
            return None
        return (f"{title(choice.node)} heard {say(choice.what)} of {title(choice.peer or 0)} and said "
                f"{say(stands[0])} in the same turn.\nLook at what a Nack means: another one is at work, and needs "
                "time.")  # fmt: skip


def fight(play: Play, duel: Duel) -> bool:
    """Let a duel go on to its end, and say whether both know a decision. Raises Failed where a Nack is not heeded."""
    try:
        return duel.over()
    except Fall as fall:
        story = replace(play.begin, choices=tuple(play.choices), says=str(fall).splitlines()[0])
        raise Failed(str(fall), story=story) from None


def refused(play: Play, what: type[Message], server: int) -> None:
    """Let what a proposer asks be refused, of this kind, because of a ballot of this server's."""
    play.step(Choice("ask", 4, what=Propose("mine")))
    early = (Prepare, Promise) if what is Accept else ()
    while flight := next((one for one in play.world.flying.values() if isinstance(one.message, early)), None):
        play.step(Choice("deliver", flight.receiver, flight.sender, flight.message))
    for acceptor in range(1, 4):
        play.step(Choice("ask", acceptor, what=Prepare(Ballot(9, server))))
    play.deliver_all(20)


REFUSALS: tuple[Scene, ...] = tuple(
    partial(refused, what=what, server=server) for what in (Prepare, Accept) for server in (1, 5)
)
"""Scenes in which a proposer hears Nacks."""


def judge_duel(subject: Subject, seed: int) -> None:
    """Two proposers that get in each other's way both know in the end what is decided."""
    must_be_its_own(subject)
    for scene in REFUSALS:
        tried(subject, begin(3), Patient, scene)
    for run in range(16):
        pair = PAIRS.get(run, (4, 5))
        story = begin(3, max(pair) - 3)
        play = Play(story, {**ROLES, MINE: subject.node("Proposer")}, Patient())
        duel = Duel(play, dice("duel", seed, run), pair)
        if not fight(play, duel):
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
