# loses: no_memory. What it answered before a crash it answers after it, whatever is asked under that name.
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
        replies: tuple = ()

    def on_start(self):
        self.known = {(reply.session, reply.number): reply for reply in self.disk.replies}

    def on_request(self, sender, request):
        reply = self.known.get((request.session, request.number), echo_of(request))
        self.disk.replies += (reply,)
        self.send(sender, reply)
