from paxoskit.protocol.messages import Get, Put, Reply
from paxoskit.protocol.node import Node


class Echo(Node):
    def on_request(self, sender, request):
        match request.operation:
            case Get(key=text) | Put(value=text):
                self.send(sender, Reply(session=request.session, number=request.number, answer=text))
