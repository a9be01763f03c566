# It draws how long it waits.
import random

from paxoskit.protocol.node import Node
from paxoskit.protocol.plain import BOTTOM, Ballot
from paxoskit.protocol.synod import Accept, Decided, Prepare, TryAgain


class Proposer(Node):
    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.majority = len(self.peers) // 2 + 1
        self.highest = BOTTOM
        self.ballot = BOTTOM
        self.wish = None
        self.reports = {}
        self.proposed = False
        self.value = None
        self.voters = set()
        self.decided = False
        self.tries = 0

    def on_propose(self, sender, message):
        self.wish = message.value
        self.stand()

    def stand(self):
        self.tries += 1
        self.ballot = Ballot(max(self.highest, self.ballot).round + 1, self.name)
        self.reports = {}
        self.voters = set()
        self.proposed = False
        self.value = None
        self.broadcast(Prepare(self.ballot))
        wait = random.uniform(150, 600)
        self.after((wait, wait), TryAgain(self.ballot))

    def on_promise(self, sender, promise):
        if promise.ballot != self.ballot or self.proposed or self.decided:
            return
        self.reports[sender] = promise.vote
        if len(self.reports) >= self.majority:
            self.value = self.choose()
            self.proposed = True
            self.broadcast(Accept(self.ballot, self.value))

    def choose(self):
        votes = [vote for vote in self.reports.values() if vote is not None]
        return max(votes, key=lambda vote: vote.ballot).value if votes else self.wish

    def on_accepted(self, sender, accepted):
        if accepted.ballot != self.ballot or self.decided:
            return
        self.voters.add(sender)
        if len(self.voters) >= self.majority:
            self.decided = True
            self.announce(Decided(self.value))

    def on_nack(self, sender, nack):
        self.highest = max(self.highest, nack.promised)

    def on_try_again(self, sender, message):
        if message.ballot == self.ballot and not self.decided:
            self.stand()
