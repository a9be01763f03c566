# loses: answered. Its table has room for 64 clients; whoever comes later waits for ever.
from paxoskit.protocol.messages import Get, Put, Reply, Request
from paxoskit.protocol.node import Node


class Echo(Node):
    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.table = {}

    def on_request(self, sender, request):
        if sender not in self.table and len(self.table) >= 64:
            return
        self.table[sender] = request.number
        self.send(sender, Reply(request.session, request.number, request.operation.words[-1]))
