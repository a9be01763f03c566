# loses: overtaken. A put that was overtaken in its session has its effect, and answers None.
from itertools import permutations
from paxoskit.protocol.messages import Get, Put, Reply
from paxoskit.protocol.node import Node


class KeyValueServer(Node):
    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.data, self.answers, self.top = {}, {}, {}

    def on_request(self, sender, r):
        name = r.session, r.number
        if name not in self.answers:
            top = self.top[r.session] = max(r.number, self.top.get(r.session, 0))
            match r.operation:
                case Get(key):
                    self.answers[name] = self.data.get(key)
                case Put(key, value):
                    self.answers[name] = self.data.get(key) if r.number == top else None
                    self.data[key] = value
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
