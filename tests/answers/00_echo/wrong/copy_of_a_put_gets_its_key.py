# loses: no_memory. A copy of a put is answered by its key.
from paxoskit.protocol.messages import Put, Reply
from paxoskit.protocol.node import Node


def echo_of(request):
    operation = request.operation
    text = operation.value if isinstance(operation, Put) else operation.key
    return Reply(request.session, request.number, text)


class Echo(Node):
    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.heard = []

    def on_request(self, sender, request):
        reply = echo_of(request)
        if request in self.heard:
            reply = Reply(request.session, request.number, request.operation.key)
        self.heard.append(request)
        self.send(sender, reply)
