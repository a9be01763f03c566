# It gives up a ballot at the first Nack and waits; doubles its patience, by chance, at every try.
from paxoskit.protocol.node import Node
from paxoskit.protocol.plain import BOTTOM, Ballot
from paxoskit.protocol.synod import Accept, Decided, Prepare, TryAgain


class Proposer(Node):
    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.seen = BOTTOM
        self.current = None
        self.try_number = 0
        self.finished = False

    def on_propose(self, sender, message):
        self.value = message.value
        self.on_try_again(sender, None)

    def on_try_again(self, sender, message):
        if self.finished:
            return
        self.try_number = min(self.try_number + 1, 4)
        self.seen = Ballot(self.seen[0] + 1, self.name)
        self.current = self.seen
        self.got, self.votes, self.offered = [], [], None
        self.after((50 * 2**self.try_number, 100 * 2**self.try_number), TryAgain(self.current))
        self.broadcast(Prepare(self.current))

    def on_promise(self, sender, promise):
        if promise.ballot == self.current and sender not in [who for who, _ in self.got]:
            self.got.append((sender, promise.vote))
            if len(self.got) == len(self.peers) // 2 + 1:
                self.offered = self.value
                for _, vote in sorted((vote.ballot, vote) for _, vote in self.got if vote):
                    self.offered = vote.value
                self.broadcast(Accept(self.current, self.offered))

    def on_accepted(self, sender, accepted):
        if accepted.ballot == self.current and sender not in self.votes:
            self.votes.append(sender)
            if len(self.votes) == len(self.peers) // 2 + 1:
                self.finished = True
                self.announce(Decided(accepted.value))

    def on_nack(self, sender, nack):
        if nack.promised > self.seen:
            self.seen = nack.promised
        if nack.ballot == self.current:
            self.current = None
