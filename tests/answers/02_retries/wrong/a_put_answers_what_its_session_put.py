# loses: sessions. A put answers the value that its own session put under the key before.
from itertools import permutations
from paxoskit.protocol.messages import Get, Put, Reply
from paxoskit.protocol.node import Node


class KeyValueServer(Node):
    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.data, self.answers, self.mine = {}, {}, {}

    def on_request(self, sender, r):
        name = r.session, r.number
        if name not in self.answers:
            match r.operation:
                case Get(key):
                    self.answers[name] = self.data.get(key)
                case Put(key, value):
                    self.answers[name] = self.mine.get((r.session, key))
                    self.data[key] = self.mine[r.session, key] = value
        self.send(sender, Reply(*name, self.answers[name]))


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
