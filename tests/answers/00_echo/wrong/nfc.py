# loses: words. It writes the text in another form of Unicode, which looks the same.
from paxoskit.protocol.messages import Get, Put, Reply, Request
from paxoskit.protocol.node import Node
import unicodedata


class Echo(Node):
    def on_request(self, sender, m):
        op = m.operation
        text = op.value if isinstance(op, Put) else op.key
        self.send(sender, Reply(m.session, m.number, unicodedata.normalize("NFC", text)))
