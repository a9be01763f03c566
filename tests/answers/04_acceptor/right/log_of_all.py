# It keeps all that it ever said, and looks everything up in it.
from paxoskit.protocol.node import Node
from paxoskit.protocol.plain import BOTTOM
from paxoskit.protocol.synod import Accepted, Nack, Promise, Vote


class Acceptor(Node):
    def on_start(self):
        self.said = []

    def highest(self, *kinds):
        return max((message.ballot for message in self.said if type(message) in kinds), default=BOTTOM)

    def answer(self, sender, message):
        self.said.append(message)
        print(self.name, "says", message)
        self.send(sender, message)

    def on_prepare(self, sender, prepare):
        if prepare.ballot < self.highest(Promise, Accepted):
            self.answer(sender, Nack(prepare.ballot, self.highest(Promise, Accepted)))
            return
        votes = [message for message in self.said if type(message) is Accepted]
        votes.sort(key=lambda vote: vote.ballot)
        self.answer(sender, Promise(prepare.ballot, Vote(votes[-1].ballot, votes[-1].value) if votes else None))

    def on_accept(self, sender, accept):
        if accept.ballot < self.highest(Promise, Accepted):
            self.answer(sender, Nack(accept.ballot, self.highest(Promise, Accepted)))
        else:
            self.answer(sender, Accepted(accept.ballot, accept.value))
