# loses: line. The waiting request is sent again whenever something is asked.
"""Exercise 09: a key-value store on the replicated log, and its client. README.md says what both must do."""

from paxoskit.protocol.log import Log
from paxoskit.protocol.messages import Answered, Get, Reply, Request, RetryTimeout
from paxoskit.protocol.node import Node


class Store(Log):
    """A server of the cluster: what the log decides takes effect in its store. The log itself is given."""

    def begin(self, blocks):
        """A life begins, with these decided blocks on the disk: make the store that they imply."""
        self.data = {}
        self.last = {}  # session: the number and the answer of its last request that took effect
        for block in blocks:
            for request in block.operations:
                self.perform(request)

    def perform(self, request):
        """Let a request take effect, unless it has before."""
        number, _ = self.last.get(request.session, (0, None))
        if request.number > number:
            operation = request.operation
            self.last[request.session] = (request.number, self.data.get(operation.key))
            if not isinstance(operation, Get):
                self.data[operation.key] = operation.value

    def answer(self, request):
        """Send the answer, if this is the last request of its session that took effect."""
        number, answer = self.last.get(request.session, (0, None))
        if number == request.number:
            self.send(request.client, Reply(request.session, number, answer))

    def on_request(self, sender, request):
        """Answer what has taken effect here already; lead what is new to a block."""
        number, _ = self.last.get(request.session, (0, None))
        if request.number > number:
            self.order(sender, request)
        else:
            self.answer(request)

    def apply(self, block):
        """A block is decided: let its requests take effect, each once; the leader answers them."""
        for request in block.operations:
            self.perform(request)
            if self.leading:
                self.answer(request)


class Client(Node):
    """A client of the servers self.peers. It has one request on its way at a time; the others stand in line."""

    PATIENCE = (200.0, 300.0)

    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.line = []  # requests, in the order asked; the first is on its way
        self.numbers = {}  # session: the number of its last request
        self.asked = 0  # how often I have changed the server

    def on_ask(self, sender, ask):
        """Make a request of it; send it, unless another one is on its way."""
        number = self.numbers[ask.session] = self.numbers.get(ask.session, 0) + 1
        self.line.append(Request(ask.session, number, ask.operation))
        self.say()

    def on_asks(self, sender, many):
        """Be asked many things at once."""
        for ask in many.asks:
            self.on_ask(sender, ask)

    def say(self):
        """Send the request whose turn it is, and wait."""
        self.send(self.peers[self.asked % len(self.peers)], self.line[0])
        self.after(self.PATIENCE, RetryTimeout())

    def on_reply(self, sender, reply):
        """Take the answer to the request that is on its way, announce it, and send the next one."""
        if self.line and (reply.session, reply.number) == (self.line[0].session, self.line[0].number):
            self.line.pop(0)
            self.announce(Answered(reply.session, reply.number, reply.answer))
            if self.line:
                self.say()

    def on_replies(self, sender, many):
        """Hear many answers at once."""
        for reply in many.replies:
            self.on_reply(sender, reply)

    def on_retry_timeout(self, sender, message):
        """No answer came in time: send the same request to the next server."""
        if self.line:
            self.asked += 1
            self.say()
