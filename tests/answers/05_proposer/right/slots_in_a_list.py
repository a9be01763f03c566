# No sets and no dicts: for each acceptor a slot in a list, and strings for the phases; waits longer each time.
from paxoskit.protocol.node import Node
from paxoskit.protocol.plain import BOTTOM, Ballot
from paxoskit.protocol.synod import Accept, Decided, Prepare, TryAgain


class Proposer(Node):
    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.slots = [""] * len(peers)
        self.reported = []
        self.phase = "idle"
        self.ballot = self.obstacle = BOTTOM
        self.wait = 100.0

    def fill(self, sender, word):
        self.slots[self.peers.index(sender)] = word
        return self.slots.count(word) > len(self.slots) // 2

    def on_propose(self, sender, message):
        self.value = self.wish = message.value
        self.prepare()

    def prepare(self):
        self.phase = "asking"
        self.slots = [""] * len(self.peers)
        self.reported = []
        self.ballot = Ballot(1 + max(self.ballot, self.obstacle).round, self.name)
        self.broadcast(Prepare(self.ballot))
        self.after((self.wait, 3 * self.wait), TryAgain(self.ballot))
        self.wait = min(1.5 * self.wait, 2_000.0)

    def on_promise(self, sender, message):
        if self.phase != "asking" or message.ballot != self.ballot:
            return
        if message.vote:
            self.reported.append((message.vote.ballot, message.vote.value))
        if self.fill(sender, "promised"):
            self.phase = "proposing"
            self.value = sorted(self.reported)[-1][1] if self.reported else self.wish
            self.broadcast(Accept(self.ballot, self.value))

    def on_accepted(self, sender, message):
        if self.phase == "proposing" and message.ballot == self.ballot and self.fill(sender, "voted"):
            self.phase = "done"
            self.announce(Decided(self.value))

    def on_nack(self, sender, message):
        self.obstacle = max(self.obstacle, message.promised)

    def on_try_again(self, sender, message):
        if self.phase != "done" and message.ballot == self.ballot:
            self.prepare()
