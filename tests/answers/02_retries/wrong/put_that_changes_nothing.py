# loses: once. A put of the value that is there already changes nothing, so it is not remembered.
from itertools import permutations
from paxoskit.protocol.messages import Get, Put, Reply, Request
from paxoskit.protocol.node import Node


def linearizable(history):
    def search(left, value):
        if not left:
            return True
        for op in left:
            if all(op[0] < o[1] for o in left if o is not op) and op[4] == value:
                if search([o for o in left if o is not op], op[3] if op[2] == "put" else value):
                    return True
        return False

    return search(list(history), None)


class KeyValueServer(Node):
    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.data, self.done = {}, {}

    def on_request(self, sender, r):
        n = r.session, r.number
        if n not in self.done:
            self.done[n] = self.data.get(r.operation.key)
            if isinstance(r.operation, Put) and r.operation.value != self.done[n]:
                self.data[r.operation.key] = r.operation.value
            elif isinstance(r.operation, Put):
                del self.done[n]
                self.send(sender, Reply(*n, r.operation.value))
                return
        self.send(sender, Reply(*n, self.done[n]))
