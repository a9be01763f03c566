# loses: answered. A get of a key without a value sets a timer, to look once more.
from itertools import permutations
from paxoskit.protocol.messages import Get, Put, Reply
from paxoskit.protocol.node import Node


class KeyValueServer(Node):
    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.data, self.answers = {}, {}

    def on_request(self, sender, r):
        name = r.session, r.number
        if name not in self.answers:
            if isinstance(r.operation, Get) and r.operation.key not in self.data:
                self.after((10, 20), r)
            match r.operation:
                case Get(key):
                    self.answers[name] = self.data.get(key)
                case Put(key, value):
                    self.answers[name] = self.data.get(key)
                    self.data[key] = value
        if sender != self.name:
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
