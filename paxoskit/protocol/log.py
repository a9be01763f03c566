"""A member whose votes are given too: the exercises 09 and 10 build on it, a store above it and a chain within."""

from __future__ import annotations

from paxoskit.protocol.member import Member
from paxoskit.protocol.messages import Accept, Accepted, Blocks, Decide, Nack, Prepare, Promise, Vote
from paxoskit.protocol.plain import Name


class Log(Member):
    """A whole server over a log of blocks.

    >>> from paxoskit.protocol.plain import Ballot
    >>> Log(1, (1, 2, 3)).receive(2, Prepare(Ballot(1, 2), 0))[0].message.ballot
    Ballot(round=1, server=2)
    """

    def on_prepare(self, sender: Name, prepare: Prepare) -> None:
        """Promise the ballot, unless a higher one is promised already, or my leader lives."""
        if self.heard:
            return
        if prepare.ballot < self.disk.promised:
            self.send(sender, Nack(prepare.ballot, self.disk.promised))
            return
        self.yield_to(prepare.ballot)
        self.disk.promised = prepare.ballot
        blocks = self.disk.blocks[prepare.height :]
        self.send(sender, Promise(prepare.ballot, prepare.height, self.disk.vote, blocks))

    def on_promise(self, sender: Name, promise: Promise) -> None:
        """Learn what the others decided; with a majority of promises, lead, and propose first what may be chosen."""
        if promise.ballot != self.ballot or self.leading or sender not in self.peers:
            return
        self.promises[sender] = promise
        self.on_blocks(sender, Blocks(promise.blocks))
        if len(self.promises) >= self.majority:
            self.lead()
            votes = [one.vote for one in self.promises.values() if one.vote is not None]
            votes = [vote for vote in votes if vote.block.height == self.height]
            if votes:
                self.offer(max(votes, key=lambda vote: vote.ballot).block)

    def on_accept(self, sender: Name, accept: Accept) -> None:
        """Vote, unless a higher ballot is promised, the slot is not the next one here, or the block is bad."""
        if not self.follow(sender, accept.ballot):
            return
        if accept.block.height != self.height:
            self.close_gap(sender, accept.block.height)
        elif self.fits(accept.block):
            self.disk.vote = Vote(accept.ballot, accept.block)
            self.send(sender, Accepted(accept.ballot, accept.block.height, accept.block.hash))

    def on_decide(self, sender: Name, decide: Decide) -> None:
        """Append the chosen block; ask for what lies between, if I am behind."""
        if decide.block.height > self.height:
            self.close_gap(sender, decide.block.height)
        self.on_blocks(sender, Blocks((decide.block,)))
