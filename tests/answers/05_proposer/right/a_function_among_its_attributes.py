# It keeps a function that remembers nothing, which is no harm.
from paxoskit.protocol.node import Node
from paxoskit.protocol.plain import BOTTOM, Ballot
from paxoskit.protocol.synod import Accept, Decided, Prepare, TryAgain


class Proposer(Node):
    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.wish = None
        self.round = 0
        self.ballot = None
        self.promises = {}
        self.value = None
        self.voters = set()
        self.decided = False
        self.tries = 0
        self.rank = lambda vote: vote.ballot

    def majority(self):
        return len(self.peers) // 2 + 1

    def stand(self):
        self.round += 1
        self.tries += 1
        self.ballot = Ballot(self.round, self.name)
        self.promises = {}
        self.value = None
        self.voters = set()
        self.broadcast(Prepare(self.ballot))
        self.after((300, 900), TryAgain(self.ballot))

    def on_propose(self, sender, message):
        self.wish = message.value
        self.stand()

    def choose(self):
        votes = [vote for vote in self.promises.values() if vote is not None]
        if votes:
            return max(votes, key=self.rank).value
        return self.wish

    def on_promise(self, sender, promise):
        if promise.ballot != self.ballot or self.value is not None:
            return
        self.promises[sender] = promise.vote
        if len(self.promises) >= self.majority():
            self.value = self.choose()
            self.broadcast(Accept(self.ballot, self.value))

    def on_accepted(self, sender, accepted):
        if accepted.ballot != self.ballot:
            return
        self.voters.add(sender)
        if len(self.voters) >= self.majority() and not self.decided:
            self.decided = True
            self.announce(Decided(accepted.value))

    def on_nack(self, sender, nack):
        self.round = max(self.round, nack.promised.round)

    def on_try_again(self, sender, message):
        if self.decided or message.ballot != self.ballot:
            return
        self.stand()
