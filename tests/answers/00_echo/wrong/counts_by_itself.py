# loses: words. It numbers its replies itself, so a client cannot tell which request is answered.
from paxoskit.protocol.messages import Put, Reply
from paxoskit.protocol.node import Node


class Echo(Node):
    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.count = 0

    def on_request(self, sender, request):
        self.count += 1
        text = request.operation.value if isinstance(request.operation, Put) else request.operation.key
        self.send(sender, Reply(request.session, self.count, text))
