# What it knows is in an attribute called state, as a method of Node is.
from paxoskit.protocol.node import Node
from paxoskit.protocol.plain import BOTTOM, Ballot
from paxoskit.protocol.synod import Accept, Accepted, Nack, Prepare, Promise, Vote


class Acceptor(Node):
    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.state = {"promised": BOTTOM, "vote": None}

    def on_prepare(self, sender, prepare):
        if prepare.ballot < self.state["promised"]:
            self.send(sender, Nack(prepare.ballot, self.state["promised"]))
        else:
            self.state["promised"] = prepare.ballot
            self.send(sender, Promise(prepare.ballot, self.state["vote"]))

    def on_accept(self, sender, accept):
        if accept.ballot < self.state["promised"]:
            self.send(sender, Nack(accept.ballot, self.state["promised"]))
        else:
            self.state.update(promised=accept.ballot, vote=Vote(accept.ballot, accept.value))
            self.send(sender, Accepted(accept.ballot, accept.value))
