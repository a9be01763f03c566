# As strict as the statement allows: no second promise of a ballot, no vote above the promise.
from paxoskit.protocol.node import Node
from paxoskit.protocol.synod import Accepted, Nack, Promise, Vote


class Acceptor(Node):
    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.word, self.cast = (0, 0), {}

    def on_prepare(self, sender, prepare):
        if prepare.ballot > self.word:
            self.word = tuple(prepare.ballot)
            last = max(self.cast, default=None)
            self.send(sender, Promise(prepare.ballot, last and Vote(last, self.cast[last])))
        else:
            self.send(sender, Nack(prepare.ballot, self.word))

    def on_accept(self, sender, accept):
        if accept.ballot == self.word:
            self.cast[self.word] = accept.value
            self.send(sender, Accepted(accept.ballot, accept.value))
        else:
            self.send(sender, Nack(accept.ballot, self.word))
