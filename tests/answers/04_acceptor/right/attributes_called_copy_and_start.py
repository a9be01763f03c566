# What it knows is in attributes called copy and start, as methods of Node are.
from paxoskit.protocol.node import Node
from paxoskit.protocol.plain import BOTTOM, Ballot
from paxoskit.protocol.synod import Accept, Accepted, Nack, Prepare, Promise, Vote

class Acceptor(Node):
    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.start = BOTTOM
        self.copy = None
    def on_prepare(self, sender, prepare):
        if prepare.ballot < self.start:
            self.send(sender, Nack(prepare.ballot, self.start))
        else:
            self.start = prepare.ballot
            self.send(sender, Promise(prepare.ballot, self.copy))
    def on_accept(self, sender, accept):
        if accept.ballot < self.start:
            self.send(sender, Nack(accept.ballot, self.start))
        else:
            self.start = accept.ballot
            self.copy = Vote(accept.ballot, accept.value)
            self.send(sender, Accepted(accept.ballot, accept.value))
