# A pure function from (state, message) to (state, what to do); the node only keeps the state and does what it is told.
from typing import NamedTuple

from paxoskit.protocol.node import Node
from paxoskit.protocol.plain import Ballot
from paxoskit.protocol.synod import Accept, Accepted, Decided, Nack, Prepare, Promise, Propose, TryAgain, Vote


class State(NamedTuple):
    me: int
    quorum: int
    wish: str | None = None
    round: int = 0
    above: int = 0
    promised: tuple = ()
    best: Vote | None = None
    value: str | None = None
    voted: frozenset = frozenset()
    over: bool = False

    @property
    def ballot(self):
        return Ballot(self.round, self.me)


def stand(state):
    new = State(state.me, state.quorum, state.wish, max(state.round, state.above) + 1, state.above)
    return new, ["say", Prepare(new.ballot), "wait", TryAgain(new.ballot)]


def step(state, who, message):
    match message:
        case Propose(value=wish):
            return stand(state._replace(wish=wish))
        case Promise(ballot=ballot, vote=vote) if ballot == state.ballot and who not in state.promised:
            higher = vote is not None and (state.best is None or vote.ballot > state.best.ballot)
            state = state._replace(promised=(*state.promised, who))
            if state.value is None:
                state = state._replace(best=vote if higher else state.best)
            if len(state.promised) == state.quorum:
                state = state._replace(value=state.best.value if state.best else state.wish)
                return state, ["say", Accept(ballot, state.value)]
        case Accepted(ballot=ballot) if ballot == state.ballot and not state.over:
            state = state._replace(voted=state.voted | {who})
            if len(state.voted) >= state.quorum:
                return state._replace(over=True), ["tell", Decided(state.value)]
        case Nack(promised=promised):
            return state._replace(above=max(state.above, promised.round)), []
        case TryAgain(ballot=ballot) if ballot == state.ballot and not state.over:
            return stand(state)
    return state, []


class Proposer(Node):
    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.now = State(name, len(peers) // 2 + 1)

    def hear(self, sender, message):
        self.now, orders = step(self.now, sender, message)
        for what, thing in zip(orders[::2], orders[1::2]):
            if what == "say":
                self.broadcast(thing)
            elif what == "wait":
                self.after((180, 650), thing)
            else:
                self.announce(thing)

    on_propose = on_promise = on_accepted = on_nack = on_try_again = hear
