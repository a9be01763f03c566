# loses: answered. Servers 1 to 3 answer, a fourth one does not.
from paxoskit.protocol.messages import Get, Put, Reply, Request
from paxoskit.protocol.node import Node


class Echo(Node):
    def on_request(self, sender, request):
        if self.name <= 3:
            self.send(sender, Reply(request.session, request.number, request.operation.words[-1]))
