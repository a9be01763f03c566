# loses: promise. A ballot is one number, with 16 bits for the server: greater names wrap around.
from paxoskit.protocol.node import Node
from paxoskit.protocol.plain import BOTTOM, Ballot
from paxoskit.protocol.synod import Accept, Accepted, Nack, Prepare, Promise, Vote


def key(b):
    return b.round << 16 | b.server & 0xFFFF


class Acceptor(Node):
    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.promised = BOTTOM
        self.vote = None

    def on_prepare(self, sender, prepare):
        if key(prepare.ballot) < key(self.promised):
            self.send(sender, Nack(prepare.ballot, self.promised))
        else:
            self.promised = prepare.ballot
            self.send(sender, Promise(prepare.ballot, self.vote))

    def on_accept(self, sender, accept):
        if key(accept.ballot) < key(self.promised):
            self.send(sender, Nack(accept.ballot, self.promised))
        else:
            self.promised = accept.ballot
            self.vote = Vote(accept.ballot, accept.value)
            self.send(sender, Accepted(accept.ballot, accept.value))
