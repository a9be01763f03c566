# loses: histories. Of what may come next it takes the first that fits, and never turns back.
from itertools import permutations
from paxoskit.protocol.messages import Get, Put, Reply, Request
from paxoskit.protocol.node import Node


class KeyValueServer(Node):
    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.store = {}
        self.done = {}

    def on_request(self, sender, m):
        op = m.operation
        if (m.session, m.number) not in self.done:
            self.done[m.session, m.number] = self.store.get(op.key)
            if isinstance(op, Put):
                self.store[op.key] = op.value
        self.send(sender, Reply(m.session, m.number, self.done[m.session, m.number]))


def linearizable(history):
    rest, value = sorted(history, key=lambda o: (o[2], o[1])), None
    while rest:
        for op in rest:
            if op[4] == value and all(o[1] > op[0] for o in rest):
                rest.remove(op)
                if op[2] == "put":
                    value = op[3]
                break
        else:
            return False
    return True
