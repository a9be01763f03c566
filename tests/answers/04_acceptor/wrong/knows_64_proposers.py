# loses: answers. Its table has room for 64 proposers, and it promises nothing to others.
# loses nothing else
from paxoskit.protocol.node import Node
from paxoskit.protocol.plain import BOTTOM, Ballot
from paxoskit.protocol.synod import Accept, Accepted, Nack, Prepare, Promise, Vote


class Acceptor(Node):
    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.promised = BOTTOM
        self.vote = None
        self.known = []

    def on_prepare(self, sender, prepare):
        if sender not in self.known and len(self.known) < 64:
            self.known.append(sender)
        if prepare.ballot < self.promised or sender not in self.known:
            self.send(sender, Nack(prepare.ballot, self.promised))
        else:
            self.promised = prepare.ballot
            self.send(sender, Promise(prepare.ballot, self.vote))

    def on_accept(self, sender, accept):
        if accept.ballot < self.promised:
            self.send(sender, Nack(accept.ballot, self.promised))
        else:
            self.promised = accept.ballot
            self.vote = Vote(accept.ballot, accept.value)
            self.send(sender, Accepted(accept.ballot, accept.value))
