# loses: missing. A get of a key that was never put raises (M40e).
from itertools import permutations

from paxoskit.protocol.messages import Get, Put, Reply
from paxoskit.protocol.node import Node


class KeyValueServer(Node):
    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.data = {}
        self.table = {}

    def on_request(self, sender, request):
        name = request.session, request.number
        if name not in self.table:
            self.table[name] = self.perform(request.operation)
        self.send(sender, Reply(*name, self.table[name]))

    def perform(self, operation):
        if isinstance(operation, Get):
            return self.data[operation.key]
        old = self.data.get(operation.key)
        self.data[operation.key] = operation.value
        return old


def linearizable(history):
    for order in permutations(history):
        in_time = all(a[0] < b[1] for i, a in enumerate(order) for b in order[i + 1 :])
        value, right = None, True
        for _, _, kind, argument, answer in order:
            right = right and answer == value
            value = argument if kind == "put" else value
        if in_time and right:
            return True
    return False
