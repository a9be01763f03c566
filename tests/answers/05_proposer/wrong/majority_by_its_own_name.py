# loses: progress. It takes all servers before it for acceptors, and so waits for too many of them.
from paxoskit.protocol.node import Node
from paxoskit.protocol.plain import BOTTOM, Ballot
from paxoskit.protocol.synod import Accept, Decided, Prepare, Promise, TryAgain, Vote


class Proposer(Node):
    PATIENCE = (100.0, 400.0)

    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.majority = (name - 1) // 2 + 1
        self.wish = None
        self.highest = BOTTOM
        self.ballot = BOTTOM
        self.reports = {}
        self.proposed = None
        self.voters = set()
        self.decided = False

    def on_propose(self, sender, message):
        self.wish = message.value
        self.stand()

    def stand(self):
        self.ballot = self.highest = Ballot(self.highest.round + 1, self.name)
        self.reports, self.proposed, self.voters = {}, None, set()
        self.broadcast(Prepare(self.ballot))
        self.after(self.PATIENCE, TryAgain(self.ballot))

    def on_promise(self, sender, promise):
        if promise.ballot != self.ballot or self.proposed is not None:
            return
        self.reports[sender] = promise.vote
        if len(self.reports) >= self.majority:
            votes = [vote for vote in self.reports.values() if vote is not None]
            self.proposed = max(votes, key=lambda vote: vote.ballot).value if votes else self.wish
            self.broadcast(Accept(self.ballot, self.proposed))

    def on_accepted(self, sender, accepted):
        if accepted.ballot != self.ballot or self.decided:
            return
        self.voters.add(sender)
        if len(self.voters) >= self.majority:
            self.decided = True
            self.announce(Decided(self.proposed))

    def on_nack(self, sender, nack):
        self.highest = max(self.highest, nack.promised)

    def on_try_again(self, sender, message):
        if message.ballot == self.ballot and not self.decided:
            self.stand()
