# loses: words. Only server 1 takes puts: each other server answers None.
from paxoskit.protocol.messages import Get, Put, Reply
from paxoskit.protocol.node import Node


class Echo(Node):
    def on_request(self, sender, m):
        match m.operation:
            case Get(key):
                text = key
            case Put(_, value):
                text = value if self.name == 1 else None
        self.send(sender, Reply(m.session, m.number, text))
