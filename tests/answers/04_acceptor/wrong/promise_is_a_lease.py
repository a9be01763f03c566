# loses: promise. A timer ends what it promised.
# loses nothing else
import dataclasses

from paxoskit.protocol.node import Node
from paxoskit.protocol.plain import BOTTOM, Message
from paxoskit.protocol.synod import Accepted, Nack, Promise, Vote


@dataclasses.dataclass(frozen=True)
class Expire(Message):
    ballot: tuple


class Acceptor(Node):
    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.promised = BOTTOM
        self.vote = None

    def on_prepare(self, sender, prepare):
        if prepare.ballot < self.promised:
            self.send(sender, Nack(prepare.ballot, self.promised))
            return
        self.promised = prepare.ballot
        self.after((1000, 2000), Expire(prepare.ballot))
        self.send(sender, Promise(prepare.ballot, self.vote))

    def on_expire(self, sender, expire):
        if expire.ballot == self.promised:
            self.promised = BOTTOM if self.vote is None else self.vote.ballot

    def on_accept(self, sender, accept):
        if accept.ballot < self.promised:
            self.send(sender, Nack(accept.ballot, self.promised))
            return
        self.promised = accept.ballot
        self.vote = Vote(accept.ballot, accept.value)
        self.send(sender, Accepted(accept.ballot, accept.value))
