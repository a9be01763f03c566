# loses: answers. A copy of an Accept is known with `is`: an equal one, made anew, is refused.
from paxoskit.protocol.node import Node
from paxoskit.protocol.plain import BOTTOM
from paxoskit.protocol.synod import Accepted, Nack, Promise, Vote


class Acceptor(Node):
    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.promised, self.vote, self.voted_for = BOTTOM, None, None

    def on_prepare(self, sender, prepare):
        if prepare.ballot < self.promised:
            self.send(sender, Nack(prepare.ballot, self.promised))
            return
        self.promised = prepare.ballot
        self.send(sender, Promise(prepare.ballot, self.vote))

    def on_accept(self, sender, accept):
        old = self.voted_for is not None and accept.ballot <= self.vote.ballot and accept is not self.voted_for
        if accept.ballot < self.promised or old:
            self.send(sender, Nack(accept.ballot, self.promised))
            return
        self.promised, self.voted_for = accept.ballot, accept
        self.vote = Vote(accept.ballot, accept.value)
        self.send(sender, Accepted(accept.ballot, accept.value))
