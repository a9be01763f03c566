# Keeps nothing: every answer is read off the blocks, every request off the list of what was asked.
from paxoskit.protocol.log import Log
from paxoskit.protocol.messages import Answered, Get, Put, Reply, Request, RetryTimeout
from paxoskit.protocol.node import Node


class Store(Log):
    """Looks into its blocks for everything: keeps nothing at all of its own."""

    def begin(self, blocks):
        pass

    def places(self, blocks):
        seen = {}
        values = {}
        for block in blocks:
            for request in block.operations:
                if request.number > seen.get(request.session, (0,))[0]:
                    seen[request.session] = request.number, values.get(request.operation.key)
                    if isinstance(request.operation, Put):
                        values[request.operation.key] = request.operation.value
        return seen

    def on_request(self, sender, request):
        number, answer = self.places(self.disk.blocks).get(request.session, (0, None))
        if request.number > number:
            self.order(sender, request)
        if request.number == number:
            self.send(request.client, Reply(request.session, number, answer))

    def apply(self, block):
        if self.leading:
            seen = self.places(self.disk.blocks)
            for request in block.operations:
                if seen[request.session][0] == request.number:
                    self.send(request.client, Reply(request.session, *seen[request.session]))


class Client(Node):
    """Everything follows from the list of asks and the count of answers."""

    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.asked = []
        self.answered = 0
        self.rings = 0

    @property
    def request(self):
        if self.answered == len(self.asked):
            return None
        ask = self.asked[self.answered]
        return Request(ask.session, [a.session for a in self.asked[: self.answered + 1]].count(ask.session), ask.operation)

    def go(self):
        if self.request:
            self.send(self.peers[self.rings % len(self.peers)], self.request)
            self.after((200, 300), RetryTimeout())

    def on_ask(self, sender, ask):
        idle = not self.request
        self.asked.append(ask)
        if idle:
            self.go()

    def on_asks(self, sender, many):
        for ask in many.asks:
            self.on_ask(sender, ask)

    def on_reply(self, sender, reply):
        request = self.request
        if request and request.session == reply.session and request.number == reply.number:
            self.answered += 1
            self.announce(Answered(reply.session, reply.number, reply.answer))
            self.go()

    def on_replies(self, sender, many):
        for reply in many.replies:
            self.on_reply(sender, reply)

    def on_retry_timeout(self, sender, message):
        self.rings += 1
        self.go()
