# loses: words. A get of a key that was put gives the value back: this one stores.
from paxoskit.protocol.messages import Put, Reply
from paxoskit.protocol.node import Node

class Echo(Node):
    def on_request(self, sender, request):
        operation = request.operation
        self.d = getattr(self, 'd', {})
        if isinstance(operation, Put):
            self.d[operation.key] = operation.value
        answer = operation.value if isinstance(operation, Put) else self.d.get(operation.key, operation.key)
        self.send(sender, Reply(request.session, request.number, answer))
