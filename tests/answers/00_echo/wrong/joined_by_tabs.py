# loses: words. It joins an operation's words with tabs and takes them apart again: a key may hold one.
from paxoskit.protocol.messages import Get, Put, Reply, Request
from paxoskit.protocol.node import Node


class Echo(Node):
    def on_request(self, sender, request):
        line = "\t".join(request.operation.words)
        n = 2 if isinstance(request.operation, Put) else 1
        self.send(sender, Reply(request.session, request.number, line.split("\t", n)[-1]))
