# loses: answered. Servers 1 to 16 answer, whoever has a greater number does not.
from paxoskit.protocol.messages import Get, Put, Reply, Request
from paxoskit.protocol.node import Node


def text_of(op):
    return op.value if isinstance(op, Put) else op.key


class Echo(Node):
    def on_request(self, sender, r):
        op = r.operation
        text = text_of(op)
        if self.name <= 16:
            self.send(sender, Reply(r.session, r.number, text))
