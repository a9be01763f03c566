# loses: right_node. The first server answers each put, and passes it on to its peers.
from paxoskit.protocol.messages import Put, Reply
from paxoskit.protocol.node import Node


class Echo(Node):
    def on_request(self, sender, m):
        put = isinstance(m.operation, Put)
        self.send(sender, Reply(m.session, m.number, m.operation.value if put else m.operation.key))
        if put and self.name == 1:
            for peer in self.peers:
                if peer != self.name:
                    self.send(peer, m)
