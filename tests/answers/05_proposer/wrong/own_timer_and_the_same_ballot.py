# loses: ballots. A timer of its own rings, and it stands in the same ballot again.
from dataclasses import dataclass

from paxoskit.protocol.node import Node
from paxoskit.protocol.plain import Ballot, Message
from paxoskit.protocol.synod import Accept, Decided, Prepare


@dataclass(frozen=True)
class Tick(Message):
    """Time passes."""


class Proposer(Node):
    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.phase = "idle"
        self.ballot = Ballot(0, name)
        self.wish = self.value = None
        self.answers = {}
        self.above = 0
        self.ticks = 0

    def on_propose(self, sender, message):
        self.wish = message.value
        self.after((200, 500), Tick())
        self.stand()

    def stand(self):
        self.ballot = Ballot(max(self.ballot.round, self.above) + 1, self.name)
        self.phase, self.answers, self.ticks = "asking", {}, 0
        self.broadcast(Prepare(self.ballot))

    def on_tick(self, sender, message):
        if self.phase == "done":
            return
        self.after((200, 500), Tick())
        self.ticks += 1
        if self.phase == "proposing" and self.above <= self.ballot.round and self.ticks < 2:
            self.broadcast(Accept(self.ballot, self.value))
        else:
            self.ballot = Ballot(self.ballot.round - 1, self.name)
            self.stand()

    def collect(self, sender, message, phase):
        if self.phase != phase or message.ballot != self.ballot:
            return False
        self.answers[sender] = message
        return len(self.answers) * 2 > len(self.peers)

    def on_promise(self, sender, promise):
        if self.collect(sender, promise, "asking"):
            votes = [one.vote for one in self.answers.values() if one.vote]
            self.value = max(votes, key=lambda vote: tuple(vote.ballot)).value if votes else self.wish
            self.phase, self.answers = "proposing", {}
            self.broadcast(Accept(self.ballot, self.value))

    def on_accepted(self, sender, accepted):
        if self.collect(sender, accepted, "proposing"):
            self.phase = "done"
            self.announce(Decided(self.value))

    def on_nack(self, sender, nack):
        self.above = max(self.above, nack.promised.round)
