"""For each wait it makes new dice, without a seed, and throws them once."""

import random

from paxoskit.protocol.node import Node
from paxoskit.protocol.plain import BOTTOM, Ballot
from paxoskit.protocol.synod import Accept, Decided, Prepare, TryAgain


class Proposer(Node):
    """A proposer: it stands in one ballot after the other until it knows a value to be chosen.

    You hear: `Propose(value)`, once; `Promise`, `Accepted` and `Nack` of the acceptors; your own timer `TryAgain`.
    You may send, to the acceptors (your `peers`): `Prepare(ballot)`, `Accept(ballot, value)`. Once a majority voted in
    one ballot, announce `Decided(value)`. Silence may be loss: stand again, in a higher ballot, after a while that is
    not the same for everyone. A Nack tells which ballot you must be above.
    """

    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.majority = len(peers) // 2 + 1
        self.wish = None  # what I was asked to propose
        self.highest = BOTTOM  # the highest ballot that I heard of
        self.ballot = BOTTOM  # the one I stand in
        self.reports = {}  # acceptor: the vote that its promise of my ballot reports, or None
        self.proposed = None  # the value that I proposed in my ballot
        self.voters = set()  # who voted for it
        self.decided = False

    def on_propose(self, sender, message):
        """Begin."""
        self.wish = message.value
        self.stand()

    def stand(self):
        """Ask everyone to promise a ballot that is higher than all that I know."""
        self.ballot = self.highest = Ballot(self.highest.round + 1, self.name)
        self.reports, self.proposed, self.voters = {}, None, set()
        self.broadcast(Prepare(self.ballot))
        self.after((random.Random().uniform(100, 200), 500), TryAgain(self.ballot))

    def on_promise(self, sender, promise):
        """With a majority of promises, propose: the value of the highest vote they report, or else my own."""
        if promise.ballot != self.ballot or self.proposed is not None:
            return  # an answer to an earlier ballot, or more than I need
        self.reports[sender] = promise.vote
        if len(self.reports) >= self.majority:
            votes = [vote for vote in self.reports.values() if vote is not None]
            self.proposed = max(votes, key=lambda vote: vote.ballot).value if votes else self.wish
            self.reports = {}
            self.broadcast(Accept(self.ballot, self.proposed))

    def on_accepted(self, sender, accepted):
        """With a majority of votes in my ballot, its value is chosen."""
        if accepted.ballot != self.ballot or self.decided:
            return  # a vote in an earlier ballot: votes of two ballots make no majority
        self.voters.add(sender)
        if len(self.voters) >= self.majority:
            self.decided = True
            self.announce(Decided(self.proposed))

    def on_nack(self, sender, nack):
        """Remember which ballot is in my way; my timer decides when to try again."""
        self.highest = max(self.highest, nack.promised)

    def on_try_again(self, sender, message):
        """Stand again, if the ballot came to nothing."""
        if message.ballot == self.ballot and not self.decided:
            self.stand()
