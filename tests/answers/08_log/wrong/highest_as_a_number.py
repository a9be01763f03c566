# loses: lead. The highest ballot is found by its number: 2.2 comes after 2.13.
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
        if prepare.ballot < self.disk.promised:
            self.send(sender, Nack(prepare.ballot, self.disk.promised))
            return
        self.yield_to(prepare.ballot)
        self.disk.promised = prepare.ballot
        blocks = self.disk.blocks[prepare.height :]
        self.send(sender, Promise(prepare.ballot, prepare.height, self.disk.vote, blocks))

    def on_promise(self, sender, promise):
        """Learn what others decided; with a majority of promises lead, and propose first what may be chosen."""
        if promise.ballot != self.ballot or self.leading or sender not in self.peers:
            return
        self.promises[sender] = promise
        self.on_blocks(sender, Blocks(promise.blocks))
        if len(self.promises) >= self.majority:
            self.lead()
            votes = [one.vote for one in self.promises.values() if one.vote is not None]
            votes = [vote for vote in votes if vote.block.height == self.height]
            if votes:
                self.offer(max(votes, key=lambda vote: float(str(vote.ballot))).block)

    def on_accept(self, sender, accept):
        """Vote for a good block of the next slot, unless I promised a higher ballot; announce each vote."""
        if not self.follow(sender, accept.ballot):
            return  # I promised a higher ballot, and have said so
        block = accept.block
        if block.height != self.height:
            self.close_gap(sender, block.height)
        elif self.fits(block):
            self.disk.vote = Vote(accept.ballot, block)
            self.send(sender, Accepted(accept.ballot, block.height, block.hash))
            self.announce(Voted(accept.ballot, block.height, block.hash))

    def on_decide(self, sender, decide):
        """Append the chosen block if it is the next one; ask for those between if it is a later one."""
        block = decide.block
        if block.height > self.height:
            self.close_gap(sender, block.height)
        elif block.height == self.height and self.fits(block):
            self.disk.vote = None
            self.append(block)
