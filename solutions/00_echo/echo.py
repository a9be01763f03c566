"""Exercise 00: an echo. README.md, beside this file, says what to build; `check("00_echo")` says how far you are."""

from paxoskit.protocol.messages import Put, Reply
from paxoskit.protocol.node import Node


class Echo(Node):
    """A server that answers each request with what it heard."""

    def on_request(self, sender, request):
        """Answer a client's request: a get with its key, a put with its value."""
        # begin: on_request: send a Reply to whoever asked (README.md has the messages)
        operation = request.operation
        text = operation.value if isinstance(operation, Put) else operation.key
        self.send(sender, Reply(request.session, request.number, text))
        # end
