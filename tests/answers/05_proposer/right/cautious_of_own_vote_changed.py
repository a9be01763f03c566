# Takes any majority it likes of the promises it has: here it waits a short while for a third with a timer of its own.
from dataclasses import dataclass

from paxoskit.protocol.node import Node
from paxoskit.protocol.plain import Message
from paxoskit.protocol.synod import Accept, Decided, Prepare, TryAgain


@dataclass(frozen=True)
class Count(Message):
    ballot: tuple


class Proposer(Node):
    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.wish, self.round, self.above = None, 0, 0
        self.promises, self.votes, self.proposed, self.known = {}, [], None, False

    def on_propose(self, sender, message):
        self.wish = message.value
        self.on_try_again(self.name, TryAgain((0, self.name)))

    def on_try_again(self, sender, message):
        if self.known or message.ballot[0] != self.round:
            return
        self.round = max(self.round, self.above) + 1
        self.promises, self.votes, self.proposed = {}, [], None
        self.broadcast(Prepare((self.round, self.name)))
        self.after((300, 900), TryAgain((self.round, self.name)))

    def on_promise(self, sender, promise):
        if promise.ballot != (self.round, self.name):
            return
        self.promises[sender] = promise.vote
        if len(self.promises) * 2 > len(self.peers):
            self.on_count(self.name, None)

    def on_count(self, sender, message):
        if self.proposed is None:
            votes = {vote.ballot: vote.value for vote in self.promises.values() if vote}
            self.proposed = votes[max(votes)] if votes else self.wish
            self.broadcast(Accept((self.round, self.name), self.proposed))

    def on_accepted(self, sender, accepted):
        if accepted.ballot == (self.round, self.name):
            self.votes.append(sender)
        if 2 * len(set(self.votes)) > len(self.peers) and not self.known:
            self.known = True
            self.announce(Decided(self.proposed))

    def on_nack(self, sender, nack):
        if nack.promised[0] > self.above:
            self.above = nack.promised[0]
