# loses: report. What looks like an entity of HTML becomes the character.
import html

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
        self.promised = BOTTOM  # I vote in no ballot below this one
        self.vote = None  # my vote in the highest ballot

    def on_prepare(self, sender, prepare):
        """Promise the ballot, and say what I voted for: whoever leads it may have to propose that again."""
        if prepare.ballot < self.promised:
            self.send(sender, Nack(prepare.ballot, self.promised))
            return
        self.promised = prepare.ballot
        self.send(sender, Promise(prepare.ballot, self.vote))

    def on_accept(self, sender, accept):
        """Vote for the value, unless I promised a higher ballot."""
        if accept.ballot < self.promised:
            self.send(sender, Nack(accept.ballot, self.promised))
            return
        self.promised = accept.ballot
        self.vote = Vote(accept.ballot, html.unescape(accept.value))
        self.send(sender, Accepted(accept.ballot, accept.value))
