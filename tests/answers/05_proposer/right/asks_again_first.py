# When its timer rings it first says everything again in the same ballot, and only the next time stands in a higher one.
# Plain tuples are its ballots.
from paxoskit.protocol.node import Node
from paxoskit.protocol.synod import Accept, Decided, Prepare, TryAgain


class Proposer(Node):
    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.wish = ""
        self.ballot, self.top = (0, name), 0
        self.again = False
        self.answers, self.votes = {}, {}
        self.offer = []
        self.result = []

    def on_propose(self, sender, message):
        self.wish = message.value
        self.next_ballot()

    def next_ballot(self):
        self.top = max(self.top, self.ballot[0]) + 1
        self.ballot, self.again = (self.top, self.name), False
        self.answers, self.votes, self.offer = {}, {}, []
        self.speak()

    def speak(self):
        for acceptor in self.peers:
            if self.offer:
                self.send(acceptor, Accept(self.ballot, self.offer[0]))
            else:
                self.send(acceptor, Prepare(self.ballot))
        self.after((90, 500), TryAgain(self.ballot))

    def on_promise(self, sender, message):
        if tuple(message.ballot) == self.ballot and not self.offer:
            self.answers[sender] = ((0, 0), self.wish) if message.vote is None else (
                tuple(message.vote.ballot), message.vote.value)
            if len(self.answers) * 2 > len(self.peers):
                self.offer = [max(self.answers.values(), key=lambda pair: pair[0])[1]]
                self.speak()

    def on_accepted(self, sender, message):
        if tuple(message.ballot) == self.ballot and not self.result:
            self.votes[sender] = True
            if len(self.votes) * 2 > len(self.peers):
                self.result = self.offer
                self.announce(Decided(self.result[0]))

    def on_nack(self, sender, message):
        self.top = max(self.top, message.promised.round)
        if tuple(message.ballot) == self.ballot:
            self.again = True

    def on_try_again(self, sender, message):
        if self.result or tuple(message.ballot) != self.ballot:
            return
        if self.again:
            self.next_ballot()
        else:
            self.again = True
            self.speak()
