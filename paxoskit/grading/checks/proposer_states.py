"""A search through the states of a proposer: each choice in each of them, after the schedules of exercise 05."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from paxoskit.grading.checks.cast import Voter
from paxoskit.grading.checks.minutes import BALLOTS, COUNTS, P2C, PROGRESS, RINGS, Clock, Minutes
from paxoskit.grading.checks.play import Said, begun, copied
from paxoskit.grading.subject import RAISED, LearnerError, Subject
from paxoskit.protocol.node import After, Announce, Effect, Node, NodeError, Send
from paxoskit.protocol.plain import BOTTOM, Ballot, Message, Name
from paxoskit.protocol.synod import Accept, Accepted, Nack, Prepare, Promise, Propose, Vote
from paxoskit.worlds.choice import Choice

TURNS = {3: 740, 1: 170, 2: 80, 4: 60, 6: 40}
"""After the schedules, a proposer among so many acceptors is searched with so many turns of its own code at most."""

WISHES = {2: ""}
"""What the proposer wishes in a search, where that is not "mine"."""

SILENT = 2
"""A search begins in the first ballot, and after each of so many rings of the timer in which nothing was heard."""

STRAIGHT, DISTURBED = 0, 1
"""What a step of a search costs: where the next acceptor hears the newest message and grants it; any other."""

KEPT = 3
"""An acceptor may still hear the newest so many messages that were said to it."""

MOST_HEARD = 500
"""So many messages are brought at most to see whether a proposer decides."""


class Held(NamedTuple):
    """What an acceptor holds."""

    promised: Ballot = BOTTOM
    vote: Vote | None = None


@lru_cache(10_000)
def answered(held: Held, me: int, sender: Name, message: Message) -> tuple[Held, Message | None]:
    """Return what an acceptor holds after it heard a message, and its answer: those of the one in the story."""
    voter = Voter(me, (me,))  # its own name is a rival's word, as a choice asks it
    voter.promised, voter.vote = held
    sent = voter.receive(sender, message)
    return Held(voter.promised, voter.vote), sent[0].message if sent and type(sent[0]) is Send else None


class State(NamedTuple):
    """Where a search has come to."""

    mine: int
    """The number of the proposer's own state."""
    acceptors: tuple[Held, ...]
    said: frozenset[tuple[Name, Message]]
    """What the proposer said, and to whom."""
    heard: frozenset[tuple[Name, Message]]
    """What it heard, and of whom."""
    timers: tuple[After, ...]
    knows: bool


class Step(NamedTuple):
    """What may happen in a state: what the proposer hears, what the acceptors hold then, and the choices for it."""

    cost: int
    sender: Name
    message: Message
    acceptors: tuple[Held, ...]
    choices: tuple[Choice, ...]


Run = tuple[Choice, ...]


class At(NamedTuple):
    """A state of a search, what the proposer has said and heard on the way there, and that way."""

    state: State
    minutes: Minutes
    run: Run


SAFE, STUCK = (BALLOTS, P2C, COUNTS, PROGRESS), "stuck"


class Search:
    """A search through the states of a proposer among right acceptors, to which rivals speak: the cheapest runs first.

    In each state, each acceptor may hear each of the newest messages, and the answer arrives at once; a rival may have
    spoken to the acceptor before; whatever was heard may come once more; and each timer may ring. From each state in
    which nothing is decided, once all in flight is lost, the proposer must decide with the first majority of acceptors.
    In each ballot, the next acceptor is the first to hear; of those that have heard nothing, only the next one may.

    What is not tried: answers that come late, unless they had come before; two states, of which one is left out, are
    those where the proposer's own state, its timers, and what it has heard of its newest ballot are equal, though
    acceptors may differ. The search ends after so many turns of the learner's code.
    """

    def __init__(self, subject: Subject, acceptors: int) -> None:
        self.subject, self.me, self.peers = subject, acceptors + 1, tuple(range(1, acceptors + 1))
        self.left = TURNS[acceptors]
        self.numbers: dict[object, int] = {}
        self.nodes: list[Node] = []
        self.turns: dict[tuple[int, Name, Message], tuple[int, list[Effect]]] = {}
        self.known: set[object] = set()
        self.ends: dict[tuple[object, ...], bool] = {}
        self.waiting: list[tuple[int, int, At]] = []
        self.odd = ""
        """Which attribute was found that is no data, and what it is."""
        servers = (1, self.me + 1, self.me + 2)
        self.rivals = (
            Accept(Ballot(1, servers[0]), ""),
            Accept(Ballot(2, servers[1]), "theirs"),
            Prepare(Ballot(100, servers[2])),
        )

    # The learner's code -------------------------------------------------------------------------------------

    def number(self, node: Node) -> int:
        """Return the number of a node's state; the same for equal ones, if they are data."""
        key: object
        try:
            key = type(node).state(node)  # an attribute of its own may be called state
        except NodeError as error:  # it is like no other
            key, self.odd = len(self.nodes), str(error)
        number = self.numbers.setdefault(key, len(self.nodes))
        if number == len(self.nodes):
            self.nodes.append(node)
        return number

    def turn(self, mine: int, sender: Name, message: Message) -> tuple[int, list[Effect]]:
        """Return the proposer's next state and what it asks for. Raises Enough after the last turn."""
        key = mine, sender, message
        if key not in self.turns:
            if self.left == 0:
                raise Enough
            self.left -= 1
            twin = copied(self.nodes[mine])
            effects = twin.receive(sender, message)
            twin._effects = []  # or each copy of it would copy them too
            self.turns[key] = self.number(twin), effects
        return self.turns[key]

    def after(self, state: State, step: Step) -> tuple[State, list[Said]]:
        """Return the state after a step, and what the proposer says in it."""
        mine, effects = self.turn(state.mine, step.sender, step.message)
        heard, timers = state.heard, {timer.message: timer for timer in state.timers}
        if step.sender != self.me:
            heard |= {(step.sender, step.message)}
        timers.pop(step.message, None)  # what a timer says is said by nobody else
        said = []
        for effect in effects:
            if type(effect) is After:
                timers[effect.message] = effect
            elif type(effect) is Send:
                said.append(Said(self.me, effect.to, effect.message))
            elif type(effect) is Announce:
                said.append(Said(self.me, None, effect.fact))
        sends = {(one.to, one.message) for one in said if one.to is not None}
        knows = state.knows or any(one.to is None for one in said)
        return State(mine, step.acceptors, state.said | sends, heard, tuple(timers.values()), knows), said

    # What may happen ----------------------------------------------------------------------------------------

    def steps(self, state: State) -> Iterator[Step]:
        """Yield what may happen in a state."""
        for timer in state.timers:
            yield self.ring(state, timer)
        newest: Any = max((message for _, message in state.said), key=_age, default=None)
        stood = len({message for _, message in state.said if type(message) is Prepare})
        straight = untouched = True
        for number in range(len(self.peers)):
            acceptor = self.peers[(stood - 1 + number) % len(self.peers)]
            held = state.acceptors[acceptor - 1]
            if held == Held() and not untouched:
                continue  # who has heard nothing yet is like the other one who has not
            untouched = untouched and held != Held()
            told: list[Any] = [message for to, message in state.said if to == acceptor]
            told.sort(key=_age, reverse=True)
            for message in told[:KEPT]:
                new = message == newest or (held.promised < message.ballot == newest.ballot)
                for step in self.hears(state, acceptor, message, (None, *self.rivals) if new else (None,)):
                    if straight and message == newest and len(step.choices) == 2 and type(step.message) is not Nack:
                        straight = False
                        step = step._replace(cost=STRAIGHT)
                    yield step
        for who, answer in sorted(state.heard, key=lambda heard: (heard[0], _age(heard[1]))):
            yield Step(DISTURBED, who, answer, state.acceptors, (self.arrives(who, answer),))

    def ring(self, state: State, timer: After) -> Step:
        """Return the step in which a timer rings."""
        message = timer.message
        return Step(DISTURBED, self.me, message, state.acceptors, (Choice("fire", self.me, what=message),))

    def hears(
        self, state: State, acceptor: int, message: Message, rivals: Iterable[Prepare | Accept | None]
    ) -> Iterator[Step]:
        """Yield the steps in which an acceptor hears a message after one of these rivals spoke to it, or nobody."""
        held = state.acceptors[acceptor - 1]
        for rival in rivals:
            before = held if rival is None else answered(held, acceptor, acceptor, rival)[0]
            after, answer = answered(before, acceptor, self.me, message)
            if answer is None or (before == held) != (rival is None) or (acceptor, answer) in state.heard:
                continue
            acceptors = (*state.acceptors[: acceptor - 1], after, *state.acceptors[acceptor:])
            spoken = () if rival is None else (Choice("ask", acceptor, what=rival),)
            choices = (*spoken, Choice("deliver", acceptor, self.me, message), self.arrives(acceptor, answer))
            yield Step(DISTURBED, acceptor, answer, acceptors, choices)

    def arrives(self, acceptor: Name, answer: Message) -> Choice:
        """Return the choice by which an answer comes to the proposer."""
        return Choice("deliver", self.me, acceptor, answer)

    # The search ---------------------------------------------------------------------------------------------

    def falls(self) -> Iterator[tuple[str, Run]]:
        """Yield properties, each with a run in which it falls; what raises an exception is a fault of all of them."""
        try:
            yield from self.begin()
            while self.waiting:
                cost, _, at = heapq.heappop(self.waiting)
                steps = list(self.steps(at.state))
                self.foresee(at.state, steps)
                if not self.decides(at.state):
                    yield STUCK, at.run
                for step in steps:
                    yield from ((what, (*at.run, *step.choices)) for what in self.take(cost, at, step)[1])
        except Enough:
            pass

    def born(self) -> tuple[State, Step]:
        """Return the first state, and the step in which the proposer is asked."""
        node, first = begun(self.subject.node("Proposer"), self.me, self.peers)
        timers = tuple(effect for effect in first if type(effect) is After)
        nothing: frozenset[tuple[Name, Message]] = frozenset()
        state = State(self.number(node), (Held(),) * len(self.peers), nothing, nothing, timers, False)
        propose = Propose(WISHES.get(len(self.peers), "mine"))
        return state, Step(0, self.me, propose, state.acceptors, (Choice("ask", self.me, what=propose),))

    def begin(self) -> Iterator[tuple[str, Run]]:
        """Let the proposer be asked, and then its timer ring some times."""
        state, step = self.born()
        at = At(state, Minutes("", self.me), ())
        stood: list[At] = []
        while len(stood) <= SILENT:
            new, fallen = self.take(0, at, step)
            yield from ((what, (*at.run, *step.choices)) for what in fallen)
            if new is None:
                break
            at = new
            stood.append(at)
            if not at.state.timers:
                break
            step = self.ring(at.state, at.state.timers[0])._replace(cost=0)
        for place in stood:
            yield from self.proposed(place, inherits=place is stood[-1])

    def proposed(self, at: At, inherits: bool) -> Iterator[tuple[str, Run]]:
        """Let it propose in its ballot, and its timer ring before any vote comes, or after the first ones.

        `inherits`: the first promise reports a vote.
        """
        for number in range(len(self.peers) // 2 + 2):
            if inherits and number == 0:
                steps = [step for step in self.steps(at.state) if step.choices[0].what == self.rivals[0]]
            else:
                steps = [step for step in self.steps(at.state) if step.cost == STRAIGHT]
            if not steps:
                return
            new, fallen = self.take(0, at, steps[0]._replace(cost=0))
            yield from ((what, (*at.run, *steps[0].choices)) for what in fallen)
            if new is None:
                return
            at = new
            if at.state.timers and not at.state.knows and at.minutes.highest in at.minutes.proposed:
                ring = self.ring(at.state, at.state.timers[0])._replace(cost=0)
                yield from ((what, (*at.run, *ring.choices)) for what in self.take(0, at, ring)[1])

    def take(self, cost: int, at: At, step: Step) -> tuple[At | None, list[str]]:
        """Take a step; return where it leads to, if that is new, and the properties that fall in it."""
        try:
            state, said = self.after(at.state, step)
        except LearnerError as error:
            if error.why != RAISED:
                self.left = 0
            return None, [*SAFE]
        if state == at.state and not said:
            return None, []  # it came twice, and nothing followed
        minutes = at.minutes.copy()
        minutes.hear(step.choices[-1])
        fallen = {}
        for one in said:
            for minutes.what in SAFE:
                if minutes.wrong(one):
                    fallen[minutes.what] = one
            minutes.note(one)
        if fallen:
            return None, [*fallen]
        key = state.mine, state.knows, state.timers, minutes.now()
        if key in self.known:
            return None, []
        self.known.add(key)
        new = At(state, minutes, (*at.run, *step.choices))
        heapq.heappush(self.waiting, (cost + step.cost, len(self.known), new))
        return new, []

    def foresee(self, state: State, steps: Iterable[Step]) -> None:
        """Say what the proposer will hear in a state."""
        heard = [(step.sender, step.message) for step in steps]
        new = [one for one in heard if (state.mine, *one) not in self.turns]
        self.subject.foresee(self.nodes[state.mine], [[one] for one in new[: self.left]])

    def decides(self, state: State) -> bool:
        """Say whether the proposer decides once all in flight is lost and then nothing is, alone with a majority."""
        up = len(self.peers) // 2 + 1
        key = state.mine, state.acceptors[:up], state.timers
        if key not in self.ends:
            try:
                self.ends[key] = state.knows or self.decides_with(list(state.acceptors[:up]), state)
            except LearnerError:
                self.ends[key] = False
        return self.ends[key]

    def decides_with(self, up: list[Held], state: State) -> bool:
        """Say whether the proposer decides with these acceptors, and nothing in flight."""
        mine, clock, minutes, heard = state.mine, Clock(), Minutes("", self.me), 0
        for timer in state.timers:
            clock.set(timer.message, timer.low, timer.high)
        while not clock.is_over(RINGS):
            ring = clock.next()
            if ring is None:
                return False
            coming: deque[tuple[Name, Message]] = deque([(self.me, ring)])
            while coming:
                heard += 1
                if heard > MOST_HEARD:
                    return True  # it sends without end: nothing follows from that here
                sender, message = coming.popleft()
                if type(sender) is int and sender in self.peers:
                    up[sender - 1], answer = answered(up[sender - 1], sender, self.me, message)
                    if answer is None:
                        continue
                    message = answer
                mine, effects = self.turn(mine, sender, message)
                for effect in effects:
                    if type(effect) is Announce:
                        return True
                    if type(effect) is After:
                        clock.set(effect.message, effect.low, effect.high)
                    elif type(effect) is Send:
                        if minutes.malformed(Said(self.me, effect.to, effect.message)):
                            return False
                        if effect.to in range(1, len(up) + 1):
                            coming.append((effect.to, effect.message))
        return False


class Enough(Exception):
    """A search has taken its last turn."""


@lru_cache(10_000)
def _age(message: Any) -> tuple[object, ...]:
    """Return what messages are sorted by: the ballot, and then how late in it they are said."""
    return message.ballot, _ORDER.index(type(message)), repr(message)


_ORDER = (Prepare, Promise, Nack, Accept, Accepted)
