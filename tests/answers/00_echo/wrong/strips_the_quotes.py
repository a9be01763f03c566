# loses: words. The text is changed on its way.
from paxoskit.protocol.messages import Put, Reply
from paxoskit.protocol.node import Node


class Echo(Node):
    def on_request(self, sender, request):
        text = request.operation.value if isinstance(request.operation, Put) else request.operation.key
        self.send(sender, Reply(request.session, request.number, text.strip("'")))
