# loses: once. It remembers the last two numbers of a session and forgets older ones.
from itertools import permutations

from paxoskit.protocol.messages import Put, Reply
from paxoskit.protocol.node import Node


class KeyValueServer(Node):
    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.data = {}
        self.table = {}

    def on_request(self, sender, request):
        done = self.table.setdefault(request.session, {})
        if request.number not in done:
            done[request.number] = self.perform(request.operation)
            while len(done) > 2:
                del done[min(done)]
        answer = done.get(request.number)
        self.send(sender, Reply(request.session, request.number, answer))

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
