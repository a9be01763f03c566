# loses: histories. No operation comes more than four places from where it was asked: of six, the first is never last.
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
        old = self.data.get(operation.key)
        if isinstance(operation, Put):
            self.data[operation.key] = operation.value
        return old


def linearizable(history):
    first = sorted(history)
    for order in permutations(first):
        if any(abs(place - first.index(one)) > 4 for place, one in enumerate(order)):
            continue
        in_time = all(a[0] < b[1] for i, a in enumerate(order) for b in order[i + 1 :])
        value, right = None, True
        for _, _, kind, argument, answer in order:
            right = right and answer == value
            value = argument if kind == "put" else value
        if in_time and right:
            return True
    return False
