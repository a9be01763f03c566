# loses: right_node. It answers all clients it has ever heard.
from paxoskit.protocol.messages import Put, Reply
from paxoskit.protocol.node import Node


class Echo(Node):
    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.clients = []

    def on_request(self, sender, request):
        if sender not in self.clients:
            self.clients.append(sender)
        text = request.operation.value if isinstance(request.operation, Put) else request.operation.key
        for client in self.clients:
            self.send(client, Reply(request.session, request.number, text))
