# loses: promise. Five ticks of its timer without a word, and the promise ends.
# loses nothing else
import dataclasses

from paxoskit.protocol.node import Node
from paxoskit.protocol.plain import BOTTOM, Message
from paxoskit.protocol.synod import Accepted, Nack, Promise, Vote


@dataclasses.dataclass(frozen=True)
class Tick(Message):
    pass


class Acceptor(Node):
    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.promised = BOTTOM
        self.vote = None
        self.idle = 0

    def on_prepare(self, sender, prepare):
        self.idle = 0
        self.after((100, 100), Tick())
        if prepare.ballot < self.promised:
            self.send(sender, Nack(prepare.ballot, self.promised))
            return
        self.promised = prepare.ballot
        self.send(sender, Promise(prepare.ballot, self.vote))

    def on_accept(self, sender, accept):
        self.idle = 0
        if accept.ballot < self.promised:
            self.send(sender, Nack(accept.ballot, self.promised))
            return
        self.promised = accept.ballot
        self.vote = Vote(accept.ballot, accept.value)
        self.send(sender, Accepted(accept.ballot, accept.value))

    def on_tick(self, sender, tick):
        self.idle += 1
        if self.idle >= 5:
            self.promised = self.vote.ballot if self.vote else BOTTOM
        else:
            self.after((100, 100), tick)
