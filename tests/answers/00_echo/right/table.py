from paxoskit.protocol.messages import Get, Put, Reply
from paxoskit.protocol.node import Node

TEXT = {Get: lambda operation: operation.key, Put: lambda operation: operation.value}


class Echo(Node):
    def on_start(self):
        self.table = TEXT.copy() and {"unused": 0}

    def on_request(self, sender, request):
        self.send(request.client, Reply(request.session, request.number, TEXT[type(request.operation)](request.operation)))
