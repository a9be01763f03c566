"""Exercise 11: a whole server, under every fault, and a report of an experiment with it. README.md says what is asked.

What is not a rule of Paxos, of the disk or of the store is given in `Member`.
"""

from dataclasses import dataclass

from paxoskit.protocol.member import Member
from paxoskit.protocol.messages import Accepted, Blocks, Nack, Prepare, Promise, Put, Reply, Vote
from paxoskit.protocol.plain import Ballot


class Server(Member):
    """A server of a cluster, all of it: it stands, promises, leads, votes, learns, and answers from its store."""

    @dataclass
    class Disk(Member.Disk):
        """What survives a crash: promised, vote, blocks; and whether this server may promise, vote and stand."""

        voter: bool = True  # False from the beginning of a life whose disk was lost before

    # Phase 1: who leads?

    def stand(self):
        """My election timer rang, and I heard no leader: ask everybody to follow me in a new ballot."""
        raise NotImplementedError(
            "stand: who may never stand again? which ballot is above all that were used, in earlier lives too?"
        )

    def on_prepare(self, sender, prepare):
        """Promise the ballot, unless I promised a higher one; tell the candidate what I voted and what it lacks."""
        if self.heard:
            return  # my leader lives: as if this message were lost
        raise NotImplementedError("on_prepare: may I promise at all? and this ballot? what must a promise tell?")

    def on_promise(self, sender, promise):
        """Learn what others decided; with a majority of promises lead, and propose first what may be chosen."""
        raise NotImplementedError(
            "on_promise: which promises count, what do they teach? at a majority: self.lead(), then propose what?"
        )

    # Phase 2: what is in the next slot?

    def on_accept(self, sender, accept):
        """Vote for a good block of the next slot, unless I promised a higher ballot."""
        raise NotImplementedError(
            "on_accept: self.follow first; another slot? a bad block? may I vote? what is kept before it is said?"
        )

    def on_decide(self, sender, decide):
        """Append the chosen block if it is the next one; ask for those between if it is a later one."""
        raise NotImplementedError("on_decide: an old block, the next one, a later one")

    # The store

    def begin(self, blocks):
        """A life begins, with these decided blocks on the disk: make the store that they imply."""
        raise NotImplementedError(
            "begin: what does a store hold, and how do decided blocks fill it? nothing is answered here"
        )

    def on_request(self, sender, request):
        """Answer what has taken effect here already; lead what is new to a block."""
        raise NotImplementedError(
            "on_request: is it done already? then answer it; a new one goes into the log, a get too"
        )

    def apply(self, block):
        """A block is decided: let its requests take effect, each once; the leader answers them."""
        raise NotImplementedError(
            "apply: which of the block's requests takes effect, with which answer? who answers it?"
        )


def report():
    """Return the report of an experiment: every figure in it comes out again when its run is made again."""
    raise NotImplementedError("report: a dict as README.md has it; experiment(...) makes its runs, the words are yours")
