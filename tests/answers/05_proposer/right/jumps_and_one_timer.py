from paxoskit.protocol.node import Node
from paxoskit.protocol.plain import BOTTOM, Ballot
from paxoskit.protocol.synod import Accept, Accepted, Decided, Nack, Prepare, Promise, Propose, TryAgain


class Proposer(Node):
    """Table driven phases, all votes of all ballots count, waits that double with a range, jumps ten rounds."""

    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.phase = "idle"
        self.number = 0
        self.best = None
        self.who = ()
        self.votes = {}
        self.tries = 0
        self.wish = ""
        self.seen = 0

    def on_propose(self, sender, message):
        self.wish = message.value
        self.next_ballot()

    def next_ballot(self):
        self.number = max(self.number, self.seen) + 10
        self.tries = min(self.tries + 1, 4)
        self.phase, self.best, self.who = "asking", None, ()
        self.after((100 * self.tries, 400 * self.tries), TryAgain((0, 0)))
        for peer in self.peers:
            self.send(peer, Prepare((self.number, self.name)))

    def on_promise(self, sender, promise):
        if self.phase != "asking" or promise.ballot != (self.number, self.name) or sender in self.who:
            return
        self.who += (sender,)
        vote = promise.vote
        if vote and (self.best is None or self.best[0] < vote.ballot):
            self.best = (vote.ballot, vote.value)
        if len(self.who) > len(self.peers) // 2:
            self.phase = "proposing"
            value = self.best[1] if self.best else self.wish
            for peer in self.peers:
                self.send(peer, Accept((self.number, self.name), value))

    def on_accepted(self, sender, accepted):
        key = accepted.ballot, accepted.value
        self.votes.setdefault(key, set()).add(sender)
        if len(self.votes[key]) > len(self.peers) // 2 and self.phase != "over":
            self.phase = "over"
            self.announce(Decided(accepted.value))

    def on_nack(self, sender, nack):
        self.seen = max(self.seen, nack.promised.round)

    def on_try_again(self, sender, message):
        if self.phase != "over":
            self.next_ballot()
