"""Exercise 02: one key-value server whose clients ask again, and histories that are linearizable or not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import permutations
from random import Random
from typing import Any

from paxoskit.grading.checks.play import Play, Said, Schedule, dice, hunt, same, sends
from paxoskit.grading.properties import Exercise, Failed, Property
from paxoskit.grading.subject import Subject
from paxoskit.protocol.messages import Ask, Get, Put, Reply, Request
from paxoskit.protocol.node import title
from paxoskit.protocol.plain import Message
from paxoskit.trace import say
from paxoskit.worlds.choice import Choice
from paxoskit.worlds.story import Story
from paxoskit.worlds.world import World

MINE = "retries.py:KeyValueServer"
BEGIN = Story(nodes=(MINE,), clients=((), ()))
KEYS = ("'x'", "'y'")

ANSWERED, VALUES, MISSING, ONCE, EFFECTS = "answered", "values", "missing", "once", "effects"


class Table:
    """What a right server would answer, and which of the faults the property is about."""

    def __init__(self, what: str) -> None:
        self.what = what
        self.data: dict[str, str] = {}
        self.right: dict[tuple[str, int], str | None] = {}
        self.first: dict[tuple[str, int], Any] = {}

    def after(self, world: World, choice: Choice, said: list[Said]) -> str | None:
        """Judge what was sent after a request came."""
        request = choice.what
        if choice.kind != "deliver" or not isinstance(request, Request):
            return None
        name = (request.session, request.number)
        again = name in self.right
        if not again:
            self.right[name] = self.perform(request)
        heard = f"{title(choice.node)} heard {asked(request)} of {choice.peer}{' again' if again else ''}"
        sent = sends(said, choice.node)
        strangers = [to for to, _ in sent if to != choice.peer]
        if self.what == ANSWERED and strangers:
            return f"{heard} and sent a message to {title(strangers[0])}.\nLook at whom each message goes to."
        replies = [message for to, message in sent if to == choice.peer and answers(message, request)]
        if not replies:
            return f"{heard} and {what_else([message for _, message in sent])}.\n{ADVICE[ANSWERED]}"
        return self.wrong(heard, request, again, [vars(reply)["answer"] for reply in replies])

    def perform(self, request: Request) -> str | None:
        """Let a request take effect, and return the right answer."""
        operation = request.operation
        old = self.data.get(operation.key)
        if isinstance(operation, Put):
            self.data[operation.key] = operation.value
        return old

    def wrong(self, heard: str, request: Request, again: bool, given: list[Any]) -> str | None:
        """Judge the answers that were given, as far as they are this property's matter."""
        name, right = (request.session, request.number), self.right[request.session, request.number]
        first = self.first.setdefault(name, given[0])
        if self.what == ANSWERED:
            return None
        if self.what == ONCE and again:
            right = first
        elif isinstance(request.operation, Put) and self.what != VALUES:
            return None
        for answer in given:
            if not same(answer, right):
                why = "the answer of the first time" if self.what == ONCE and again else "the right answer"
                return f"{heard} and answered {answer!r}; {why} is {right!r}.\n{ADVICE[self.what]}"
        return None


ADVICE = {
    ANSWERED: "Look at what leaves the server: every copy of a request is answered with its session and number.",
    VALUES: "Look at what a get answers, and what a put answers: the value that the key had before, None if "
    "it had none.",
    MISSING: "Look at a key that nobody ever put.",
    ONCE: "Look at how your server tells a request that it has done from one that it has not, and what it keeps of it.",
    EFFECTS: "Look at what makes two requests the same request, and at one that comes after a later one of "
    "its session.",
}


def asked(request: Request) -> str:
    """Return a request in words."""
    words = request.operation.words
    return f"{words[0]}({', '.join(words[1:])}) (session {request.session!r}, number {request.number})"


def answers(message: Message, request: Request) -> bool:
    """Say whether a message is a reply to this request, whatever its answer is."""
    return type(message) is Reply and same((message.session, message.number), (request.session, request.number))


def what_else(messages: list[Message]) -> str:
    """Return in words what was sent instead of a reply to the request."""
    return f"sent {say(messages[0])}, no Reply of that session and number" if messages else "said nothing"


def ask(play: Play, client: str, session: str, operation: Get | Put) -> Message:
    """Let a client ask; return its request."""
    said = play.step(Choice("ask", client, what=Ask(f"{client}/{session}", operation)))
    return said[0].message


def deliver(play: Play, client: str, request: Message) -> None:
    """Bring one copy of a request to the server, and all replies that wait to their clients."""
    play.step(Choice("deliver", 1, client, request))
    for flight in list(play.world.flying.values()):
        if isinstance(flight.message, Reply):
            play.step(Choice("deliver", flight.receiver, flight.sender, flight.message))


def operation(random: Random, value: int, keys: tuple[str, ...] = KEYS) -> Get | Put:
    """Return a get, or a put: mostly of a value never put before."""
    key = random.choice(keys)
    return Put(key, str(value if random.random() < 0.8 else 10)) if random.random() < 0.6 else Get(key)


def prepared(play: Play, copies: int = 0, keys: tuple[str, ...] = KEYS) -> list[tuple[str, Message]]:
    """Put a first value under every key: a key without a value is another property's matter.

    Return so many copies of each of these puts, still in flight, each with its client.
    """
    old: list[tuple[str, Message]] = []
    for number, key in enumerate(keys):
        request = ask(play, "client 1", "1.0", Put(key, str(number)))
        for _ in range(copies):
            play.step(Choice("duplicate", 1, "client 1", request))
        deliver(play, "client 1", request)
        old += [("client 1", request)] * copies
    return old


def looked(play: Play, session: str = "1.9", keys: tuple[str, ...] = KEYS) -> None:
    """Get every key, so that every effect shows."""
    for key in keys:
        deliver(play, "client 1", ask(play, "client 1", session, Get(key)))


def in_order(play: Play, random: Random) -> None:
    """One session of one client, nothing goes wrong; keys that are nearly equal are different keys."""
    keys = tuple(random.sample([*KEYS, "'X'", "' x'", "'x '", "x", "1", "1.0"], random.choice([2, 2, 4])))
    prepared(play, keys=keys)
    for step in range(random.randint(1, 8)):
        deliver(play, "client 1", ask(play, "client 1", "1.0", operation(random, 10 + step, keys)))
    looked(play, "1.0", keys)


def never_put(play: Play, random: Random) -> None:
    """Gets of keys that nobody put, among puts of other keys."""
    keys = random.sample(["'a'", "'b'", "('c', 1)", "None"], 3)
    for step in range(6):
        what = Put(keys[0], str(step)) if random.random() < 0.3 else Get(random.choice(keys[1:]))
        deliver(play, "client 1", ask(play, "client 1", "1.0", what))


def retried(play: Play, random: Random) -> None:
    """Two clients whose requests come in order, and old copies of them at any later time.

    The very first puts come again too: their answer, None, is an answer like any other.
    """
    old = prepared(play, random.choice([0, 1]))
    for step in range(random.randint(2, 10)):
        if old and random.random() < 0.5:
            deliver(play, *old.pop(random.randrange(len(old))))
            continue
        client = random.choice(["client 1", "client 2"])
        request = ask(play, client, "1.1", operation(random, 10 + step))
        for _ in range(3):
            play.step(Choice("duplicate", 1, client, request))
        deliver(play, client, request)
        old += [(client, request)] * 3
    while old and random.random() < 0.7:
        deliver(play, *old.pop(random.randrange(len(old))))
    looked(play)


def long_ago(play: Play, random: Random) -> None:
    """Copies of the very first requests, after some seventy others."""
    old = prepared(play, copies=2)
    first = [(f"client {1 + step % 2}", f"1.{step}") for step in range(1, 9)]
    for step, (client, session) in enumerate(first):
        request = ask(play, client, session, Put(random.choice(KEYS), str(100 + step)))
        play.step(Choice("duplicate", 1, client, request))
        deliver(play, client, request)
        old.append((client, request))
    for step in range(70):
        deliver(play, "client 2", ask(play, "client 2", f"2.{step % 30}", operation(random, 200 + step)))
    for client, request in random.sample(old, len(old)):
        deliver(play, client, request)
        looked(play)


def several_sessions(play: Play, random: Random) -> None:
    """Several sessions of two clients: equal numbers, nothing comes twice or late."""
    prepared(play)
    if random.random() < 0.2:  # the names of sessions begin with one another, and the numbers have two digits
        for step in range(random.randint(11, 14)):
            deliver(play, "client 1", ask(play, "client 1", "1.1", operation(random, 30 + step)))
        for step in range(4):
            session = random.choice(["1.11", "1.1", "1.12"])
            deliver(play, "client 1", ask(play, "client 1", session, operation(random, 50 + step)))
    for step in range(random.randint(2, 8)):
        client, session = random.choice(["client 1", "client 2"]), random.choice(["1.1", "1.2"])
        deliver(play, client, ask(play, client, session, operation(random, 10 + step)))
    looked(play)


def overtaking(play: Play, random: Random) -> None:
    """Requests of one session that arrive in any order, each once."""
    prepared(play)
    flying: list[Message] = []
    for step in range(random.randint(2, 7)):
        flying.append(ask(play, "client 1", "1.1", operation(random, 10 + step)))
        if random.random() < 0.3:
            deliver(play, "client 1", flying.pop(random.randrange(len(flying))))
    random.shuffle(flying)
    for request in flying:
        deliver(play, "client 1", request)
    looked(play)


def judge(what: str, scene: Callable[[Play, Random], None], count: int = 40) -> Callable[[Subject, int], None]:
    """Return the judge of a property: `count` runs of a scene, watched for the faults that `what` names."""

    def schedules(seed: int) -> Iterator[Schedule]:
        for run in range(count):
            yield lambda play, run=run: scene(play, dice("retries", scene.__name__, seed, run))  # type: ignore[misc]

    def judged(subject: Subject, seed: int) -> None:
        hunt(subject, BEGIN, {MINE: "KeyValueServer"}, lambda: Table(what), schedules(seed))

    return judged


def judge_once(subject: Subject, seed: int) -> None:
    """A request that comes again, soon or long after, takes effect once."""
    judge(ONCE, retried, 100)(subject, seed)
    judge(ONCE, long_ago, 1)(subject, seed)


# Histories -----------------------------------------------------------------------------------------------------

Operation = tuple[float, float, str, Any, Any]
"""When it was asked, when it was answered, "get" or "put", what a put puts, and the answer (a put's: the old value)."""

SIX: tuple[list[Operation], ...] = (
    [(1, 2, "put", 1, None), (3, 4, "get", None, 1)],
    [(1, 2, "put", 1, None), (3, 4, "get", None, None)],
    [(1, 4, "put", 1, None), (2, 3, "get", None, None)],
    [(1, 2, "put", 1, None), (3, 8, "put", 2, 1), (4, 5, "get", None, 2), (6, 7, "get", None, 1)],
    [(1, 3, "put", 1, None), (2, 4, "put", 2, None)],
    [(1, 10, "put", 1, 2), (2, 5, "put", 2, None), (6, 8, "get", None, 2)],
)
"""The six histories of the statement."""


def is_legal(order: tuple[Operation, ...]) -> bool:
    """Say whether these operations, done one after the other, give these answers."""
    value = None
    for _, _, kind, argument, answer in order:
        if not same(answer, value):
            return False
        value = argument if kind == "put" else value
    return True


def is_linearizable(history: list[Operation]) -> bool:
    """Say whether some legal order puts no operation before one that was answered before it was asked."""
    return any(
        is_legal(order)
        and not any(order[j][1] < order[i][0] for i in range(len(order)) for j in range(i + 1, len(order)))
        for order in permutations(history)
    )


def a_history(random: Random, length: int) -> list[Operation]:
    """Return a history of one key: each operation takes effect at a moment of its own, and some answers are wrong."""
    moments = random.sample(range(10, 10 * length + 10), length)
    value: Any = None
    history: list[Operation] = []
    times = iter(random.sample(range(1000), 2 * length))
    for number, moment in enumerate(sorted(moments)):
        asked_at = moment - random.randint(1, 25) + next(times) / 1000
        answered_at = moment + random.randint(1, 25) + next(times) / 1000
        if random.random() < 0.5:
            history.append((asked_at, answered_at, "put", number, value))
            value = number  # 0 is a value like any other
        else:
            history.append((asked_at, answered_at, "get", None, value))
    if random.random() < 0.6:
        index = random.randrange(length)
        history[index] = (*history[index][:4], random.choice([None, *range(length)]))
    random.shuffle(history)
    return history


def judge_history(subject: Subject, history: list[Operation]) -> None:
    """`linearizable` tells whether a history is."""
    got, right = subject.call("linearizable", list(history)), is_linearizable(history)
    if same(got, right):
        return
    lines = "\n".join(
        f"    from {asked_at:g} to {answered_at:g}: {f'put({argument})' if kind == 'put' else 'get()'} answers {answer}"
        for asked_at, answered_at, kind, argument, answer in sorted(history, key=lambda one: one[0])
    )
    why = (
        "there is an order that respects time and in which every answer is right"
        if right else "in every order that respects time some answer is wrong"
    )  # fmt: skip
    raise Failed(f"linearizable returned {got!r}; {right} was expected: {why}.\n{lines}")


def judge_six(subject: Subject, seed: int) -> None:
    """The six histories of the statement."""
    for history in SIX:
        judge_history(subject, history)


def judge_histories(subject: Subject, seed: int) -> None:
    """Many histories of one to six operations."""
    random = dice("histories", seed)
    for index in range(120):
        judge_history(subject, a_history(random, 1 + index // 30 + (index % 2)))
    for _ in range(12):
        judge_history(subject, a_history(random, 6))


EXERCISE = Exercise(
    id="02_retries",
    module="retries",
    names=("KeyValueServer", "linearizable"),
    properties=(
        Property("answered", "Each request is answered to its client, with its session and number", 0.5,
                 judge(ANSWERED, retried)),
        Property("values", "A get answers the value put last, a put the value before it", 1, judge(VALUES, in_order)),
        Property("missing", "A get of a key that was never put answers None", 0.5, judge(MISSING, never_put)),
        Property("once", "A request that comes again takes effect once, and is answered as the first time", 1,
                 judge_once),
        Property("sessions", "Requests of different sessions are different requests", 0.5,
                 judge(EFFECTS, several_sessions)),
        Property("overtaken", "A request that comes after a later one of its session is not lost", 0.5,
                 judge(EFFECTS, overtaking)),
        Property("six_histories", "The six histories of the lesson: linearizable or not", 0.5, judge_six),
        Property("histories", "Any history of one key: linearizable or not", 0.5, judge_histories),
    ),
    planted="a request that comes again takes effect again",
    plant='''
import dataclasses

def plant(answer):
    class Forgetful(answer.KeyValueServer):
        def receive(self, sender, message):
            self.copies = getattr(self, "copies", 0) + 1
            copy = dataclasses.replace(message, session=f"{message.session}, copy {self.copies}")
            effects = super().receive(sender, copy)
            return [
                effect._replace(message=dataclasses.replace(effect.message, session=message.session))
                if hasattr(effect, "to") else effect
                for effect in effects
            ]

    answer.KeyValueServer = Forgetful
    return answer
''',
)  # fmt: skip
