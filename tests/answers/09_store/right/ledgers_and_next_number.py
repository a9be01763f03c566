from paxoskit.protocol.log import Log
from paxoskit.protocol.messages import Answered, Get, Put, Reply, Request, RetryTimeout
from paxoskit.protocol.node import Node


class Ledger:
    """A session's last number and answer."""

    def __init__(self, number=0, answer=None):
        self.number, self.answer = number, answer


class Store(Log):
    """A table of operations; the ledger of a session; next number exactly; begin uses apply without a leader."""

    def begin(self, blocks):
        self.table = []
        self.ledgers = {}
        for block in blocks:
            self.effect(block)

    def lookup(self, key):
        return next((value for known, value in self.table if known == key), None)

    def read(self, operation):
        return self.lookup(operation.key)

    def write(self, operation):
        old = self.lookup(operation.key)
        self.table = [(operation.key, operation.value)] + [pair for pair in self.table if pair[0] != operation.key]
        return old

    KINDS = {Get: read, Put: write}

    def effect(self, block):
        replies = []
        for request in block.operations:
            ledger = self.ledgers.setdefault(request.session, Ledger())
            if request.number == ledger.number + 1:
                self.ledgers[request.session] = ledger = Ledger(request.number, self.KINDS[type(request.operation)](self, request.operation))
            if request.number == ledger.number:
                replies.append((request.client, Reply(request.session, ledger.number, ledger.answer)))
        return replies

    def on_request(self, sender, request):
        ledger = self.ledgers.get(request.session, Ledger())
        if request.number > ledger.number:
            self.order(sender, request)
        if request.number == ledger.number:
            self.send(request.client, Reply(request.session, ledger.number, ledger.answer))

    def apply(self, block):
        replies = self.effect(block)
        if self.leading:
            for client, reply in replies:
                self.send(client, reply)


class Client(Node):
    """One queue of dicts, generator-free; retries at a running index over the peers, the current one skipped."""

    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.count, self.waiting, self.current, self.tries = {}, [], None, 0

    def go_on(self):
        if self.current is None and self.waiting:
            ask = self.waiting[0]
            del self.waiting[0]
            self.count[ask.session] = self.count.setdefault(ask.session, 0) + 1
            self.current = Request(ask.session, self.count[ask.session], ask.operation)
            self.put_out()

    def put_out(self):
        self.after((200, 300), RetryTimeout())
        self.send(self.peers[self.tries % len(self.peers)], self.current)

    def on_ask(self, sender, ask):
        self.waiting.append(ask)
        self.go_on()

    def on_asks(self, sender, many):
        self.waiting.extend(many.asks)
        self.go_on()

    def on_reply(self, sender, reply):
        if self.current is None:
            return
        if reply.session != self.current.session or reply.number != self.current.number:
            return
        self.current = None
        self.announce(Answered(reply.session, reply.number, reply.answer))
        self.go_on()

    def on_replies(self, sender, many):
        for reply in many.replies:
            self.on_reply(sender, reply)

    def on_retry_timeout(self, sender, message):
        self.tries += 1
        if self.current is not None:
            self.put_out()
