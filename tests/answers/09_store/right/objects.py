# A table and a register as objects of their own, a match statement, answers sent as Replies, a client with deques.
from collections import deque
from dataclasses import dataclass, field

from paxoskit.protocol.log import Log
from paxoskit.protocol.messages import Answered, Get, Put, Replies, Reply, Request, RetryTimeout
from paxoskit.protocol.node import Node


@dataclass
class Machine:
    values: dict = field(default_factory=dict)
    done: dict = field(default_factory=dict)

    def knows(self, request):
        return self.done.get(request.session, {0: None})

    def feed(self, request):
        if request.number <= max(self.knows(request)):
            return
        match request.operation:
            case Get(key):
                answer = self.values.get(key)
            case Put(key, value):
                answer = self.values.get(key)
                self.values[key] = value
        self.done[request.session] = {request.number: answer}


class Store(Log):
    def begin(self, blocks):
        self.machine = Machine()
        for block in blocks:
            self.take(block)

    def take(self, block):
        for request in block.operations:
            self.machine.feed(request)

    def on_request(self, sender, request):
        known = self.machine.knows(request)
        if request.number in known:
            self.send(request.client, Reply(request.session, request.number, known[request.number]))
        elif request.number > max(known):
            self.order(sender, request)

    def apply(self, block):
        self.take(block)
        if self.leading:
            answers = {}
            for request in block.operations:
                known = self.machine.knows(request)
                if request.number in known:
                    reply = Reply(request.session, request.number, known[request.number])
                    answers.setdefault(request.client, []).append(reply)
            for client, replies in sorted(answers.items()):
                print("answers", client)
                self.send(client, Replies(tuple(replies)))


class Client(Node):
    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.waiting = deque()
        self.last = {}
        self.order = deque(reversed(self.peers))

    def on_ask(self, sender, ask):
        self.last[ask.session] = self.last.get(ask.session, 0) + 1
        self.waiting.append(Request(ask.session, self.last[ask.session], ask.operation))
        if len(self.waiting) < 2:
            self.ask_first()

    def on_asks(self, sender, many):
        for ask in many.asks:
            self.on_ask(sender, ask)

    def ask_first(self):
        if self.waiting:
            self.send(self.order[0], self.waiting[0])
            self.after((150.0, 400.0), RetryTimeout())

    def on_reply(self, sender, reply):
        if not self.waiting:
            return
        first = self.waiting[0]
        if first.session == reply.session and first.number == reply.number:
            self.waiting.popleft()
            self.announce(Answered(first.session, first.number, reply.answer))
            self.ask_first()

    def on_replies(self, sender, many):
        for reply in many.replies:
            self.on_reply(sender, reply)

    def on_retry_timeout(self, sender, message):
        self.order.rotate(1)
        self.ask_first()
