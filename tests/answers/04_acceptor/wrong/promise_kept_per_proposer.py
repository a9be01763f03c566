# loses: promise. Each proposer has a promise of its own.
# All promises and votes ever, in lists that are kept sorted; a helper class says no.
from bisect import insort

from paxoskit.protocol.node import Node
from paxoskit.protocol.synod import Accepted, Nack, Promise, Vote


class Polite(Node):
    def refuses(self, sender, ballot, limit):
        if ballot < limit:
            self.send(sender, Nack(ballot, limit))
            return True
        return False


class Acceptor(Polite):
    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.promises = {}
        self.votes = []

    def on_prepare(self, sender, prepare):
        ballot = (prepare.ballot.round, prepare.ballot.server)
        if self.refuses(sender, ballot, self.promises.get(sender, (0, 0))):
            return
        self.promises[sender] = ballot
        self.send(sender, Promise(ballot, Vote(*self.votes[-1]) if self.votes else None))

    def on_accept(self, sender, accept):
        ballot = (accept.ballot.round, accept.ballot.server)
        if not self.refuses(sender, ballot, self.promises.get(sender, (0, 0))):
            insort(self.votes, (ballot, accept.value))
            self.send(sender, Accepted(ballot, accept.value))
