"""Exercise 11: a learner's whole server under every fault, by dice and in threads; and the report of an experiment.

The simulated runs differ in their faults; the claims are the same in all: those of the ghost recorder, that of the lost
disk, and what this exercise's store answers. No figure of a report is believed: each of its runs is made again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, ClassVar, NamedTuple

from paxoskit.claims.claim import Claim, Violation, Watched
from paxoskit.claims.safety import AtMostOnce, Ghost, GhostClaim, Linearizable, Outcome
from paxoskit.grading.checks.chain import a_request
from paxoskit.grading.checks.log import DECIDE, LEAD, PROMISE, SCENES, VOTES, Minutes, act, scene
from paxoskit.grading.checks.log import Scene as Talk
from paxoskit.grading.checks.play import Play, Said, Schedule, dice, hunt, newborn, same, sends
from paxoskit.grading.checks.store import Fold, Register, replies, says, what_of
from paxoskit.grading.checks.store import Scene as Asking
from paxoskit.grading.checks.trials import KIT, SPEAKER, SPEAKERS, Trial, claims_of_words, live, trial
from paxoskit.grading.properties import Exercise, Failed, Property
from paxoskit.grading.subject import LearnerError, LocalSubject, Subject, in_words
from paxoskit.protocol.chain import NO_HASH, Content, mine
from paxoskit.protocol.messages import (
    Accept,
    Accepted,
    Ask,
    Block,
    Blocks,
    Decide,
    Elected,
    ElectionTimeout,
    Get,
    Heartbeat,
    HeartbeatHeard,
    Nack,
    Prepare,
    Promise,
    Put,
    Replies,
    Reply,
    Request,
    SteppedDown,
)
from paxoskit.protocol.node import Node, Send, title
from paxoskit.protocol.plain import BOTTOM, Ballot, Message, Name
from paxoskit.trace import Event, say
from paxoskit.worlds.choice import LOST, Choice
from paxoskit.worlds.simulator import FAULTS, HOP, NEMESES, Nemesis, Simulator, Workload
from paxoskit.worlds.story import Story
from paxoskit.worlds.world import Flight, Timer, World

MINE = "chaos.py:Server"

# What is right -------------------------------------------------------------------------------------------------


class Counting(Ghost):
    """The ghost's memory, where the right answer to a put is how often its key has been put, this time included."""

    def start(self, world: Watched) -> None:
        """No key has been put."""
        self.puts: dict[str, int] = {}
        super().start(world)

    def _fold(self, request: Request, place: tuple[int, int]) -> None:
        known = self.done.get(request.session)
        super()._fold(request, place)
        done, key = self.done[request.session], request.operation.key
        if done is not known and isinstance(request.operation, Put):
            self.puts[key] = self.puts.get(key, 0) + 1
            self.done[request.session] = Outcome(done.number, done.place, str(self.puts[key]))


class AtMostOnceHere(AtMostOnce):
    """Each request takes effect once; the kit's own servers say "done" to a put."""

    def __init__(self, ghost: Ghost, mine: frozenset[Name]) -> None:
        super().__init__(ghost)
        self.mine = mine

    def see(self, event: Event) -> Violation | None:
        """Look at what the learner's servers answer."""
        return super().see(event) if event.node in self.mine else None


class LinearizableHere(Linearizable):
    """Every answer is right at its place; "done", the kit's answer to a put, is taken as right."""

    def see(self, event: Event) -> Violation | None:
        """Look at an answer that a client took."""
        done = self.ghost.done.get(event.what.session)
        if event.what.answer == "done" and done is not None and isinstance(self._asked(event), Put):
            event = event._replace(what=replace(event.what, answer=done.answer))
        return super().see(event)

    def _asked(self, event: Event) -> Get | Put | None:
        asked = self.ghost.asked.get(event.what.session)
        return asked.operation if asked is not None else None


class OwnBallots(GhostClaim):
    """Whoever stands, stands in a ballot of its own."""

    name = "a ballot belongs to one server"
    sees = {"send": (Prepare,)}  # noqa: RUF012

    def see(self, event: Event) -> Violation | None:
        """Compare the ballot with who sent it."""
        self.checks += 1
        if event.what.ballot.server == event.node:
            return None
        return self.broken(f"{title(event.node)} stood for election in ballot {event.what.ballot}", event)


class NoVoice(GhostClaim):
    """A server that lost its disk promises nothing, votes for nothing, and never stands."""

    name = "a server that lost its disk has no voice"
    sees = {"crash": (), "send": (Prepare, Promise, Accepted)}  # noqa: RUF012

    def start(self, world: Watched) -> None:
        """Every disk is whole."""
        super().start(world)
        self.lost: dict[Name, Event] = {}

    def see(self, event: Event) -> Violation | None:
        """Look at what is said after a disk was lost."""
        if event.kind == "crash":
            if event.what == LOST:
                self.lost[event.node] = event
            return None
        self.checks += 1
        if event.node not in self.lost:
            return None
        did = {Prepare: "stood for election", Promise: "promised", Accepted: "voted"}[type(event.what)]
        return self.broken(
            f"{title(event.node)} lost its disk, and with it what it had promised and voted; afterwards it {did} in "
            f"ballot {event.what.ballot}", self.lost[event.node], event,
        )  # fmt: skip


def claims_for(nodes: Sequence[str]) -> Callable[[], Sequence[Claim]]:
    """Return what makes the claims that watch a cluster of these nodes; all but the kit's own are a learner's."""
    mine = frozenset(number for number, node in enumerate(nodes, 1) if node != KIT)
    more: list[Callable[[Ghost], Claim]] = [
        lambda ghost: AtMostOnceHere(ghost, mine), LinearizableHere, OwnBallots, NoVoice,
    ]  # fmt: skip
    return lambda: claims_of_words(more, without=[AtMostOnce.name, Linearizable.name], ghost=Counting())


def judge_rule(subject: Subject) -> None:
    """A put answers how often its key has been put: this is the store that is asked for, not the kit's."""
    puts = tuple(Request("client 1/9.1", number, Put("'x'", str(number))) for number in (1, 2))
    node = newborn(subject.node("Server"), 1, (1, 2, 3))
    node.receive(2, Decide(mine(Content(0, NO_HASH, puts))))
    for to, reply in answers(node.receive("client 1", puts[-1])):
        if (to, reply.number) == ("client 1", 2) and not same(reply.answer, "2"):
            raise Failed(
                f"put 'x' 1 and put 'x' 2 were decided; asked again, the second one was answered {reply.answer!r}; "
                "'2' was expected: it was the second put of its key.\nLook at where this store differs from the kit's."
            )


def answers(effects: Iterable[Any]) -> list[tuple[Name, Reply]]:
    """Return all answers among what a node asks for, and to whom."""
    found: list[tuple[Name, Reply]] = []
    for effect in effects:
        if type(effect) is Send:
            many = effect.message.replies if isinstance(effect.message, Replies) else (effect.message,)
            found += [(effect.to, reply) for reply in many if type(reply) is Reply]
    return found


# Alone ---------------------------------------------------------------------------------------------------------


ALONE = Story(nodes=(MINE, SPEAKER, SPEAKER, SPEAKER, SPEAKER), clients=((1,), (1,), (1,)), claims="none")
MATTERS = (PROMISE, VOTES, LEAD, DECIDE)
FOUR, SEVEN = (replace(ALONE, nodes=(MINE, *[SPEAKER] * others)) for others in (3, 6))
"""Half of an even number of servers is no majority, and three may be none."""
ALONE_RUNS, FEW_RUNS = 20, 10
"""For each matter, server 1 alone goes through so many runs; among four and among seven, through so many."""

NEEDED = {"promised": "promised a ballot", "voted": "voted", "led": "led", "decided": "appended a block"}


class Rules(Minutes):
    """What server 1, one of five, has heard and said; judged as in exercise 08, and by when it stands, and in what.

    Votes are not announced here.
    """

    def __init__(self, seen: set[str], servers: int = 5) -> None:
        super().__init__(seen, servers)
        self.used = BOTTOM
        """The highest ballot that server 1 promised or stood for, in any life."""
        self.told = BOTTOM
        """The highest ballot that a Nack told it of, in this life."""
        self.office = False
        """Has it been elected, and not said that it stepped down? One that need not know yet may think so."""

    @property
    def book(self) -> Rules:
        """What whoever plays along looks things up in."""
        return self

    def after(self, world: World, choice: Choice, said: list[Said]) -> str | None:
        """Return the first fault of a turn."""
        sent = sends(said, 1)
        words = self.wrong_stand(choice, sent)
        if words is None and (nack := idle_nack(sent)):
            words = f"{self.state()} it heard {what_of(choice)} and {nack}"
        for one in said:
            if one.sender == 1 and type(one.message) in (Elected, SteppedDown):
                self.office = type(one.message) is Elected
        return words or next(iter(self.faults(world, choice, said, MATTERS).values()), None)

    def wrong_stand(self, choice: Choice, sent: Sequence[Send]) -> str | None:
        """Whoever hears no leader stands, in a ballot above all that it may not use; nobody stands at another time."""
        if choice.node != 1:
            return None
        heard, message = f"{self.state()} it heard {what_of(choice)}", choice.what
        rang = choice.kind == "fire" and isinstance(message, ElectionTimeout)
        stood = [(to, one) for to, one in sent if type(one) is Prepare]
        bound = max(self.used, self.told)
        if choice.kind == "crash":
            self.told, self.office = BOTTOM, False
        elif isinstance(message, Nack):
            self.told = max(self.told, message.promised)
        elif isinstance(message, (Accept, Heartbeat)):
            self.used = max(self.used, message.ballot)
        self.used = max([self.used, *(one.ballot for _, one in sent if isinstance(one, (Promise, Prepare)))])
        if stood and not rang:
            return f"{heard} and said {say(stood[0][1])}.\nLook at when a server stands for election."
        free = rang and not self.heard and not self.office
        if free and {to for to, _ in stood} != {*range(1, self.servers + 1)}:
            return (f"{heard}, has heard no leader since that rang last, and asked {len(stood)} of {self.servers} "
                    "servers for a promise.\nLook at who is asked to follow, and at when a server may not "
                    "stand.")  # fmt: skip
        for _, one in stood:
            if one.ballot <= bound or one.ballot.server != 1:
                return (f"{heard} and stood in ballot {one.ballot}; the highest that it had promised, stood for or "
                        f"been told of by a Nack was {bound}.\nLook at which ballots a server may use.")  # fmt: skip
            if one.height != self.height:
                return f"{heard} and said {say(one)}.\nLook at what a candidate tells of its log."
        return None

    def unannounced(self, heard: str, sent: Sequence[Send], facts: list[Message]) -> tuple[str, str]:
        """Nobody asks for announcements here."""
        return "", ""

    def wrong_lead(self, heard: str, choice: Choice, sent: Sequence[Send], facts: list[Message]) -> str | None:
        """A majority of promises makes a leader, who proposes first what may be chosen; later ones do not count."""
        late = choice.kind == "deliver" and isinstance(choice.what, Promise) and self.leading
        if late and any(type(one) is Accept for _, one in sent):
            return f"{heard} and proposed a block, though it leads already.\nLook at until when a promise counts."
        return super().wrong_lead(heard, choice, sent, facts)


def idle_nack(sent: Sequence[Send]) -> str:
    """Return what is wrong with a Nack that tells of a lower ballot than the refused one, in words; mostly nothing."""
    for _, one in sent:
        if type(one) is Nack and one.promised < one.ballot:
            return (f"said {say(one)}: ballot {one.promised} is in nobody's way who stands in {one.ballot}.\nLook at "
                    "what a Nack tells, and at when it is sent.")  # fmt: skip
    return ""


class Tally(Fold):
    """What the decided blocks imply, where the right answer to a put is how often its key has been put."""

    def __init__(self) -> None:
        super().__init__()
        self.puts: dict[str, int] = {}

    def add(self, request: Request) -> bool:
        """Let a request take effect; say whether it had before."""
        again = super().add(request)
        if not again and isinstance(request.operation, Put):
            count = self.puts[request.operation.key] = self.puts.get(request.operation.key, 0) + 1
            self.right[request.session, request.number] = str(count)
        return again


class Answers(Register):
    """What server 1 has decided and was asked; judges all that it answers, and all that it should answer or pass on."""

    def __init__(self, seen: set[str]) -> None:
        super().__init__("", seen)
        self.fold = Tally()
        self.leader: Name | None = None
        """Who has said that it leads, right before."""

    def after(self, world: World, choice: Choice, said: list[Said]) -> str | None:
        """Judge a turn of server 1."""
        if choice.node != 1:
            return None
        if choice.kind == "crash" and choice.disk == LOST:
            self.blocks, self.fold = [], Tally()
        sent, fresh = sends(said, 1), self.take(world, choice, said)
        if choice.kind == "restart" and sent:
            return f"server 1 began a new life and sent {say(sent[0].message)}.\nLook at what is done then."
        heard = f"server 1{', which leads,' if self.leading else ''} heard {what_of(choice)}"
        words = self.wrong_answers(heard, sent)
        if words is None and choice.crash is None and choice.kind in ("deliver", "fire"):
            words = self.missing_answer(heard, choice, sent, fresh)
        if words is None and choice.crash is None and choice.kind == "deliver":
            words = self.ordered_again(heard, choice.what, sent) or self.kept_back(heard, choice, sent)
        for _, message in sent:
            if type(message) is Accept:
                self.open = message.block
        return words

    def wrong_answers(self, heard: str, sent: Sequence[Send]) -> str | None:
        """Every answer goes to who asked, is to a request that is decided here, and is that of its place in the log."""
        for to, reply in replies(sent):
            if type(reply.session) is not str or type(reply.number) is not int or to != reply.session.partition("/")[0]:
                return f"{heard} and sent {reply!r:.100} to {title(to)}.\nLook at whom an answer goes to."
            if (reply.session, reply.number) not in self.fold.right:
                return (f"{heard} and answered {says(reply)}, a request that is in none of its {len(self.blocks)} "
                        "decided blocks.\nLook at what an answer may rest on.")  # fmt: skip
            right = self.fold.right[reply.session, reply.number]
            if not same(reply.answer, right):
                return (f"{heard} and answered {says(reply)} with {reply.answer!r}; {right!r} was expected, its answer "
                        "at its first place in the log.\nLook at what a get and a put answer, and at a request that "
                        "comes or is decided again.")  # fmt: skip
            self.seen.add("answered")
        return None

    def kept_back(self, heard: str, choice: Choice, sent: Sequence[Send]) -> str | None:
        """A client's new request is passed on to the leader: judged right after that one was heard."""
        asked, leader = choice.what, self.leader
        self.leader = choice.peer if isinstance(asked, Accept) and asked.ballot >= self.ballot else None
        new = isinstance(asked, Request) and asked.number > self.fold.last.get(asked.session, 0)
        if not new or leader is None or self.leading or choice.peer != asked.client:  # type: ignore[union-attr]
            return None
        if any(to == leader and same(message, asked) for to, message in sent):
            return None
        return (f"{heard}, which is new, and did not pass it on to {title(leader)}, its leader.\nLook at how a request "
                "comes into the log.")  # fmt: skip


class Clients(Asking):
    """Requests by dice: new ones and old ones, of clients and of servers that pass them on."""

    book: Answers

    def operation(self) -> Get | Put:
        """Return a get, or a put: of a new value mostly, at times of the empty text."""
        one = super().operation()
        return Put(one.key, "") if isinstance(one, Put) and self.random.random() < 0.1 else one

    def pass_on(self) -> None:
        """Somebody else leads, and a client asks server 1."""
        self.follow()
        client = self.random.choice(("client 1", "client 2"))
        self.value += 1
        said = self.play.step(Choice("ask", client, what=Ask(f"{client}/7.{self.value}", Get("'x'"))))
        for one in said:
            if one.sender == client and one.to == 1:
                self.play.step(Choice("deliver", 1, client, one.message))

    def long_log(self) -> None:
        """Many blocks are decided; then server 1 is elected, and goes on."""
        for _ in range(LONG):
            self.speak(2, Decide(self.block()))
        for happens in (self.stand, self.ask, self.vote, self.ask_again, self.pass_on):
            happens()

    def lose(self) -> None:
        """Server 1 loses its disk."""
        self.play.step(Choice("crash", 1, disk=LOST))
        self.play.step(Choice("restart", 1))


def asked(play: Play, seed: int, run: int, lost: bool = False) -> None:
    """Let clients ask server 1, which leads at times; if its disk is lost, never."""
    one = Clients(play, dice("asked", lost, seed, run))
    if lost:
        one.lose()
    acts = [one.stand, one.ask, one.ask, one.vote, one.vote, one.decide, one.decide, one.ask_again, one.ask_again,
            one.crash, one.follow, one.pass_on]  # fmt: skip
    if run < 2:
        (one.many, one.long_log)[run]()
    one.run(4 + run % 24, acts)


THREE_ALONE = Story(nodes=(MINE, SPEAKER, SPEAKER), clients=((1,), (1,), (1,)), claims="none")
ASKED_RUNS, LOST_RUNS, LONG = 48, 12, 100


def judge_answers(subject: Subject, seed: int, runs: int, lost: bool = False) -> None:
    """Asked by clients, it answers what is decided with what it came to, and brings what is new to a leader."""
    seen: set[str] = set()
    schedules = (partial(asked, seed=seed, run=run, lost=lost) for run in range(runs))
    hunt(subject, THREE_ALONE, {MINE: "Server"}, partial(Answers, seen), schedules, SPEAKERS)
    if "answered" not in seen:
        raise Failed(f"in {runs} runs, server 1 never once answered a request that was decided.\nLook at who answers "
                     "what a block holds.")  # fmt: skip


class Talking(Talk):
    """A run by dice whose blocks hold what sessions asked first: no request is decided before those it comes after."""

    def __init__(self, play: Play, random: Random) -> None:
        super().__init__(play, random)
        self.sessions = 0

    def made(self, height: int, tip: str) -> Block:
        """Return a good block for that slot, on top of that block: of new requests, and copies of decided ones."""
        decided = [one for block in self.book.blocks for one in block.operations]
        asked: dict[str, Request] = {}
        for _ in range(self.random.randint(0, 3)):
            one = self.random.choice(decided) if decided and self.random.random() < 0.25 else self.first()
            asked[one.session] = one
        return mine(Content(height, tip, tuple(asked.values())), self.random.randint(0, 10**6))

    def first(self) -> Request:
        """Return the first request of a new session."""
        self.sessions += 1
        one = a_request(self.random)
        return replace(one, session=f"{one.client}/8.{self.sessions}")


class Elections(Talking):
    """A run by dice in which servers stand, are refused, crash, and stand again."""

    def nack(self) -> None:
        """Somebody has promised a higher ballot than the one in which server 1 stands, or stood."""
        peer = self.random.randint(2, self.book.servers)
        higher = Ballot(self.book.highest.round + self.random.randint(1, 3), peer)
        self.speak(peer, Nack(max(self.book.candidacy, Ballot(1, 1)), higher))

    def far(self) -> None:
        """Somebody stands in a ballot of a very high round."""
        self.speak(3, Prepare(Ballot(self.book.highest.round + 1_000_000, 3), self.book.height))

    def candidate(self) -> None:
        """Somebody stands whom nobody follows; another leads on in a lower ballot."""
        self.speak(3, Prepare(Ballot(9, 3), 0))
        self.speak(2, Heartbeat(Ballot(4, 2), 0))

    def caught_up(self) -> None:
        """Server 1 learns many blocks, and crashes; in its next life its timer rings, and somebody stands."""
        for _ in range(12):
            self.blocks()
        self.crash()
        self.stand()
        self.prepare()

    def heartbeat(self) -> None:
        """Somebody leads, and says so."""
        ballot = self.ballot()
        self.speak(ballot.server, Heartbeat(ballot, self.random.randint(0, self.book.height + 1)))


def stands(play: Play, seed: int, run: int) -> None:
    """Let server 1 stand again and again."""
    one = Elections(play, dice("stands", seed, run))
    one.run(8 + run % 8, [one.stand, one.stand, one.quiet, one.nack, one.nack, one.crash, one.promise, one.prepare,
                          one.heartbeat, one.far])  # fmt: skip


class Mute(Rules):
    """What server 1 has heard and said since it lost its disk: it learns as ever, and has no voice."""

    lost = False
    led = BOTTOM
    """The highest ballot in which it heard somebody lead since then: who only stands is promised nothing."""

    def after(self, world: World, choice: Choice, said: list[Said]) -> str | None:
        """Return the first fault of a turn: what others count on is never said; logs are brought together."""
        self.lost = self.lost or (choice.kind == "crash" and choice.disk == LOST)
        if not self.lost:
            return None  # a story without that is another matter
        heard = f"server 1, whose disk was lost in an earlier life, heard {what_of(choice)}"
        loud = next((one.message for one in said if one.sender == 1 and type(one.message) in LOUD), None)
        if loud is not None:
            return f"{heard} and said {say(loud)}.\n{ADVICE[NoVoice.name]}"
        echoed = any(type(one) is HeartbeatHeard and to == choice.peer for to, one in sends(said, 1))
        asked = choice.what if choice.node == 1 else None
        if isinstance(asked, (Accept, Heartbeat)):
            self.led = max(self.led, asked.ballot)
        if isinstance(asked, Heartbeat) and asked.ballot == self.led and not echoed:
            return (f"{heard} and did not answer it, though nobody has led in a higher ballot since.\nLook at what it "
                    "does as ever, and at what it never does.")  # fmt: skip
        if nack := idle_nack(sends(said, 1)):
            return f"{heard} and {nack}"
        return next(iter(self.faults(world, choice, said, (VOTES, DECIDE)).values()), None)

    def wrong_vote(self, heard: str, choice: Choice, sent: Sequence[Send], height: int) -> str | None:
        """It follows who leads, and closes the gap between their logs."""
        asked = choice.what
        if isinstance(asked, Accept) and asked.block.height == height:
            return None
        return super().wrong_vote(f"(its disk was lost in an earlier life) {heard}", choice, sent, height)


LOUD = (Prepare, Promise, Accepted)
"""What others count on."""


def judge_mute(subject: Subject, seed: int) -> None:
    """A server that lost its disk learns and closes gaps, in later lives too, and says nothing that others count on."""
    def schedule(play: Play, run: int) -> None:
        one = Elections(play, dice("mute", seed, run))
        play.step(Choice("crash", 1, disk=LOST))
        play.step(Choice("restart", 1))
        if run < 2:
            (one.candidate, one.caught_up)[run]()
        one.run(6 + run, [one.accept, one.accept, one.decide, one.prepare, one.quiet, one.want, one.blocks, one.crash,
                          one.nack, one.heartbeat])  # fmt: skip

    schedules = (partial(schedule, run=run) for run in range(LOST_RUNS))
    hunt(subject, ALONE, {MINE: "Server"}, partial(Mute, set()), schedules, SPEAKERS)


def judge_alone(subject: Subject, seed: int) -> None:
    """Among servers and clients that may say anything, it promises, votes, leads, learns and answers by the rules."""
    if (error := ended_alone(subject, seed)) is not None:
        raise error


def ended_alone(subject: Subject, seed: int) -> Exception | None:
    """Return what is wrong with server 1 alone, whose disk is whole."""
    def ended() -> Exception | None:
        try:
            judge_rule(subject)
            judge_twice(subject)
            judge_long_life(subject)
            judge_passed_on(subject)
            judge_rules(subject, seed)
            judge_answers(subject, seed, ASKED_RUNS)
        except (Failed, LearnerError) as error:
            return error
        return None

    return subject.once(f"a server alone, seed {seed}", ended)


def judge_rules(subject: Subject, seed: int) -> None:
    """Among four servers that may say anything, it promises, votes, leads and learns by the rules."""
    seen: set[str] = set()
    schedules = (partial(act, matter=matter, seed=seed, run=run, kind=Talking)
                 for run in range(ALONE_RUNS) for matter in MATTERS)  # fmt: skip
    hunt(subject, ALONE, {MINE: "Server"}, partial(Rules, seen), schedules, SPEAKERS)
    for begin in (FOUR, SEVEN):
        few = (partial(act, matter=LEAD, seed=seed, run=run, kind=Talking) for run in range(FEW_RUNS))
        hunt(subject, begin, {MINE: "Server"}, partial(Rules, seen, len(begin.nodes)), few, SPEAKERS)
    special: list[Schedule] = [
        *(partial(scene, seed=seed, words=words, run=run, kind=Talking) for _, words, run in SCENES
          if run is not Talk.passing_on),  # that a candidate is not my leader yet, only 08 says
        *(partial(stands, seed=seed, run=run) for run in range(FEW_RUNS)),
    ]  # fmt: skip
    hunt(subject, ALONE, {MINE: "Server"}, partial(Rules, seen), special, SPEAKERS)
    for name, words in NEEDED.items():
        if name not in seen:
            raise Failed(f"in {len(MATTERS) * ALONE_RUNS} runs, server 1 never once {words}.\nLet it do that first: "
                         "one that does nothing does nothing wrong, and is of no use.")  # fmt: skip


def judge_twice(subject: Subject) -> None:
    """A request that is decided in two blocks takes effect once."""
    node = newborn(subject.node("Server"), 1, (1, 2, 3))
    first, second, third = puts = [Request(f"client {client}/9.1", 1, Put("'x'", "7")) for client in (1, 2, 3)]
    for block in blocks_of(first, second, first, third):
        node.receive(2, Decide(block))
    judge_count(node, puts, "was decided in two blocks, the first and the third of four",
                "a request that is decided again does to the store")  # fmt: skip


def judge_long_life(subject: Subject) -> None:
    """The requests of a long session are told apart, in a new life too."""
    cls = subject.node("Server")
    node = newborn(cls, 1, (1, 2, 3))
    puts = [Request("client 1/9.1", number, Put("'x'", "7")) for number in range(1, LONG_LIFE + 1)]
    node.receive(2, Blocks(tuple(blocks_of(*puts))))
    again = newborn(cls, 1, (1, 2, 3), node.disk)
    for one, life in ((node, ""), (again, ", and a new life began with its disk")):
        told = [reply for _, reply in answers(one.receive(2, replace(puts[-1], number=int(str(LONG_LIFE)))))]
        if not told or not same(told[0], Reply("client 1/9.1", LONG_LIFE, str(LONG_LIFE))):
            got = f"with {told[0].answer!r} to its request {told[0].number}" if told else "with nothing"
            raise Failed(f"server 1 applied {LONG_LIFE} blocks, in each of them the next put 'x' 7 of one session{life}"
                         f". Asked the last one again, it answered {got}; {str(LONG_LIFE)!r} to request {LONG_LIFE} "
                         "was expected.\nLook at how numbers are compared, and at what is kept of a long "
                         "log.")  # fmt: skip


LONG_LIFE = 300
"""So many requests of one session are many."""


def judge_passed_on(subject: Subject) -> None:
    """A client's new request is passed on to the leader, whether or not those before it are decided here yet."""
    for number in (1, 3):
        node = newborn(subject.node("Server"), 1, (1, 2, 3))
        node.receive(2, Heartbeat(Ballot(1, 2), 0))
        asked = Request("client 1/9.1", number, Get("'x'"))
        sent = [effect for effect in node.receive("client 1", asked) if type(effect) is Send]
        if not any(to == 2 and same(message, asked) for to, message in sent):
            raise Failed(f"server 1 has decided nothing and follows server 2; client 1 asked it request {number} of a "
                         "session, and it did not pass that on.\nLook at how a request comes into the log: its server "
                         "may know less than its client.")  # fmt: skip


def judge_new_life(subject: Subject) -> None:
    """A new life's store is what the blocks on the disk imply; a request that is decided again is in them too."""
    cls = subject.node("Server")
    first, second, third = puts = [Request(f"client {client}/9.1", 1, Put("'x'", "7")) for client in (1, 2, 3)]
    for log, again in (((first, second), ""), ((first, second, first), ", and that of client 1 once more")):
        node = newborn(cls, 1, (1, 2, 3))
        *decided, last = blocks_of(*log, third)
        for block in decided:
            node.receive(2, Decide(block))
        twin = newborn(cls, 1, (1, 2, 3), node.disk)
        twin.receive(2, Decide(last))
        happened = f"was decided, and that of client 2{again}; server 1 crashed and came back with its disk"
        for place in (3, 2):
            judge_count(twin, puts[:place], happened, "a life begins with")


def judge_count(node: Node, puts: Sequence[Request], happened: str, advice: str) -> None:
    """The last of a key's first puts, three or two of them, asked again, is answered how many they are, or nothing."""
    place, last = len(puts), puts[-1]
    for to, reply in answers(node.receive(last.client, last)):
        if (to, reply.session) == (last.client, last.session) and not same(reply.answer, str(place)):
            then = f"put 'x' 7 of client 1 {happened}; then put 'x' 7 of client 3 was decided"
            raise Failed(
                f"{then}. Asked again, the put of {last.client}: it was answered {reply.answer!r}; {str(place)!r} was "
                f"expected: it was put number {place} of the key.\nLook at what {advice}."
            )


def blocks_of(*requests: Request) -> list[Block]:
    """Return a chain of blocks with one request each."""
    blocks: list[Block] = []
    for request in requests:
        blocks.append(mine(Content(len(blocks), blocks[-1].hash if blocks else NO_HASH, (request,))))
    return blocks


# Runs ----------------------------------------------------------------------------------------------------------


class Storm(Trial):
    """A run in which trouble comes when it hurts: while ballots, blocks and votes are on their way."""

    STRIKES: ClassVar[dict[type, float]] = {Prepare: 0.05, Promise: 0.05, Accept: 0.15, Accepted: 0.05, Decide: 0.05}
    """How likely trouble comes when one of these is sent."""

    def __init__(self, seed: int, servers: Sequence[type[Node]], **options: Any) -> None:
        super().__init__(seed, servers, workload=Workload((0.0, 100.0)), **options)

    def _send(self, flight: Flight, nemesis: Nemesis, dice: Random) -> None:
        super()._send(flight, nemesis, dice)
        if not self.calming and dice.random() < self.STRIKES.get(type(flight.message), 0):
            if nemesis.faults and dice.random() < 0.6:
                self._strike(flight.sender, flight.receiver, dice.choice(nemesis.faults), dice.uniform(*LASTS))
            else:
                self._later(dice.uniform(0, HOP[1]), self._ring_early, dice.choice(self.world.servers))

    def _ring_early(self, name: int) -> None:
        """Let a server lose its patience: its clock runs fast."""
        for _ in range(2):  # the first time, it may have heard its leader since
            timer = next((one for one in self.world.timers.values() if self._is_early(one, name)), None)
            if timer is not None and not self.calming:
                self.faults["early timer"] += 1
                self.world.fire(timer)

    def _is_early(self, timer: Timer, name: int) -> bool:
        return timer.node == name and type(timer.message) is ElectionTimeout

    def _strike(self, sender: Any, receiver: Any, fault: str, wait: float) -> None:
        """Let something happen between two servers, or to one of them."""
        others = [name for name in self.world.servers if name != sender]
        match fault:
            case "cut":
                done = self._cut([(sender, receiver), (receiver, sender)], wait)
            case "one-way":
                done = self._cut([(sender, receiver)], wait)
            case "partition":
                done = self._cut([link for name in others for link in ((sender, name), (name, sender))], wait)
            case "crash":
                done = self._fail([self.dice.choice((sender, receiver))], wait)
            case "crash-several":
                done = self._fail([sender, receiver], wait)
            case _:
                done = self._fail(list(self.world.servers), wait)
        self.faults[fault] += done


class Duels(Storm):
    """A run in which hardly a block is voted for in peace."""

    STRIKES: ClassVar[dict[type, float]] = {Accept: 0.5, Promise: 0.1}


LASTS = (50.0, 900.0)
"""How long trouble lasts, in milliseconds."""


class LostDisks(Storm):
    """A run in which a minority of the servers lose their disks, one after the other, while others crash too."""

    def __init__(self, seed: int, servers: Sequence[type[Node]], **options: Any) -> None:
        super().__init__(seed, servers, **options)
        for name in self.dice.sample(self.world.servers, (len(servers) - 1) // 2):
            self._later(self.dice.uniform(*BREAKS), self._lose, name)

    def _lose(self, name: int) -> None:
        """Let a server crash and lose its disk; one that is down loses it when it is up again."""
        if self.calming:
            return
        if not self.world.is_up(name):
            self._later(LASTS[0], self._lose, name)
            return
        self.doomed.pop(name, None)
        self.faults["lost disk"] += 1
        self.world.crash(name, LOST)
        self._later(self.dice.uniform(*LASTS), self._restart, name)


BREAKS = (500.0, 1_500.0)
"""When a disk is lost, in milliseconds from the beginning."""


class Plan(NamedTuple):
    """A run: among which nodes, with which trouble, how long, by which dice."""

    nodes: tuple[str, ...]
    nemesis: Nemesis
    steps: int
    kind: type[Trial] = Storm


THREE, FIVE = (MINE,) * 3, (MINE,) * 5
AMONG = ((KIT, KIT, MINE), (KIT, MINE, KIT, MINE, MINE), (MINE, KIT, MINE))

CUTS, CRASHES = ("cut", "one-way", "partition"), ("crash", "crash-several", "crash-all")

RUNS: dict[str, tuple[Plan, ...]] = {
    "messages": (
        Plan(THREE, Nemesis(loss=0.2, duplication=0.3), 250, Trial),
        Plan(THREE, Nemesis(duplication=0.4, delay=0.6), 300),
        Plan(THREE, Nemesis(loss=0.2, duplication=0.2, delay=0.4), 400, Duels),
    ),
    "links": (
        Plan(THREE, Nemesis(faults=("cut",)), 250),
        Plan(THREE, Nemesis(faults=("one-way",)), 250),
        Plan(THREE, Nemesis(faults=("partition",)), 250, Duels),
        Plan(FIVE, Nemesis(delay=0.1, faults=CUTS), 300),
    ),
    "crashes": (
        Plan(THREE, Nemesis(faults=("crash",)), 250, Trial),
        Plan(THREE, Nemesis(faults=("crash",)), 300),
        Plan(THREE, Nemesis(faults=("crash-several", "crash-all")), 400),
        Plan(FIVE, Nemesis(delay=0.1, faults=CRASHES), 300),
    ),
    "lost_disk": (
        Plan(THREE, Nemesis(faults=("crash",)), 300, LostDisks),
        Plan(THREE, Nemesis(loss=0.1, faults=("crash", "partition")), 300, LostDisks),
        Plan(FIVE, Nemesis(faults=("crash", "crash-several")), 300, LostDisks),
    ),
    "chaos": tuple(Plan(nodes, NEMESES["all"], 400) for nodes in AMONG),
}  # fmt: skip

ADVICE = {
    "": "Look at what your server promised, voted and decided before, in earlier lives too.",
    "liveness": "Look at whether every message that needs an answer gets one, and every gap is closed.",
    "P2c": "Look at what the promises say about the next slot, and at what a new leader must finish first.",
    "a promise is complete": "Look at what a promise tells of the slots from the candidate's height on.",
    "a promise is kept": "Look at what is on the disk when a promise leaves, and at what is compared with it.",
    "one value per ballot and slot": "Look at whether a ballot can be used twice, in an earlier life for instance.",
    "each request takes effect once": "Look at what a request that is asked or decided again does to the store.",
    "linearizable per key": "Look at what an answer rests on: is it decided? Is it the answer of the request's place?",
    NoVoice.name: "Look at everything that a server says which others count on, and at when it may not say it.",
}  # fmt: skip


def judge(matter: str) -> Callable[[Subject, int], None]:
    """Return the judge of the runs with faults of one kind."""

    def judged(subject: Subject, seed: int) -> None:
        judge_rule(subject)
        if matter == "crashes":
            judge_new_life(subject)
        for number, plan in enumerate(RUNS[matter]):
            trial({MINE: subject.node("Server")}, plan.nodes, 1_000 * seed + number, plan.nemesis, plan.steps,
                  claims_for(plan.nodes), ADVICE, plan.kind)  # fmt: skip
        if matter == "lost_disk" and ended_alone(subject, seed) is None:  # or another property says so, of any disk
            judge_mute(subject, seed)
            judge_answers(subject, seed, LOST_RUNS, lost=True)

    return judged


def judge_chaos(subject: Subject, seed: int) -> None:
    """All faults at once, among the kit's servers; then in threads."""
    judge("chaos")(subject, seed)
    subject.renew()
    live({MINE: subject.node("Server")}, AMONG[-1], claims_for(AMONG[-1]), ADVICE)


# The report ----------------------------------------------------------------------------------------------------

WORDS = ("question", "expected", "not covered", "so")
"""What a report says in words: texts, which no machine judges."""

FEWEST_SEEDS, MOST_RUNS, MOST_STEPS, MOST_SERVERS = 3, 30, 5_000, 7
"""A set-up is run with so many seeds at least; all runs of a report have at most so many steps together."""

PAGE = 3_000
"""A report has at most so many characters of words: about a page."""


class SetUp(NamedTuple):
    """All of a run but its seed and what comes of it."""

    server: str
    nemesis: str
    servers: int
    steps: int

    def __str__(self) -> str:
        return f"{self.servers} × {self.server}, nemesis {self.nemesis!r}, {self.steps:,} steps"


class Came(NamedTuple):
    """What came of a run: the claim that fell, "" if none did, and how many requests were answered."""

    fallen: str
    answered: int

    def __str__(self) -> str:
        return f"{f'«{self.fallen}» fell' if self.fallen else 'no claim fell'}, {self.answered} requests were answered"


Runs = dict[SetUp, dict[int, Came]]
"""What came of each set-up, by seed."""


def experiment(
    servers: Sequence[str] = ("Server",), nemeses: Sequence[str] = ("none",), seeds: Iterable[int] = (1, 2, 3),
    size: int = 3, steps: int = 400, file: str | Path | None = None,
) -> dict[tuple[Any, ...], dict[int, tuple[Any, ...]]]:  # fmt: skip
    """Run every class of server under every nemesis, once with each seed; return the runs as a report has them.

    `servers` are names of classes in the learner's chaos.py (or `file`), of which each run has `size`; `nemeses` are as
    in `nemesis_of`. A run ends after `steps` steps, or when a claim falls.

    Raises ValueError for a nemesis or a size that is none, and LearnerError where the learner's code raises.
    """
    from paxoskit.grading.check import place

    subject, numbers = LocalSubject(place(EXERCISE) if file is None else file), list(seeds)
    set_ups = [SetUp(server, nemesis, size, steps) for server in servers for nemesis in nemeses]
    return {tuple(one): {seed: tuple(made_again(subject, one, seed)) for seed in numbers} for one in set_ups}


def made_again(subject: Subject, one: SetUp, seed: int) -> Came:
    """Make a run; return what comes of it."""
    classes = [subject.node(one.server)] * one.servers
    claims = claims_for((f"chaos.py:{one.server}",) * one.servers)()
    try:
        run = Simulator(seed, classes, nemesis=nemesis_of(one.nemesis), claims=claims)
        run.run(one.steps)
    except LearnerError:
        raise
    except Exception as error:  # the world refused what her server asked for
        raise LearnerError(*in_words(error)) from error
    return Came(run.world.violations[0].claim if run.world.violations else "", run.acknowledged)


def nemesis_of(text: str) -> str | Nemesis:
    """Return the nemesis that a text names: one of the simulator's, or chances and faults.

    >>> nemesis_of("loss=0.1 crash cut")
    Nemesis(loss=0.1, duplication=0.0, delay=0.0, faults=('crash', 'cut'))

    Raises ValueError, in one line, for what is none.
    """
    if text in NEMESES:
        return text
    chances: dict[str, float] = {}
    faults: list[str] = []
    for word in text.split():
        name, _, chance = word.partition("=")
        if name in CHANCES and re.fullmatch(r"0(\.\d+)?", chance):
            chances[name] = float(chance)
        elif word in FAULTS:
            faults.append(word)
        else:
            raise ValueError(f"expected one of {', '.join(NEMESES)}, or some of {', '.join(FAULTS)} and "
                             f"{', '.join(f'{name}=0.1' for name in CHANCES)}, got {word!r:.60}")  # fmt: skip
    return Nemesis(**chances, faults=tuple(faults))


CHANCES = ("loss", "duplication", "delay")


def read(told: Any) -> Runs:
    """Return the runs of a report. Raises Failed for what is no report."""
    if type(told) is not dict or set(told) != {*WORDS, "runs"}:
        got = f"a dict of {', '.join(map(str, told)) or 'nothing'}" if type(told) is dict else f"{told!r:.60}"
        raise Failed(f"report() should return a dict of {', '.join(WORDS)} and runs; it returned {got}.")
    for name in WORDS:
        if type(told[name]) is not str or not told[name].strip():
            raise Failed(f"{name!r} in the report should be a text, and is {told[name]!r:.60}.")
    if (length := sum(len(told[name]) for name in WORDS)) > PAGE:
        raise Failed(f"the report has {length:,} characters of words; one page has at most {PAGE:,}.")
    if type(told["runs"]) is not dict or not told["runs"]:
        raise Failed(f"'runs' in the report should be a dict as experiment() returns it; it is {told['runs']!r:.50}.")
    runs = dict(read_set_up(set_up, came) for set_up, came in told["runs"].items())
    if (count := sum(map(len, runs.values()))) > MOST_RUNS:
        raise Failed(f"the report has {count} runs; at most {MOST_RUNS} are made again.")
    if (steps := sum(set_up.steps * len(came) for set_up, came in runs.items())) > MOST_STEPS:
        raise Failed(f"the runs of the report have {steps:,} steps together; at most {MOST_STEPS:,} are made again.")
    return runs


def read_set_up(told: Any, came: Any) -> tuple[SetUp, dict[int, Came]]:
    """Return a set-up of a report, and what came of it. Raises Failed for what is none."""
    if type(told) is not tuple or [type(part) for part in told] != [str, str, int, int]:
        raise Failed(f"a set-up in the report should be (server, nemesis, servers, steps); it is {told!r:.80}.")
    set_up = SetUp(*told)
    if not (1 <= set_up.servers <= MOST_SERVERS and set_up.steps >= 1):
        raise Failed(f"a set-up of the report ({set_up}) should have 1 to {MOST_SERVERS} servers, and 1 step or more.")
    try:
        nemesis_of(set_up.nemesis)
    except ValueError as error:
        raise Failed(f"a set-up of the report has the nemesis {set_up.nemesis!r:.60}: {error}.") from None
    if type(came) is not dict or not came:
        raise Failed(f"{set_up}: what came of it should be a dict by seed, and is {came!r:.60}.")
    for seed, one in came.items():
        if type(seed) is not int or type(one) is not tuple or [type(part) for part in one] != [str, int]:
            raise Failed(f"{set_up}: for each seed the report should have (the claim that fell or '', how many were "
                         f"answered); it has {seed!r:.20}: {one!r:.60}.")  # fmt: skip
    return set_up, {seed: Came(*one) for seed, one in came.items()}


def judge_set_ups(runs: Runs) -> None:
    """Every set-up is run with the same seeds, and another one differs from it in one thing only."""
    seeds = set(next(iter(runs.values())))
    for set_up, came in runs.items():
        if set(came) != seeds or len(seeds) < FEWEST_SEEDS:
            raise Failed(
                f"{set_up}: run with the seeds {', '.join(map(str, came))}. Every set-up of a report should be run "
                f"with the same seeds, {FEWEST_SEEDS} or more.\nLook at what chance may do."
            )
        if not any(differences(set_up, another) == 1 for another in runs):
            raise Failed(f"{set_up}: no other set-up of the report differs from it in one thing only.\nLook at what is "
                         "compared, and at what else may make the difference.")  # fmt: skip
    if all(set_up.server != "Server" for set_up in runs):
        raise Failed("in no run of the report your Server takes part.\nLook at what your question is about.")


def differences(one: SetUp, other: SetUp) -> int:
    """Return in how many things two set-ups differ; a nemesis is the same one in whatever words."""
    told = (one._replace(nemesis=""), other._replace(nemesis=""))
    return sum(a != b for a, b in zip(*told)) + (trouble(one.nemesis) != trouble(other.nemesis))


def trouble(text: str) -> tuple[float, float, float, frozenset[str]]:
    """Return what a nemesis does: its chances, and its faults in no order."""
    nemesis = NEMESES.get(text) or nemesis_of(text)
    assert isinstance(nemesis, Nemesis)
    return nemesis.loss, nemesis.duplication, nemesis.delay, frozenset(nemesis.faults)


def judge_report(subject: Subject, seed: int) -> None:
    """Every run of the report is made again, and gives the figures that the report has."""
    judge_rule(subject)
    runs = read(subject.call("report"))
    judge_set_ups(runs)
    for set_up, by_seed in runs.items():
        for number, told in by_seed.items():
            if (came := made_again(subject, set_up, number)) != told:
                raise Failed(f"the report says of {set_up}, seed {number}: {told}. Made again: {came}.\nLook at "
                             "whether the report is of the servers that you hand in.")  # fmt: skip


EXERCISE = Exercise(
    id="11_chaos",
    module="chaos",
    names=("Server", "report"),
    properties=(
        Property("alone", "Among servers and clients, it promises, votes, leads, learns and answers by the rules",
                 0.75, judge_alone),
        Property("messages", "Messages are lost, doubled and late: no claim falls, and everything is answered", 0.75,
                 judge("messages")),
        Property("links", "Links are cut, one way or both, and servers split: no claim falls, everything is answered",
                 0.75, judge("links")),
        Property("crashes", "One, several and all servers crash and come back: no claim falls, everything is answered",
                 0.75, judge("crashes")),
        Property("lost_disk", "A server that lost its disk learns and answers; it never promises, votes or stands",
                 0.75, judge("lost_disk")),
        Property("chaos", "Every fault at once, among the kit's servers, by dice and in threads: no claim falls", 0.5,
                 judge_chaos),
        Property("report", "Every figure of the report comes out again when its run is made again", 0.75, judge_report),
    ),
    given=("plain", "node", "messages", "literals", "synod", "chain", "store", "member"),
    roles=SPEAKERS,
    planted="a server whose disk was lost takes back its voice",
    plant="""
import copy

def plant(answer):
    true = answer.Server

    class Loud(true):
        def __init__(self, name, peers, disk=None):
            if disk is not None:
                disk = copy.copy(disk)
                disk.voter = True  # before the answer looks at it, who may keep what it saw
            super().__init__(name, peers, disk)
            self.disk.voter = True

    answer.Server = Loud
    return answer
""",
)  # fmt: skip
