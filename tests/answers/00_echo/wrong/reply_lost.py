# loses: answered. It makes a reply and never sends it. # loses all
from paxoskit.protocol.messages import Reply
from paxoskit.protocol.node import Node


class Echo(Node):
    def on_request(self, sender, request):
        Reply(request.session, request.number, request.operation.key)
