"""Exercise 02: one key-value server whose clients ask again, and histories that are linearizable or not."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import permutations, product
from random import Random
from typing import Any

from paxoskit.grading.checks.play import Play, Said, Schedule, dice, hunt, newborn, same, sends
from paxoskit.grading.properties import Exercise, Failed, Property
from paxoskit.grading.subject import LearnerError, Subject
from paxoskit.protocol.messages import Ask, Get, Put, Reply, Request
from paxoskit.protocol.node import Send, title
from paxoskit.protocol.plain import Message
from paxoskit.trace import say
from paxoskit.worlds.choice import Choice
from paxoskit.worlds.story import Story
from paxoskit.worlds.world import World

MINE = "retries.py:KeyValueServer"
BEGIN = Story(nodes=(MINE,), clients=((), ()))
KEYS = ("'x'", "'y'")

ANSWERED, VALUES, MISSING, ONCE, EFFECTS = "answered", "values", "missing", "once", "effects"
TO_NOBODY_ELSE = "to nobody else"


class Table:
    """What a right server would answer, and which of the faults the property is about."""

    def __init__(self, what: str, puts: bool = True) -> None:
        self.what = what
        self.puts = puts  # whether what a put answers is judged where effects are: not if it is wrong in any case
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
        sent = [send for send in sends(said, choice.node) if send.to != choice.node]  # a word to oneself stays inside
        strangers = [to for to, _ in sent if to != choice.peer]
        if self.what in (ANSWERED, TO_NOBODY_ELSE) and any(name == choice.node for name, _ in world.timers):
            return f"{heard}, and a timer of its own is set.\nLook at what your server waits for: it sets no timers."
        if self.what in (ANSWERED, TO_NOBODY_ELSE) and strangers:
            return f"{heard} and sent a message to {title(strangers[0])}.\nLook at whom each message goes to."
        if self.what == TO_NOBODY_ELSE:
            return None
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
        elif isinstance(request.operation, Put) and self.what != VALUES and not (self.what == EFFECTS and self.puts):
            return None
        for answer in given:
            if not same(answer, right):
                why = "the answer of the first time" if self.what == ONCE and again else "the right answer"
                return f"{heard} and answered {answer!r}; {why} is {right!r}.\n{ADVICE[self.what]}"
        return None


ADVICE = {
    ANSWERED: "Look at what leaves the server: every copy of a request is answered with its session and number.",
    VALUES: "Look at what a get answers, and what a put answers: the value that the key had before, whoever put it, "
    "and None if it had none.",
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


TEXTS = ("10", "", "None", "'a'", " a ")
"""Values like any other: any text is one, the empty one too."""


def operation(
    random: Random, value: int, keys: tuple[str, ...] = KEYS, again: tuple[str, ...] = ("10",)
) -> Get | Put:  # fmt: skip
    """Return a get, or a put: mostly of a value never put before, else of one of those that are put `again`."""
    key, which = random.choice(keys), random.random()
    text = str(value) if which < 0.65 else random.choice(again) if which < 0.85 else again[0]
    return Put(key, text) if random.random() < 0.6 else Get(key)


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


ALIKE = (
    KEYS, ("'x'", "x"), ("'x'", "'X'"), ("'x'", "' x'", "'x '"), ("1", "1.0"), ("", "''"),
    ("'a name much longer 1'", "'a name much longer 2'"),
)  # fmt: skip
"""Keys that are nearly equal."""


def in_order(play: Play, random: Random) -> None:
    """One session of one client, nothing goes wrong; keys that are nearly equal are different keys."""
    keys = tuple({key: 0 for alike in random.sample(ALIKE, random.choice([1, 2])) for key in alike})
    prepared(play, keys=keys)
    for step in range(random.randint(1, 8)):
        deliver(play, "client 1", ask(play, "client 1", "1.0", operation(random, 10 + step, keys, TEXTS)))
    looked(play, "1.0", keys)


def in_turn(play: Play, random: Random) -> None:
    """Two clients, a session each, nothing goes wrong: what one of them has put the other gets."""
    prepared(play)
    for step in range(random.randint(1, 6)):
        client, session = random.choice([("client 1", "1.0"), ("client 2", "2.0")])
        deliver(play, client, ask(play, client, session, operation(random, 10 + step)))
    looked(play, "1.0")


def never_put(play: Play, random: Random) -> None:
    """Gets of keys that nobody put, among puts of other keys."""
    keys = random.sample(["'a'", "'b'", "('c', 1)", "None"], 3)
    for step in range(6):
        what = Put(keys[0], str(step)) if random.random() < 0.3 else Get(random.choice(keys[1:]))
        deliver(play, "client 1", ask(play, "client 1", "1.0", what))


def put_at_last(play: Play, random: Random) -> None:
    """Two clients ask for keys that nobody put, and put them then; some of their requests are lost."""
    for step in range(9):
        client, key = random.choice(("client 1", "client 2")), random.choice(KEYS)
        request = ask(play, client, "1.0", Put(key, str(step)) if random.random() < 0.4 else Get(key))
        if random.random() < 0.8:
            deliver(play, client, request)


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
        request = ask(play, client, "1.1", operation(random, 10 + step, again=("", "10", "None")))
        for _ in range(3):
            play.step(Choice("duplicate", 1, client, request))
        deliver(play, client, request)
        old += [(client, request)] * 3
    while old and random.random() < 0.7:
        deliver(play, *old.pop(random.randrange(len(old))))
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
    sessions = random.choice([("1.1", "1.2"), ("1.1", "1.2"), ("1.a", "1.A"), ("1.a", "1.a ")])
    for step in range(random.randint(2, 8)):
        client, session = random.choice(["client 1", "client 2"]), random.choice(sessions)
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
        puts = what != EFFECTS or puts_answer_right(subject)
        hunt(subject, BEGIN, {MINE: "KeyValueServer"}, lambda: Table(what, puts), schedules(seed))

    return judged


def judge_answered(subject: Subject, seed: int) -> None:
    """Every request is answered; and what the server keeps can be copied: worlds turn back time."""
    judge(ANSWERED, retried)(subject, seed)
    for scene in (put_at_last, several_sessions, overtaking):
        with suppress(LearnerError):  # an exception here is the matter of another property
            judge(TO_NOBODY_ELSE, scene, 10)(subject, seed)
    server = newborn(subject.node("KeyValueServer"), 1, (1,))
    server.receive("client 1", Request("client 1/1.1", 1, Put(KEYS[0], "1")))
    try:
        twin = type(server).copy(server)
    except TypeError as error:
        raise Failed(
            f"what your server keeps in its attributes cannot be copied ({error}).\n"
            "Look at what it keeps: numbers, texts, lists, dictionaries, objects of your own; a generator is none."
        ) from None
    twin.receive("client 1", Request("client 1/1.2", 1, Put(KEYS[0], "2")))
    replies = [
        effect.message for effect in server.receive("client 1", Request("client 1/1.2", 1, Put(KEYS[0], "3")))
        if isinstance(effect, Send) and type(effect.message) is Reply
    ]  # fmt: skip
    if [reply.answer for reply in replies] == ["2"]:  # what the server itself has put is 1 and 3
        raise Failed(
            "a copy of your server, made to turn back time, was asked put('x', 2), and then your server itself "
            "put('x', 3): it answered 2, and knew of what its copy had heard.\n"
            "Look at what is kept elsewhere than in the server's own attributes."
        )


def judge_once(subject: Subject, seed: int) -> None:
    """A request that comes again, soon or long after, takes effect once."""
    judge(ONCE, retried, 100)(subject, seed)
    judge_once_briefly(subject, seed)
    judge_long(subject, seed)


LONG = 300
"""So many requests come before the copies of the long run."""


def judge_long(subject: Subject, seed: int) -> None:
    """Copies of a few of very many requests, most of them of one session: none is forgotten, none taken for another."""
    random = dice("retries", "long", seed)
    requests = [
        Request(f"client 1/2.{n // 11 % 30}", 1 + n // 330, Get(KEYS[0])) if n % 11 == 5 else
        Request("client 1/1.1", n, Put(KEYS[n % 2], str(n))) for n in range(1, LONG + 1)
    ]  # fmt: skip
    copies = [requests[0], *random.sample(requests, 20), *requests[49:LONG:50], requests[0]]
    after_long(subject, [*requests, *copies], ONCE)
    first = [Request("client 1/1.1", 1, Put("k", "a")), Request("client 1/1.1", 2, Put("k", "b"))]
    after_long(subject, [*first, *first[:1] * 30, Request("client 1/1.1", 3, Get("k")), *first], ONCE)
    clients = [Request(f"client {n}/1.1", 1, Put("k", str(n))) for n in range(1, CLIENTS)]
    after_long(subject, [*clients, *clients[::10]], ONCE)


CLIENTS = 70

THREE: tuple[Get | Put, ...] = (Put("k", "a"), Get("k"), Put("k", "b"))
"""Requests for one key; the first is a put, as a key without a value is another property's matter."""


def judge_overtaken(subject: Subject, seed: int) -> None:
    """A request may be overtaken by one later request, or by very many; and then both may come again."""
    judge(EFFECTS, overtaking)(subject, seed)
    copies = 2
    try:
        after_long(subject, in_a_session(THREE) * 2, ONCE)
    except Failed:
        copies = 1  # who answers copies wrongly in any case loses the point for that
    for numbers in permutations((1, 2, 3)):
        requests = [Request("client 1/1.1", one, what) for one, what in zip(numbers, THREE)]
        after_long(subject, requests * copies, ONCE)
    late = [Request("client 1/1.1", number, Put(KEYS[0], str(number))) for number in (2, *range(4, 150), 3, 1)]
    after_long(subject, [*late, Request("client 1/1.1", 150, Get(KEYS[0]))], EFFECTS)
    far = list[Request]()
    for number in FAR:
        far += [Request("client 1/1.1", number, Put("k", str(number))), Request(f"client 1/{number}", 1, Get("k"))]
    after_long(subject, far, EFFECTS)


FAR = (1, 2**64 + 1, 2**53 + 1, 2**53, 2**32 + 1, 65_537, 1_025, 1_001, 513, 257)
"""Numbers of requests that look alike to a program that keeps a few of their digits."""


def after_long(subject: Subject, requests: list[Request], what: str) -> None:
    """Let a server hear many requests, each of its session's client, and judge each answer.

    No story is told: it would be long.
    """
    puts = what != EFFECTS or puts_answer_right(subject)
    server = newborn(subject.node("KeyValueServer"), 1, (1,))
    table, first = Table(what, puts), dict[tuple[str, int], int]()
    subject.foresee(server, [[(request.client, request) for request in requests]])
    for count, request in enumerate(requests):
        name = (request.session, request.number)
        again = name in first
        if not again:
            table.right[name], first[name] = table.perform(request), count
        effects = [one for one in server.receive(request.client, request) if isinstance(one, Send)]
        given = [one.message for one in effects if one.to == request.client and answers(one.message, request)]
        when = f"again, {count - first[name]} requests after the first time," if again else f"after {count} others"
        heard = f"a server heard {asked(request)} {when}"
        if not given:
            raise Failed(f"{heard} and {to_others(effects) or 'said nothing'}.\n{ADVICE[ANSWERED]}")
        if words := table.wrong(heard, request, again, [vars(reply)["answer"] for reply in given]):
            raise Failed(words)


def to_others(effects: Sequence[Send]) -> str:
    """Return in words what was sent that is no reply to the one who asked."""
    return " and ".join(f"sent {say(one.message)} to {title(one.to)}" for one in effects)


UNUSUAL = (
    "'x'", "x", "'X'", " 'x'", "'x' ", '"x"', "1", "1.0", "True", "", "''", "None", "null", "(1,2)", "(1, 2)",
    "{1: 2, 3: 4}", "{3: 4, 1: 2}", "'\u00e9'", "'e\u0301'", "'\u212b'", "a\r\n", "a\n", "a\n\n", "%s {}", "x" * 300,
    "x" * 301, "name", "peers", "disk", "data", "answers", "__class__", "__doc__", "__dict__", "client 1",
    "client 1/1.1", *(f"client 1/1.1{mark}1" for mark in ".:,;#/|-_ \t\n"), "('client 1/1.1', 1)",
)  # fmt: skip
"""Texts that are nearly equal, or that a program might take for something else than a key, or a value, of its own."""


def judge_values(subject: Subject, seed: int) -> None:
    """Any text is a key, and a value: also one that looks like a name of the server's own; and there may be many."""
    judge(VALUES, in_order)(subject, seed)
    if tells_clients_apart(subject):
        judge(VALUES, in_turn, 10)(subject, seed)
    puts = [Put(key, value) for key, value in zip(UNUSUAL, [*UNUSUAL[1:], UNUSUAL[0]])]
    again = [Get(key) if at % 2 else Put(key, "another") for at, key in enumerate(UNUSUAL)]
    after_long(subject, in_a_session([*puts, *again]), VALUES)
    many = [Put(f"key {number}", str(number)) for number in range(70)]
    after_long(subject, in_a_session([*many, Get("key 0"), Get("key 35"), Get("key 69")]), VALUES)
    long = "long " * 14_000
    puts = [Put(f"{long}{end}", f"{end}{long}{end}") for end in "ab"]
    after_long(subject, in_a_session([*puts, *[Get(put.key) for put in puts]]), VALUES)


def judge_missing(subject: Subject, seed: int) -> None:
    """A key that nobody put has no value, whatever it is called."""
    judge(MISSING, never_put)(subject, seed)
    after_long(subject, in_a_session([Put("a", "1"), *map(Get, UNUSUAL)]), MISSING)


def in_a_session(operations: Sequence[Get | Put]) -> list[Request]:
    """Return requests of one session for these operations."""
    return [Request("client 1/1.1", number, operation) for number, operation in enumerate(operations, 1)]


def judge_once_briefly(subject: Subject, seed: int) -> None:
    """All runs of three requests for one key, from an empty store on: then each of them comes again."""
    none_is_known = answers_none(subject)
    for operations in product(THREE, repeat=3):
        if none_is_known or isinstance(operations[0], Put):
            requests = in_a_session([*operations, Get("k")])
            after_long(subject, [*requests[:3], *requests], ONCE)
    puts = in_a_session([Put(key, str(at)) for at, key in enumerate(UNUSUAL)])  # a key is no name of a request
    after_long(subject, [*puts, *puts], ONCE)


def answers_none(subject: Subject) -> bool:
    """Say whether a get of a key without a value is answered None: whoever does not, loses a point for that alone."""
    server = newborn(subject.node("KeyValueServer"), 1, (1,))
    try:
        effects = server.receive("client 1", Request("client 1/1.1", 1, Get("k")))
    except LearnerError:
        return False
    return [vars(one.message).get("answer", "") for one in effects if isinstance(one, Send)] == [None]


def tells_clients_apart(subject: Subject) -> bool:
    """Say whether equal numbers of two clients are two requests: who mixes them up loses a point for that alone."""
    requests = [
        Request("client 1/1.0", 1, Put("a", "1")), Request("client 2/2.0", 1, Put("b", "2")),
        Request("client 2/2.0", 2, Put("b", "3")),
    ]  # fmt: skip
    try:
        after_long(subject, requests, VALUES)
    except (Failed, LearnerError):
        return False
    return True


def puts_answer_right(subject: Subject) -> bool:
    """Say whether puts of one session answer rightly, in order: whoever's do not, loses a point for that alone."""
    puts = [Put(key, value) for value in ("0", "1", "1", "0", "10") for key in KEYS]
    try:
        after_long(subject, in_a_session(puts), VALUES)
    except (Failed, LearnerError):
        return False
    return True


def judge_sessions(subject: Subject, seed: int) -> None:
    """The name of a session may be any text that begins with its client's, and may begin or end with another's."""
    judge(EFFECTS, several_sessions)(subject, seed)
    names = ("1.1", "1.11", " 1.1", "1.1 ", "1.1\n", "1.1:1", "1.1/1", "1.1#1", "\u00e9", "e\u0301", "1/1.1", "",
             f"{'long ' * 60}1", f"{'long ' * 60}2")  # fmt: skip
    pairs = [(f"client 1/{name}", number) for number in (1, 11, 111, 257) for name in names]
    requests = [
        one for count, pair in enumerate(pairs, 1)
        for one in (Request(*pair, Put("k", f"{count}")), Request("client 1/looks", count, Get("k")))
    ]  # fmt: skip
    after_long(subject, requests, EFFECTS)


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


def moved(random: Random, history: list[Operation]) -> list[Operation]:
    """Return a history in which some intervals are others: what was a right order need not be in time any more."""
    spans = sorted((asked_at, answered_at) for asked_at, answered_at, *_ in history)
    for _ in range(random.randint(1, 2)):
        i, j = random.randrange(len(spans)), random.randrange(len(spans))
        spans[i], spans[j] = spans[j], spans[i]
    in_order = sorted(history, key=lambda one: one[:2])
    return [(*span, *one[2:]) for span, one in zip(spans, in_order)]


def few_values(random: Random, length: int) -> list[Operation]:
    """Return a history in which values come again: a put's answer does not tell which put came before it."""
    order: list[tuple[str, Any, Any]] = []
    value: Any = None
    for _ in range(length):
        put = value is None or random.random() < 0.65
        new = random.choice(VALUES_AGAIN) if put else None
        order.append(("put", new, value) if put else ("get", None, value))
        value = new if put else value
    moments = sorted(random.sample(range(-300, 300, 10), length))
    spread = random.choice([15, 80, 200])
    times = iter(random.sample(range(1, 1000), 2 * length))
    history = [
        (at - random.randint(1, spread) - next(times) / 1000, at + random.randint(1, spread) + next(times) / 1000, *one)
        for at, one in zip(moments, order)
    ]
    return moved(random, history) if random.random() < 0.5 else history


VALUES_AGAIN = (0, 1, 1_000, 2.5)


def watched() -> Iterator[list[Operation]]:
    """Yield histories in which gets come one after the other, while puts last from before them to after them.

    A value that is put twice may be seen, gone, and seen again: but only as often as it was put.
    """
    puts: list[Operation] = [(1, 20, "put", 7, None), (2, 21, "put", 8, 7), (3, 22, "put", 7, 8)]
    for values in product((7, 8), repeat=3):
        yield [*puts, *((5 + 2 * at, 6 + 2 * at, "get", None, value) for at, value in enumerate(values))]
    for length in range(1, 7):  # nobody puts anything
        yield [(at, at + 2.5, "get", None, None) for at in range(length)]


def crowded(random: Random, length: int) -> list[Operation]:
    """Return a history without a gap in time, whose times may be very near one another, or very far.

    Some have all operations at once; values are below zero too, and not all are whole.
    """
    shift, unit = random.choice([(0, 1), (-length, 1), (0.25, 0.001), (10**7, 10**9), (1.7e9, 0.001)])
    times = [shift + unit * time for time in range(2 * length)]
    if random.random() < 0.5:
        random.shuffle(times)
    else:  # all are asked before one is answered
        times = [*random.sample(times[:length], length), *random.sample(times[length:], length)]
    left = [(min(pair), max(pair)) for pair in zip(times[:length], times[length:])]
    values = random.choice([VALUES_APART, VALUES_APART[3:5]])
    value, history = None, list[Operation]()
    while left:  # what was not answered before another was asked may come next
        span = random.choice([one for one in left if all(one[0] < other[1] for other in left)])
        left.remove(span)
        if random.random() < 0.75:
            new = random.choice(values)
            history.append((*span, "put", new, value))
            value = new
        else:
            history.append((*span, "get", None, value))
    which = random.random()
    if which < 0.4:  # what explains the answers need not be in time any more
        spans = [one[:2] for one in history]
        random.shuffle(spans)
        history = [(*span, *one[2:]) for span, one in zip(spans, history)]
    elif which < 0.6:
        one = random.randrange(length)
        history[one] = (*history[one][:4], NEAR[history[one][4]])
    random.shuffle(history)
    return history


VALUES_APART = (-1, 0, -0.5, 2, 2.001, 3, 3.25)
NEAR = {None: -1, -1: None, 0: -0.5, -0.5: 0, 2: 2.001, 2.001: 2, 3: 3.25, 3.25: 3}
"""For each value another one that is easily taken for it."""


def judge_history(subject: Subject, history: list[Operation], when: str = "") -> None:
    """`linearizable` tells whether a history is."""
    anew = [tuple(operation) for operation in json.loads(json.dumps(history))]  # equal numbers, not the same objects
    got, right = subject.call("linearizable", anew), is_linearizable(history)
    if same(got, right):
        return
    lines = "\n".join(
        f"    from {begin:.15g} to {end:.15g}: {f'put({argument})' if kind == 'put' else 'get()'} answers {answer}"
        for begin, end, kind, argument, answer in sorted(history, key=lambda one: one[0])
    )
    why = (
        "there is an order that respects time and in which every answer is right"
        if right else "in every order that respects time some answer is wrong"
    )  # fmt: skip
    raise Failed(f"linearizable returned {got!r}{when}; {right} was expected: {why}.\n{lines}")


def judge_six(subject: Subject, seed: int) -> None:
    """The six histories of the statement."""
    for history in SIX:
        judge_history(subject, history)


def at_once() -> Iterator[list[Operation]]:
    """Yield histories of six puts at the same time: each of them, in the order in which they were asked, comes last."""
    for last in range(6):
        order = [*(number for number in range(6) if number != last), last]
        before: dict[int, int | None] = dict(zip(order, [None, *order]))
        yield [(number, 20 + number, "put", number, before[number]) for number in range(6)]


def judge_histories(subject: Subject, seed: int) -> None:
    """Many histories of one to six operations."""
    random = dice("histories", seed)
    for index in range(120):
        judge_history(subject, a_history(random, 1 + index // 30 + (index % 2)))
    for _ in range(12):
        judge_history(subject, a_history(random, 6))
    for index in range(150):
        history = few_values(random, 2 + index // 50 + index % 3)
        random.shuffle(history)
        judge_history(subject, history)
    for index in range(80):
        judge_history(subject, crowded(random, 2 + index // 20 + index % 2))
    for history in (*watched(), *at_once()):
        judge_history(subject, history)
    for history in (*SIX, *SIX):
        judge_history(subject, history, " (the same histories had been asked before)")


EXERCISE = Exercise(
    id="02_retries",
    module="retries",
    names=("KeyValueServer", "linearizable"),
    properties=(
        Property("answered", "Each request is answered to its client, with its session and number", 0.5,
                 judge_answered),
        Property("values", "A get answers the value put last, a put the value before it", 1, judge_values),
        Property("missing", "A get of a key that was never put answers None", 0.5, judge_missing),
        Property("once", "A request that comes again takes effect once, and is answered as the first time", 1,
                 judge_once),
        Property("sessions", "Requests of different sessions are different requests", 0.5,
                 judge_sessions),
        Property("overtaken", "A request that comes after a later one of its session is not lost", 0.5,
                 judge_overtaken),
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
