# One dict, its keys are tuples (what, ballot, who); everything is found by looking through it.
from paxoskit.protocol.node import Node
from paxoskit.protocol.synod import Accept, Decided, Prepare, TryAgain


class Proposer(Node):
    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.facts = {}
        self.round = 0
        self.over = False

    @property
    def mine(self):
        return (self.round, self.name)

    def facts_of(self, what, ballot):
        return {key[2]: fact for key, fact in self.facts.items() if key[:2] == (what, tuple(ballot))}

    def begin(self):
        self.round += 1
        self.broadcast(Prepare(self.mine))
        self.after((150, 600), TryAgain(self.mine))

    def on_propose(self, sender, message):
        self.facts["wish", (), 0] = message.value
        self.begin()

    def on_promise(self, sender, promise):
        if sender in self.peers:
            self.facts["promise", tuple(promise.ballot), sender] = promise.vote
        promises = self.facts_of("promise", self.mine)
        if len(promises) <= len(self.peers) // 2 or self.facts_of("proposed", self.mine):
            return
        reports = sorted((tuple(vote.ballot), vote.value) for vote in promises.values() if vote)
        value = reports[-1][1] if reports else self.facts["wish", (), 0]
        self.facts["proposed", self.mine, 0] = value
        self.broadcast(Accept(self.mine, value))

    def on_accepted(self, sender, accepted):
        self.facts["vote", tuple(accepted.ballot), sender] = accepted.value
        votes = self.facts_of("vote", accepted.ballot)
        if len(votes) > len(self.peers) // 2 and not self.over:
            self.over = True
            self.announce(Decided(accepted.value))

    def on_nack(self, sender, nack):
        self.facts["nack", tuple(nack.promised), sender] = True

    def on_try_again(self, sender, message):
        if tuple(message.ballot) == self.mine and not self.over:
            self.round = max([self.round, *(ballot[0] for what, ballot, _ in self.facts if what == "nack")])
            self.begin()
