# Messages to itself do the work, and answer; they never leave the server.
from itertools import permutations
from paxoskit.protocol.messages import Get, Put, Reply, Request
from paxoskit.protocol.node import Node

from dataclasses import dataclass
from paxoskit.protocol.plain import Message


@dataclass(frozen=True)
class Perform(Message):
    request: Request


@dataclass(frozen=True)
class Answer(Message):
    client: str
    session: str
    number: int


class KeyValueServer(Node):
    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.values = {}
        self.answers = {}

    def on_request(self, sender, m):
        if (m.session, m.number) not in self.answers:
            self.send(self.name, Perform(m))
        self.send(self.name, Answer(sender, m.session, m.number))

    def on_perform(self, sender, p):
        op = p.request.operation
        self.answers[p.request.session, p.request.number] = self.values.get(op.key)
        if isinstance(op, Put):
            self.values[op.key] = op.value

    def on_answer(self, sender, a):
        self.send(a.client, Reply(a.session, a.number, self.answers[a.session, a.number]))


def linearizable(history):
    def right(order):
        value = None
        for i, (asked, answered, kind, new, seen) in enumerate(order):
            if seen != value:
                return False
            if any(later[1] < asked for later in order[i + 1 :]):
                return False
            if kind == "put":
                value = new
        return True

    return any(right(order) for order in permutations(history))
