"""Nodes that the lessons give: small right ones to look at, and wrong ones to break.

A wrong one says in its docstring what it does, not why that is wrong: finding the run that shows it is the lesson.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from paxoskit.claims.claim import Claim, Violation, Watched
from paxoskit.claims.linearizable import Operation as HistoryOperation
from paxoskit.claims.linearizable import linearizable
from paxoskit.protocol import synod
from paxoskit.protocol.messages import Answered, Asks, Get, Promise, Put, Reply, Request
from paxoskit.protocol.node import Node, title
from paxoskit.protocol.plain import BOTTOM, Ballot, Message, Name
from paxoskit.protocol.server import Server
from paxoskit.trace import Event, sentence
from paxoskit.worlds.story import OURS

# Lesson 0: one wrong server of a cluster ---------------------------------------------------------------------


class AnswersFirst(Server):
    """A server that, while it leads, answers a put as soon as it hears it, and then asks for the votes."""

    def on_request(self, sender: Name, request: Request) -> None:
        """Answer a put, and go on as usual."""
        if self.leading and isinstance(request.operation, Put):
            self.send(request.client, Reply(request.session, request.number, "done"))
        super().on_request(sender, request)


# Lesson 1: a shop in three offices --------------------------------------------------------------------------


@dataclass(frozen=True)
class Letter(Message):
    """From office to office, with the sender's clock when it was sent."""

    clock: int


class Order(Letter):
    """To the parcel office: somebody ordered tea."""


class Charge(Letter):
    """To the money office: let the customer pay."""


class Paid(Letter):
    """To the parcel office: the money is here."""


class Sent(Letter):
    """To the order office: the parcel is on its way."""


class Office(Node):
    """Office 1 takes orders, office 2 takes the money, office 3 sends the parcel. Each numbers what it does.

    The clock is Lamport's (Time, Clocks, and the Ordering of Events, 1978): each event raises it, a letter carries it,
    and who receives a letter moves the clock past it.

    >>> Office(2, (1, 2, 3)).receive(1, Charge(7))
    [Send(to=3, message=Paid(clock=9))]
    """

    def __init__(self, name: Name, peers: Sequence[int], disk: Any = None) -> None:
        super().__init__(name, peers, disk)
        self.clock = 0
        self.open: tuple[tuple[str, int], ...] = ()  # the orders whose parcel is not sent yet

    def tick(self) -> int:
        """An event of this office's own: raise the clock and return it."""
        self.clock += 1
        return self.clock

    def hear(self, clock: int) -> None:
        """A letter came: move the clock past the one it brought."""
        self.clock = max(self.clock, clock) + 1

    def on_request(self, sender: Name, request: Request) -> None:
        """A customer orders: ask for the money, and tell the parcel office."""
        self.tick()
        self.open += ((request.session, request.number),)
        self.send(2, Charge(self.tick()))
        self.send(3, Order(self.tick()))

    def on_charge(self, sender: Name, letter: Charge) -> None:
        """Take the money, and say so."""
        self.hear(letter.clock)
        self.send(3, Paid(self.tick()))

    def on_order(self, sender: Name, letter: Order) -> None:
        """Put the parcel on the table: it waits for the money."""
        self.hear(letter.clock)

    def on_paid(self, sender: Name, letter: Paid) -> None:
        """Send the parcel."""
        self.hear(letter.clock)
        self.send(1, Sent(self.tick()))

    def on_sent(self, sender: Name, letter: Sent) -> None:
        """Tell the customer."""
        self.hear(letter.clock)
        if self.open:
            (session, number), *others = self.open
            self.open = tuple(others)
            self.send(session.partition("/")[0], Reply(session, number, "done"))


class DeafOffice(Office):
    """An office that raises its clock when a letter comes, and looks at nothing else."""

    def hear(self, clock: int) -> None:
        """Count one more event."""
        self.tick()


class ClockCondition(Claim):
    """If sending one letter happened before sending another, the first has the smaller clock."""

    name = "clock condition"
    sees = {"send": (Letter,), "deliver": (Letter,)}  # noqa: RUF012

    def start(self, world: Watched) -> None:
        """Nothing was sent yet."""
        super().start(world)
        self.past: dict[Name, Event] = {}  # of each office: the letter with the highest clock in its past
        self.carried: dict[int, Event] = {}  # the same for each letter, by the number of its sending

    def see(self, event: Event) -> Violation | None:
        """Remember what a letter brings; compare the clock of a new letter with those in its past."""
        self.checks += 1
        if event.kind == "deliver":
            self._learn(event.node, self.carried.get(event.cause))
            return None
        before = self.past.get(event.node)
        self._learn(event.node, event)
        self.carried[event.n] = self.past[event.node]
        if before is None or before.what.clock < event.what.clock:
            return None
        return self.broken(
            f"{title(before.node)} sent {type(before.what).__name__} with clock {before.what.clock}, and only after "
            f"that {title(event.node)} sent {type(event.what).__name__} with clock {event.what.clock}",
            before, event,
        )  # fmt: skip

    def _learn(self, node: Name, letter: Event | None) -> None:
        known = self.past.get(node)
        if letter is not None and (known is None or known.what.clock < letter.what.clock):
            self.past[node] = letter


def wall_clock_log(events: Sequence[Event], off: Mapping[Name, float]) -> list[str]:
    """Return deliveries and sends as log lines, sorted by the time that each office's own clock showed.

    `off` says by how many milliseconds each office's clock is ahead (or, below zero, behind).
    """
    seen = [event for event in events if event.kind in ("send", "deliver") and isinstance(event.what, Letter)]
    dated = [(event.at + off.get(event.node, 0.0), event.n, sentence(event)) for event in seen]
    return [f"{at:6.0f} ms  {says}" for at, _, says in sorted(dated)]


# Lesson 2: one server ---------------------------------------------------------------------------------------


class Naive(Node):
    """One server with a dictionary: it does what it is asked, every time it is asked."""

    def __init__(self, name: Name, peers: Sequence[int], disk: Any = None) -> None:
        super().__init__(name, peers, disk)
        self.data: dict[str, str] = {}

    def on_request(self, sender: Name, request: Request) -> None:
        """Do it, and answer."""
        self.send(request.client, Reply(request.session, request.number, self.perform(request)))

    def perform(self, request: Request) -> str | None:
        """Return the answer; a put takes effect."""
        match request.operation:
            case Put(key, value):
                self.data[key] = value
                return "done"
            case Get(key):
                return self.data.get(key)


class RemembersTheLast(Naive):
    """Knows the request that it did last, and does not do that one twice."""

    def __init__(self, name: Name, peers: Sequence[int], disk: Any = None) -> None:
        super().__init__(name, peers, disk)
        self.last: tuple[str, int] | None = None
        self.answer: str | None = None

    def on_request(self, sender: Name, request: Request) -> None:
        """Do it unless it is the last one again, and answer."""
        if self.last != (request.session, request.number):
            self.answer = self.perform(request)
            self.last = (request.session, request.number)
        self.send(request.client, Reply(request.session, request.number, self.answer))


class AnswersFitOneOrder(Claim):
    """All answers so far are those of doing the operations one at a time, each between its question and its answer."""

    name = "linearizable"
    sees = {"ask": (), "announce": (Answered,)}  # noqa: RUF012

    def start(self, world: Watched) -> None:
        """Nothing was asked yet."""
        super().start(world)
        self.open: dict[str, HistoryOperation] = {}
        self.done: list[HistoryOperation] = []

    def see(self, event: Event) -> Violation | None:
        """Note what is asked; at each answer, judge the whole history."""
        what = event.what
        if event.kind == "ask":
            for ask in what.asks if isinstance(what, Asks) else (what,):
                f, key, value = (*ask.operation.words, None)[:3]
                self.open[ask.session] = HistoryOperation(ask.session, str(f), key, value, event.n, outcome="info")
            return None
        self.checks += 1
        asked = self.open.pop(what.session, None)
        if asked is None:
            return None
        result = what.answer if asked.f == "get" else None
        self.done.append(replace(asked, completed=event.n, result=result, outcome="ok"))
        verdict = linearizable([*self.done, *self.open.values()])
        return self.broken(_as_typed(verdict.why), event) if verdict.ok is False else None


def _as_typed(why: str) -> str:
    r"""Return a checker's words with keys and values as one types them: text is a literal, and has quotes of its own.

    >>> _as_typed("process client 2/1.1: get 'x' → \"'blue'\"")
    "client 2/1.1: get 'x' → 'blue'"
    """
    return re.sub(r"\"('[^'\"]*')\"", r"\1", why).replace("process client ", "client ")


class AnswersStayTrue(AnswersFitOneOrder):
    """The same in lesson 0's words: what was put stays put until something else is put there."""

    name = "what was answered stays true"

    def broken(self, reason: str, *events: Event) -> Violation:
        """Say it in lesson 0's words: the last answer was to a get, for a put may always take effect last."""
        get = self.done[-1]
        puts = [f"put {put.key} {put.value}" for put in self.done if put.f == "put" and put.key == get.key]
        told = f"after {', '.join(puts)} was answered done" if puts else "where nobody was told that a put was done"
        return super().broken(f"a get of {get.key} found {get.result or 'nothing'}, {told}", *events)


# Lesson 3: how many are enough? -----------------------------------------------------------------------------


class HalfIsEnough(Server):
    """A server to which half of the servers are enough, in both phases."""

    def __init__(self, name: Name, peers: Sequence[int], disk: Any = None) -> None:
        super().__init__(name, peers, disk)
        self.majority = len(peers) // 2


# Lesson 4: whom does an acceptor follow? ----------------------------------------------------------------------


class Clerk(Node):
    """A proposer without a will of its own: what it is asked to say, it says to all acceptors; the rest is yours."""

    def __init__(self, name: Name, peers: Sequence[int], disk: Any = None) -> None:
        super().__init__(name, peers, disk)
        self.heard: list[tuple[Name, Message]] = []

    def on_prepare(self, sender: Name, message: synod.Prepare) -> None:
        """Ask all acceptors to promise this ballot."""
        self.broadcast(message)

    def on_accept(self, sender: Name, message: synod.Accept) -> None:
        """Ask all acceptors to vote."""
        self.broadcast(message)

    def on_promise(self, sender: Name, message: synod.Promise) -> None:
        """Note it."""
        self.heard.append((sender, message))

    def on_accepted(self, sender: Name, message: synod.Accepted) -> None:
        """Note it."""
        self.heard.append((sender, message))


class FirstWins(Node):
    """An acceptor that votes for the first value it hears, and never again."""

    def __init__(self, name: Name, peers: Sequence[int], disk: Any = None) -> None:
        super().__init__(name, peers, disk)
        self.vote: synod.Vote | None = None

    def on_accept(self, sender: Name, accept: synod.Accept) -> None:
        """Vote, if this is the first."""
        if self.vote is None:
            self.vote = synod.Vote(accept.ballot, accept.value)
            self.send(sender, synod.Accepted(accept.ballot, accept.value))


class LastWins(FirstWins):
    """An acceptor that votes for every value it hears, one after the other."""

    def on_accept(self, sender: Name, accept: synod.Accept) -> None:
        """Vote."""
        self.vote = synod.Vote(accept.ballot, accept.value)
        self.send(sender, synod.Accepted(accept.ballot, accept.value))


class Acceptor(Node):
    """An acceptor that keeps both rules of Paxos, and answers nothing to what it refuses.

    Silence is allowed: to a proposer it looks like a lost message (Paxos Made Simple, section 2.2). On the stage only
    clerks propose: it does not hear the other acceptors, its `peers`.
    """

    def __init__(self, name: Name, peers: Sequence[int], disk: Any = None) -> None:
        super().__init__(name, peers, disk)
        self.promised = BOTTOM
        self.vote: synod.Vote | None = None

    def on_prepare(self, sender: Name, prepare: synod.Prepare) -> None:
        """Promise, unless a higher ballot is promised; say what the vote is."""
        if prepare.ballot >= self.promised and sender not in self.peers:
            self.promised = prepare.ballot
            self.send(sender, synod.Promise(prepare.ballot, self.vote))

    def on_accept(self, sender: Name, accept: synod.Accept) -> None:
        """Vote, unless a higher ballot is promised."""
        if accept.ballot >= self.promised and sender not in self.peers:
            self.promised = accept.ballot
            self.vote = synod.Vote(accept.ballot, accept.value)
            self.send(sender, synod.Accepted(accept.ballot, accept.value))


class VotesAnyway(Server):
    """A server that votes for every proposal for the slot at its height."""

    def follow(self, leader: Name, ballot: Ballot) -> bool:
        """Take whoever speaks as leader."""
        self.leader, self.heard = leader, True
        return True


# Lesson 5: which value? -------------------------------------------------------------------------------------


class Headstrong(Server):
    """A leader that proposes its own clients' requests at once."""

    def inherit(self) -> None:
        """Look at no vote that the promises brought."""


# Lesson 6: what is on the disk? -----------------------------------------------------------------------------


class Forgetful(Server):
    """A server that keeps its promise in memory only."""

    def __init__(self, name: Name, peers: Sequence[int], disk: Any = None) -> None:
        super().__init__(name, peers, disk)
        self.disk.promised = type(self).Disk().promised


# Lesson 8: many slots -----------------------------------------------------------------------------------------


class Reticent(Server):
    """A server whose promises bring no decided blocks."""

    def send(self, to: Name, message: Message) -> None:
        """Send it, without what is decided already."""
        super().send(to, replace(message, blocks=()) if isinstance(message, Promise) else message)


GIVEN: tuple[type[Node], ...] = (
    AnswersFirst, Office, DeafOffice, Naive, RemembersTheLast, HalfIsEnough, Clerk, FirstWins, LastWins, Acceptor,
    VotesAnyway, Headstrong, Forgetful, Reticent,
)  # fmt: skip
"""All of them; a story names each as `paxoskit:given` and its own name."""

for cls in GIVEN:
    OURS.setdefault(f"paxoskit:given {cls.__name__}", cls)  # whoever pastes this file takes nobody's place
