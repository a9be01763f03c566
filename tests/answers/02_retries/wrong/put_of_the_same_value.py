# loses: values. A put of the value that is there already answers None.
from itertools import permutations

from paxoskit.protocol.messages import Put, Reply
from paxoskit.protocol.node import Node


class KeyValueServer(Node):
    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.values = {}
        self.answers = {}

    def on_request(self, sender, request):
        key = request.session, request.number
        if key not in self.answers:
            operation = request.operation
            old = self.values.get(operation.key)
            self.answers[key] = None if isinstance(operation, Put) and old == operation.value else old
            if isinstance(operation, Put):
                self.values[operation.key] = operation.value
        self.send(sender, Reply(request.session, request.number, self.answers[key]))


def linearizable(history):
    for order in permutations(history):
        value = None
        for place, (asked, answered, kind, new, answer) in enumerate(order):
            if answer != value or any(later[1] < asked for later in order[place + 1:]):
                break
            if kind == "put":
                value = new
        else:
            return True
    return False
