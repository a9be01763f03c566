"""Exercise 00: a server that answers each request with what it heard."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import product
from random import Random
from typing import Any

from paxoskit.grading.checks.play import Play, Said, Schedule, begun, dice, hunt, newborn, same, sends
from paxoskit.grading.properties import Exercise, Failed, Property
from paxoskit.grading.subject import Subject
from paxoskit.protocol.literals import show
from paxoskit.protocol.messages import Ask, Get, Put, Reply, Request
from paxoskit.protocol.node import After, Effect, Node, Send, title
from paxoskit.protocol.plain import Message, Name
from paxoskit.trace import say
from paxoskit.worlds.choice import Choice
from paxoskit.worlds.story import Story
from paxoskit.worlds.world import World

MINE = "echo.py:Echo"
BEGIN = Story(nodes=(MINE,), clients=((), ()))
THREE = Story(nodes=(MINE, MINE, MINE), clients=((2, 3, 1), (3, 1, 2)))
"""Three servers, of which the clients ask the second and the third: an echo has no leader."""


def echo_of(request: Request) -> Reply:
    """Return the reply that a request deserves: a get gives its key back, a put its value."""
    operation = request.operation
    return Reply(request.session, request.number, operation.value if isinstance(operation, Put) else operation.key)


class Echoes:
    """Judges the replies to each request; `what` says which of the faults matter."""

    def __init__(self, what: str) -> None:
        self.what = what
        self.heard: set[Request] = set()
        self.crashed = False

    def after(self, world: World, choice: Choice, said: list[Said]) -> str | None:
        """Judge what was sent after a request came."""
        request = choice.what
        sent = [send for send in sends(said, choice.node) if send.to != choice.node]  # a word to oneself stays inside
        self.crashed |= choice.kind == "crash"
        if choice.kind == "restart" and sent and self.what == "right node":
            return f"{title(choice.node)} began its next life and sent {unasked(sent)}"
        if choice.kind != "deliver" or not isinstance(request, Request):
            return None
        again = request in self.heard
        self.heard.add(request)
        heard = f"{title(choice.node)} heard {ask_of(request)} of {choice.peer}{' again' if again else ''}"
        if (again or self.crashed) and not sent and self.what != "answered":
            return None  # a lost answer is the matter of one property
        heard = f"after a crash, {heard}" if self.crashed else heard
        match self.what:
            case "answered" if not sent:
                return f"{heard} and said nothing.\nLook at what leaves the server: a client without a reply asks on."
            case "right node" if strangers := [to for to, _ in sent if to != choice.peer]:
                return (f"{heard} and sent a message to {title(strangers[0])}.\n"
                        f"Look at whom each message goes to: only {choice.peer} asked.")  # fmt: skip
            case "right node" if not sent:
                return f"{heard} and sent nothing to it."
            case "words":
                return self.words(heard, request, choice.peer, sent)
        return None

    def words(self, heard: str, request: Request, client: Name | None, sent: Sequence[Send]) -> str | None:
        """Judge what the replies say."""
        right = echo_of(request)
        if len(sent) != 1:
            return f"{heard} and sent {in_words(sent)}; one reply was expected.\nLook at what leaves the server."
        reply = sent[0][1]
        if type(reply) is not Reply:
            return f"{heard} and sent {no_reply(reply)}"
        for name in ("session", "number", "answer"):
            got, expected = getattr(reply, name), getattr(right, name)
            if not same(got, expected):
                look = "what a crash changes in your server" if self.crashed else "what the reply is made of"
                return f"{heard} and sent a Reply whose {name} is {got!r}; {expected!r} was expected.\nLook at {look}."
        return None


def no_reply(message: Message) -> str:
    """Return in words what was sent instead of a Reply."""
    if type(message).__name__ == "Reply":
        return (f"{say(message)}, which only has the name of a Reply.\n"
                "Look at where its class comes from: the Reply of paxoskit.protocol.messages is another.")  # fmt: skip
    return f"{say(message)}; a Reply was expected.\nLook at what your server makes of a request."


def ask_of(request: Request) -> str:
    """Return a request in words: its operation as one types it, its session and its number."""
    words = request.operation.words
    return f"{words[0]}({', '.join(words[1:])}) (session {request.session!r}, number {request.number})"


TEXTS = ("hello", "", 7, ("a", 1), None, "é\n", "e\u0301", "long " * 60)
"""Keys and values: a get may ask for a key that was put before."""


def schedules(seed: int, count: int = 20) -> Iterator[Schedule]:
    """Yield runs of two clients that ask, with requests that overtake one another, come twice or are lost."""
    for run in range(count):
        yield partial(mixed, random=dice("echo", seed, run), steps=min(1 + run, 12))


def mixed(play: Play, random: Random, steps: int) -> None:
    """Let two clients ask, and messages arrive, be lost or come twice; at last everything arrives."""
    for step in range(steps):
        if step == 0 or random.random() < 0.4:
            client = random.choice(play.world.clients)
            text = show(random.choice(TEXTS))
            operation = Get(text) if random.random() < 0.5 else Put(show(random.choice(TEXTS)), text)
            play.step(Choice("ask", client, what=Ask(f"{client}/1.{random.randint(1, 2)}", operation)))
        elif play.world.flying:
            flight = random.choice(list(play.world.flying.values()))
            kind = random.choices(["deliver", "duplicate", "drop"], [6, 1, 1])[0]
            play.step(Choice(kind, flight.receiver, flight.sender, flight.message))
    play.deliver_all()


def another_life(play: Play, server: Name, operations: Sequence[Get | Put]) -> None:
    """Let a client be answered, its server crash and live again, and the client ask for the other operations."""
    client = play.world.clients[0]
    for count, operation in enumerate(operations):
        play.step(Choice("ask", client, what=Ask(f"{client}/1.{1 + count // 2}", operation)))
        play.deliver_all()
        if count == 0:
            play.step(Choice("crash", server))
            play.step(Choice("restart", server))


LIVES: tuple[tuple[Get | Put, ...], ...] = (
    (Get("'x'"), Put("'x'", "'y'"), Get("'z'")), (Put("'x'", "'y'"), Get("'x'"), Put("'z'", "'x'")),
)  # fmt: skip
"""What is asked of a server: the first before a crash, the others after it, in the same session and in another."""


def judge(what: str) -> Callable[[Subject, int], None]:
    """Return the judge of one of the properties."""

    def judged(subject: Subject, seed: int) -> None:
        lives: list[Schedule] = [partial(another_life, server=1, operations=operations) for operations in LIVES]
        hunt(subject, BEGIN, {MINE: "Echo"}, lambda: Echoes(what), [*schedules(seed), *lives])
        if what != "words":  # whether the second server answers, and whom, is not a matter of words
            lives = [partial(another_life, server=THREE.clients[0][0], operations=operations) for operations in LIVES]
            hunt(subject, THREE, {MINE: "Echo"}, lambda: Echoes(what), [*schedules(seed, 8), *lives])

    return judged


def an_echo(subject: Subject, name: int = 1, servers: int = 1) -> Node:
    """Return a server of so many that has heard nothing yet."""
    server = newborn(subject.node("Echo"), name, range(1, servers + 1))
    return server


def outgoing(effects: Sequence[Effect], server: Name = 1) -> list[tuple[Name, Message]]:
    """Return the messages that leave a server, and for whom: what it tells itself or the trace stays inside."""
    return [(one.to, one.message) for one in effects if isinstance(one, Send) and one.to != server]


def unasked(sent: Sequence[tuple[Name, Message]]) -> str:
    """Return in words what a server sent while nobody asked it anything."""
    return f"{in_words(sent)}; nobody had asked.\nLook at what makes your server speak: a request, and nothing else."


def judge_timers(subject: Subject, what: str) -> None:
    """A server that set timers hears them, more than once, between one request and the next. No story is told."""
    for name in (1, 2):  # the first server has no timers either: an echo has no leader
        server, effects = begun(subject.node("Echo"), name, (1, 2, 3))
        for number in (1, 2, 3):
            request = Request("client 1/1.1", number, Get("'x'"))
            answer = server.receive("client 1", request)
            if what == "answered" and not outgoing(answer, name):
                raise Failed(
                    f"server {name} had heard its own timers, then heard {ask_of(request)} of client 1 and said "
                    "nothing.\nLook at what a timer changes in your server: an echo needs none."
                )
            timers, effects = [one.message for one in (*effects, *answer) if isinstance(one, After)], []
            for timer in timers:
                effects += (told := server.receive(name, timer))
                if what == "right node" and outgoing(told, name):
                    raise Failed(f"server {name} heard its own timer and sent {unasked(outgoing(told, name))}")


def in_words(sent: Sequence[tuple[Name, Message]]) -> str:
    """Return in words what was sent to whom."""
    return ", ".join(f"{say(message)} to {title(to)}" for to, message in sent) or "nothing"


MANY, COPIES, CLIENTS = 250, 50, 80

PLACES = ((1, 1), (2, 2), (4, 4), (5, 5), (8, 9), (23, 31))
"""A server's number, and how many servers there are."""

EITHER: tuple[Get | Put, ...] = (Get("'x'"), Put("'x'", "'y'"))
"""A request of each kind: what is right for gets may be wrong for puts."""


def judge_answered(subject: Subject, seed: int) -> None:
    """Every request is answered: soon, by any server, in any order, after many others, and each of many copies."""
    judge("answered")(subject, seed)
    judge_timers(subject, "answered")
    for name, servers in PLACES:
        for operation in EITHER:
            server = an_echo(subject, name, servers)
            if not outgoing(server.receive("client 1", first := Request("client 1/1.1", 1, operation)), name):
                raise Failed(
                    f"{title(name)} of {servers} heard {ask_of(first)} of client 1, and said nothing.\nLook at what "
                    "your server makes of its number, and of its peers: each server answers whoever asks it."
                )
    many = [("client 1", Request(f"client 1/1.{n % 7}", 1 + n // 7, Get(show(n)))) for n in range(MANY)]
    all_answered(subject, [*many, many[0]])
    all_answered(subject, many[:1] * COPIES)
    clients = [f"client {n}" for n in range(1, CLIENTS)]
    all_answered(subject, [(client, Request(f"{client}/1.1", 1, Get("'x'"))) for client in clients])


def all_answered(subject: Subject, heard: Sequence[tuple[Name, Request]]) -> None:
    """Let a server hear many requests, and judge whether each is answered. No story is told: it would be long."""
    server, seen = an_echo(subject), dict[Request, int]()
    subject.foresee(server, [heard])
    for count, (client, request) in enumerate(heard):
        seen[request] = seen.get(request, 0) + 1
        if not outgoing(server.receive(client, request)):
            copy = f", which it had heard {seen[request] - 1} times" if seen[request] > 1 else ""
            raise Failed(
                f"a server that had answered {count} requests heard {ask_of(request)} of {client}{copy}, and said "
                "nothing.\nLook at what leaves the server: a client without a reply asks on."
            )


def judge_right_node(subject: Subject, seed: int) -> None:
    """The reply goes to the sender, whose name may begin like another's."""
    judge("right node")(subject, seed)
    judge_timers(subject, "right node")
    server = an_echo(subject)
    for client in ("client 1", "client 12", "client 2", "client 120"):
        for number, operation in enumerate(EITHER, 1):
            to_its_client(server, client, Request(f"{client}/1.1", number, operation))
    for name, operation in product((1, 2, 3), EITHER):
        to_its_client(an_echo(subject, name, 3), "client 1", Request("client 1/1.1", 1, operation))


def to_its_client(server: Node, client: str, request: Request) -> None:
    """Whatever a server sends when it hears a request goes to the client that asked, and something does."""
    sent = outgoing(server.receive(client, request), server.name)
    if {to for to, _ in sent} != {client}:
        raise Failed(
            f"{title(server.name)} heard {ask_of(request)} of {client} and sent {in_words(sent)}; one reply to "
            f"{client} was expected.\nLook at whom the reply goes to."
        )


UNUSUAL = (
    ("", 9, "1.9"), ("0", 10, "1.10"), (" x ", 101, " A\t"), ("'" * 300, 2**40, ""), ("'\u212b'", 7, "\u212b"),
    ("{2, 1}", 8, "1/1.8"), ("\r\n a,b\tc\v\0d\r", 1, "a\r\n"), ("100%% {0} \\n &lt;", 2, "%s {}"),
    ("\u200b\u00a0x\u2028", 3, "\u200b"), ("None", 4, "None"), ("x" * 5_000, 5, "s" * 300), ("[1,2]", 12, "[1,2]"),
    ("1e5", 2**53 + 1, "007"), ("a\n", 2**64 + 3, "a\n"), ("x" * 70_000, 6, "long"),
)  # fmt: skip
"""A text, a number, and what a session of client 1 is called."""


def judge_words(subject: Subject, seed: int) -> None:
    """The reply has the request's own session and number, and its text, whatever they are."""
    judge("words")(subject, seed)
    server = an_echo(subject)
    for text, number, session in UNUSUAL:
        for operation in (Get(text), Put("'a key', and what is put there", text), Put(text, "1")):
            sent = outgoing(server.receive("client 1", request := Request(f"client 1/{session}", number, operation)))
            if not same(tuple(sent), (("client 1", echo_of(request)),)):
                raise Failed(
                    f"a server heard {brief(ask_of(request))} of client 1 and sent {brief(in_words(sent))}; expected: "
                    f"{brief(say(echo_of(request)))}.\nLook at what the reply is made of: it changes nothing."
                )
    for (name, servers), operation in product(PLACES, EITHER):
        server, request = an_echo(subject, name, servers), Request("client 1/1.1", 1, operation)
        sent = outgoing(server.receive("client 1", request), name)
        replies = [(to, reply) for to, reply in sent if to == "client 1"]  # who else hears of it is no matter of words
        if replies and not same(tuple(replies), (("client 1", echo_of(request)),)):
            raise Failed(
                f"{title(name)} of {servers} heard {ask_of(request)} of client 1 and sent {in_words(replies)}; "
                f"expected: {say(echo_of(request))}, once.\n"
                "Look at what your server makes of its number, and of its peers."
            )


def brief(text: str) -> str:
    """Return a text with what no print shows as Python writes it, and without most of its middle if it is long."""
    seen = "".join(one if one.isprintable() else repr(one)[1:-1] for one in text)
    return seen if len(seen) <= 1_000 else f"{seen[:200]} … ({len(seen)} characters) … {seen[-200:]}"


SAME_NAME: tuple[Get | Put, ...] = (
    Get("x"), Put("x", "1"), Put("x", "2"), Get("1"), Put("1", "x"),
    *(put for mark in " ,:|/\t" for put in (Put(f"x{mark}y", "z"), Put("x", f"y{mark}z"))),
)  # fmt: skip
"""Operations of one session and number, some of which look the same when their words are joined."""


def judge_alike(subject: Subject) -> None:
    """Requests of the same session and number, or of nearly the same, are told apart by what they say."""
    requests = [Request("client 1/1.1", 1, operation) for operation in SAME_NAME]
    requests += [Request("client 1/1.1", 11, Get("x")), Request("client 1/1.11", 1, Get("x"))]
    as_newborn(subject, requests)
    as_newborn(subject, requests[2::-1], as_newborn(subject, requests[:3]).disk, silence=True)


def judge_again(subject: Subject) -> None:
    """Copies are answered alike, at once and later; and so is whatever comes after very many others."""
    requests = [Request("client 1/1.1", number, operation) for number, operation in enumerate(EITHER, 1)]
    for one in requests:
        as_newborn(subject, [one] * 4, silence=True)
    as_newborn(subject, [*requests, *requests, *requests[::-1]], silence=True)
    as_newborn(subject, [Request(f"client 1/1.{n % 7}", 1 + n // 7, Get(show(n))) for n in range(MANY)], silence=True)


def as_newborn(subject: Subject, requests: Sequence[Request], disk: Any = None, silence: bool = False) -> Node:
    """Let a server hear requests of client 1, and judge what it answers otherwise than one that heard nothing before.

    With `disk`, it is the next life of the server that left it. With `silence`, to be silent is no matter here.
    """
    cls = subject.node("Echo")
    server = newborn(cls, 1, (1,), disk)
    subject.foresee(server, [[("client 1", request) for request in requests]])
    life = "" if disk is None else "in its next life, after a crash, "
    for count, request in enumerate(requests):
        sent = outgoing(server.receive("client 1", request))
        if same(tuple(sent), (("client 1", echo_of(request)),)) or (silence and not sent):
            continue
        other = newborn(cls, 1, (1,), None if disk is None else an_echo(subject).disk)
        fresh = outgoing(other.receive("client 1", request))
        if sent and alike(sent, fresh):
            continue  # wrong, and not for what it remembers
        again = " again" if request in requests[:count] else ""
        raise Failed(
            f"{life}a server that had answered {count} requests heard {ask_of(request)} of client 1{again} and sent "
            f"{in_words(sent)}; expected: {say(echo_of(request))}.\n" + ADVICE[alike(sent, fresh)]
        )
    return server


def alike(sent: Sequence[tuple[Name, Message]], fresh: Sequence[tuple[Name, Message]]) -> bool:
    """Say whether two servers sent the same; what is no Reply at all is compared by its words."""
    in_replies = all(type(message) is Reply for _, message in (*sent, *fresh))
    return same(tuple(sent), tuple(fresh)) if in_replies else in_words(sent) == in_words(fresh)


def judge_each_anew(subject: Subject, seed: int) -> None:
    """Two echo servers that hear different things must not answer alike: what one hears, the other does not know."""
    judge_alike(subject)
    judge_again(subject)
    cls = subject.node("Echo")
    servers = [newborn(cls, name, (1, 2)) for name in (1, 2)]
    random = dice("echo anew", seed)
    for step in range(20):
        server = random.choice(servers)
        client = f"client {random.randint(1, 3)}"
        request = Request(f"{client}/1.{random.randint(1, 2)}", random.randint(1, 3), Get(show(random.randint(0, 5))))
        sent = outgoing(server.receive(client, request), server.name)
        if same(tuple(sent), ((client, echo_of(request)),)):
            continue
        fresh = newborn(cls, server.name, (1, 2))
        forgetful = alike(sent, outgoing(fresh.receive(client, request), server.name))
        raise Failed(
            f"at step {step + 1} of a mixed run, {title(server.name)} of 2 heard {ask_of(request)} of {client} and "
            f"sent {in_words(sent)}; expected: {say(echo_of(request))}.\n" + ADVICE[forgetful]
        )


ADVICE = {
    False: "Look at what your server remembers from one request to the next: an echo needs no memory.",
    True: "A server that heard nothing before sends the same: no memory is at fault here. Look at the other points "
    "first.",
}


EXERCISE = Exercise(
    id="00_echo",
    module="echo",
    names=("Echo",),
    properties=(
        Property("answered", "Every request is answered, and so is every copy of it", 1, judge_answered),
        Property("right_node", "An answer goes to the client that asked, and to nobody else", 1, judge_right_node),
        Property("words", "The answer names the request (session, number) and echoes its text", 2, judge_words),
        Property("no_memory", "The same request gets the same answer, whatever came before", 1, judge_each_anew),
    ),
    planted="the reply is lost",
    plant="""
def plant(answer):
    class Mute(answer.Echo):
        def receive(self, sender, message):
            super().receive(sender, message)
            return []

    answer.Echo = Mute
    return answer
""",
)
