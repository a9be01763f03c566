# loses: answered. It sends the reply to itself: nothing leaves it.
# loses all
from paxoskit.protocol.messages import Put, Reply
from paxoskit.protocol.node import Node


class Echo(Node):
    def on_request(self, sender, request):
        text = request.operation.value if isinstance(request.operation, Put) else request.operation.key
        self.send(self.name, Reply(request.session, request.number, text))

    def on_reply(self, sender, reply):
        pass
