# loses: answers. A Prepare below its vote is refused, and the Nack names its promise, which is lower still.
# loses nothing else
from paxoskit.protocol.node import Node
from paxoskit.protocol.plain import BOTTOM, Ballot
from paxoskit.protocol.synod import Accept, Accepted, Nack, Prepare, Promise, Vote


class Acceptor(Node):
    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.promised = BOTTOM
        self.vote = None

    def on_prepare(self, sender, prepare):
        voted = self.vote.ballot if self.vote else BOTTOM
        if prepare.ballot < max(self.promised, voted):
            self.send(sender, Nack(prepare.ballot, self.promised))
        else:
            self.promised = prepare.ballot
            self.send(sender, Promise(prepare.ballot, self.vote))

    def on_accept(self, sender, accept):
        if accept.ballot < self.promised:
            self.send(sender, Nack(accept.ballot, self.promised))
        else:
            if self.vote is None or accept.ballot >= self.vote.ballot:
                self.vote = Vote(accept.ballot, accept.value)
            self.send(sender, Accepted(accept.ballot, accept.value))
