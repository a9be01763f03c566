# loses: answered. Servers with a number above 5 say nothing to puts.
from paxoskit.protocol.messages import Put, Reply
from paxoskit.protocol.node import Node


class Echo(Node):
    def on_request(self, sender, request):
        operation = request.operation
        if isinstance(operation, Put) and self.name > 5:
            return
        text = operation.value if isinstance(operation, Put) else operation.key
        self.send(sender, Reply(request.session, request.number, text))
