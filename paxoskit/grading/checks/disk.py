"""Exercise 06: what must outlive a crash is on the disk, and nothing else is."""

from __future__ import annotations

import dataclasses
import random as dice_of_all
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from itertools import accumulate, chain, pairwise, product
from random import Random
from typing import Any

from paxoskit.grading.checks import acceptor as one_acceptor
from paxoskit.grading.checks.acceptor import (
    ANYBODY,
    CLOSE,
    FAR,
    PROMISE,
    REPORT,
    SHORT,
    Ledger,
    accept,
    deep,
    heard_of,
    prepare,
    tell,
)
from paxoskit.grading.checks.cast import PROMPTER, ROLES, VOTER, told
from paxoskit.grading.checks.minutes import BALLOTS, COUNTS, P2C, Minutes
from paxoskit.grading.checks.play import (
    Fall,
    Play,
    Said,
    Schedule,
    Watcher,
    dice,
    hunt,
    hunt_together,
    hunts,
    newborn,
    same,
    sends,
)
from paxoskit.grading.checks.proposer import (
    LATER_NAME,
    REFUSALS,
    Calm,
    Crowd,
    Duel,
    Patient,
    Retold,
    Scene,
    Thorough,
    Trouble,
    changes_another,
    fight,
    live_otherwise_together,
    tried,
)
from paxoskit.grading.properties import Exercise, Failed, Property
from paxoskit.grading.remote import TEXT
from paxoskit.grading.subject import LearnerError, Subject
from paxoskit.protocol.node import After, Effect, Node, NodeError, Send, freeze, title
from paxoskit.protocol.plain import Ballot, Message
from paxoskit.protocol.synod import Accept, Accepted, Nack, Prepare, Promise, Propose, Vote
from paxoskit.trace import say
from paxoskit.worlds.choice import AFTER, BEFORE, Choice
from paxoskit.worlds.story import Story
from paxoskit.worlds.world import World

ACCEPTOR, PROPOSER = "disk.py:Acceptor", "disk.py:Proposer"
WITH_ACCEPTOR = Story(nodes=(ACCEPTOR, PROMPTER, PROMPTER), clients=(), acceptors=3, claims="none")
WITH_STRANGERS = Story(nodes=(ACCEPTOR, PROMPTER, PROMPTER), clients=(), acceptors=1, claims="none")
"""Here the proposers are none of the acceptor's peers."""
WITH_MANY = Story(nodes=(ACCEPTOR, *(PROMPTER,) * 11), clients=(), acceptors=3, claims="none")
"""Here some proposers have names of two digits."""
WITH_PROPOSER = Story(nodes=(VOTER, VOTER, VOTER, PROPOSER), clients=(), acceptors=3, claims="none")

CRASH = "crash"
"""In a run of an acceptor: it crashes and begins its next life."""

Token = Prepare | Accept | str | tuple[Prepare | Accept, str]
"""What happens next to an acceptor: a message, a crash, or a message that crashes it before or after its save."""

Run = list[Token]


class Lives(Ledger):
    """The ledger of an acceptor that crashes: a life begins in silence, for nobody has asked yet."""

    def faults(self, world: World, choice: Choice, said: list[Said], matters: Collection[str]) -> dict[str, str]:
        """Judge what the acceptor says."""
        told = sends(said, 1) if choice.kind == "restart" else []
        if told and one_acceptor.ANSWERS in matters:
            words = f"server 1 said {say(told[0].message)} to {title(told[0].to)} as its next life began, unasked.\n"
            return {one_acceptor.ANSWERS: f"{words}Look at what an acceptor may send, and when."}
        return super().faults(world, choice, said, matters)


def live(play: Play, run: Iterable[Token]) -> None:
    """Let these things happen to the acceptor, one after the other."""
    for token in run:
        if token == CRASH:
            play.step(Choice("crash", 1))
            play.step(Choice("restart", 1))
        elif isinstance(token, tuple):
            message, when = token
            play.step(Choice("ask", message.ballot.server, what=message))
            play.step(Choice("deliver", 1, message.ballot.server, message, 0, when))
            play.step(Choice("restart", 1))
        elif isinstance(token, Prepare | Accept):
            tell(play, token)


FEW: list[Prepare | Accept] = [
    prepare((1, 2)), prepare((2, 3)), accept((1, 2)), accept((2, 3)),
]  # fmt: skip


def lives(seed: int) -> Iterator[Run]:
    """Yield an acceptor's lives: all short ones with one crash, then longer ones by dice."""
    for before, later in product(SHORT, repeat=2):
        yield [before, CRASH, later]
    for first, second, third in product(FEW, repeat=3):
        yield [first, second, CRASH, third]
        yield [first, CRASH, second, third]
    random = dice("disk", seed)
    for _ in range(60):
        yield [_token(random, one_acceptor.ALL) for _ in range(random.randint(4, 10))]
    for _ in range(25):
        heard = wide(random)
        yield [_token(random, heard) for _ in range(random.randint(4, 10))]
    long = climbing(random)
    for length in (*range(1, 13), len(long)):
        below = max([one.ballot for one in long[:length] if one.ballot < long[length - 1].ballot], default=(1, 2))
        yield [*long[:length], CRASH, prepare(below), accept(below), prepare((10**6, 2))]


def climbing(random: Random) -> list[Prepare | Accept]:
    """Return a long life in which each ballot is above the one before: all is granted, so each message must be kept."""
    rounds = accumulate(random.choices((1, 1, 2, 8, 90), k=24), initial=2)
    ballots = [Ballot(number, random.choice((2, 3))) for number in rounds]
    kinds = [random.choice(((prepare,), (accept,), (prepare, accept), (prepare, accept))) for _ in ballots]
    return [kind(ballot) for ballot, some in zip(ballots, kinds) for kind in some]


def wide(random: Random) -> list[Prepare | Accept]:
    """Return what may be said in four ballots of any rounds, where one value is proposed in several of them."""
    rounds = random.sample([1, 2, 3, 9, 10, 11, 99, 100, 1_000], 2)
    ballots = [Ballot(number, server) for number in rounds for server in (2, 3)]
    return [said for one in ballots for said in (Prepare(one), Accept(one, random.choice(("red", "red", "blue"))))]


NAMES = (12, 9, 10, 11, 2)
"""Names of proposers: as texts or as decimals they are in another order."""

TEXTS = ('1.2:a,b;c|d-e/f_g\t"h"\\ i', "two\nlines", "007", "\u00e4 \U0001f40c", 300 * "x")
"""Values that only a disk that keeps a text as it is gives back."""


def any_names(seed: int) -> Iterator[Run]:
    """Yield lives among proposers of any names, that propose any texts, or the next life the same as the one before."""
    for server, text in zip(NAMES, TEXTS, strict=True):
        yield [Accept(Ballot(1, server), text), CRASH, prepare((2, server))]
    for high, low in pairwise(sorted(NAMES, reverse=True)):
        yield [accept((3, high)), CRASH, prepare((3, low)), accept((3, low)), prepare((4, 2))]
    yield [Accept(Ballot(1, 2), "red"), CRASH, Accept(Ballot(2, 3), "red"), prepare((3, 2))]
    random = dice("names of any size", seed)
    for _ in range(3):
        ballots = [Ballot(number, server) for number in (1, 2) for server in random.sample(NAMES, 3)]
        heard = [said for one in ballots for said in (Prepare(one), Accept(one, random.choice(TEXTS)))]
        yield [_token(random, heard) for _ in range(8)]


def _token(random: Random, messages: list[Prepare | Accept]) -> Token:
    luck = random.random()
    message = random.choice(messages)
    return CRASH if luck < 0.25 else (message, random.choice([BEFORE, AFTER])) if luck < 0.4 else message


def between_turns(run: Run) -> Run:
    """Return a run in which a crash in the middle of a turn comes after it: what was said is then all that binds."""
    return [one for token in run for one in ((token[0], CRASH) if isinstance(token, tuple) else (token,))]


def judge_acceptor(what: str) -> Callable[[Subject, int], None]:
    """Return the judge of a claim on the acceptor, crashes and all."""

    def judged(subject: Subject, seed: int) -> None:
        ended, kinds = subject.once(f"an acceptor's lives, seed {seed}", lambda: lived(subject, seed))
        if what in ended:
            raise ended[what]
        for kind in (Promise, Accepted):
            if kind not in kinds:
                count = len(list(lives(seed)))
                raise Failed(f"in {count} runs, server 1 never once said {kind.__name__}: let it work first.")

    return judged


def lived(subject: Subject, seed: int) -> tuple[dict[str, Exception], set[type]]:
    """Run every life once, for both claims; return what ended each, and which messages were seen."""
    kinds: set[type] = set()
    found = (list[Token](run) for run in deep(subject))
    schedules = (("", partial(live, run=run)) for run in chain(lives(seed), found))
    book = partial(Ledger, "", kinds)
    ended = hunt_together(subject, WITH_ACCEPTOR, {ACCEPTOR: "Acceptor"}, book, (PROMISE, REPORT), schedules, ROLES)
    schedules = (("", partial(live, run=run)) for run in any_names(seed))
    left = [what for what in (PROMISE, REPORT) if what not in ended]
    ended |= hunt_together(subject, WITH_MANY, {ACCEPTOR: "Acceptor"}, book, left, schedules, ROLES)
    if len(ended) < 2:
        try:
            for what, words in lived_far(subject):
                ended.setdefault(what, Failed(words))
        except LearnerError as error:
            ended = {PROMISE: error, REPORT: error, **ended}
    return ended, kinds


OWN_NAME = (((1, 1), (1, 2)), ((1, 2), (2, 1)))
"""Two pairs of ballots of which one bears the acceptor's own name."""

MANY_LIVES = 20
"""So often an acceptor crashes between its word and the question."""

CLIMB = 60
"""So many ballots, each above the one before, are a long life."""


def far_lives() -> Iterator[Run]:
    """Yield lives in which ballots of any size are told apart over crashes, any text is a value, and one is long."""
    for low, high in (*CLOSE, *FAR, *OWN_NAME):
        above = prepare((high[0] + 1, high[1]))
        yield [accept(low), CRASH, prepare(high), CRASH, prepare(low), accept(low), CRASH, above]
        yield [accept(high), CRASH, prepare(low), accept(low), CRASH, above]
    for text in one_acceptor.TEXTS:
        yield [Accept(Ballot(1, 2), text), CRASH, prepare((2, 3))]
    climb = [kind((number, 2 + number % 2)) for number in range(1, CLIMB) for kind in (prepare, accept)]
    yield [*climb, prepare((CLIMB, 2)), CRASH, prepare((CLIMB - 1, 3)), CRASH, prepare((CLIMB, 3))]
    yield [accept((2, 3)), prepare((3, 2)), *[CRASH] * MANY_LIVES, prepare((2, 3)), accept((3, 1)), prepare((4, 2))]


def lived_far(subject: Subject) -> Iterator[tuple[str, str]]:
    """Yield claims on an acceptor, each with a fault in words, that fall where no world is needed: anybody may ask."""
    cls, random = subject.node("Acceptor"), dice("whoever asks a server that crashes")
    for run in far_lives():
        node, ledger = newborn(cls, 1, (1, 2, 3)), Ledger("", set())
        for token in run:
            if token == CRASH:
                node = newborn(cls, 1, (1, 2, 3), node.disk)
            elif isinstance(token, Prepare | Accept):
                sender = random.choice(ANYBODY)
                sent = [one for one in node.receive(sender, token) if type(one) is Send]
                yield from ledger.judge(heard_of(sender, token), token, sent, (PROMISE, REPORT)).items()


class Restarting(Trouble):
    """A proposer in trouble that crashes as well; its next life is asked to propose a value, often another one."""

    def run(self, steps: int) -> None:
        """Let three lives go by."""
        super().run(steps)
        for life in (self.random.choice(("mine", "second wish", "")), "third wish"):
            self.play.step(Choice("crash", self.me))
            self.play.step(Choice("restart", self.me))
            self.more(self.random.randint(0, 6))
            self.play.step(Choice("ask", self.me, what=Propose(life)))
            self.more(steps)


class Outbid(Restarting):
    """A proposer that crashes, while others stand in ballots of any rounds."""

    def rival(self) -> None:
        """Another proposer is heard by all acceptors, in a round of any number of digits."""
        digits = self.random.choice((0, 1, 2, 3, 4, 6, 9, 12, 16, 20))
        ballot = Ballot(10**digits, self.random.choice(self.theirs[:2]))
        for acceptor in range(1, self.acceptors + 1):
            self.play.step(Choice("ask", acceptor, what=Prepare(ballot)))


def proposers_lives(
    seed: int, acceptors: int = 3, count: int = 30, kind: type[Restarting] = Restarting
) -> Iterator[Schedule]:
    """Yield runs of a proposer that crashes twice: short ones first."""

    def live_thrice(play: Play, run: int) -> None:
        random = dice("disk of a proposer", acceptors, seed, run)
        kind(play, random, acceptors).run(8 + run * 45 // count)

    for run in range(count):
        yield partial(live_thrice, run=run)


def late(play: Play) -> None:
    """Let a proposer propose the empty text, and then hear a promise that would have led to another value."""
    play.step(Choice("ask", 3, what=Accept(Ballot(1, 1), "theirs")))
    play.step(Choice("ask", 4, what=Propose("")))
    play.deliver_all(6)


def unheard(play: Play, rings: int) -> None:
    """Let a proposer stand once more at each of so many rings of its timer, crash, and stand in its next life."""
    for life in ("first wish", "second wish"):
        play.step(Choice("ask", 4, what=Propose(life)))
        for _ in range(rings):
            timers = [message for node, message in play.world.timers if node == 4]
            if timers:
                play.step(Choice("fire", 4, what=timers[0]))
        play.step(Choice("crash", 4))
        play.step(Choice("restart", 4))


CROWDS = (5, 12)
"""Numbers of acceptors of which any majority must be enough, and no less."""


def with_proposer(acceptors: int, proposers: int = 1) -> Story:
    """Return a world of right acceptors and the learner's proposer, or several of them."""
    nodes = (VOTER,) * acceptors + (PROPOSER,) * proposers
    return Story(nodes=nodes, clients=(), acceptors=acceptors, claims="none")


def judge_ballots(subject: Subject, seed: int) -> None:
    """A ballot is never used twice, over restarts too."""
    ended, minutes = proposers_once(subject, seed)
    if BALLOTS in ended:
        raise ended[BALLOTS]
    if not any(one.proposed for one in minutes):
        raise Failed(f"in {len(minutes)} runs, the proposer never once proposed: let it work first.")
    schedules: list[Schedule] = [partial(unheard, rings=rings) for rings in (0, 1, 2, 3, 5, 8, 12, 30)]
    schedules += [late, *proposers_lives(seed, 3, 6, Outbid)]
    hunt(subject, with_proposer(3), {PROPOSER: "Proposer"}, partial(Minutes, BALLOTS, 4), schedules, ROLES)


def proposers_once(subject: Subject, seed: int) -> tuple[dict[str, Exception], list[Minutes]]:
    """Run a proposer's lives once, for all claims; return what ended each, and what was watched of its ballots."""
    return subject.once(f"a proposer's lives, seed {seed}", lambda: proposers_lived(subject, seed))


def proposers_lived(subject: Subject, seed: int) -> tuple[dict[str, Exception], list[Minutes]]:
    """Run a proposer's lives among three acceptors, and among four."""
    minutes: list[Minutes] = []
    ended: dict[str, Exception] = {}

    def watcher(what: str, acceptors: int) -> Minutes:
        one = Minutes(what, acceptors + 1)
        if what == BALLOTS:
            minutes.append(one)
        return one

    for acceptors, count in ((3, 30), (4, 12)):
        left = {what: partial(watcher, what, acceptors) for what in (BALLOTS, P2C, COUNTS) if what not in ended}
        schedules = proposers_lives(seed, acceptors, count)
        ended |= hunts(subject, with_proposer(acceptors), {PROPOSER: "Proposer"}, left, schedules, ROLES)

    def crowd(play: Play, acceptors: int) -> None:
        Crowd(play, dice("a crowd of acceptors", acceptors, seed), acceptors).get_through()

    def retold(play: Play, refused: int) -> None:
        Retold(play, dice("told otherwise", seed, refused), 5).run(refused)

    left = {what: partial(Minutes, what, 6) for what in (BALLOTS, P2C, COUNTS) if what not in ended}
    schedules = iter([partial(retold, refused=refused) for refused in (0, 1, 2)])
    ended |= hunts(subject, with_proposer(5), {PROPOSER: "Proposer"}, left, schedules, ROLES)
    for acceptors in CROWDS:
        left = {what: partial(Minutes, what, acceptors + 1) for what in (BALLOTS, P2C, COUNTS) if what not in ended}
        schedules = iter([partial(crowd, acceptors=acceptors)])
        ended |= hunts(subject, with_proposer(acceptors), {PROPOSER: "Proposer"}, left, schedules, ROLES)
    return ended, minutes


def judge_works(subject: Subject, seed: int) -> None:
    """What worked without crashes works still; and a proposer decides in its second life."""

    short: list[Run] = [[*run] for length in (1, 2, 3) for run in product(FEW, repeat=length)]
    runs: list[Run] = [between_turns(run) for run in lives(seed)]
    no_crash: list[Run] = [[token for token in run if token != CRASH] for run in runs if len(run) > 4]
    for begin, some in ((WITH_ACCEPTOR, [*short, *runs, *no_crash]), (WITH_STRANGERS, short[:20])):
        schedules = (("", partial(live, run=run)) for run in some)
        book, matters = partial(Lives, "", set()), (one_acceptor.ANSWERS, one_acceptor.VOTES)
        ended = hunt_together(subject, begin, {ACCEPTOR: "Acceptor"}, book, matters, schedules, ROLES)
        for matter in matters:
            if matter in ended:
                raise ended[matter]

    def plain(play: Play, down: tuple[int, ...] = ()) -> None:
        Calm(play, 3, down).go()

    def again(
        play: Play, others: Prepare | Accept | None = None, lose: int = 0, of: type[Message] = Message, rings: int = 0,
        down: tuple[int, ...] = (), wish: str = "mine",
    ) -> None:  # fmt: skip
        play.step(Choice("ask", 4, what=Propose("first wish")))
        play.step(Choice("crash", 4))
        play.step(Choice("restart", 4))
        for flight in list(play.world.flying.values()):
            play.step(Choice("drop", flight.receiver, flight.sender, flight.message))
        calm = Calm(play, 3, down)
        if others is not None:
            calm.rival(others)
        calm.go(lose, of, rings, wish)

    def decided_before(play: Play) -> None:
        Calm(play, 3).go()
        play.step(Choice("crash", 4))
        play.step(Choice("restart", 4))
        Calm(play, 3).go(wish="another wish")

    ended, _ = proposers_once(subject, seed)
    for what in (P2C, COUNTS):
        if what in ended:
            raise ended[what]
    calm: list[tuple[Scene, str]] = [(plain, "mine"), (decided_before, "mine"), (again, "mine")]
    calm += [(partial(again, lose=lose), "mine") for lose in (3, 6)]
    calm += [(partial(again, lose=lose, of=kind), "mine") for kind in (Promise, Accept, Accepted) for lose in (2, 3)]
    calm += [(partial(again, rings=6), "mine"), (partial(again, others=Prepare(Ballot(40, 5)), lose=2), "mine")]
    calm += [(partial(again, others=Accept(Ballot(7, 5), "theirs"), lose=lose), "theirs") for lose in (0, 1)]
    calm += [(partial(plain, down=(1,)), "mine"), (partial(again, down=(3,)), "mine"), (partial(again, wish=""), "")]
    calm += [(partial(again, others=Accept(Ballot(7, 5), "")), ""), (partial(again, rings=OUTAGE), "mine")]
    for scene, right in calm:
        tried(subject, WITH_PROPOSER, partial(Thorough, 4, right), scene, {PROPOSER: "Proposer"})
    tried(
        subject, with_proposer(3, LATER_NAME - 3), partial(Thorough, LATER_NAME, "mine", 3),
        lambda play: Calm(play, 3, down=(2,), name=LATER_NAME).go(), {PROPOSER: "Proposer"},
    )  # fmt: skip
    judge_duel(subject, seed)


OUTAGE = 40
"""For so many rings of a proposer's timer, all messages are lost."""

DUELS = 2
"""So many duels are enough where it is known already that one proposer alone decides."""


def judge_duel(subject: Subject, seed: int) -> None:
    """Two proposers that get in each other's way both know in the end what is decided."""
    for scene in REFUSALS:
        tried(subject, WITH_PROPOSER, Patient, scene, {PROPOSER: "Proposer"})
    begin = with_proposer(3, 2)
    for run in range(DUELS):
        play = Play(begin, {**ROLES, PROPOSER: subject.node("Proposer")}, Patient())
        if not fight(play, duel := Duel(play, dice("duel", seed, run))):
            says = (
                f"of two proposers, the second began soon after the first; {len(duel.decided)} of them knew a decision "
                f"after {min(duel.now, duel.long) / 1000:.0f} seconds.\nLook at how long each waits before it stands "
                "again: two that wait equally long, or not at all, meet again and again."
            )
            story = dataclasses.replace(begin, choices=tuple(play.choices[:60]), says=says.splitlines()[0])
            raise Failed(says, story=story)


def judge_only_disk(subject: Subject, seed: int) -> None:
    """A node that begins with an empty disk knows nothing of what a node of its name did before."""
    for name, cls, life in (
        ("an acceptor", subject.node("Acceptor"), acceptors_life),
        ("a proposer", subject.node("Proposer"), proposers_life),
    ):
        with equal_dice():
            first = life(cls)
        if not any(type(effect[1]) in (Promise, Prepare) for effect in first if len(effect) == 2):
            said = first[0] if first else "nothing"
            raise Failed(f"{name} that began with an empty disk said {said} to the first thing that it heard.\n"
                         "Look at where it has that from.")  # fmt: skip
        for _ in range(2):
            with equal_dice():
                second = life(cls)
            if [str(effect) for effect in first] != [str(effect) for effect in second]:
                raise Failed(
                    f"{name} began with an empty disk, after another of its name had crashed and its disk "
                    "was lost. It "
                    f"did not do what the first had done:\n    {first[0]}\n    {second[0] if second else 'nothing'}\n"
                    "Look at what your server keeps outside of its disk: a crash takes all of that."
                )
    judge_twins(subject)
    with suppress(LearnerError):  # no node is made where a disk must be given
        one_acceptor.judge_memory(subject)
        one_acceptor.judge_copy(subject)
    with suppress(LearnerError, StopIteration):
        if live_otherwise_together(subject):
            raise Failed("a proposer did something else than it does alone, once another one lived in the same "
                         "process.\nLook at where your proposer keeps what it knows: in its own attributes and on "
                         "its own disk, and nowhere else.")  # fmt: skip
        if changes_another(subject):
            raise Failed("server 4 was asked for a value and decided it; that changed what server 5 keeps, which had "
                         "heard nothing.\nLook at where your proposer keeps what it knows (a default argument is made "
                         "once, for all): two servers share no disk and no memory.")  # fmt: skip


@contextmanager
def equal_dice() -> Iterator[None]:
    """Let dice fall here as they fall in each life where marks are given: from the start again."""
    state = dice_of_all.getstate()
    dice_of_all.seed("a life")
    try:
        yield
    finally:
        dice_of_all.setstate(state)


def judge_twins(subject: Subject) -> None:
    """Another acceptor of the same name, with a disk of its own, changes nothing in the next life of the first."""
    cls = subject.node("Acceptor")
    disks = []
    for value in ("red", "blue"):
        node = newborn(cls, 1, (1, 2, 3))
        node.receive(2, prepare((1, 2)))
        node.receive(2, Accept(Ballot(1, 2), value))
        disks.append(node.disk)
    right = Vote(Ballot(1, 2), "red")
    for said in messages(newborn(cls, 1, (1, 2, 3), disks[0]).receive(3, prepare((2, 3)))):
        if type(said) is Promise and same(said.vote, Vote(Ballot(1, 2), "blue")):
            raise Failed(
                f"server 1 voted for {told(right)} and crashed; a server 1 that began with an empty disk voted for "
                f"{told(said.vote)}. The next life of the first then reported {told(said.vote)}.\n"
                "Look at what your server keeps outside of its disk: a crash takes all of that."
            )


def acceptors_life(cls: type[Node]) -> list[Effect]:
    """Return what a new acceptor says to a low ballot, and then let it promise and vote in high ones."""
    node = newborn(cls, 1, (1, 2, 3))
    said = node.receive(2, prepare((1, 2)))
    for message in (accept((1, 2)), prepare((3, 3)), accept((3, 3))):
        node.receive(message.ballot.server, message)
    return said


def proposers_life(cls: type[Node]) -> list[Effect]:
    """Return what a new proposer says first, and then let it hear a Nack, and its timer ring five times."""
    node = newborn(cls, 4, (1, 2, 3))
    effects = said = node.receive(4, Propose("mine"))
    for ballot in [one.ballot for one in messages(said) if type(one) is Prepare][:1]:
        node.receive(1, Nack(ballot, Ballot(90, 5)))
    for _ in range(5):
        for effect in [one for one in effects if type(one) is After][:1]:
            effects = node.receive(4, effect.message)
    return said


MANY, FEWER, GROWTH = 250, 100, 64
"""From `FEWER` ballots to `MANY`, a disk may grow by so many characters: a number has more digits."""


def judge_little(subject: Subject, seed: int) -> None:
    """The disk does not grow with the ballots, and no field of it can be lost without harm."""
    for who, cls, life in (
        ("acceptor", subject.node("Acceptor"), acceptors_ballots),
        ("proposer", subject.node("Proposer"), proposers_ballots),
    ):
        sizes = life(cls)
        if sizes[1] > sizes[0] + GROWTH:
            raise Failed(
                f"after {FEWER} ballots the {who}'s disk holds {sizes[0]} characters, after {MANY} it holds "
                f"{sizes[1]}: it "
                "grows for ever.\nLook at what it keeps of ballots that are over."
            )
    if words := acceptors_traces(subject.node("Acceptor")) or proposers_traces(subject.node("Proposer")):
        raise Failed(words)
    for name, field in [(role, field) for role in ("Acceptor", "Proposer") for field in fields(subject.node(role))]:
        if not missed(subject, name, field, seed):
            raise Failed(
                f"nobody misses the field `{field}` of your {name}'s disk: set back to its first value at "
                "every crash, it "
                "breaks no promise, loses no vote and reuses no ballot in any run of this check.\nLook at "
                "what could go "
                "wrong without it: if nothing does, it need not be on the disk."
            )


def messages(effects: Iterable[Effect]) -> list[Message]:
    """Return what a node says."""
    return [effect.message for effect in effects if type(effect) is Send]


def on_disk(node: Node) -> dict[str, Any]:
    """Return what a node's disk holds, as it is now: equal, where equal data is on it."""
    try:
        return {field: freeze(value) for field, value in vars(node.disk).items()}
    except (NodeError, RecursionError):
        return {field: repr(value) for field, value in vars(node.disk).items()}


def trace(who: str, before: dict[str, Any], after: dict[str, Any], why: str) -> str:
    """Return, in words, which fields of a disk differ, and after what; nothing if they are equal."""
    if before == after:
        return ""
    names = [f"`{name}`" for name in after if before.get(name) != after[name] and not name.startswith("_")]
    where = f", in {' and '.join(names)}" if names else ""
    return f"{why}, and that can be seen on the {who}'s disk{where}.\nLook at what need not be known after a crash."


def acceptors_traces(cls: type[Node]) -> str:
    """Return which message that binds an acceptor to nothing new it writes down all the same: a copy, a refused one."""
    node = newborn(cls, 1, (1, 2, 3))
    for message in (prepare((2, 2)), accept((2, 2)), prepare((3, 3)), accept((3, 3))):
        node.receive(message.ballot.server, message)
        for idle in (message, prepare((1, 3)), accept((1, 3))):
            before = on_disk(node)
            refused = all(type(one) is Nack for one in messages(node.receive(idle.ballot.server, idle)))
            heard = f"an acceptor heard {'a copy of' if idle is message else 'and refused'} {say(idle)}"
            if (refused or idle is message) and (words := trace("acceptor", before, on_disk(node), heard)):
                return words
    return ""


def proposers_traces(cls: type[Node]) -> str:
    """Return what a proposer writes down of what it is asked, or of what it hears in a ballot, if it does."""
    with equal_dice():
        red, said = asked(cls, "red")
    with equal_dice():
        blue, others = asked(cls, "blue")
    ballot = next((one.ballot for one in messages(said) if type(one) is Prepare), None)
    if ballot is None or ballot != next((one.ballot for one in messages(others) if type(one) is Prepare), None):
        return ""  # it says nothing, or what it says of a ballot is up to dice: then two disks cannot be compared
    if words := trace("proposer", on_disk(red), on_disk(blue), "a proposer was asked for another value"):
        return words
    for vote in (None, Vote(Ballot(ballot.round, ballot.server - 1), "green")):
        if words := heard_traces(cls, ballot, vote):
            return words
    for node, one in ((red, said), (blue, others)):
        with equal_dice():
            node.receive(1, Nack(ballot, Ballot(ballot.round + 4, 5)))
            again = [node.receive(4, effect.message) for effect in one if type(effect) is After][:1]
            node_said = [each.ballot for effects in again for each in messages(effects) if type(each) is Prepare]
        if node is red:
            first = node_said
    if first == node_said:
        return trace("proposer", on_disk(red), on_disk(blue), "a proposer that was asked for another value stood again")
    return ""


def asked(cls: type[Node], wish: str) -> tuple[Node, list[Effect]]:
    """Return a proposer that was asked for a value, and what it did then."""
    node = newborn(cls, 4, (1, 2, 3))
    return node, node.receive(4, Propose(wish))


def heard_traces(cls: type[Node], ballot: Ballot, vote: Vote | None) -> str:
    """Return what of the answers in its first ballot a proposer writes down, or of what it proposes, if it does."""
    with equal_dice():
        red, _ = asked(cls, "red")
    with equal_dice():
        blue, _ = asked(cls, "blue")
    value = "red" if vote is None else vote.value
    others = vote and Vote(vote.ballot, "yellow")  # so they propose different values, be it their wishes or votes
    heard = [(1, Promise(ballot, vote)), (2, Promise(ballot, None)), (1, Accepted(ballot, value)),
             (2, Accepted(ballot, value))]  # fmt: skip
    for sender, message in heard:
        before = on_disk(red)
        proposes = any(type(one) is Accept for one in messages(red.receive(sender, message)))
        if not proposes and (words := trace("proposer", before, on_disk(red), f"a proposer heard {say(message)}")):
            return words
        if type(message) is Promise:
            blue.receive(sender, Promise(ballot, others) if message.vote else message)
            if words := trace("proposer", on_disk(red), on_disk(blue), "a proposer proposed another value"):
                return words
    return ""


def fields(cls: type[Node]) -> list[str]:
    """Return the fields of a class's disk that are the learner's."""
    names = [field.name for field in dataclasses.fields(cls.Disk)]
    return [name for name in names if name != "text" or cls.Disk.__qualname__ != "Disk"]


def missed(subject: Subject, name: str, field: str, seed: int) -> bool:
    """Say whether the loss of a field, at every crash, makes some claim fall."""
    if name == "Acceptor":
        schedules: Iterable[Schedule] = [partial(live, run=run) for run in lives(seed)]
        claims: list[Callable[[], Watcher]] = [lambda: Ledger(PROMISE, set()), lambda: Ledger(REPORT, set())]
        begin = WITH_ACCEPTOR
    else:
        schedules = [*proposers_lives(seed), *proposers_lives(seed, 3, 6, Outbid)]
        claims, begin = [lambda: Minutes(BALLOTS, 4)], WITH_PROPOSER
    classes = {**ROLES, f"disk.py:{name}": subject.node(name)}
    for claim in claims:
        for schedule in schedules:
            try:
                schedule(Play(begin, classes, claim(), spoiled=field))
            except (Fall, LearnerError):
                return True
    return False


def size(node: Node) -> int:
    """Return how many characters a node's disk holds."""
    held = vars(node.disk)
    return len(held[TEXT]) if TEXT in held else sum(len(repr(value)) for value in held.values())


def acceptors_ballots(cls: type[Node]) -> tuple[int, int]:
    """Let an acceptor promise and vote in many ballots; return how large its disk is on the way and at the end."""
    node = newborn(cls, 1, (1, 2, 3))
    sizes = []
    for number in range(1, MANY + 1):
        ballot = Ballot(number, 2 + number % 2)
        node.receive(ballot.server, Prepare(ballot))
        node.receive(ballot.server, Accept(ballot, f"v{number}"))
        if number in (FEWER, MANY):
            sizes.append(size(node))
    return sizes[0], sizes[1]


def proposers_ballots(cls: type[Node]) -> tuple[int, int]:
    """Let a proposer stand in many ballots; return how large its disk is on the way and at the end."""
    node = newborn(cls, 4, (1, 2, 3))
    sizes = []
    effects = node.receive(4, Propose("mine"))
    for number in range(1, MANY + 1):
        ballots = [one.message.ballot for one in effects if type(getattr(one, "message", None)) is Prepare]  # type: ignore
        for name in (1, 2):
            if ballots:
                node.receive(name, Promise(ballots[0], None))
        if ballots:
            node.receive(3, Nack(ballots[0], Ballot(ballots[0].round + 1, 5)))
        timers = [one.message for one in effects if type(one) is After]
        effects = node.receive(4, timers[0]) if timers else []
        if number in (FEWER, MANY):
            sizes.append(size(node))
    return sizes[0], sizes[1]


EXERCISE = Exercise(
    id="06_disk",
    module="disk",
    names=("Acceptor", "Proposer"),
    properties=(
        Property("promise", "A promise is kept, over every crash", 1, judge_acceptor(PROMISE)),
        Property("report", "A vote is reported, over every crash", 1, judge_acceptor(REPORT)),
        Property("ballots", "A ballot is never used again, over every crash", 1, judge_ballots),
        Property("works", "What worked before works still, and in the next life too", 1, judge_works),
        Property("only_disk", "Nothing but the disk outlives a crash", 0.5, judge_only_disk),
        Property("little", "The disk holds no more than it must", 0.5, judge_little),
    ),
    roles=ROLES,
    planted="the acceptor begins each life with an empty disk",
    plant='''
def plant(answer):
    true = answer.Acceptor

    class Burnt(true):
        def __init__(self, name, peers, disk=None):
            super().__init__(name, peers)

    answer.Acceptor = Burnt
    return answer
''',
)
