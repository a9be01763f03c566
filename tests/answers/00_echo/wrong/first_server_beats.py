# loses: right_node. The first server sends its peers a beat whenever its timer rings.
from dataclasses import dataclass
from paxoskit.protocol.messages import Put, Reply
from paxoskit.protocol.node import Node
from paxoskit.protocol.plain import Message


@dataclass(frozen=True)
class Beat(Message):
    pass


class Echo(Node):
    def on_start(self):
        if self.name == 1:
            self.after((50, 100), Beat())

    def on_request(self, sender, m):
        op = m.operation
        self.send(sender, Reply(m.session, m.number, op.value if isinstance(op, Put) else op.key))

    def on_beat(self, sender, m):
        if sender == self.name:
            for peer in self.peers:
                if peer != self.name:
                    self.send(peer, Beat())
            self.after((50, 100), Beat())
