# loses: answered. Who asked for a key that was missing is told when somebody puts it.
from itertools import permutations

from paxoskit.protocol.messages import Put, Reply
from paxoskit.protocol.node import Node


class KeyValueServer(Node):
    """One server, no other: it keeps keys and values, and lets each request take effect once."""

    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.data = {}
        self.answers = {}
        self.waiting = {}

    def on_request(self, sender, request):
        """Answer a client's request; let it take effect if it has not yet."""
        name = request.session, request.number
        if name not in self.answers:
            op = request.operation
            if isinstance(op, Put):
                for c in self.waiting.pop(op.key, []):
                    if c != sender:
                        self.send(c, Reply(*name, op.value))
            elif op.key not in self.data:
                self.waiting.setdefault(op.key, []).append(sender)
            self.answers[name] = self.perform(request.operation)
        self.send(sender, Reply(*name, self.answers[name]))

    def perform(self, operation):
        """Let an operation take effect, and return its answer."""
        old = self.data.get(operation.key)
        if isinstance(operation, Put):
            self.data[operation.key] = operation.value
        return old



def linearizable(history):
    """Say whether a history of one key is linearizable: True or False.

    An operation is `(asked, answered, "put", value, old)` or `(asked, answered, "get", None, value)`.
    """
    for order in permutations(history):
        in_time = all(a[0] < b[1] for i, a in enumerate(order) for b in order[i + 1 :])
        value, right = None, True
        for _, _, kind, argument, answer in order:
            right = right and answer == value
            value = argument if kind == "put" else value
        if in_time and right:
            return True
    return False
