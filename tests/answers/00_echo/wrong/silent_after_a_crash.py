# loses: answered. In its first life it answers, and after a crash no more.
from dataclasses import dataclass
from paxoskit.protocol.messages import Get, Put, Reply, Request
from paxoskit.protocol.node import Node


def text_of(op):
    return op.value if isinstance(op, Put) else op.key


class Echo(Node):
    @dataclass
    class Disk:
        lives: int = 0
    def on_start(self):
        self.disk.lives += 1

    def on_request(self, sender, r):
        if self.disk.lives == 1:
            self.send(sender, Reply(r.session, r.number, text_of(r.operation)))
