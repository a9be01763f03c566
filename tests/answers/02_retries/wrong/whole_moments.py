# loses: histories. It lets operations take effect at whole numbers of time only.
from itertools import permutations
from paxoskit.protocol.messages import Get, Put, Reply, Request
from paxoskit.protocol.node import Node


class KeyValueServer(Node):
    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.data, self.done = {}, {}

    def on_request(self, sender, r):
        n = r.session, r.number
        if n not in self.done:
            self.done[n] = self.data.get(r.operation.key)
            if isinstance(r.operation, Put):
                self.data[r.operation.key] = r.operation.value
        self.send(sender, Reply(*n, self.done[n]))


def linearizable(history):
    n = len(history)

    def fits(order):
        now = -(10**18)
        for op in order:
            now = max(now + 1, int(op[0]))
            if now > int(op[1]):
                return False
        return True

    for order in permutations(history):
        value, good = None, True
        for _, _, kind, new, answer in order:
            good = good and answer == value
            if kind == "put":
                value = new
        if good and fits(order):
            return True
    return False
