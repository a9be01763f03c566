"""It keeps a lock, of which Python makes no copies, and never needs it."""
from threading import Lock

from paxoskit.protocol.node import Node
from paxoskit.protocol.plain import BOTTOM
from paxoskit.protocol.synod import Accepted, Nack, Promise, Vote


class Acceptor(Node):
    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.promised = BOTTOM
        self.vote = None
        self.lock = Lock()

    def on_prepare(self, sender, prepare):
        if prepare.ballot < self.promised:
            self.send(sender, Nack(prepare.ballot, self.promised))
            return
        self.promised = prepare.ballot
        self.send(sender, Promise(prepare.ballot, self.vote))

    def on_accept(self, sender, accept):
        if accept.ballot < self.promised:
            self.send(sender, Nack(accept.ballot, self.promised))
            return
        self.promised = accept.ballot
        self.vote = Vote(accept.ballot, accept.value)
        self.send(sender, Accepted(accept.ballot, accept.value))
