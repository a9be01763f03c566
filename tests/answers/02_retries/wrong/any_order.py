# loses: six_histories. Time does not count: any order that explains the answers will do.
from itertools import permutations

from paxoskit.protocol.messages import Put, Reply
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
        old = self.data.get(operation.key)
        if isinstance(operation, Put):
            self.data[operation.key] = operation.value
        return old


def linearizable(history):
    for order in permutations(history):
        value, right = None, True
        for _, _, kind, argument, answer in order:
            right = right and answer == value
            value = argument if kind == "put" else value
        if right:
            return True
    return False
