# loses: again. Believes that servers are named 1, 2, 3, … without a gap.
from paxoskit.protocol.log import Log
from paxoskit.protocol.messages import Answered, Put, Reply, Request, RetryTimeout
from paxoskit.protocol.node import Node


class Store(Log):
    def begin(self, blocks):
        self.data = {}
        self.done = {}
        for block in blocks:
            for request in block.operations:
                self.perform(request)

    def perform(self, request):
        number, answer = self.done.get(request.session, (0, None))
        if request.number > number:
            operation = request.operation
            answer = self.data.get(operation.key)
            if isinstance(operation, Put):
                self.data[operation.key] = operation.value
            self.done[request.session] = (request.number, answer)

    def on_request(self, sender, request):
        number, answer = self.done.get(request.session, (0, None))
        if request.number > number:
            self.order(sender, request)
        elif request.number == number:
            self.send(request.client, Reply(request.session, number, answer))

    def apply(self, block):
        for request in block.operations:
            self.perform(request)
            number, answer = self.done[request.session]
            if self.leading and number == request.number:
                self.send(request.client, Reply(request.session, number, answer))


class Client(Node):
    PATIENCE = (200.0, 300.0)

    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.numbers = {}
        self.line = []
        self.server = 1

    def on_ask(self, sender, ask):
        number = self.numbers[ask.session] = self.numbers.get(ask.session, 0) + 1
        self.line.append(Request(ask.session, number, ask.operation))
        if len(self.line) == 1:
            self.send_first()

    def send_first(self):
        self.send(self.server, self.line[0])
        self.after(self.PATIENCE, RetryTimeout())

    def on_asks(self, sender, many):
        for ask in many.asks:
            self.on_ask(sender, ask)

    def on_reply(self, sender, reply):
        if not self.line or (self.line[0].session, self.line[0].number) != (reply.session, reply.number):
            return
        self.line.pop(0)
        self.announce(Answered(reply.session, reply.number, reply.answer))
        if self.line:
            self.send_first()

    def on_replies(self, sender, many):
        for reply in many.replies:
            self.on_reply(sender, reply)

    def on_retry_timeout(self, sender, message):
        if self.line:
            self.server = self.server % len(self.peers) + 1
            self.send_first()
