# loses: answers. Votes are kept in a dict of the class, by the acceptor's name, and forgotten at its birth.
from paxoskit.protocol.node import Node
from paxoskit.protocol.plain import BOTTOM
from paxoskit.protocol.synod import Accepted, Nack, Promise, Vote


class Acceptor(Node):
    votes = {}

    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.promised = BOTTOM
        self.votes.pop(name, None)

    def on_prepare(self, sender, prepare):
        if prepare.ballot < self.promised:
            self.send(sender, Nack(prepare.ballot, self.promised))
            return
        self.promised = prepare.ballot
        self.send(sender, Promise(prepare.ballot, self.votes.get(self.name)))

    def on_accept(self, sender, accept):
        if accept.ballot < self.promised:
            self.send(sender, Nack(accept.ballot, self.promised))
            return
        self.promised = accept.ballot
        self.votes[self.name] = Vote(accept.ballot, accept.value)
        self.send(sender, Accepted(accept.ballot, accept.value))
