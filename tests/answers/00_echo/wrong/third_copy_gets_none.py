# loses: no_memory. A request that comes for the third time is answered None.
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
        if self.heard.count(request) > 1:
            reply = Reply(request.session, request.number, None)
        self.heard.append(request)
        self.send(sender, reply)
