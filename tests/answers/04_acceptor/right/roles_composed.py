# Two small objects do the work, the node only passes messages on.
from paxoskit.protocol.node import Node
from paxoskit.protocol.plain import BOTTOM
from paxoskit.protocol.synod import Accepted, Nack, Promise, Vote


class Gate:
    def __init__(self):
        self.level = BOTTOM

    def lets(self, ballot):
        if ballot >= self.level:
            self.level = ballot
            return True
        return False


class Memory:
    def __init__(self):
        self.best = None

    def note(self, ballot, value):
        if self.best is None or ballot >= self.best[0]:
            self.best = (ballot, value)

    def report(self):
        return None if self.best is None else Vote(*self.best)


class Acceptor(Node):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.gate, self.memory = Gate(), Memory()

    def on_prepare(self, sender, message):
        fine = self.gate.lets(message.ballot)
        self.send(sender, Promise(message.ballot, self.memory.report()) if fine else self.refusal(message))

    def on_accept(self, sender, message):
        if not self.gate.lets(message.ballot):
            return self.send(sender, self.refusal(message))
        self.memory.note(message.ballot, message.value)
        return self.send(sender, Accepted(message.ballot, message.value))

    def refusal(self, message):
        return Nack(message.ballot, self.gate.level)
