# The state is a log of requests, done anew for each answer; linearizable by a search with memory.
from functools import lru_cache

from paxoskit.protocol.messages import Get, Reply
from paxoskit.protocol.node import Node


class KeyValueServer(Node):
    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.log = []

    def on_request(self, sender, request):
        if not any((r.session, r.number) == (request.session, request.number) for r in self.log):
            self.log.append(request)
        values = {}
        for done in self.log:
            before = values.get(done.operation.key)
            if (done.session, done.number) == (request.session, request.number):
                self.send(request.client, Reply(done.session, done.number, before))
            if not isinstance(done.operation, Get):
                values[done.operation.key] = done.operation.value


def linearizable(history):
    @lru_cache
    def possible(left, value):
        if not left:
            return True
        first_answer = min(history[i][1] for i in left)
        for i in left:
            asked, _, kind, argument, answer = history[i]
            if asked < first_answer and answer == value:
                if possible(left - {i}, argument if kind == "put" else value):
                    return True
        return False

    return possible(frozenset(range(len(history))), None)
