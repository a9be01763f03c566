# loses: answered. It is right a hundred times, and then says no more.
from paxoskit.protocol.messages import Get, Put, Reply, Request
from paxoskit.protocol.node import Node


class Echo(Node):
    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.n = 0

    def on_request(self, sender, m):
        op = m.operation
        text = op.value if isinstance(op, Put) else op.key
        self.n += 1
        if self.n <= 100:
            self.send(sender, Reply(m.session, m.number, text))
