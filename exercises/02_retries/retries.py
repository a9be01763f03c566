"""Exercise 02: a key-value server whose clients ask again. README.md, beside this file, says what to build."""

from itertools import permutations

from paxoskit.protocol.messages import Put, Reply
from paxoskit.protocol.node import Node


class KeyValueServer(Node):
    """One server, no other: it keeps keys and values, and lets each request take effect once."""

    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        raise NotImplementedError("__init__: what does your server have to remember?")

    def on_request(self, sender, request):
        """Answer a client's request; let it take effect if it has not yet."""
        raise NotImplementedError("on_request: is this a request that you have done already?")


def linearizable(history):
    """Say whether a history of one key is linearizable: True or False.

    An operation is `(asked, answered, "put", value, old)` or `(asked, answered, "get", None, value)`.
    """
    raise NotImplementedError(
        "linearizable: is there an order of all operations that respects time, and in which every answer is right?"
    )
