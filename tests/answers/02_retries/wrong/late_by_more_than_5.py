# loses: overtaken. What was overtaken by more than five others is answered, and has no effect.
from itertools import permutations
from paxoskit.protocol.messages import Get, Put, Reply, Request
from paxoskit.protocol.node import Node


class KeyValueServer(Node):
    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.store = {}
        self.done = {}
        self.top = {}

    def on_request(self, sender, m):
        op = m.operation
        if (m.session, m.number) not in self.done:
            top = self.top[m.session] = max(m.number, self.top.get(m.session, 0))
            self.done[m.session, m.number] = self.store.get(op.key)
            if isinstance(op, Put) and m.number >= top - 5:
                self.store[op.key] = op.value
        self.send(sender, Reply(m.session, m.number, self.done[m.session, m.number]))


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
