# loses: words. After a crash the first request is answered by the last text of the life before.
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
        last: str = ""

    def on_start(self):
        self.last = self.disk.last

    def on_request(self, sender, request):
        text = self.last or echo_of(request).answer
        self.last, self.disk.last = "", text
        self.send(sender, Reply(request.session, request.number, text))
