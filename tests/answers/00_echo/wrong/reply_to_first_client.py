# loses: right_node. It answers whoever asked first.
from paxoskit.protocol.messages import Put, Reply
from paxoskit.protocol.node import Node


class Echo(Node):
    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.client = None

    def on_request(self, sender, request):
        self.client = self.client or sender
        text = request.operation.value if isinstance(request.operation, Put) else request.operation.key
        self.send(self.client, Reply(request.session, request.number, text))
