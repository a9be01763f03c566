# loses: no_memory. A copy of a request gets two replies.
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
        for _ in range(2 if request in self.heard else 1):
            self.send(sender, echo_of(request))
        self.heard.append(request)
