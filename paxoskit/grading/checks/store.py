"""Exercise 09: a store that follows the log and answers what is decided; a client that matches answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from paxoskit.claims.claim import Claim, Violation
from paxoskit.claims.safety import AtMostOnce, Ghost, Linearizable, Outcome
from paxoskit.grading.checks.play import Play, Said, Schedule, dice, hunt, newborn, same, sends
from paxoskit.grading.checks.trials import KIT, SPEAKER, SPEAKERS, claims_of_words, live, trial
from paxoskit.grading.properties import Exercise, Failed, Property
from paxoskit.grading.subject import LearnerError, Subject
from paxoskit.protocol.chain import NO_HASH, Content, mine
from paxoskit.protocol.messages import (
    Accept,
    Accepted,
    Answered,
    Ask,
    Asks,
    Block,
    Blocks,
    Decide,
    Elected,
    ElectionTimeout,
    Get,
    Operation,
    Prepare,
    Promise,
    Put,
    Replies,
    Reply,
    Request,
    RetryTimeout,
    SteppedDown,
    Vote,
)
from paxoskit.protocol.node import After, Announce, Effect, Node, Send, title
from paxoskit.protocol.plain import BOTTOM, Ballot, Message, Name
from paxoskit.trace import Event, say
from paxoskit.worlds.choice import AFTER, BEFORE, Choice
from paxoskit.worlds.story import Story
from paxoskit.worlds.world import World

MINE = "store.py:Store"
BEGIN = Story(nodes=(MINE, SPEAKER, SPEAKER), clients=((1,), (1,), (1,)), claims="none")
KEYS = ("'x'", "'y'", "'X'", " 'x'", "x", "")
"""Keys are texts: nearly equal ones are different keys, and the empty one is one too, as it is a value."""
ODD = ("'x'", " '7' ", "07", "ä" * 300, "None", "\n", "'ä'")
"""Values are texts too: what they mean is nothing to a store, nor how long they are."""
MANY = 300
"""So many sessions are many, and so many requests of one session."""
VALUES, ONCE, LOG, ANSWERED = "values", "once", "log", "answered"

Key = tuple[str, int]
"""A request: its session and number."""


# The store -----------------------------------------------------------------------------------------------------


class Fold:
    """What the decided blocks imply: each request's right answer, and the last request of each session."""

    def __init__(self) -> None:
        self.data: dict[str, str] = {}
        self.last: dict[str, int] = {}
        self.right: dict[Key, str | None] = {}

    def add(self, request: Request) -> bool:
        """Let a request take effect; say whether it had before."""
        if request.number <= self.last.get(request.session, 0):
            return True
        key = request.operation.key
        self.last[request.session] = request.number
        self.right[request.session, request.number] = self.data.get(key)
        if isinstance(request.operation, Put):
            self.data[key] = request.operation.value
        return False


class Register:
    """What server 1 has decided and was asked; judges its answers."""

    def __init__(self, what: str, seen: set[str]) -> None:
        self.what = what
        self.seen = seen
        self.blocks: list[Block] = []
        self.fold = Fold()
        self.leading = False
        self.ballot = BOTTOM
        self.open: Block | None = None
        """The block that server 1 has proposed and nobody has decided."""
        self.leader: Name | None = None
        """Whom server 1 must follow: it has just heard this one lead in a ballot above all."""
        self.waiting: dict[str, Request] = {}
        """By session: what server 1 heard while it led, and nobody has decided."""

    @property
    def tip(self) -> str:
        """The hash of the newest decided block."""
        return self.blocks[-1].hash if self.blocks else NO_HASH

    def after(self, world: World, choice: Choice, said: list[Said]) -> str | None:
        """Judge a turn of server 1."""
        if choice.node != 1:
            return None
        sent = sends(said, 1)
        fresh = self.take(world, choice, said)
        heard = f"server 1{', which leads,' if self.leading else ''} heard {what_of(choice)}"
        words = self.wrong_answers(heard, sent)
        if words is None and self.what == ANSWERED and choice.crash is None and choice.kind in ("deliver", "fire"):
            words = self.missing_answer(heard, choice, sent, fresh)
        if words is None and self.what == ONCE and choice.kind == "deliver":
            words = self.ordered_again(heard, choice.what, sent)
        for one in said:
            if one.sender == 1 and type(one.message) is Accept:
                self.open = one.message.block
        asked = choice.what
        if self.leading and isinstance(asked, Request) and asked.number > self.fold.last.get(asked.session, 0):
            self.waiting[asked.session] = asked
        return words

    def take(self, world: World, choice: Choice, said: list[Said]) -> list[Request]:
        """Write down what server 1 heard; return the requests that took effect in this turn."""
        for one in said:
            if one.sender == 1 and type(one.message) in (Elected, SteppedDown):
                self.leading, self.open, self.waiting = type(one.message) is Elected, None, {}
        if not world.is_up(1):
            self.leading, self.open, self.waiting = False, None, {}
        if choice.kind != "deliver" or isinstance(choice.what, Prepare):
            self.leader = None
        elif isinstance(choice.what, Accept) and choice.what.ballot > self.ballot:
            self.leader = choice.peer
        decided = self.heard_blocks(choice) if choice.crash != BEFORE else []
        decided += [one.message.block for one in said if one.sender == 1 and type(one.message) is Decide]
        fresh: list[Request] = []
        for block in decided:
            if block.height == len(self.blocks):
                self.blocks.append(block)
                self.open = None
                for request in block.operations:  # an old copy too: the log then waits to be asked again
                    self.waiting.pop(request.session, None)
                fresh += block.operations
                if any([self.fold.add(request) for request in block.operations]):
                    self.seen.add("twice")
        for message in [choice.what, *(one.message for one in said)]:
            ballot = getattr(message, "ballot", BOTTOM)
            self.ballot = max(self.ballot, ballot if type(ballot) is Ballot else BOTTOM)
        return fresh

    def heard_blocks(self, choice: Choice) -> list[Block]:
        """Return the decided blocks that a message brings."""
        if choice.kind != "deliver":
            return []
        if isinstance(choice.what, Blocks):
            return list(choice.what.blocks)
        return [choice.what.block] if isinstance(choice.what, Decide) else []

    def wrong_answers(self, heard: str, sent: Sequence[Send]) -> str | None:
        """Every answer is to a request that is decided here, and is the one of its first time."""
        for to, reply in replies(sent):
            key = (reply.session, reply.number)
            if type(reply.session) is not str or type(reply.number) is not int or to != reply.session.partition("/")[0]:
                return f"{heard} and sent {reply!r:.100} to {title(to)}.\nLook at whom an answer goes to."
            if key not in self.fold.right:
                if self.what == LOG:
                    return (f"{heard} and answered {says(reply)}, a request that is in none of its {len(self.blocks)} "
                            "decided blocks.\nLook at what an answer may rest on: another server may lead by now, and "
                            "what was asked may never be decided.")  # fmt: skip
                continue
            self.seen.add("answered")
            right = self.fold.right[key]
            if same(reply.answer, right) or self.what not in (VALUES, ONCE):
                continue
            return (f"{heard} and answered {says(reply)} with {reply.answer!r}; the right answer is {right!r}: "
                    "the value "
                    "of the key right before this request took effect for the first time.\nLook at what a get "
                    "and a put "
                    "answer, and at a request that comes or is decided again.")  # fmt: skip
        return None

    def ordered_again(self, heard: str, asked: Message | None, sent: Sequence[Send]) -> str | None:
        """What has taken effect here does not go into the log again, and to no leader."""
        if not isinstance(asked, Request) or asked.number > self.fold.last.get(asked.session, 0):
            return None
        again = [one for _, one in sent if same(one, asked) or (type(one) is Accept and asked in one.block.operations)]
        if not again:
            return None
        done = "proposed it once more" if type(again[0]) is Accept else "passed it on"
        last = self.fold.last[asked.session]
        return (f"{heard}, which has taken effect here (the last of its session is number {last}), and {done}.\n"
                "Look at what becomes of an old copy of a request.")  # fmt: skip

    def missing_answer(self, heard: str, choice: Choice, sent: Sequence[Send], fresh: list[Request]) -> str | None:
        """The leader answers what it applies; everybody answers a retry; the leader proposes what is new."""
        given = {(reply.session, reply.number) for _, reply in replies(sent)}
        newest = {request.session: request for request in fresh}
        for request in newest.values() if self.leading else ():
            if self.fold.last[request.session] == request.number and (request.session, request.number) not in given:
                return (f"{heard}, applied a block with {says(request)}, and did not answer it.\nLook at what the "
                        "leader "
                        "does with every request of a block, those of others' blocks too.")  # fmt: skip
        asked = choice.what
        if choice.kind != "deliver":
            return None
        if fresh and self.leading:
            for one in [message.block for _, message in sent if type(message) is Accept]:
                left = [request for request in self.waiting.values() if request not in one.operations]
                if left:
                    return (f"{heard}, and proposed a block without {says(left[0])}, which it has heard since it "
                            "leads, and which is not decided.\nLook at how a request comes into the log while "
                            "another block is open.")  # fmt: skip
        if not isinstance(asked, Request):
            return None
        last = self.fold.last.get(asked.session, 0)
        if asked.number == last and (asked.session, asked.number) not in given:
            return (f"{heard}, which has taken effect here, and did not answer.\nLook at what becomes of a "
                    "request that "
                    "comes again: its answer may have been lost.")  # fmt: skip
        proposed = any(type(message) is Accept and asked in message.block.operations for _, message in sent)
        if asked.number > last and self.leading and self.open is None and not proposed:
            return f"{heard}, which is new, and proposed no block with it.\nLook at how a request comes into the log."
        passed = [to for to, message in sent if same(message, asked)]
        if asked.number > last and self.leader is not None and choice.peer == asked.client and passed != [self.leader]:
            return (f"{heard}, which is new, and did not pass it on to its leader, {title(self.leader)}.\n"
                    "Look at how a request comes into the log, where this server does not lead.")  # fmt: skip
        if choice.peer != asked.client and passed:
            return (f"{heard}, which had passed it on, and passed it on again, to {title(passed[0])}: two servers "
                    "could do so for ever.\nLook at who the sender of a request is.")  # fmt: skip
        return None


def replies(sent: Sequence[Send]) -> list[tuple[Name, Reply]]:
    """Return all answers that were sent, and to whom."""
    found: list[tuple[Name, Reply]] = []
    for to, message in sent:
        if type(message) is Reply:
            found.append((to, message))
        elif type(message) is Replies:
            found += [(to, reply) for reply in message.replies if type(reply) is Reply]
    return found


def says(what: Request | Reply) -> str:
    """Return a request, or the one that is answered, in words."""
    words = f" ({' '.join(what.operation.words)})" if isinstance(what, Request) else ""
    return f"request {what.number} of session {what.session!r}{words}"


def what_of(choice: Choice) -> str:
    """Return what a server heard, in words."""
    if isinstance(choice.what, Request):
        return f"{says(choice.what)} of {title(choice.peer or 0)}"
    return f"{say(choice.what)} of {title(choice.peer)}" if choice.peer else f"its timer {say(choice.what)}"


class Scene:
    """A run by dice: two servers that say what they please, clients that ask and ask again, timers, crashes."""

    def __init__(self, play: Play, random: Random) -> None:
        self.play, self.random = play, random
        self.book: Register = play.watcher  # type: ignore[assignment]
        self.numbers: dict[str, int] = {}
        self.asked: list[Request] = []
        self.value = 0

    def run(self, steps: int, acts: Sequence[Callable[[], None]]) -> None:
        """Let so many things happen, then look at every key."""
        for _ in range(steps):
            if not self.play.world.is_up(1):
                self.play.step(Choice("restart", 1))
            self.random.choice(acts)()

    def speak(self, peer: Name, message: Message, crash: str | None = None) -> None:
        """Let a server say something to server 1, which hears it at once."""
        if not self.play.world.is_up(1):
            self.play.step(Choice("restart", 1))
        self.play.step(Choice("ask", peer, what=message))
        self.play.step(Choice("deliver", 1, peer, message, crash=crash))

    def operation(self) -> Operation:
        """Return a get, or a put: of a fresh value, mostly."""
        self.value += self.random.random() < 0.8
        key = self.random.choice(KEYS[:2] if self.random.random() < 0.8 else KEYS)
        value = str(self.value) if self.random.random() < 0.9 else ""
        return Get(key) if self.random.random() < 0.4 else Put(key, value)

    def request(self) -> Request:
        """Return a new request of a session whose last one is decided: elsewhere asked, or asked here."""
        names = [f"client {client}/9.{number}" for client in (1, 2, 3) for number in (1, 2, 3)]
        free = [name for name in names if self.numbers.get(name, 0) == self.book.fold.last.get(name, 0)]
        if not free:
            return self.old()
        session = self.random.choice(free)
        number = self.numbers[session] = self.numbers.get(session, 0) + 1
        self.asked.append(Request(session, number, self.operation()))
        return self.asked[-1]

    def old(self) -> Request:
        """Return a request that was asked before; mostly one of the last ones."""
        return self.random.choice(self.asked[-4:] if self.random.random() < 0.6 else self.asked)

    def block(self) -> Block:
        """Return a good block for the next slot, of new and old requests: no two of one session, which has one open."""
        requests: list[Request] = []
        for _ in range(self.random.randint(1, 3)):
            one = self.old() if self.asked and self.random.random() < 0.4 else self.request()
            if one.session not in {request.session for request in requests}:
                requests.append(one)
        return mine(Content(len(self.book.blocks), self.book.tip, tuple(requests)), self.random.randint(0, 10**6))

    def decide(self) -> None:
        """Somebody says that a block is decided; or sends a few, old ones too."""
        block = self.block()
        crash = self.random.choice([None] * 8 + [BEFORE, AFTER])
        if self.random.random() < 0.3:
            self.speak(3, Blocks((*self.book.blocks[-2:], block)), crash)
        else:
            self.speak(2, Decide(block), crash)

    def follow(self) -> None:
        """Somebody else leads."""
        ballot = Ballot(self.book.ballot.round + 1, self.random.choice([2, 3]))
        self.speak(ballot.server, Accept(ballot, self.block()))

    def stand(self) -> None:
        """Server 1 is elected; a promise may report a vote for a block of somebody else."""
        for _ in range(2):
            timers = [m for node, m in self.play.world.timers if node == 1 and type(m) is ElectionTimeout]
            for message in timers:
                said = self.play.step(Choice("fire", 1, what=message))
                if any(one.sender == 1 and type(one.message) is Prepare for one in said):
                    vote = Vote(BOTTOM, self.block()) if self.random.random() < 0.5 else None
                    self.speak(2, Promise(self.book.ballot, len(self.book.blocks), vote, ()))
                    return

    def vote(self) -> None:
        """Server 2 votes for what server 1 proposed last."""
        block = self.book.open
        if block is not None and self.book.leading:
            self.speak(2, Accepted(self.book.ballot, block.height, block.hash))

    def ask(self) -> None:
        """A client sends server 1 a new request."""
        self.send(self.request())

    def ask_again(self) -> None:
        """A client sends server 1 a request that it sent before, here or elsewhere."""
        if self.asked:
            self.send(self.old())

    def send(self, request: Request) -> None:
        """Let a request come to server 1 from another server, which passed it on, or as if from its client."""
        self.speak(self.random.choice([2, 3]), request)

    def many(self) -> None:
        """Many sessions put under many keys, and others get it; some of the first are decided, and asked, once more."""
        keys = [f"'key {number}'" for number in range(MANY)]
        puts = [Request(f"client 3/8.{number}", 1, Put(key, ODD[number % len(ODD)])) for number, key in enumerate(keys)]
        gets = [Request(f"client 2/8.{number}", 1, Get(key)) for number, key in enumerate(keys)]
        for few in (puts[:200], puts[200:], [*puts[3:6], puts[90]], [*gets[:5], gets[90], gets[190]]):
            self.speak(2, Decide(mine(Content(len(self.book.blocks), self.book.tip, tuple(few)))))
        for one in (*puts[:6], puts[90], *gets[:5], gets[90], gets[190]):
            self.send(one)

    def follower(self) -> None:
        """Somebody else leads; clients send server 1 new requests, another server passes on such a one.

        At times it has not heard yet of what the session asked before: that is decided elsewhere. Each asks again, when
        what was passed on may be lost, and once more when its request is decided.
        """
        for session in range(1, 4):
            name, number = f"client {session}/5.1", self.random.choice([1, 2])
            asked = [Request(name, one, self.operation()) for one in (1, 2)][:number]
            for one in asked:
                self.play.step(Choice("ask", one.client, what=Ask(one.session, one.operation)))
            for _ in range(2):
                self.play.step(Choice("duplicate", 1, asked[-1].client, asked[-1]))
            self.decide()
            self.follow()
            for _ in range(2):
                self.play.step(Choice("deliver", 1, asked[-1].client, asked[-1]))
            self.send(Request(f"client {session}/6.1", number, self.operation()))
            for one in asked:
                self.speak(2, Decide(mine(Content(len(self.book.blocks), self.book.tip, (one,)))))
            self.play.step(Choice("deliver", 1, asked[-1].client, asked[-1]))

    def behind(self) -> None:
        """Server 1 leads, and does not know yet of what a session asked before: its next request goes into a block."""
        self.decide()
        self.stand()
        if self.book.leading and self.book.open is None:
            self.send(Request("client 1/6.1", self.random.randint(2, 12), self.operation()))

    def long_life(self) -> None:
        """Many blocks are decided, server 1 crashes; then some of the first are asked, and decided, once more."""
        puts = [Request(f"client 3/8.{number}", 1, Put(f"'key {number}'", str(number))) for number in range(40)]
        gets = [Request(f"client 2/8.{number}", 1, Get(f"'key {number}'")) for number in (0, 1, 19, 39)]
        for one in puts:
            self.speak(2, Decide(mine(Content(len(self.book.blocks), self.book.tip, (one,)))))
        self.crash()
        self.speak(2, Decide(mine(Content(len(self.book.blocks), self.book.tip, (puts[2], *gets)))))
        for one in (*puts[:3], puts[20], puts[39], *gets):
            self.send(one)

    def crowd(self) -> None:
        """Server 1 leads, and many requests are decided at once that it has never heard; then it hears many."""
        self.stand()
        many = [Request(f"client {1 + number % 3}/4.{number}", 1, self.operation()) for number in range(80)]
        self.speak(2, Decide(mine(Content(len(self.book.blocks), self.book.tip, tuple(many[:40])))))
        for one in many[30:60]:
            self.send(one)
        self.vote()
        self.vote()

    def guessable(self) -> None:
        """Server 1 leads, or follows, and is asked what it could answer at once: nobody knows yet what comes before."""
        for _ in range(3):
            self.decide()
        self.random.choice([self.stand, self.follow])()
        data = self.book.fold.data
        asked: list[Operation] = [*map(Get, KEYS), *(Put(key, data.get(key, "")) for key in KEYS)]
        for number, operation in enumerate(self.random.sample(asked, len(asked))):
            self.send(Request(f"client {1 + number % 3}/7.{number}", 1, operation))

    def thrice(self) -> None:
        """What has taken effect is asked again and again: each time the answer was lost."""
        self.decide()
        self.random.choice([self.stand, self.follow, self.decide])()
        for request in self.book.blocks[-1].operations if self.book.blocks else ():
            for _ in range(3):
                self.send(request)

    def leads_again(self) -> None:
        """Server 1 leads, is asked, is deposed, and leads again: what it was asked then is asked again."""
        self.stand()
        request = self.request()
        self.send(request)
        self.follow()
        self.stand()
        self.vote()
        self.send(request)

    def crash(self) -> None:
        """Server 1 crashes, and comes back."""
        if self.play.world.is_up(1):
            self.play.step(Choice("crash", 1))
            self.play.step(Choice("restart", 1))


def judge(matter: str, count: int = 60) -> Callable[[Subject, int], None]:
    """Return the judge of one matter of the store."""

    def scene(play: Play, random: Random, steps: int) -> None:
        one = Scene(play, random)
        lead = [one.stand, one.ask, one.ask, one.vote, one.vote]
        acts = {
            VALUES: [one.decide, one.stand, one.ask, one.vote, one.vote, one.ask_again],
            ONCE: [*lead, one.decide, one.decide, one.ask_again, one.ask_again, one.crash],
            LOG: [*lead, one.follow, one.decide, one.ask_again],
            ANSWERED: [*lead, one.decide, one.ask_again, one.crash, one.follow],
        }[matter]
        one.run(steps, acts)

    def schedules(seed: int) -> Iterator[Schedule]:
        for run in range(count):
            yield lambda play, run=run: scene(play, dice("store", matter, seed, run), 3 + run % 25)  # type: ignore[misc]
        if matter in (VALUES, ONCE):
            yield lambda play: Scene(play, dice("store", "many sessions", seed)).many()
        if matter in (VALUES, ANSWERED):
            yield lambda play: Scene(play, dice("store", "long life", seed)).long_life()
        if matter == LOG:
            for run in range(6):
                yield lambda play, run=run: Scene(play, dice("store", "guessable", seed, run)).guessable()  # type: ignore[misc]
        if matter == ANSWERED:
            yield lambda play: Scene(play, dice("store", "crowd", seed)).crowd()
            for run in range(6):
                yield lambda play, run=run: Scene(play, dice("store", "thrice", seed, run)).thrice()  # type: ignore[misc]
                yield lambda play, run=run: Scene(play, dice("store", "leads again", seed, run)).leads_again()  # type: ignore[misc]
                yield lambda play, run=run: Scene(play, dice("store", "follower", seed, run)).follower()  # type: ignore[misc]
                yield lambda play, run=run: Scene(play, dice("store", "behind", seed, run)).behind()  # type: ignore[misc]

    def judged(subject: Subject, seed: int) -> None:
        seen: set[str] = set()
        hunt(subject, BEGIN, {MINE: "Store"}, lambda: Register(matter, seen), schedules(seed), SPEAKERS)
        if "answered" not in seen:
            raise Failed(f"in {count} runs, server 1 never once answered a request that was decided.\nLook at who "
                         "answers "
                         "what a block holds.")  # fmt: skip
        subject.once("a put replaces", lambda: replaced(subject))
        if matter == VALUES:
            from_the_disk(subject)
        if matter == ANSWERED:
            of_client_twelve(subject)
            long_session_of_a_store(subject)

    return judged


def in_blocks(*blocks: Sequence[Request]) -> tuple[Block, ...]:
    """Return a chain of blocks that hold these requests."""
    chain: list[Block] = []
    for requests in blocks:
        chain.append(mine(Content(len(chain), chain[-1].hash if chain else NO_HASH, tuple(requests))))
    return tuple(chain)


def from_the_disk(subject: Subject) -> None:
    """A life begins with a block on the disk, and with nothing else: it says what the store holds."""
    cls = subject.node("Store")
    puts = [Request(f"client 1/9.{number}", 1, Put(key, f"{number}")) for number, key in enumerate(KEYS)]
    gets = [Request(f"client 2/9.{number}", 1, Get(key)) for number, key in enumerate(KEYS)]
    held, decided = in_blocks(puts, gets)
    disk: Any = cls.Disk()
    disk.blocks = (held,)
    node = newborn(cls, 1, (1, 2, 3), disk)
    asked = [effect.message for effect in node.receive(1, ElectionTimeout()) if type(effect) is Send]
    for prepare in [message for message in asked if type(message) is Prepare][:1]:
        node.receive(2, Promise(prepare.ballot, 1, None, ()))
    given = replies([effect for effect in node.receive(2, Decide(decided)) if type(effect) is Send])
    right = {get.session: f"{number}" for number, get in enumerate(gets)}
    for _, reply in given:
        if reply.session in right and not same(reply.answer, right[reply.session]):
            raise Failed(f"a life of server 1 began with one block on the disk, of puts of {len(KEYS)} keys. It was "
                         "elected, a block with a get of each was decided, and it answered "
                         f"{says(reply)} with {reply.answer!r:.80}; {right[reply.session]!r} was expected.\n"
                         "Look at what a life begins with, and at which keys are one.")  # fmt: skip


def long_session_of_a_store(subject: Subject) -> None:
    """A session asks much; its last request comes again."""
    node = newborn(subject.node("Store"), 1, (1, 2, 3))
    puts = [Request("client 1/9.1", number, Put("'x'", f"{number}")) for number in range(1, MANY + 1)]
    node.receive(2, Blocks(in_blocks(*([put] for put in puts))))
    again = replace(puts[-1], number=int(f"{MANY}"))  # an equal number, and another object
    given = replies([effect for effect in node.receive(3, again) if type(effect) is Send])
    if [(reply.session, reply.number) for _, reply in given] != [(again.session, MANY)]:
        raise Failed(f"{MANY} puts of one session were decided, each in a block of its own. Asked the last one again, "
                     f"server 1 answered {says(given[0][1]) if given else 'nothing'}.\nLook at how the numbers of "
                     "requests are compared.")  # fmt: skip


def of_client_twelve(subject: Subject) -> None:
    """There may be more than nine clients, and a client may have many sessions."""
    node = newborn(subject.node("Store"), 1, (1, 2, 3))
    request = Request("client 12/34.56", 1, Get("'x'"))
    node.receive(2, Decide(mine(Content(0, NO_HASH, (request,)))))
    given = replies([effect for effect in node.receive(3, request) if type(effect) is Send])
    if not given or any(not same(one, (request.client, Reply(request.session, 1, None))) for one in given):
        told = " and ".join(f"sent {reply!r:.100} to {to!r:.30}" for to, reply in given) or "did not answer"
        raise Failed(f"server 1 heard {says(request)} of server 3, which has taken effect here, and {told}.\n"
                     "Look at whom an answer goes to: the client is that of the request.")  # fmt: skip


def replaced(subject: Subject) -> None:
    """A put answers the value that it replaced: this is the kind of store that is asked for."""
    node, tip = newborn(subject.node("Store"), 1, (1, 2, 3)), NO_HASH
    for number in (1, 2):
        request = Request("client 1/9.1", number, Put("'x'", str(number)))
        block = mine(Content(number - 1, tip, (request,)))
        node.receive(2, Decide(block))
        tip = block.hash
    sent = [effect for sender in (2, "client 1") for effect in node.receive(sender, request) if type(effect) is Send]
    if any(not same(reply, Reply("client 1/9.1", 2, "1")) for _, reply in replies(sent)):
        raise Failed("put 'x' 1 and put 'x' 2 were decided; asked again, the second one was not answered with the "
                     "value that it replaced, '1'.\nLook at what a put answers.")  # fmt: skip


# The client ----------------------------------------------------------------------------------------------------


@dataclass
class Desk:
    """A client, what it has sent, and a transcript: asked, answered and rung by dice."""

    node: Node
    failed: dict[str, Failed]
    """The first fault of each matter; not the first of this desk alone."""
    servers: tuple[int, ...] = (1, 2, 3)

    def __post_init__(self) -> None:
        self.told: list[str] = []
        self.line: list[Request] = []
        self.numbers: dict[str, int] = {}
        self.sent: list[tuple[Name, Request]] = []
        self.timers: set[Message] = set()
        self.quiet = 0
        self.tried: set[Name] = set()
        self.begin()

    def begin(self) -> None:
        """Let its life begin."""
        self.turn("it begins", type(self.node).start(self.node), None)

    def hear(self, sender: Name, message: Message, words: str, answered: Reply | None = None) -> None:
        """Bring a message to the client, and judge what it does."""
        try:
            effects = self.node.receive(sender, message)
        except LearnerError as error:
            raise LearnerError(self.transcript(words) + error.says, error.why) from None
        self.turn(words, effects, answered)
        if type(message) is Reply and answered is None and any(type(effect) is After for effect in effects):
            self.fail("set its timer anew, at a reply that does not answer what is on its way", "matched")

    def turn(self, words: str, effects: list[Effect], answered: Reply | None) -> None:
        """Judge a turn: what is announced, what is sent, whether it waits."""
        self.told.append(words)
        facts = [effect.fact for effect in effects if type(effect) is Announce]
        right = [] if answered is None else [Answered(answered.session, answered.number, answered.answer)]
        if not same(facts, right):
            self.fail(f"announced {[say(fact) for fact in facts] or 'nothing'}; expected: "
                      f"{[say(fact) for fact in right] or 'nothing'}", "matched")  # fmt: skip
        self.timers |= {effect.message for effect in effects if type(effect) is After}
        for effect in effects:
            if type(effect) is After and type(effect.message) is RetryTimeout and not in_time(effect):
                self.fail(f"set its timer to ring after {effect.low:g} to {effect.high:g} milliseconds", "again")
        for to, message in [effect for effect in effects if type(effect) is Send]:
            self.judge_sent(to, message)
        first = self.line[0] if self.line else None
        if first is not None and not any(request == first for _, request in reversed(self.sent)):
            self.fail(f"did not send {says(first)}, whose turn it is", "line")
        if first is not None and not self.timers:
            self.fail("has no timer running while it waits for an answer", "again")

    def judge_sent(self, to: Name, message: Message) -> None:
        """Judge a message that the client sent."""
        self.told.append(f"    it sends {say(message)} to {title(to)}")
        if to not in self.servers:
            self.fail(f"sent a message to {title(to)}, which is no server", "line")
        elif type(message) is not Request or not any(same(message, request) for request in self.line):
            self.fail(f"sent {say(message)}, which is not a request that waits for its answer", "line")
        else:
            if not same(message, self.line[0]):
                self.fail(f"sent {says(message)} while {says(self.line[0])} is on its way", "line")
            self.sent.append((to, message))
            self.tried.add(to)

    def fail(self, words: str, matter: str) -> None:
        """Write down a fault, if it is the first of its matter."""
        if matter not in self.failed:
            self.failed[matter] = Failed(f"{self.transcript()}client 1 {words}.\nLook at {ADVICE_CLIENT[matter]}.")

    def transcript(self, more: str = "") -> str:
        """Return what happened so far."""
        lines = [*self.told, *([more] if more else [])]
        return "\n".join([*(["    …"] if len(lines) > 16 else []), *(f"    {line}" for line in lines[-16:])]) + "\n"

    # What can happen

    def ask(self, session: str, operation: Operation) -> None:
        """Ask the client."""
        number = self.numbers[session] = self.numbers.get(session, 0) + 1
        self.line.append(Request(session, number, operation))
        words = f"it is asked, in session {session}, to {' '.join(operation.words)}"
        self.hear("client 1", Ask(session, operation, number // 3 % 4), words)

    def ask_many(self, sessions: list[str], operation: Operation) -> None:
        """Ask the client two things or more in one message."""
        for session in sessions:
            number = self.numbers[session] = self.numbers.get(session, 0) + 1
            self.line.append(Request(session, number, operation))
        asks = Asks(tuple(Ask(session, operation) for session in sessions))
        words = f"it is asked {len(sessions)} things at once, in the sessions {sorted(set(sessions))}, to "
        self.hear("client 1", asks, words + " ".join(operation.words))

    def answer(self, reply: Reply, sender: Name, others: Sequence[Reply] = ()) -> None:
        """Bring an answer, the right one or another; with others, in one message, after them or before."""
        right = bool(self.line) and (reply.session, reply.number) == (self.line[0].session, self.line[0].number)
        if right:
            self.line.pop(0)
            self.tried = set()
        many = (*others, reply) if len(self.told) % 2 else (reply, *others)
        message: Message = Replies(many) if others else reply
        self.hear(sender, message, f"it hears {say(message)} of {title(sender)}", reply if right else None)

    def ring(self) -> None:
        """Let a timer ring."""
        for message in list(self.timers)[:1]:
            self.timers.discard(message)
            self.hear("client 1", message, f"its timer {say(message)} rings")


ADVICE_CLIENT = {
    "line": "which request is sent, how requests are numbered, and when the next one's turn comes",
    "matched": "how an answer is matched to the request that is on its way, how often it is told, and what is done at "
    "every other reply",
    "again": "what happens when no answer comes: at the timer, and at whom the request goes to then",
}


def judge_client(matter: str) -> Callable[[Subject, int], None]:
    """Return the judge of one matter of the client."""

    def judged(subject: Subject, seed: int) -> None:
        failed = subject.once(f"a client alone, seed {seed}", lambda: client_alone(subject, seed))
        if matter in failed:
            raise failed[matter]
        sent = subject.once("two wait", lambda: two_wait(subject))
        if any(not same(one, sent[0]) for one in sent) or (matter == "line" and len(sent) != 1):
            raise Failed("client 1 was asked two things, one right after the other, and did not send exactly one "
                         "request.\nLook at what stands in line while a request is on its way.")  # fmt: skip

    return judged


def client_alone(subject: Subject, seed: int) -> dict[str, Failed]:
    """Let clients be asked, answered and rung; return the first fault of each matter."""
    failed: dict[str, Failed] = {}
    cls = subject.node("Client")
    for run in range(80):
        busy(Desk(cls("client 1", (1, 2, 3)), failed), dice("client", seed, run), 2 + run // 4)
    for servers in ((1, 2, 3), (1, 2, 3, 4, 5), (5, 2, 4), (3, 2)):
        for alive in servers:
            only_one_answers(Desk(cls("client 1", servers), failed, servers), alive)
        nobody_answers(Desk(cls("client 1", servers), failed, servers))
    one_session(Desk(cls("client 1", (1, 2, 3)), failed))
    long_line(Desk(cls("client 1", (1, 2, 3)), failed))
    long_session(Desk(cls("client 1", (1, 2, 3)), failed))
    return failed


def busy(desk: Desk, random: Random, steps: int) -> None:
    """Asks, answers, old answers, answers to other requests, and timers."""
    old: list[Reply] = []
    for step in range(steps):
        luck = random.random()
        if luck < 0.4 or not desk.numbers:
            operation = Get("'x'") if random.random() < 0.5 else Put("'y'", str(step))
            if random.random() < 0.3:
                desk.ask_many([f"client 1/1.{number}" for number in random.sample([1, 2, 3], 2)], operation)
            else:
                desk.ask(f"client 1/1.{random.randint(1, 3)}", operation)
        elif luck < 0.65 and desk.line:
            one = desk.line[0]
            old.append(Reply(one.session, one.number, random.choice([None, "", str(step)])))
            others = old[-3:-1] if random.random() < 0.3 else []
            desk.answer(old[-1], random.choice([1, 2, 3]), others)
        elif luck < 0.75 and old:
            desk.answer(random.choice(old), random.choice([1, 2, 3]))
        elif luck < 0.85:
            session = f"client 1/1.{random.randint(1, 3)}"
            number = desk.numbers.get(session, 0) + random.choice([-1, 0, 1])
            if not desk.line or (session, number) != (desk.line[0].session, desk.line[0].number):
                desk.answer(Reply(session, number, "0"), 2)
        else:
            desk.ring()


def one_session(desk: Desk) -> None:
    """A session asks much, the same twice or more too, some of it while its requests stand in line.

    Each is answered, at times twice.
    """
    for number in range(12):
        desk.ask("client 1/1.1", Put("'x'", str(number // 4)))
        if number % 3:
            reply = Reply("client 1/1.1", desk.line[0].number, None)
            desk.answer(reply, 1)
            desk.answer(reply, 1 + number % 2)
    while desk.line:
        desk.answer(Reply("client 1/1.1", desk.line[0].number, "0"), 3)


def long_line(desk: Desk) -> None:
    """Much is asked before the first answer comes, some of it in one message; then each session asks once more."""
    desk.ask_many([f"client 1/2.{number}" for number in range(12)], Get("'x'"))
    for number in range(120):
        desk.ask(f"client 1/1.{number % 3}", Put("'x'", str(number % 5)))
        if number % 50 == 49:
            desk.ring()
    for one in list(desk.line):
        desk.answer(Reply(one.session, one.number, None), 1)
    for session in list(desk.numbers):
        desk.ask(session, Get("'x'"))
        desk.answer(Reply(session, desk.numbers[session], None), 1)


def long_session(desk: Desk) -> None:
    """A session asks much; each of its requests is answered."""
    desk.ask_many(["client 1/1.1"] * MANY, Get("'x'"))
    for number in range(1, MANY + 1):
        desk.answer(Reply("client 1/1.1", number, None), 1)


def only_one_answers(desk: Desk, alive: int) -> None:
    """All servers but one never answer: the client reaches that one."""
    for number in range(3):
        desk.ask("client 1/1.1", Put("'x'", str(number)))
        for _ in range(RINGS):
            if alive in desk.tried:
                break
            desk.ring()
        else:
            desk.fail(f"has not asked server {alive} after {RINGS} rings of its timer", "again")
            return
        request = desk.line[0]
        desk.answer(Reply(request.session, request.number, None), alive)


def nobody_answers(desk: Desk) -> None:
    """No server answers for long: the client asks all of them again and again, until an answer comes."""
    for number in range(2):
        desk.ask("client 1/1.1", Put("'x'", str(number)))
    for _ in range(8):
        desk.tried = set()
        for _ in range(RINGS):
            desk.ring()
        if missed := set(desk.servers) - desk.tried:
            who = title(next(name for name in desk.servers if name in missed))
            desk.fail(f"did not ask {who} while its timer rang {RINGS} times", "again")
            return
    for one in list(desk.line):
        desk.answer(Reply(one.session, one.number, ""), desk.servers[0])


def in_time(timer: After) -> bool:
    """Say whether a timer rings about when the statement says: not twice as early or twice as late."""
    return 100 <= timer.low <= timer.high <= 600


RINGS = 6


def two_wait(subject: Subject) -> list[Message]:
    """Return what is sent when two things are asked. Of two only one is on its way: such a client is asked for."""
    node = newborn(subject.node("Client"), "client 1", (1, 2, 3))
    asks = [Ask(f"client 1/1.{number}", Get("'x'")) for number in (1, 2)]
    return [effect.message for ask in asks for effect in node.receive("client 1", ask) if type(effect) is Send]


# In a cluster --------------------------------------------------------------------------------------------------


class Replacing(Ghost):
    """The ghost's memory, where the right answer to a put is the value that it replaced."""

    def _fold(self, request: Request, place: tuple[int, int]) -> None:
        key = request.operation.key
        before, known = self.data.get(key), self.done.get(request.session)
        super()._fold(request, place)
        done = self.done[request.session]
        if done is not known and done.place == place:
            self.done[request.session] = Outcome(done.number, place, before)


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
        if event.what.answer == "done" and done is not None:
            event = event._replace(what=replace(event.what, answer=done.answer))
        return super().see(event)


ADVICE = {
    "": "Look at when a request is answered, and with what.",
    "liveness": "Look at whether every request reaches the log, and every decided one is answered, a retried one too.",
}

GROUPS: tuple[tuple[str, ...], ...] = ((KIT, KIT, MINE), (MINE, MINE, MINE), (KIT, MINE, KIT, MINE, MINE))
RUNS = (("crash", 700), ("all", 900), ("partition", 700), ("duplication", 500), ("none", 300), ("all", 900))


def claims_for(nodes: Sequence[str]) -> Callable[[], Sequence[Claim]]:
    """Return what makes the claims that watch a cluster of these nodes."""
    mine = frozenset(number for number, node in enumerate(nodes, 1) if node == MINE)
    more: list[Callable[[Ghost], Claim]] = [lambda ghost: AtMostOnceHere(ghost, mine), LinearizableHere]
    return lambda: claims_of_words(more, without=[AtMostOnce.name, Linearizable.name], ghost=Replacing())


def judge_cluster(subject: Subject, seed: int) -> None:
    """Learner's stores among the kit's servers: simulated with every fault, then in threads."""
    replaced(subject)
    for run, (nemesis, steps) in enumerate(RUNS):
        nodes = GROUPS[run % len(GROUPS)]
        subject.renew()
        trial({MINE: subject.node("Store")}, nodes, 1_000 * seed + run, nemesis, steps, claims_for(nodes), ADVICE)
    subject.renew()
    live({MINE: subject.node("Store")}, GROUPS[0], claims_for(GROUPS[0]), ADVICE)


EXERCISE = Exercise(
    id="09_store",
    module="store",
    names=("Store", "Client"),
    properties=(
        Property("values", "A get answers the value put last, a put the value that it replaced", 0.75, judge(VALUES)),
        Property("once", "A request takes effect once, however often it comes or is decided", 0.75, judge(ONCE)),
        Property("log", "Nothing is answered that is not decided: no get from memory alone", 0.75, judge(LOG)),
        Property("answered", "What is decided is answered, and again when it is asked again", 0.5, judge(ANSWERED)),
        Property("line", "The client sends one request at a time, in order, numbered in its session", 0.5,
                 judge_client("line")),
        Property("matched", "The client takes the answer to its own request, once, and no other", 0.5,
                 judge_client("matched")),
        Property("again", "The client asks again, and elsewhere, when no answer comes", 0.5, judge_client("again")),
        Property("cluster", "Among the kit's servers, with every fault: linearizable, and everything is answered", 0.75,
                 judge_cluster),
    ),
    given=("plain", "node", "messages", "literals", "synod", "chain", "store", "member", "log"),
    roles=SPEAKERS,
    planted="a store begins each life with nothing, whatever the disk holds",
    plant="""
def plant(answer):
    true = answer.Store

    class Forgetful(true):
        def __init__(self, name, peers, disk=None):
            super().__init__(name, peers)

        def begin(self, blocks):
            super().begin(())

        def append(self, block):
            self.disk.blocks = (*self.disk.blocks, block)
            self.open = None

    answer.Store = Forgetful
    return answer
""",
)  # fmt: skip
