# loses: right_node. A timer makes it send each reply once more, unasked.
from dataclasses import dataclass
from paxoskit.protocol.messages import Get, Put, Reply, Request
from paxoskit.protocol.node import Node
from paxoskit.protocol.plain import Message


def text_of(op):
    return op.value if isinstance(op, Put) else op.key


@dataclass(frozen=True)
class Again(Message):
    to: str
    reply: Reply


class Echo(Node):
    def on_request(self, sender, r):
        reply = Reply(r.session, r.number, text_of(r.operation))
        self.send(sender, reply)
        self.after((100, 200), Again(sender, reply))

    def on_again(self, sender, m):
        self.send(m.to, m.reply)
