# loses: answers. The promise is kept in the class: what one acceptor promises binds all.
from paxoskit.protocol.node import Node
from paxoskit.protocol.plain import BOTTOM
from paxoskit.protocol.synod import Accepted, Nack, Promise, Vote


class Acceptor(Node):
    seen = BOTTOM

    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.vote = None

    def on_prepare(self, sender, prepare):
        if prepare.ballot < self.seen:
            self.send(sender, Nack(prepare.ballot, self.seen))
        else:
            Acceptor.seen = prepare.ballot
            self.send(sender, Promise(prepare.ballot, self.vote))

    def on_accept(self, sender, accept):
        if accept.ballot < self.seen:
            self.send(sender, Nack(accept.ballot, self.seen))
        else:
            Acceptor.seen = accept.ballot
            self.vote = Vote(accept.ballot, accept.value)
            self.send(sender, Accepted(accept.ballot, accept.value))
