# loses: answers. The value of a vote is kept in a dict of the class, by its ballot.
from paxoskit.protocol.node import Node
from paxoskit.protocol.plain import BOTTOM
from paxoskit.protocol.synod import Accepted, Nack, Promise, Vote


class Acceptor(Node):
    values = {}

    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.promised = BOTTOM
        self.vote = None

    def on_prepare(self, sender, prepare):
        if prepare.ballot < self.promised:
            self.send(sender, Nack(prepare.ballot, self.promised))
            return
        self.promised = prepare.ballot
        self.send(sender, Promise(prepare.ballot, Vote(self.vote, self.values[self.vote]) if self.vote else None))

    def on_accept(self, sender, accept):
        if accept.ballot < self.promised:
            self.send(sender, Nack(accept.ballot, self.promised))
            return
        self.promised = accept.ballot
        self.vote = accept.ballot
        self.values[accept.ballot] = accept.value
        self.send(sender, Accepted(accept.ballot, accept.value))
