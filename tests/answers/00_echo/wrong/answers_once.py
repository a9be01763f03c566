# loses: answered. A copy of a request gets no answer.
from paxoskit.protocol.messages import Put, Reply
from paxoskit.protocol.node import Node


class Echo(Node):
    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.seen = set()

    def on_request(self, sender, request):
        if request in self.seen:
            return
        self.seen.add(request)
        text = request.operation.value if isinstance(request.operation, Put) else request.operation.key
        self.send(sender, Reply(request.session, request.number, text))
