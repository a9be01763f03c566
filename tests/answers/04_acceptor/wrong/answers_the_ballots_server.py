# loses: answers. Its answers go to the server in the ballot, whoever asked.
# loses nothing else
from paxoskit.protocol.node import Node
from paxoskit.protocol.plain import BOTTOM
from paxoskit.protocol.synod import Accepted, Nack, Promise, Vote

class Acceptor(Node):
    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.promised = BOTTOM
        self.vote = None

    def on_prepare(self, sender, prepare):
        if prepare.ballot < self.promised:
            self.send(prepare.ballot.server, Nack(prepare.ballot, self.promised))
            return
        self.promised = prepare.ballot
        self.send(prepare.ballot.server, Promise(prepare.ballot, self.vote))

    def on_accept(self, sender, accept):
        if accept.ballot < self.promised:
            self.send(accept.ballot.server, Nack(accept.ballot, self.promised))
            return
        self.promised = accept.ballot
        self.vote = Vote(accept.ballot, accept.value)
        self.send(accept.ballot.server, Accepted(accept.ballot, accept.value))
