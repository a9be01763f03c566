# loses: words. Names of sessions are tidied up, so a client cannot tell which request is answered.
from paxoskit.protocol.messages import Get, Put, Reply, Request
from paxoskit.protocol.node import Node


class Echo(Node):
    def on_request(self, sender, request):
        self.send(sender, Reply(request.session.strip().lower(), request.number, request.operation.words[-1]))
