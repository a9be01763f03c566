# Acceptors are bits of a number; votes of every ballot it ever proposed in still count, each ballot for itself.
from paxoskit.protocol.node import Node
from paxoskit.protocol.plain import Ballot
from paxoskit.protocol.synod import Accept, Decided, Prepare, TryAgain


def count(bits):
    return bin(bits).count("1")


class Proposer(Node):
    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.rounds = [None]  # for each round from 1 up: None, or [bits of promises, highest vote, value, bits of votes]
        self.floor = 0
        self.known = []

    def on_propose(self, sender, message):
        self.wish = message.value
        self.open_round()

    def open_round(self):
        number = max(len(self.rounds), self.floor + 1)
        self.rounds += [None] * (number - len(self.rounds)) + [[0, ((0, 0), self.wish), None, 0]]
        self.broadcast(Prepare(Ballot(number, self.name)))
        self.after((100, 100 + 250 * min(number, 8)), TryAgain(Ballot(number, self.name)))

    def on_promise(self, sender, message):
        number = message.ballot.round
        page = self.rounds[number]
        if number != len(self.rounds) - 1 or page[2] is not None:
            return
        page[0] |= 1 << sender
        if message.vote is not None and message.vote.ballot > page[1][0]:
            page[1] = (message.vote.ballot, message.vote.value)
        if 2 * count(page[0]) > len(self.peers):
            page[2] = page[1][1]
            self.broadcast(Accept(message.ballot, page[2]))

    def on_accepted(self, sender, message):
        page = self.rounds[message.ballot.round]
        page[3] |= 1 << sender
        if 2 * count(page[3]) > len(self.peers) and not self.known:
            self.known.append(page[2])
            self.announce(Decided(page[2]))

    def on_nack(self, sender, message):
        self.floor = max(self.floor, message.promised.round)

    def on_try_again(self, sender, message):
        if message.ballot.round == len(self.rounds) - 1 and not self.known:
            self.open_round()
