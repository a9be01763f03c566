"""Exercise 09: a key-value store on the replicated log, and its client. README.md says what both must do."""

from paxoskit.protocol.log import Log
from paxoskit.protocol.messages import Answered, Get, Reply, Request, RetryTimeout
from paxoskit.protocol.node import Node


class Store(Log):
    """A server of the cluster: what the log decides takes effect in its store. The log itself is given."""

    def begin(self, blocks):
        """A life begins, with these decided blocks on the disk: make the store that they imply."""
        raise NotImplementedError(
            "begin: what does a store hold, and how do decided blocks fill it? nothing is answered here"
        )

    def on_request(self, sender, request):
        """Answer what has taken effect here already; lead what is new to a block."""
        raise NotImplementedError(
            "on_request: is it done already? then answer it; a new one goes into the log, a get too"
        )

    def apply(self, block):
        """A block is decided: let its requests take effect, each once; the leader answers them."""
        raise NotImplementedError("apply: what becomes of each request of the block? who answers it?")


class Client(Node):
    """A client of the servers self.peers. It has one request on its way at a time; the others stand in line."""

    PATIENCE = (200.0, 300.0)

    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        raise NotImplementedError("Client: what must it remember of what it was asked, and of what it has sent?")

    def on_ask(self, sender, ask):
        """Make a request of it; send it, unless another one is on its way."""
        raise NotImplementedError("on_ask: number it within its session, put it in line, send it if it is the first")

    def on_asks(self, sender, many):
        """Be asked many things at once."""
        for ask in many.asks:
            self.on_ask(sender, ask)

    def on_reply(self, sender, reply):
        """Take the answer to the request that is on its way, announce it, and send the next one."""
        raise NotImplementedError(
            "on_reply: is it the answer to what is on its way? then Answered, and the next in line"
        )

    def on_replies(self, sender, many):
        """Hear many answers at once."""
        for reply in many.replies:
            self.on_reply(sender, reply)

    def on_retry_timeout(self, sender, message):
        """No answer came in time: send the same request to the next server."""
        raise NotImplementedError("on_retry_timeout: is anything on its way? the next server may be up")
