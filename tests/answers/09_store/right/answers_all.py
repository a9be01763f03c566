# Keeps the answer to every request for ever, and answers old copies too; the client asks all servers when it hears nothing.
from paxoskit.protocol.log import Log
from paxoskit.protocol.messages import Answered, Put, Reply, Request, RetryTimeout
from paxoskit.protocol.node import Node


class Store(Log):
    def begin(self, blocks):
        self.state, self.answers = {}, {}
        for block in blocks:
            self.do(block)

    def do(self, block):
        for one in block.operations:
            name = (one.session, one.number)
            if name in self.answers or (one.session, one.number + 1) in self.answers:
                continue
            key = one.operation.key
            self.answers[name] = self.state.get(key)
            if isinstance(one.operation, Put):
                self.state[key] = one.operation.value

    def on_request(self, sender, request):
        if not self.reply(request):
            self.order(sender, request)

    def reply(self, request):
        name = (request.session, request.number)
        if name in self.answers:
            self.send(request.client, Reply(*name, self.answers[name]))
        return name in self.answers

    def apply(self, block):
        self.do(block)
        for request in block.operations if self.leading else ():
            self.reply(request)


class Client(Node):
    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.asked = []
        self.done = 0
        self.rings = 0

    @property
    def mine(self):
        if self.done < len(self.asked):
            ask = self.asked[self.done]
            number = sum(one.session == ask.session for one in self.asked[: self.done + 1])
            return Request(ask.session, number, ask.operation)

    def on_ask(self, sender, ask):
        free = self.mine is None
        self.asked.append(ask)
        if free:
            self.send(self.peers[-1], self.mine)
            self.after((200, 300), RetryTimeout())

    def on_asks(self, sender, many):
        for ask in many.asks:
            self.on_ask(sender, ask)

    def on_reply(self, sender, reply):
        mine = self.mine
        if mine is None or (mine.session, mine.number) != (reply.session, reply.number):
            return
        self.done += 1
        self.announce(Answered(mine.session, mine.number, reply.answer))
        if self.mine:
            self.send(sender if sender in self.peers else self.peers[0], self.mine)
            self.after((200, 300), RetryTimeout())

    def on_replies(self, sender, many):
        for reply in many.replies:
            self.on_reply(sender, reply)

    def on_retry_timeout(self, sender, message):
        if self.mine:
            self.broadcast(self.mine)
            self.after((200, 300), RetryTimeout())
