"""The proposer of single-decree Paxos. It asks before it proposes, and proposes what it must.

Paxos Made Simple, section 2.2: the value of a proposal is "the value of the highest-numbered proposal among the
responses, or is any value selected by the proposer if the responders reported no proposals".
"""

from paxoskit.protocol.node import Node
from paxoskit.protocol.plain import BOTTOM, Ballot
from paxoskit.protocol.synod import Accept, Decided, Prepare, TryAgain


class Proposer(Node):
    """A proposer: it stands in one ballot after the other until it knows a value to be chosen.

    You hear: `Propose(value)`, once; `Promise`, `Accepted` and `Nack` of the acceptors; your own timer `TryAgain`.
    You may send, to the acceptors (your `peers`): `Prepare(ballot)`, `Accept(ballot, value)`. Once a majority voted in
    one ballot, announce `Decided(value)`. Silence may be loss: stand again, in a higher ballot, after a while that is
    not the same for everyone. A Nack tells which ballot you must be above.
    """

    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        raise NotImplementedError(
            "__init__: what does a proposer have to remember of itself, of its ballot, of what it heard?"
        )

    def on_propose(self, sender, message):
        """Begin."""
        raise NotImplementedError(
            "on_propose: remember the value, ask the acceptors to promise a ballot, and set a timer"
        )

    def on_promise(self, sender, promise):
        """With a majority of promises, propose: the value of the highest vote they report, or else my own."""
        raise NotImplementedError(
            "on_promise: is this an answer to your ballot? From whom do you have promises, and what do they report?"
        )

    def on_accepted(self, sender, accepted):
        """With a majority of votes in my ballot, its value is chosen."""
        raise NotImplementedError("on_accepted: whose votes count, for what, and how many do you need?")

    def on_nack(self, sender, nack):
        """Remember which ballot is in my way; my timer decides when to try again."""
        raise NotImplementedError("on_nack: what must your next ballot be above?")

    def on_try_again(self, sender, message):
        """Stand again, if the ballot came to nothing."""
        raise NotImplementedError("on_try_again: has the ballot come to nothing?")
