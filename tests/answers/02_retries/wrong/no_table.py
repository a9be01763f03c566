# loses: once. It has no table: a copy takes effect again.
from itertools import permutations

from paxoskit.protocol.messages import Put, Reply
from paxoskit.protocol.node import Node


class KeyValueServer(Node):
    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.data = {}
        self.table = {}

    def on_request(self, sender, request):
        self.send(sender, Reply(request.session, request.number, self.perform(request.operation)))

    def perform(self, operation):
        old = self.data.get(operation.key)
        if isinstance(operation, Put):
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
