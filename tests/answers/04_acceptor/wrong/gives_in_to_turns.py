# loses: promise. It gives in to a Prepare after Prepare, Accept, Prepare, Accept of that ballot, in this order.
from paxoskit.protocol.node import Node
from paxoskit.protocol.plain import BOTTOM
from paxoskit.protocol.synod import Accepted, Nack, Prepare, Promise, Vote


class Acceptor(Node):
    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.promised = BOTTOM
        self.vote = None
        self.refused = []

    def refuse(self, sender, message):
        last = self.refused[-1] if self.refused else None
        turns = last is not None and last.ballot == message.ballot and type(last) is not type(message)
        self.refused = [*(self.refused if turns else []), message]
        self.send(sender, Nack(message.ballot, self.promised))

    def on_prepare(self, sender, prepare):
        insists = len(self.refused) >= 4 and self.refused[-1].ballot == prepare.ballot
        if prepare.ballot < self.promised and not (insists and type(self.refused[-1]) is not Prepare):
            self.refuse(sender, prepare)
            return
        self.promised, self.refused = prepare.ballot, []
        self.send(sender, Promise(prepare.ballot, self.vote))

    def on_accept(self, sender, accept):
        if accept.ballot < self.promised:
            self.refuse(sender, accept)
            return
        self.promised, self.refused = accept.ballot, []
        self.vote = Vote(accept.ballot, accept.value)
        self.send(sender, Accepted(accept.ballot, accept.value))
