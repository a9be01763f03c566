# loses: answers. A Nack names the next ballot above the refused one that it has heard of, though it refused that one too.
# loses nothing else
from paxoskit.protocol.node import Node
from paxoskit.protocol.plain import BOTTOM
from paxoskit.protocol.synod import Accepted, Nack, Promise, Vote


class Acceptor(Node):
    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.promised = BOTTOM
        self.vote = None
        self.heard = set()

    def refuse(self, sender, ballot):
        self.send(sender, Nack(ballot, min(one for one in self.heard if one > ballot)))

    def on_prepare(self, sender, prepare):
        self.heard.add(prepare.ballot)
        if prepare.ballot < self.promised:
            self.refuse(sender, prepare.ballot)
            return
        self.promised = prepare.ballot
        self.send(sender, Promise(prepare.ballot, self.vote))

    def on_accept(self, sender, accept):
        self.heard.add(accept.ballot)
        if accept.ballot < self.promised:
            self.refuse(sender, accept.ballot)
            return
        self.promised = accept.ballot
        self.vote = Vote(accept.ballot, accept.value)
        self.send(sender, Accepted(accept.ballot, accept.value))
