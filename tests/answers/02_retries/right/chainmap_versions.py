# Every request makes a version of the store; an answer is looked up in the version of its time.
from itertools import permutations
from paxoskit.protocol.messages import Get, Put, Reply, Request
from paxoskit.protocol.node import Node
from collections import ChainMap


class KeyValueServer(Node):
    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.versions = ChainMap({})
        self.at = {}

    def on_request(self, sender, m):
        k = m.session, m.number
        if k not in self.at:
            self.at[k] = len(self.versions.maps)
            self.versions = self.versions.new_child(
                {m.operation.key: m.operation.value} if isinstance(m.operation, Put) else {}
            )
        past = self.versions.maps[len(self.versions.maps) - self.at[k] :]
        self.send(sender, Reply(*k, next((v[m.operation.key] for v in past if m.operation.key in v), None)))


def linearizable(history):
    def right(order):
        value = None
        for i, (asked, answered, kind, new, seen) in enumerate(order):
            if seen != value:
                return False
            if any(later[1] < asked for later in order[i + 1 :]):
                return False
            if kind == "put":
                value = new
        return True

    return any(right(order) for order in permutations(history))
