# Everything in tuples that are replaced, never changed; functions outside of the class.
from itertools import permutations

from paxoskit.protocol import messages
from paxoskit.protocol.node import Node


def find(pairs, key):
    return next((value for other, value in pairs if other == key), None)


def step(state, request):
    data, done = state
    name = (request.session, request.number)
    if name in [other for other, _ in done]:
        return state
    old = find(data, request.operation.key)
    if type(request.operation) is messages.Put:
        rest = tuple(pair for pair in data if pair[0] != request.operation.key)
        data = (*rest, (request.operation.key, request.operation.value))
    return data, (*done, (name, old))


class KeyValueServer(Node):
    state_of_all = ((), ())

    def on_request(self, sender, request):
        self.state_of_all = step(self.state_of_all, request)
        answer = find(self.state_of_all[1], (request.session, request.number))
        self.send(sender, messages.Reply(session=request.session, number=request.number, answer=answer))


def legal(order):
    values = [None]
    for operation in order:
        if operation[4] != values[-1]:
            return False
        if operation[2] == "put":
            values.append(operation[3])
    return True


def timely(order):
    latest_asked = float("-inf")
    for operation in order:
        if operation[1] < latest_asked:
            return False
        latest_asked = max(latest_asked, operation[0])
    return True


def linearizable(history):
    return any(map(legal, filter(timely, permutations(history))))
