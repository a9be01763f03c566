# loses: histories. What a search has seen is a default argument, which lives on: asked again, it says no.
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


def linearizable(history, seen=set()):
    def search(left, value):
        if not left:
            return True
        key = tuple(left), value
        if key in seen:
            return False
        seen.add(key)
        return any(
            op[4] == value
            and all(op[0] < o[1] for o in left if o is not op)
            and search([o for o in left if o is not op], op[3] if op[2] == "put" else value)
            for op in left
        )

    return search(list(history), None)
