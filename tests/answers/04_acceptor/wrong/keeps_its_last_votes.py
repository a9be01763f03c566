# loses: report. Votes do not bind it, and it keeps the last 128 of them.
# loses nothing else
from collections import deque

from paxoskit.protocol.node import Node
from paxoskit.protocol.plain import BOTTOM
from paxoskit.protocol.synod import Accepted, Nack, Promise, Vote


class Acceptor(Node):
    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.promised = BOTTOM
        self.vote = None
        self.votes = deque(maxlen=128)

    def on_prepare(self, sender, prepare):
        if prepare.ballot < self.promised:
            self.send(sender, Nack(prepare.ballot, self.promised))
            return
        self.promised = prepare.ballot
        self.send(sender, Promise(prepare.ballot, max(self.votes, key=lambda v: v.ballot, default=None)))

    def on_accept(self, sender, accept):
        if accept.ballot < self.promised:
            self.send(sender, Nack(accept.ballot, self.promised))
            return
        self.votes.append(Vote(accept.ballot, accept.value))
        self.send(sender, Accepted(accept.ballot, accept.value))
