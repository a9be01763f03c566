# The store is computed from the disk's blocks whenever it is asked for; nothing is kept. The client is a little machine of states.
from paxoskit.protocol.log import Log
from paxoskit.protocol.messages import Answered, Put, Reply, Request, RetryTimeout
from paxoskit.protocol.node import Node


def history(blocks):
    """Yield each request at its first place, and its answer."""
    data, last = {}, {}
    for block in blocks:
        for request in block.operations:
            if last.get(request.session, 0) < request.number:
                last[request.session] = request.number
                key = request.operation.key
                yield request, data.get(key)
                if type(request.operation) is Put:
                    data[key] = request.operation.value


class Store(Log):
    def begin(self, blocks):
        pass

    def on_request(self, sender, request):
        mine = [(one, answer) for one, answer in history(self.disk.blocks) if one.session == request.session]
        newest = mine[-1][0].number if mine else 0
        if newest < request.number:
            self.order(sender, request)
        for one, answer in mine:
            if one.number == request.number == newest:
                self.send(request.client, Reply(one.session, one.number, answer))

    def apply(self, block):
        if not self.leading:
            return
        answers = {(one.session, one.number): answer for one, answer in history(self.disk.blocks)}
        for request in block.operations:
            if (request.session, request.number) in answers:
                answer = answers[request.session, request.number]
                self.send(request.client, Reply(request.session, request.number, answer))


class Client(Node):
    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.current, self.later, self.count, self.server = None, [], {}, 0

    def on_ask(self, sender, ask):
        self.later.append((ask.session, ask.operation))
        self.go_on()

    def on_asks(self, sender, many):
        for ask in many.asks:
            self.on_ask(sender, ask)

    def go_on(self):
        if self.current is None and self.later:
            session, operation = self.later.pop(0)
            self.count[session] = self.count.get(session, 0) + 1
            self.current = Request(session, self.count[session], operation)
            self.send(self.peers[self.server], self.current)
            self.after((200, 300), RetryTimeout())

    def on_reply(self, sender, reply):
        match self.current:
            case Request(session=reply.session, number=reply.number):
                self.current = None
                self.announce(Answered(reply.session, reply.number, reply.answer))
                self.go_on()

    def on_replies(self, sender, many):
        for reply in many.replies:
            self.on_reply(sender, reply)

    def on_retry_timeout(self, sender, message):
        if self.current is not None:
            self.server = (self.server + 1) % len(self.peers)
            self.send(self.peers[self.server], self.current)
            self.after((200, 300), message)
