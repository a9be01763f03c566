# It does not propose at the majority, but when a short timer of its own rings: then it looks at all promises it has.
from dataclasses import dataclass

from paxoskit.protocol.node import Node
from paxoskit.protocol.plain import BOTTOM, Ballot, Message
from paxoskit.protocol.synod import Accept, Decided, Prepare, TryAgain, Vote


@dataclass(frozen=True)
class Enough(Message):
    ballot: Ballot


class Proposer(Node):
    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.half = len(peers) / 2
        self.tallest = BOTTOM
        self.ballot = BOTTOM
        self.promises = set()
        self.value = None
        self.voters = set()
        self.listens = False
        self.silent = False

    def on_propose(self, sender, message):
        self.mine = Vote(BOTTOM, message.value)
        self.stand()

    def stand(self):
        self.ballot = Ballot(max(self.ballot, self.tallest).round + 1, self.name)
        self.promises, self.voters, self.value, self.listens = set(), set(), None, False
        self.best = self.mine
        self.broadcast(Prepare(self.ballot))
        self.after((300, 900), TryAgain(self.ballot))

    def on_promise(self, sender, message):
        if message.ballot == self.ballot and self.value is None:
            self.promises.add(sender)
            self.best = max(self.best, message.vote or self.mine, key=lambda vote: vote.ballot)
            if len(self.promises) > self.half and not self.listens:
                self.listens = True
                self.after((5, 5), Enough(self.ballot))

    def on_enough(self, sender, message):
        if message.ballot == self.ballot and self.value is None:
            self.value = self.best.value
            self.broadcast(Accept(self.ballot, self.value))

    def on_accepted(self, sender, message):
        if message.ballot == self.ballot:
            self.voters.add(sender)
            if len(self.voters) > self.half and not self.silent:
                self.silent = True
                self.announce(Decided(message.value))

    def on_nack(self, sender, message):
        if message.promised > self.tallest:
            self.tallest = message.promised

    def on_try_again(self, sender, message):
        if message.ballot == self.ballot and not self.silent:
            self.stand()
