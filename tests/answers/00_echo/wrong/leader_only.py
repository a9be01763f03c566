# loses: right_node. Only server 1 answers: an echo has no leader.
from paxoskit.protocol.messages import Get, Put, Reply, Request
from paxoskit.protocol.node import Node


class Echo(Node):
    def on_request(self, sender, m):
        op = m.operation
        text = op.value if isinstance(op, Put) else op.key
        if self.name == 1:
            self.send(sender, Reply(m.session, m.number, text))
