"""For each ballot it makes new dice, without a seed: they say how many rounds to go up, and how long to wait."""

from dataclasses import dataclass
from random import Random

from paxoskit.protocol.node import Node
from paxoskit.protocol.plain import BOTTOM, Ballot
from paxoskit.protocol.synod import Accept, Accepted, Decided, Nack, Prepare, Promise, TryAgain, Vote


class Acceptor(Node):
    """Promises and votes in no ballot below the one that it promised last."""

    @dataclass
    class Disk:
        """What an acceptor's word rests on."""

        promised: Ballot = BOTTOM
        vote: Vote | None = None

    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.answered = 0

    def on_prepare(self, sender, prepare):
        """Promise the ballot, and report my vote."""
        self.answered += 1
        if prepare.ballot < self.disk.promised:
            self.send(sender, Nack(prepare.ballot, self.disk.promised))
            return
        self.disk.promised = prepare.ballot
        self.send(sender, Promise(prepare.ballot, self.disk.vote))

    def on_accept(self, sender, accept):
        """Vote for the value, unless I promised a higher ballot."""
        self.answered += 1
        if accept.ballot < self.disk.promised:
            self.send(sender, Nack(accept.ballot, self.disk.promised))
            return
        self.disk.promised = accept.ballot
        self.disk.vote = Vote(accept.ballot, accept.value)
        self.send(sender, Accepted(accept.ballot, accept.value))


class Proposer(Node):
    """Stands in one ballot after the other until it knows a value to be chosen."""

    @dataclass
    class Disk:
        """What no later life may use again."""

        highest: Ballot = BOTTOM

    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.wish = None  # what I was asked to propose
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
        dice = Random()
        self.ballot = self.disk.highest = Ballot(self.disk.highest.round + dice.randint(1, 5), self.name)
        self.reports, self.proposed, self.voters = {}, None, set()
        self.broadcast(Prepare(self.ballot))
        self.after((dice.uniform(100, 200), 500), TryAgain(self.ballot))

    def on_promise(self, sender, promise):
        """With a majority of promises, propose the value of the highest vote they report, or my own."""
        if promise.ballot != self.ballot or self.proposed is not None:
            return
        self.reports[sender] = promise.vote
        if 2 * len(self.reports) > len(self.peers):
            votes = [vote for vote in self.reports.values() if vote is not None]
            self.proposed = max(votes, key=lambda vote: vote.ballot).value if votes else self.wish
            self.broadcast(Accept(self.ballot, self.proposed))

    def on_accepted(self, sender, accepted):
        """With a majority of votes in my ballot, its value is chosen."""
        if accepted.ballot != self.ballot or self.decided:
            return
        self.voters.add(sender)
        if 2 * len(self.voters) > len(self.peers):
            self.decided = True
            self.announce(Decided(self.proposed))

    def on_nack(self, sender, nack):
        """Remember which ballot is in my way; my timer decides when to try again."""
        self.disk.highest = max(self.disk.highest, nack.promised)

    def on_try_again(self, sender, message):
        """Stand again, if the ballot came to nothing."""
        if message.ballot == self.ballot and not self.decided:
            self.stand()
