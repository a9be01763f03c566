# loses: overtaken. Of a request number it keeps ten bits: 1025 is 1 again.
from itertools import permutations
from paxoskit.protocol.messages import Get, Put, Reply, Request
from paxoskit.protocol.node import Node
from paxoskit.protocol.plain import Message


class KeyValueServer(Node):
    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.data, self.done = {}, {}

    def on_request(self, sender, r):
        op = r.operation
        name = (r.session, r.number % 1024)

        if name not in self.done:
            self.done[name] = self.data.get(op.key)
            if isinstance(op, Put):
                self.data[op.key] = op.value
        answer = self.done[name]

        self.send(sender, Reply(r.session, r.number, answer))


def linearizable(history):
    for order in permutations(history):
        v, ok = None, True
        for i, (a, b, k, x, r) in enumerate(order):
            if r != v or any(c[1] < a for c in order[i + 1 :]):
                ok = False
                break
            if k == "put":
                v = x
        if ok:
            return True
    return False
