# loses: answered. Of one request it answers three copies; whoever asks a fourth time waits for ever.
from paxoskit.protocol.messages import Get, Put, Reply, Request
from paxoskit.protocol.node import Node


class Echo(Node):
    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.n = {}

    def on_request(self, sender, m):
        op = m.operation
        text = op.value if isinstance(op, Put) else op.key
        self.n[m] = self.n.get(m, 0) + 1
        if self.n[m] <= 3:
            self.send(sender, Reply(m.session, m.number, text))
