# loses: no_memory. It keeps replies under the joined words of a request: put(x y, z) and put(x, y z) look the same.
from paxoskit.protocol.messages import Get, Put, Reply, Request
from paxoskit.protocol.node import Node


def text_of(op):
    return op.value if isinstance(op, Put) else op.key


class Echo(Node):
    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.c = {}

    def on_request(self, sender, r):
        op = r.operation
        text = text_of(op)
        rep = self.c.setdefault(" ".join([r.session, str(r.number), *op.words]), Reply(r.session, r.number, text))
        self.send(sender, rep)
