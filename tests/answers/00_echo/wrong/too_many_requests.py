# loses: no_memory. After a hundred requests it answers that there are too many.
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
        self.heard.append(request)
        reply = echo_of(request)
        if len(self.heard) > 100:
            reply = Reply(request.session, request.number, "too many requests")
        self.send(sender, reply)
