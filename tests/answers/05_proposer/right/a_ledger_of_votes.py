# It believes every report of a vote: that of a promise too.
from paxoskit.protocol.node import Node
from paxoskit.protocol.plain import BOTTOM, Ballot, Message
from paxoskit.protocol.synod import Accept, Accepted, Decided, Nack, Prepare, Promise, Propose, TryAgain, Vote

class Proposer(Node):
    """Every vote that it ever hears of goes into a ledger, whoever reports it: late Accepted, and promises too."""

    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.ledger = {}
        self.promises = {}
        self.top = BOTTOM
        self.mine = []
        self.proposed = {}
        self.known = None

    def book(self, acceptor, vote):
        self.ledger.setdefault((vote.ballot, vote.value), set()).add(acceptor)
        if self.known is None and len(self.ledger[vote.ballot, vote.value]) > len(self.peers) // 2:
            self.known = (vote.value,)
            self.announce(Decided(vote.value))

    def stand(self):
        self.mine.append(Ballot(max([self.top, *self.mine]).round + 1, self.name))
        self.promises = {}
        self.broadcast(Prepare(self.mine[-1]))
        self.after((300, 800), TryAgain(self.mine[-1]))

    def on_propose(self, sender, message):
        self.wish = message.value
        self.stand()

    def on_promise(self, sender, promise):
        if promise.vote is not None:
            self.book(sender, promise.vote)
        if self.known is None and promise.ballot == self.mine[-1] and promise.ballot not in self.proposed:
            self.promises[sender] = promise.vote
            if len(self.promises) > len(self.peers) // 2:
                best = None
                for vote in self.promises.values():
                    if vote and (not best or best.ballot < vote.ballot):
                        best = vote
                self.proposed[self.mine[-1]] = best.value if best else self.wish
                self.broadcast(Accept(self.mine[-1], self.proposed[self.mine[-1]]))

    def on_accepted(self, sender, accepted):
        self.book(sender, Vote(accepted.ballot, accepted.value))

    def on_nack(self, sender, nack):
        self.top = max(self.top, nack.promised)

    def on_try_again(self, sender, message):
        if self.known is None and message.ballot == self.mine[-1]:
            self.stand()
