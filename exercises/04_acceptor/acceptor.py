"""The acceptor of single-decree Paxos. It gives two kinds of promises, and breaks none.

Paxos Made Simple, section 2.2: "An acceptor can accept a proposal numbered n iff it has not responded to a prepare
request having a number greater than n."
"""

from paxoskit.protocol.node import Node
from paxoskit.protocol.plain import BOTTOM
from paxoskit.protocol.synod import Accepted, Nack, Promise, Vote


class Acceptor(Node):
    """An acceptor: it promises and votes in no ballot below the one that it promised last.

    You hear: `Prepare(ballot)`, `Accept(ballot, value)`. You may send, to whoever asked: `Promise(ballot, vote)`,
    `Accepted(ballot, value)`, and `Nack(ballot, promised)` to whatever you refuse, be it a Prepare or an Accept.
    You may not stay silent: a proposer that hears nothing cannot tell a refusal from a lost message.
    """

    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        raise NotImplementedError("__init__: what does an acceptor have to remember? BOTTOM is below every ballot")

    def on_prepare(self, sender, prepare):
        """Promise the ballot, and say what I voted for: whoever leads it may have to propose that again."""
        raise NotImplementedError(
            "on_prepare: when may you not promise this ballot? And what do you tell with a promise?"
        )

    def on_accept(self, sender, accept):
        """Vote for the value, unless I promised a higher ballot."""
        raise NotImplementedError("on_accept: when may you not vote in this ballot? And what do you keep of your vote?")
