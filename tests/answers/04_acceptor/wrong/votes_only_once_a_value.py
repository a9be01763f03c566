# loses: answers. It votes for one value only, ever.
# The state is a frozen dataclass, and a pure function makes the next one and the answer.
from dataclasses import dataclass, replace

from paxoskit.protocol import synod
from paxoskit.protocol.node import Node


@dataclass(frozen=True)
class State:
    floor: tuple = (0, 0)
    voted: tuple = (0, 0)
    value: str = ""


def step(state, message):
    ballot = tuple(message.ballot)
    if ballot < state.floor:
        return state, synod.Nack(ballot, state.floor)
    match message:
        case synod.Prepare():
            report = synod.Vote(state.voted, state.value) if state.voted > (0, 0) else None
            return replace(state, floor=ballot), synod.Promise(ballot, report)
        case synod.Accept(value=value):
            if state.value not in ('', value):
                return state, synod.Nack(ballot, state.floor)
            return State(ballot, ballot, value), synod.Accepted(ballot, value)


class Acceptor(Node):
    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.now = State()

    def on_prepare(self, sender, message):
        self.now, answer = step(self.now, message)
        self.send(sender, answer)

    on_accept = on_prepare
