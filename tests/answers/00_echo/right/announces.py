# It tells the trace each word.
from paxoskit.protocol.messages import Get, Put, Reply, Request
from paxoskit.protocol.node import Node

from dataclasses import dataclass
from paxoskit.protocol.plain import Message


@dataclass(frozen=True)
class Echoed(Message):
    text: str


class Echo(Node):
    def on_request(self, sender, m):
        op = m.operation
        text = op.value if isinstance(op, Put) else op.key
        self.announce(Echoed(text))
        self.send(sender, Reply(m.session, m.number, text))
