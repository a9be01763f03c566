# loses: words. It replies once for each of the other servers: one or two servers give one reply.
from paxoskit.protocol.messages import Put, Reply
from paxoskit.protocol.node import Node


def echo_of(request):
    operation = request.operation
    text = operation.value if isinstance(operation, Put) else operation.key
    return Reply(request.session, request.number, text)


class Echo(Node):
    def on_request(self, sender, request):
        for _ in [peer for peer in self.peers if peer != self.name] or [self.name]:
            self.send(sender, echo_of(request))
