from itertools import permutations

from paxoskit.protocol.messages import Put, Reply
from paxoskit.protocol.node import Node


class KeyValueServer(Node):
    """Keeps the requests in the order in which they came first; folds anew each time."""

    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.journal = ()

    def on_request(self, sender, request):
        if not any(r.session == request.session and r.number == request.number for r in self.journal):
            self.journal += (request,)
        values = {}
        for r in self.journal:
            answer = values.get(r.operation.key)
            if type(r.operation) is Put:
                values[r.operation.key] = r.operation.value
            if (r.session, r.number) == (request.session, request.number):
                self.send(sender, Reply(r.session, r.number, answer))
                return


def linearizable(history, value=None):
    if not history:
        return True
    first = min(operation[1] for operation in history)
    for place, (asked, answered, kind, new, answer) in enumerate(history):
        if asked < first and answer == value:
            rest = history[:place] + history[place + 1:]
            if linearizable(rest, new if kind == "put" else value):
                return True
    return False
