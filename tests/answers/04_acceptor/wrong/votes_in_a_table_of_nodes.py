# loses: answers. Its votes are in a table outside, by the node: a copy of the node has none.
from weakref import WeakKeyDictionary

from paxoskit.protocol.node import Node
from paxoskit.protocol.plain import BOTTOM
from paxoskit.protocol.synod import Accepted, Nack, Promise, Vote

VOTES = WeakKeyDictionary()


class Acceptor(Node):
    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.promised = BOTTOM

    def on_prepare(self, sender, prepare):
        if prepare.ballot < self.promised:
            self.send(sender, Nack(prepare.ballot, self.promised))
        else:
            self.promised = prepare.ballot
            self.send(sender, Promise(prepare.ballot, VOTES.get(self)))

    def on_accept(self, sender, accept):
        if accept.ballot < self.promised:
            self.send(sender, Nack(accept.ballot, self.promised))
        else:
            self.promised = accept.ballot
            VOTES[self] = Vote(accept.ballot, accept.value)
            self.send(sender, Accepted(accept.ballot, accept.value))
