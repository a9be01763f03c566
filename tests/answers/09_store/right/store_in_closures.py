# Its store lives in variables of functions, and its client has a queue with a lock.
from queue import Queue, SimpleQueue

from paxoskit.protocol.log import Log
from paxoskit.protocol.messages import Answered, Get, Put, Reply, Request, RetryTimeout
from paxoskit.protocol.node import Node

def make_store():
    data, replies = {}, {}
    def lookup(request):
        return replies.get(request.session)
    def effect(request):
        was = lookup(request)
        if was is not None and was.number >= request.number:
            return
        key = request.operation.key
        replies[request.session] = Reply(request.session, request.number, data.get(key))
        if type(request.operation) is Put:
            data[key] = request.operation.value
    return lookup, effect
class Store(Log):
    def begin(self, blocks):
        self.lookup, self.effect = make_store()
        [self.effect(request) for block in blocks for request in block.operations]
    def on_request(self, sender, request):
        reply = self.lookup(request)
        if reply is None or reply.number < request.number:
            self.order(sender, request)
        elif reply.number == request.number:
            self.send(request.client, reply)
    def apply(self, block):
        for request in block.operations:
            self.effect(request)
            reply = self.lookup(request)
            if self.leading and reply.number == request.number:
                self.send(request.client, reply)


class Client(Node):
    PATIENCE = (200.0, 300.0)
    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.waiting = Queue()
        self.current = None
        self.sequence = {}
        self.server = 0
    def on_ask(self, sender, ask):
        number = self.sequence.setdefault(ask.session, 1)
        self.sequence[ask.session] += 1
        self.waiting.put(Request(ask.session, number, ask.operation))
        self.next()
    def on_asks(self, sender, many):
        for ask in many.asks:
            self.on_ask(sender, ask)
    def next(self):
        if self.current is None and not self.waiting.empty():
            self.current = self.waiting.get()
            self.transmit()
    def transmit(self):
        self.send(self.peers[self.server], self.current)
        self.after(self.PATIENCE, RetryTimeout())
    def on_reply(self, sender, reply):
        if self.current is None or reply.session != self.current.session or reply.number != self.current.number:
            return
        self.current = None
        self.announce(Answered(reply.session, reply.number, reply.answer))
        self.next()
    def on_replies(self, sender, many):
        for reply in many.replies:
            self.on_reply(sender, reply)
    def on_retry_timeout(self, sender, message):
        if self.current is not None:
            self.server = (self.server + 1) % len(self.peers)
            self.transmit()
