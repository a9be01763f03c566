# A fold over named tuples that are replaced; numbers by counting what was asked.
from functools import reduce
from typing import NamedTuple, Any
from paxoskit.protocol.log import Log
from paxoskit.protocol.messages import Answered, Get, Put, Reply, Request, RetryTimeout
from paxoskit.protocol.node import Node


class State(NamedTuple):
    values: tuple = ()
    last: tuple = ()


def after_request(state, request):
    values, last = dict(state.values), dict(state.last)
    if request.number <= last.get(request.session, (0, None))[0]:
        return state
    old = values.get(request.operation.key)
    if type(request.operation) is Put:
        values[request.operation.key] = request.operation.value
    last[request.session] = request.number, old
    return State(tuple(values.items()), tuple(last.items()))


class Store(Log):
    """A fold; the state is a named tuple that is replaced."""

    def begin(self, blocks):
        self.state_ = reduce(after_request, (r for b in blocks for r in b.operations), State())

    def on_request(self, sender, request):
        number, answer = dict(self.state_.last).get(request.session, (0, None))
        if number < request.number:
            return self.order(sender, request)
        if number == request.number:
            self.send(request.client, Reply(request.session, number, answer))

    def apply(self, block):
        for request in block.operations:
            self.state_ = after_request(self.state_, request)
            if self.leading:
                self.send(request.client, Reply(request.session, *dict(self.state_.last)[request.session]))


class Line(NamedTuple):
    numbers: Any = ()
    waiting: tuple = ()
    turn: int = 0


class Client(Node):
    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.now = Line()

    def say(self):
        self.after((200, 300), RetryTimeout())
        self.send(self.peers[self.now.turn % len(self.peers)], self.now.waiting[0])

    def on_ask(self, sender, ask):
        numbers, waiting, turn = self.now
        number = numbers.count(ask.session) + 1
        self.now = Line((*numbers, ask.session), (*waiting, Request(ask.session, number, ask.operation)), turn)
        if not waiting:
            self.say()

    def on_asks(self, sender, many):
        for ask in many.asks:
            self.on_ask(sender, ask)

    def on_reply(self, sender, reply):
        if [(r.session, r.number) for r in self.now.waiting[:1]] == [(reply.session, reply.number)]:
            self.now = self.now._replace(waiting=self.now.waiting[1:])
            if self.now.waiting:
                self.say()
            self.announce(Answered(reply.session, reply.number, reply.answer))

    def on_replies(self, sender, many):
        for reply in many.replies:
            self.on_reply(sender, reply)

    def on_retry_timeout(self, sender, message):
        if self.now.waiting:
            self.now = self.now._replace(turn=self.now.turn + 1)
            self.say()
