# loses: histories. Only what gets answer is looked at.
# Sessions are small objects of a class of their own; histories are searched breadth first over sets of places.
from dataclasses import dataclass, field

from paxoskit.protocol.messages import Get, Put, Reply
from paxoskit.protocol.node import Node


@dataclass
class Session:
    answers: dict = field(default_factory=dict)


class Store:
    def __init__(self):
        self.values = {}

    def do(self, operation):
        match operation:
            case Get(key):
                return self.values.get(key)
            case Put(key, value):
                before = self.values.get(key)
                self.values[key] = value
                return before


class KeyValueServer(Node):
    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.store = Store()
        self.sessions = {}

    def on_request(self, sender, request):
        session = self.sessions.setdefault(request.session, Session())
        if request.number not in session.answers:
            session.answers[request.number] = self.store.do(request.operation)
        self.send(sender, Reply(request.session, request.number, session.answers[request.number]))


def linearizable(history):
    everything = frozenset(range(len(history)))
    frontier = {(frozenset(), None)}
    for _ in history:
        following = set()
        for done, value in frontier:
            for place in everything - done:
                asked, answered, word, new, seen = history[place]
                if (seen == value or word == "put") and all(history[k][1] > asked for k in everything - done - {place}):
                    following.add((done | {place}, new if word == "put" else value))
        frontier = following
    return bool(frontier)
