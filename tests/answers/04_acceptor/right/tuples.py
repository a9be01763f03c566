# Ballots as plain tuples, a dict of state, a table of what a message asks.
from paxoskit.protocol import synod
from paxoskit.protocol.node import Node


class Acceptor(Node):
    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.memory = {"promised": (0, 0), "votes": {}}

    def judge(self, sender, message):
        ballot = tuple(message.ballot)
        if ballot < self.memory["promised"]:
            self.send(sender, synod.Nack(ballot=ballot, promised=self.memory["promised"]))
            return False
        self.memory["promised"] = ballot
        return True

    def on_prepare(self, sender, message):
        if self.judge(sender, message):
            votes = self.memory["votes"]
            last = (max(votes), votes[max(votes)]) if votes else None
            self.send(sender, synod.Promise(tuple(message.ballot), last))

    def on_accept(self, sender, message):
        if self.judge(sender, message):
            self.memory["votes"][tuple(message.ballot)] = message.value
            self.send(sender, synod.Accepted(tuple(message.ballot), message.value))
