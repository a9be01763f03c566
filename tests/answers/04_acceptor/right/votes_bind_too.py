from paxoskit.protocol.node import Node
from paxoskit.protocol.plain import BOTTOM
from paxoskit.protocol.synod import Accept, Accepted, Nack, Prepare, Promise, Vote


class Acceptor(Node):
    """A vote binds like a promise; a Prepare of the ballot voted in is refused; Accepts above are refused when I voted."""

    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.promised = self.voted = BOTTOM
        self.votes = {}

    def on_prepare(self, sender, prepare):
        if prepare.ballot > max(self.promised, self.voted):
            self.promised = prepare.ballot
            vote = Vote(self.voted, self.votes[self.voted]) if self.votes else None
            self.send(sender, Promise(self.promised, vote))
        else:
            self.send(sender, Nack(prepare.ballot, max(self.promised, self.voted)))

    def on_accept(self, sender, accept):
        if accept.ballot < max(self.promised, self.voted) or (accept.ballot > self.promised and self.votes and accept.ballot not in self.votes):
            self.send(sender, Nack(accept.ballot, max(self.promised, self.voted)))
        else:
            self.voted = accept.ballot
            self.votes[accept.ballot] = accept.value
            self.send(sender, Accepted(accept.ballot, accept.value))
