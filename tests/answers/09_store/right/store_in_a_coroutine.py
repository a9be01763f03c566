# Its store is a coroutine, of which nobody can make a copy.
from paxoskit.protocol.log import Log
from paxoskit.protocol.messages import Answered, Get, Put, Reply, Request, RetryTimeout
from paxoskit.protocol.node import Node

def machine():
    """A coroutine: is sent a request, yields (number, answer) of its session after it."""
    data, done, result = {}, {}, None
    while True:
        request = yield result
        if done.get(request.session, (0,))[0] < request.number:
            done[request.session] = (request.number, data.get(request.operation.key))
            if isinstance(request.operation, Put):
                data[request.operation.key] = request.operation.value
        result = done[request.session]
class Store(Log):
    def begin(self, blocks):
        self.machine = machine()
        next(self.machine)
        self.table = {}
        for block in blocks:
            for request in block.operations:
                self.table[request.session] = self.machine.send(request)
    def on_request(self, sender, request):
        number, answer = self.table.get(request.session, (0, None))
        if request.number > number:
            self.order(sender, request)
        elif request.number == number:
            self.send(request.client, Reply(request.session, number, answer))
    def apply(self, block):
        for request in block.operations:
            self.table[request.session] = number, answer = self.machine.send(request)
            if self.leading and number == request.number:
                self.send(request.client, Reply(request.session, number, answer))

class Client(Node):
    """Asks the server that answered last first, then everybody at each ring."""
    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.pending: list = []
        self.counts: dict = {}
        self.favourite = min(peers)
        self.rings = 0
    def on_ask(self, sender, ask):
        n = self.counts[ask.session] = self.counts.get(ask.session, 0) + 1
        self.pending += [Request(ask.session, n, ask.operation)]
        if self.pending[1:] == []:
            self.first_time()
    def on_asks(self, sender, many):
        for ask in many.asks:
            self.on_ask(sender, ask)
    def first_time(self):
        self.rings = 0
        self.send(self.favourite, self.pending[0])
        self.after((200, 300), RetryTimeout())
    def on_reply(self, sender, reply):
        for request in self.pending[:1]:
            if (request.session, request.number) == (reply.session, reply.number):
                del self.pending[0]
                self.favourite = sender
                self.announce(Answered(request.session, request.number, reply.answer))
                if self.pending:
                    self.first_time()
    def on_replies(self, sender, many):
        for reply in many.replies:
            self.on_reply(sender, reply)
    def on_retry_timeout(self, sender, message):
        self.rings += 1
        for request in self.pending[:1]:
            for peer in self.peers if self.rings > 1 else [p for p in self.peers if p != self.favourite][:1]:
                self.send(peer, request)
            self.after((200, 300), RetryTimeout())
