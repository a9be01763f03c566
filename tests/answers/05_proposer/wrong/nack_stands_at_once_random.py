# loses: duel. Stands again the moment that a Nack comes.
# A state machine: each attempt is an object that is in the phase "asking", "proposing" or "done".
from dataclasses import dataclass, field

from paxoskit.protocol.node import Node
from paxoskit.protocol.plain import Ballot
from paxoskit.protocol.synod import Accept, Decided, Prepare, TryAgain


@dataclass
class Attempt:
    ballot: tuple
    phase: str = "asking"
    heard: list = field(default_factory=list)
    best: tuple = (0, 0)
    value: str = ""

    def hears(self, who):
        if who not in self.heard:
            self.heard.append(who)
        return len(self.heard)


class Proposer(Node):
    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.enough = len(peers) // 2 + 1
        self.attempt = Attempt((0, 0), "done")
        self.wish, self.tallest, self.waits = "", 0, 0

    def stand(self):
        self.tallest += 1
        self.waits += 1
        ballot = Ballot(self.tallest, self.name)
        self.attempt = Attempt(ballot, value=self.wish)
        self.broadcast(Prepare(ballot))
        self.after((200 * self.waits, 200 * self.waits + 500), TryAgain(ballot))

    def on_propose(self, sender, message):
        self.wish = message.value
        self.stand()

    def on_promise(self, sender, promise):
        now = self.attempt
        if promise.ballot != now.ballot or now.phase != "asking":
            return
        if promise.vote is not None and promise.vote.ballot > now.best:
            now.best, now.value = promise.vote.ballot, promise.vote.value
        if now.hears(sender) >= self.enough:
            now.phase, now.heard = "proposing", []
            self.broadcast(Accept(now.ballot, now.value))

    def on_accepted(self, sender, accepted):
        now = self.attempt
        if accepted.ballot == now.ballot and now.phase == "proposing" and now.hears(sender) >= self.enough:
            now.phase = "done"
            self.announce(Decided(now.value))

    def on_nack(self, sender, nack):
        self.tallest = max(self.tallest, nack.promised.round)
        if nack.ballot == self.attempt.ballot:
            self.stand()

    def on_try_again(self, sender, message):
        if message.ballot == self.attempt.ballot and self.attempt.phase != "done":
            self.stand()
