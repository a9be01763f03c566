"""Exercise 08: the four handlers of a server that agrees on many slots, one after the other. See README.md.

All else of a server is given in `Member`.
"""

from paxoskit.protocol.member import Member, Voted
from paxoskit.protocol.messages import Accepted, Blocks, Nack, Promise, Vote


class Server(Member):
    """A server of a cluster: acceptor, proposer and learner in one, for a log of blocks."""

    def on_prepare(self, sender, prepare):
        """Promise the ballot, unless I promised a higher one; tell the candidate what I voted and what it lacks."""
        if self.heard:
            return  # my leader lives: as if this message were lost
        raise NotImplementedError(
            "on_prepare: refuse or promise; what does the candidate not know about the slots from its height on?"
        )

    def on_promise(self, sender, promise):
        """Learn what others decided; with a majority of promises lead, and propose first what may be chosen."""
        raise NotImplementedError(
            "on_promise: which promises count, what do they teach? at a majority: self.lead(), then propose what?"
        )

    def on_accept(self, sender, accept):
        """Vote for a good block of the next slot, unless I promised a higher ballot; announce each vote."""
        if not self.follow(sender, accept.ballot):
            return  # I promised a higher ballot, and have said so
        raise NotImplementedError(
            "on_accept: another slot? a bad block? otherwise keep the vote, say it, and announce it"
        )

    def on_decide(self, sender, decide):
        """Append the chosen block if it is the next one; ask for those between if it is a later one."""
        raise NotImplementedError(
            "on_decide: an old block, the next one, a later one; which vote is over when a slot is decided?"
        )
