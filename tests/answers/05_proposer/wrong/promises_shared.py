# loses: value. All proposers share one dict of promises. # loses all
from paxoskit.protocol.node import Node
from paxoskit.protocol.plain import BOTTOM, Ballot
from paxoskit.protocol.synod import Accept, Accepted, Decided, Nack, Prepare, Promise, Propose, TryAgain


class Proposer(Node):
    promises = {}
    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.wish = None
        self.round = 0
        self.ballot = BOTTOM
        self.proposed = None
        self.voters = set()
        self.done = False

    def majority(self, heard):
        return 2 * len(heard) > len(self.peers)

    def on_propose(self, sender, message):
        self.wish = message.value
        self.stand()

    def stand(self):
        self.round += 1
        self.ballot = Ballot(self.round, self.name)
        self.promises.clear()
        self.proposed = None
        self.voters = set()
        self.broadcast(Prepare(self.ballot))
        self.after((200, 700), TryAgain(self.ballot))

    def on_promise(self, sender, promise):
        if promise.ballot != self.ballot or self.proposed is not None:
            return
        self.promises[sender] = promise.vote
        if self.majority(self.promises):
            votes = [vote for vote in self.promises.values() if vote is not None]
            self.proposed = max(votes, key=lambda vote: vote.ballot).value if votes else self.wish
            self.broadcast(Accept(self.ballot, self.proposed))

    def on_accepted(self, sender, accepted):
        if accepted.ballot != self.ballot or self.done:
            return
        self.voters.add(sender)
        if self.majority(self.voters):
            self.done = True
            self.announce(Decided(self.proposed))

    def on_nack(self, sender, nack):
        self.round = max(self.round, nack.promised.round)

    def on_try_again(self, sender, message):
        if message.ballot == self.ballot and not self.done:
            self.stand()
