# A trap of the catalogue: an Accept does not raise the promise, but the highest vote is kept. This is safe.
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
            self.send(sender, Nack(prepare.ballot, self.promised))
        else:
            self.promised = prepare.ballot
            self.send(sender, Promise(prepare.ballot, self.vote))

    def on_accept(self, sender, accept):
        if accept.ballot < self.promised:
            self.send(sender, Nack(accept.ballot, self.promised))
        else:
            self.vote = max(self.vote or (BOTTOM, ""), Vote(accept.ballot, accept.value), key=lambda vote: tuple(vote.ballot) if isinstance(vote, Vote) else vote[0])
            self.send(sender, Accepted(accept.ballot, accept.value))
