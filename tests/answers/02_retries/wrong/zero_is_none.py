# loses: histories. A value 0 counts as no value.
# The whole state is the order of first comings; a value is found by looking back through it.
from paxoskit.protocol.messages import Put, Reply
from paxoskit.protocol.node import Node


def old(log, key, before):
    for _, _, operation in reversed(log[:before]):
        if isinstance(operation, Put) and operation.key == key:
            return operation.value
    return None


class KeyValueServer(Node):
    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.log = []

    def on_request(self, sender, request):
        names = [(session, number) for session, number, _ in self.log]
        name = (request.session, request.number)
        if name not in names:
            names.append(name)
            self.log.append((*name, request.operation))
        place = names.index(name)
        _, _, operation = self.log[place]
        self.send(sender, Reply(*name, old(self.log, operation.key, place)))


def linearizable(history, value=None):
    if not history:
        return True
    soonest = min(answered for _, answered, _, _, _ in history)
    for place, (asked, answered, word, new, seen) in enumerate(history):
        if asked < soonest and (seen or None) == (value or None):
            rest = history[:place] + history[place + 1:]
            if linearizable(rest, new if word == "put" else value):
                return True
    return False
