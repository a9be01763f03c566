"""An acceptor whose handlers are looked up in a table that it carries with it."""

from paxoskit.protocol.node import Node
from paxoskit.protocol.plain import BOTTOM
from paxoskit.protocol.synod import Accepted, Nack, Promise, Vote


class Acceptor(Node):

    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.promised = BOTTOM  # I vote in no ballot below this one
        self.vote = None  # my vote in the highest ballot
        self.table = {"Prepare": self.prepare, "Accept": self.accept}

    def on_prepare(self, sender, prepare):
        self.table["Prepare"](sender, prepare)

    def on_accept(self, sender, accept):
        self.table["Accept"](sender, accept)

    def prepare(self, sender, prepare):
        """Promise the ballot, and say what I voted for: whoever leads it may have to propose that again."""
        if prepare.ballot < self.promised:
            self.send(sender, Nack(prepare.ballot, self.promised))
            return
        self.promised = prepare.ballot
        self.send(sender, Promise(prepare.ballot, self.vote))

    def accept(self, sender, accept):
        """Vote for the value, unless I promised a higher ballot."""
        if accept.ballot < self.promised:
            self.send(sender, Nack(accept.ballot, self.promised))
            return
        self.promised = accept.ballot
        self.vote = Vote(accept.ballot, accept.value)
        self.send(sender, Accepted(accept.ballot, accept.value))
