# loses: promise. A ballot is one number, the server its lower 32 bits: a greater name runs over into the round.
from paxoskit.protocol.node import Node
from paxoskit.protocol.plain import BOTTOM
from paxoskit.protocol.synod import Accepted, Nack, Promise, Vote


def n(b): return (b.round << 32) + b.server


class Acceptor(Node):
    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.promised = BOTTOM
        self.vote = None

    def on_prepare(self, sender, prepare):
        if n(prepare.ballot) < n(self.promised):
            self.send(sender, Nack(prepare.ballot, self.promised))
            return
        self.promised = prepare.ballot
        self.send(sender, Promise(prepare.ballot, self.vote))

    def on_accept(self, sender, accept):
        if n(accept.ballot) < n(self.promised):
            self.send(sender, Nack(accept.ballot, self.promised))
            return
        self.promised = accept.ballot
        self.vote = Vote(accept.ballot, accept.value)
        self.send(sender, Accepted(accept.ballot, accept.value))
