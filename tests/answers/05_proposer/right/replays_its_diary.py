# It keeps a diary of all that it heard, and finds out what follows by reading the whole of it again.
from paxoskit.protocol.node import Node
from paxoskit.protocol.plain import Ballot
from paxoskit.protocol.synod import Accept, Accepted, Decided, Nack, Prepare, Promise, Propose, TryAgain


class Proposer(Node):
    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.diary = []

    def receive(self, sender, message):
        self.diary.append((sender, message))
        return super().receive(sender, message)

    def read(self, kind):
        return [(sender, message) for sender, message in self.diary if isinstance(message, kind)]

    def majority(self, names):
        return 2 * len(set(names)) > len(self.peers)

    def ballots(self):
        """All ballots that I stood in: one for the wish, and one for each timer that found nothing decided."""
        mine, heard = [], 0
        for _, message in self.diary:
            if isinstance(message, Nack):
                heard = max(heard, message.promised.round)
            if isinstance(message, Propose) or (isinstance(message, TryAgain) and message.ballot == mine[-1]):
                heard += 1
                mine.append(Ballot(heard, self.name))
        return mine

    def stand(self):
        ballot = self.ballots()[-1]
        self.broadcast(Prepare(ballot))
        self.after((120, 700), TryAgain(ballot))

    def decision(self):
        for _, vote in self.read(Accepted):
            if self.majority(who for who, other in self.read(Accepted) if other.ballot == vote.ballot):
                return vote.value
        return None

    def on_propose(self, sender, message):
        self.stand()

    def on_promise(self, sender, message):
        promises = {}
        for who, promise in self.read(Promise):
            if promise.ballot == self.ballots()[-1]:
                promises.setdefault(who, promise.vote)
        before = sum(who == sender for who, promise in self.read(Promise) if promise.ballot == message.ballot)
        if message.ballot != self.ballots()[-1] or before > 1 or len(promises) != len(self.peers) // 2 + 1:
            return
        (_, wish), = self.read(Propose)
        best = max((vote for vote in promises.values() if vote), key=lambda vote: vote.ballot, default=wish)
        self.broadcast(Accept(message.ballot, best.value))

    def on_accepted(self, sender, message):
        if (value := self.decision()) is not None:
            self.announce(Decided(value))

    def on_nack(self, sender, message):
        pass

    def on_try_again(self, sender, message):
        if self.decision() is None and len(self.ballots()) > len(set(self.ballots_before())):
            self.stand()

    def ballots_before(self):
        last, self.diary = self.diary[-1], self.diary[:-1]
        before = self.ballots()
        self.diary.append(last)
        return before
