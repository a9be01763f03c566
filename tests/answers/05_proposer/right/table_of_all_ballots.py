# It keeps every ballot it ever stood in, counts late votes of earlier ones too, and says Decided more than once.
from collections import defaultdict

from paxoskit.protocol.node import Node
from paxoskit.protocol.plain import Ballot
from paxoskit.protocol.synod import Accept, Decided, Prepare, TryAgain


class Proposer(Node):
    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.promises = defaultdict(dict)
        self.votes = defaultdict(set)
        self.values = {}
        self.round = 0
        self.known = None

    def on_propose(self, sender, message):
        self.own = message.value
        self.next_round()

    def next_round(self):
        self.round += 1
        ballot = Ballot(self.round, self.name)
        self.broadcast(Prepare(ballot))
        self.after((100 * 1, 900), TryAgain(ballot))

    def on_promise(self, sender, message):
        ballot = message.ballot
        self.promises[ballot].setdefault(sender, message.vote)
        if ballot in self.values or len(self.promises[ballot]) <= len(self.peers) / 2:
            return
        reported = [vote for vote in self.promises[ballot].values() if vote is not None]
        value = self.own
        best = (0, 0)
        for vote in reported:
            if vote.ballot > best:
                best, value = vote.ballot, vote.value
        self.values[ballot] = value
        self.broadcast(Accept(ballot, value))

    def on_accepted(self, sender, message):
        self.votes[message.ballot, message.value].add(sender)
        if len(self.votes[message.ballot, message.value]) > len(self.peers) / 2:
            self.known = message.value
            self.announce(Decided(message.value))

    def on_nack(self, sender, message):
        self.round = max(self.round, message.promised.round)

    def on_try_again(self, sender, message):
        if self.known is None:
            self.next_round()
