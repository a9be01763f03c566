"""Exercise 02: a key-value server whose clients ask again. README.md, beside this file, says what to build."""

from itertools import permutations

from paxoskit.protocol.messages import Put, Reply
from paxoskit.protocol.node import Node


class KeyValueServer(Node):
    """One server, no other: it keeps keys and values, and lets each request take effect once."""

    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        # begin: __init__: what does your server have to remember?
        self.data = {}
        self.answers = {}
        # end

    def on_request(self, sender, request):
        """Answer a client's request; let it take effect if it has not yet."""
        # begin: on_request: is this a request that you have done already?
        name = request.session, request.number
        if name not in self.answers:
            self.answers[name] = self.perform(request.operation)
        self.send(sender, Reply(*name, self.answers[name]))
        # end

    # begin:
    def perform(self, operation):
        """Let an operation take effect, and return its answer."""
        old = self.data.get(operation.key)
        if isinstance(operation, Put):
            self.data[operation.key] = operation.value
        return old

    # end


def linearizable(history):
    """Say whether a history of one key is linearizable: True or False.

    An operation is `(asked, answered, "put", value, old)` or `(asked, answered, "get", None, value)`.
    """
    # begin: linearizable: is there an order of all operations that respects time, and in which every answer is right?
    for order in permutations(history):
        in_time = all(a[0] < b[1] for i, a in enumerate(order) for b in order[i + 1 :])
        value, right = None, True
        for _, _, kind, argument, answer in order:
            right = right and answer == value
            value = argument if kind == "put" else value
        if in_time and right:
            return True
    return False
    # end
