# loses: promise. Who leads when it promises reports no vote.
from paxoskit.protocol.member import Member, Voted
from paxoskit.protocol.messages import Accept, Accepted, Blocks, Decide, Nack, Prepare, Promise, Vote
from paxoskit.protocol.plain import BOTTOM, Ballot

class Server(Member):

    def on_prepare(self, sender, prepare):
        if self.heard:
            return
        if prepare.ballot < self.disk.promised:
            self.send(sender, Nack(prepare.ballot, self.disk.promised))
            return
        was_leading = self.leading
        self.yield_to(prepare.ballot)
        self.disk.promised = prepare.ballot
        vote = self.disk.vote
        if was_leading or vote is not None and vote.block.height != self.height:
            vote = None
        self.send(sender, Promise(prepare.ballot, prepare.height, vote, self.disk.blocks[prepare.height:]))

    def on_promise(self, sender, promise):
        if promise.ballot != self.ballot or self.leading:
            return
        self.promises[sender] = promise
        self.on_blocks(sender, Blocks(promise.blocks))
        if len(self.promises) >= self.majority:
            self.lead()
            votes = [p.vote for p in self.promises.values() if p.vote is not None and p.vote.block.height == self.height]
            if votes:
                self.offer(max(votes, key=lambda vote: vote.ballot).block)

    def on_accept(self, sender, accept):
        if not self.follow(sender, accept.ballot):
            return
        block = accept.block
        if block.height != self.height:
            self.close_gap(sender, block.height)
        elif self.fits(block):
            self.disk.vote = Vote(accept.ballot, block)
            self.send(sender, Accepted(accept.ballot, block.height, block.hash))
            self.announce(Voted(accept.ballot, block.height, block.hash))

    def on_decide(self, sender, decide):
        block = decide.block
        if block.height > self.height:
            self.close_gap(sender, block.height)
        elif block.height == self.height and self.fits(block):
            self.append(block)
            self.disk.vote = None
