# Keeps its votes by slot on a disk of its own, never forgets one; match statements.
from dataclasses import dataclass, field

from paxoskit.protocol.member import Member, Voted
from paxoskit.protocol.messages import Accepted, Blocks, Nack, Promise, Vote
from paxoskit.protocol.plain import BOTTOM, Ballot


class Server(Member):
    @dataclass
    class Disk:
        promised: Ballot = BOTTOM
        votes: dict = field(default_factory=dict)
        blocks: tuple = ()

    def on_prepare(self, sender, prepare):
        if self.heard:
            return
        match prepare.ballot >= self.disk.promised:
            case True:
                self.yield_to(prepare.ballot)
                self.disk.promised = prepare.ballot
                missing = tuple(block for block in self.disk.blocks if block.height >= prepare.height)
                vote = self.disk.votes.get(len(self.disk.blocks))
                self.send(sender, Promise(prepare.ballot, prepare.height, vote, missing))
            case False:
                self.send(sender, Nack(prepare.ballot, self.disk.promised))

    def on_promise(self, sender, promise):
        if self.leading or promise.ballot != self.ballot:
            return
        self.on_blocks(sender, Blocks(promise.blocks))
        self.promises[sender] = promise
        if len(self.promises) < self.majority:
            return
        self.lead()
        best = None
        for one in self.promises.values():
            if one.vote and one.vote.block.height == self.height and (best is None or one.vote.ballot > best.ballot):
                best = one.vote
        if best:
            self.offer(best.block)

    def on_accept(self, sender, accept):
        if self.follow(sender, accept.ballot):
            block = accept.block
            if block.height == self.height and self.fits(block):
                self.disk.votes[block.height] = Vote(accept.ballot, block)
                self.announce(Voted(accept.ballot, block.height, block.hash))
                self.send(sender, Accepted(accept.ballot, block.height, block.hash))
            elif block.height != self.height:
                self.close_gap(sender, block.height)

    def on_decide(self, sender, decide):
        match decide.block.height - self.height:
            case 0:
                self.on_blocks(sender, Blocks((decide.block,)))
            case later if later > 0:
                self.close_gap(sender, decide.block.height)
