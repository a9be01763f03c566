# loses: right_node. It tells the other servers too, which nobody notices where there is one.
from paxoskit.protocol.messages import Get, Put, Reply, Request
from paxoskit.protocol.node import Node


class Echo(Node):
    def on_request(self, sender, m):
        op = m.operation
        text = op.value if isinstance(op, Put) else op.key
        self.send(sender, Reply(m.session, m.number, text))
        for p in self.peers:
            if p != self.name:
                self.send(p, m)
