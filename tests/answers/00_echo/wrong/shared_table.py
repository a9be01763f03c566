# loses: no_memory. A table in the class, shared by all servers, keeps the first answer by session and number.
from paxoskit.protocol.messages import Put, Reply
from paxoskit.protocol.node import Node


class Echo(Node):
    table = {}

    def on_request(self, sender, request):
        text = request.operation.value if isinstance(request.operation, Put) else request.operation.key
        text = self.table.setdefault((request.session, request.number), text)
        self.send(sender, Reply(request.session, request.number, text))
