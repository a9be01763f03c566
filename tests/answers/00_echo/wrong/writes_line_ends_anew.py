# loses: words. It writes line ends as this machine does, so a text changes on its way.
from paxoskit.protocol.messages import Get, Put, Reply, Request
from paxoskit.protocol.node import Node


class Echo(Node):
    def on_request(self, sender, request):
        op = request.operation
        text = op.value if isinstance(op, Put) else op.key
        self.send(sender, Reply(request.session, request.number, text.replace("\r\n", "\n").replace("\r", "\n")))
