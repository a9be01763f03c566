"""Exercise 06: what must outlive a crash is on the disk, and nothing else is."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain, product
from random import Random

from paxoskit.grading.checks import acceptor as one_acceptor
from paxoskit.grading.checks.acceptor import PROMISE, REPORT, SHORT, Ledger, accept, deep, prepare, tell
from paxoskit.grading.checks.cast import PROMPTER, ROLES, VOTER
from paxoskit.grading.checks.play import Fall, Play, Schedule, Watcher, dice, hunt, hunt_together
from paxoskit.grading.checks.proposer import BALLOTS, COUNTS, P2C, Calm, Minutes, Progress, Trouble, tried
from paxoskit.grading.properties import Exercise, Failed, Property
from paxoskit.grading.subject import LearnerError, Subject
from paxoskit.protocol.node import After, Effect, Node
from paxoskit.protocol.plain import Ballot
from paxoskit.protocol.synod import Accept, Accepted, Prepare, Promise, Propose
from paxoskit.worlds.choice import AFTER, BEFORE, Choice
from paxoskit.worlds.story import Story

ACCEPTOR, PROPOSER = "disk.py:Acceptor", "disk.py:Proposer"
WITH_ACCEPTOR = Story(nodes=(ACCEPTOR, PROMPTER, PROMPTER), clients=(), acceptors=3, claims="none")
WITH_PROPOSER = Story(nodes=(VOTER, VOTER, VOTER, PROPOSER), clients=(), acceptors=3, claims="none")

CRASH = "crash"
"""In a run of an acceptor: it crashes and begins its next life."""

Token = Prepare | Accept | str | tuple[Prepare | Accept, str]
"""What happens next to an acceptor: a message, a crash, or a message that crashes it before or after its save."""

Run = list[Token]


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
        yield [_token(random) for _ in range(random.randint(4, 10))]


def _token(random: Random) -> Token:
    luck = random.random()
    message = random.choice(one_acceptor.ALL)
    return CRASH if luck < 0.25 else (message, random.choice([BEFORE, AFTER])) if luck < 0.4 else message


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
    return ended, kinds


class Restarting(Trouble):
    """A proposer in trouble that crashes as well; its next life is asked to propose another value."""

    def run(self, steps: int) -> None:
        """Let three lives go by."""
        super().run(steps)
        for life in ("second wish", "third wish"):
            self.play.step(Choice("crash", self.me))
            self.play.step(Choice("restart", self.me))
            self.more(self.random.randint(0, 6))
            self.play.step(Choice("ask", self.me, what=Propose(life)))
            self.more(steps)


def proposers_lives(seed: int, acceptors: int = 3, count: int = 30) -> Iterator[Schedule]:
    """Yield runs of a proposer that crashes twice: short ones first."""
    for run in range(count):
        random = dice("disk of a proposer", acceptors, seed, run)
        yield partial(restarting, random=random, acceptors=acceptors, steps=8 + run * 45 // count)


def restarting(play: Play, random: Random, acceptors: int, steps: int) -> None:
    """Let a proposer live three times."""
    Restarting(play, random, acceptors).run(steps)


def judge_ballots(subject: Subject, seed: int) -> None:
    """A ballot is never used twice, over restarts too."""
    minutes: list[Minutes] = []

    def watcher() -> Minutes:
        minutes.append(Minutes(BALLOTS, 4))
        return minutes[-1]

    hunt(subject, WITH_PROPOSER, {PROPOSER: "Proposer"}, watcher, proposers_lives(seed), ROLES)
    if not any(one.proposed for one in minutes):
        raise Failed(f"in {len(minutes)} runs, the proposer never once proposed: let it work first.")


def judge_works(subject: Subject, seed: int) -> None:
    """What worked without crashes works still; and a proposer decides in its second life."""

    def schedules() -> Iterator[Schedule]:
        for length in (1, 2, 3):
            for messages in product(FEW, repeat=length):
                yield partial(live, run=messages)
        for run in lives(seed):
            yield partial(live, run=[token for token in run if isinstance(token, Prepare | Accept)])

    answers = partial(Ledger, one_acceptor.ANSWERS, set())
    hunt(subject, WITH_ACCEPTOR, {ACCEPTOR: "Acceptor"}, answers, schedules(), ROLES)

    def plain(play: Play) -> None:
        Calm(play, 3).go()

    def above(play: Play) -> None:
        calm = Calm(play, 3)
        calm.rival(Prepare(Ballot(40, 5)))
        calm.go(lose=2)

    def again(play: Play) -> None:
        calm = Calm(play, 3)
        play.step(Choice("ask", 4, what=Propose("first wish")))
        play.step(Choice("crash", 4))
        play.step(Choice("restart", 4))
        for flight in list(play.world.flying.values()):
            play.step(Choice("drop", flight.receiver, flight.sender, flight.message))
        calm.go()

    for acceptors, what in product((3, 4), (P2C, COUNTS)):
        begin = Story(nodes=(VOTER,) * acceptors + (PROPOSER,), clients=(), acceptors=acceptors, claims="none")
        watcher = partial(Minutes, what, acceptors + 1)
        hunt(subject, begin, {PROPOSER: "Proposer"}, watcher, proposers_lives(seed, acceptors, 12), ROLES)
    for scene in (plain, above, again):
        tried(subject, WITH_PROPOSER, lambda: Progress(4, "mine"), scene, {PROPOSER: "Proposer"})


def judge_only_disk(subject: Subject, seed: int) -> None:
    """A node that begins with an empty disk knows nothing of what a node of its name did before."""
    for name, cls, life in (
        ("acceptor", subject.node("Acceptor"), acceptors_life),
        ("proposer", subject.node("Proposer"), proposers_life),
    ):
        first = life(cls)
        if not any(type(effect[1]) in (Promise, Prepare) for effect in first if len(effect) == 2):
            said = first[0] if first else "nothing"
            raise Failed(f"an {name} that began with an empty disk said {said} to the first thing that it heard.\n"
                         "Look at where it has that from.")  # fmt: skip
        for _ in range(2):
            second = life(cls)
            if [str(effect) for effect in first] != [str(effect) for effect in second]:
                raise Failed(
                    f"an {name} began with an empty disk, after another of its name had crashed and its disk "
                    "was lost. It "
                    f"did not do what the first had done:\n    {first[0]}\n    {second[0] if second else 'nothing'}\n"
                    "Look at what your server keeps outside of its disk: a crash takes all of that."
                )


def acceptors_life(cls: type[Node]) -> list[Effect]:
    """Return what a new acceptor says to a low ballot, and then let it promise and vote in high ones."""
    node = cls(1, (1, 2, 3))
    node.start()
    said = node.receive(2, prepare((1, 2)))
    for message in (accept((1, 2)), prepare((3, 3)), accept((3, 3))):
        node.receive(message.ballot.server, message)
    return said


def proposers_life(cls: type[Node]) -> list[Effect]:
    """Return what a new proposer says first, and then let its timer ring five times."""
    node = cls(4, (1, 2, 3))
    node.start()
    effects = said = node.receive(4, Propose("mine"))
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
    for name, field in [(role, field) for role in ("Acceptor", "Proposer") for field in fields(subject.node(role))]:
        if not missed(subject, name, field, seed):
            raise Failed(
                f"nobody misses the field `{field}` of your {name}'s disk: set back to its first value at "
                "every crash, it "
                "breaks no promise, loses no vote and reuses no ballot in any run of this check.\nLook at "
                "what could go "
                "wrong without it: if nothing does, it need not be on the disk."
            )


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
        schedules, claims, begin = list(proposers_lives(seed)), [lambda: Minutes(BALLOTS, 4)], WITH_PROPOSER
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
    return sum(len(repr(value)) for value in vars(node.disk).values())


def acceptors_ballots(cls: type[Node]) -> tuple[int, int]:
    """Let an acceptor promise and vote in many ballots; return how large its disk is on the way and at the end."""
    node = cls(1, (1, 2, 3))
    node.start()
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
    node = cls(4, (1, 2, 3))
    node.start()
    sizes = []
    effects = node.receive(4, Propose("mine"))
    for number in range(1, MANY + 1):
        ballots = [one.message.ballot for one in effects if type(getattr(one, "message", None)) is Prepare]  # type: ignore
        for name in (1, 2):
            if ballots:
                node.receive(name, Promise(ballots[0], None))
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
