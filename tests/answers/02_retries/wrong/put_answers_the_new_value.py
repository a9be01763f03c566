# loses: values. A put answers the value that it puts: it stores first, and looks then.
from itertools import permutations

from paxoskit.protocol.messages import Put, Reply
from paxoskit.protocol.node import Node


class KeyValueServer(Node):
    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.data = {}
        self.answers = {}

    def on_request(self, sender, request):
        name = request.session, request.number
        if name not in self.answers:
            self.answers[name] = self.perform(request.operation)
        self.send(sender, Reply(*name, self.answers[name]))

    def perform(self, operation):
        if isinstance(operation, Put):
            self.data[operation.key] = operation.value
        return self.data.get(operation.key)


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
