# loses: words. A put is answered with its key.
from paxoskit.protocol.messages import Reply
from paxoskit.protocol.node import Node


class Echo(Node):
    def on_request(self, sender, request):
        self.send(sender, Reply(request.session, request.number, request.operation.key))
