# loses: words. After a crash it answers that it recovers.
from dataclasses import dataclass

from paxoskit.protocol.messages import Put, Reply
from paxoskit.protocol.node import Node


def echo_of(request):
    operation = request.operation
    text = operation.value if isinstance(operation, Put) else operation.key
    return Reply(request.session, request.number, text)


class Echo(Node):
    @dataclass
    class Disk:
        lives: int = 0

    def on_start(self):
        self.disk.lives += 1

    def on_request(self, sender, request):
        reply = echo_of(request)
        if self.disk.lives > 1:
            reply = Reply(request.session, request.number, "recovering")
        self.send(sender, reply)
