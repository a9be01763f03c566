# loses: lead. Leads once more when a promise comes twice.
# loses nothing else
from paxoskit.protocol.member import Member, Voted
from paxoskit.protocol.messages import Accepted, Blocks, Nack, Promise, Vote


class Server(Member):
    def on_prepare(self, sender, prepare):
        if self.heard:
            return
        if prepare.ballot < self.disk.promised:
            self.send(sender, Nack(prepare.ballot, self.disk.promised))
            return
        self.yield_to(prepare.ballot)
        self.disk.promised = prepare.ballot
        vote = self.disk.vote
        if vote is not None and vote.block.height != self.height:
            vote = None
        self.send(sender, Promise(prepare.ballot, prepare.height, vote, self.disk.blocks[prepare.height:]))

    def on_promise(self, sender, promise):
        if promise.ballot != self.ballot:
            return
        self.promises[sender] = promise
        self.on_blocks(sender, Blocks(promise.blocks))
        if len(self.promises) != self.majority:
            return
        self.lead()
        votes = [p.vote for p in self.promises.values() if p.vote is not None]
        votes = [v for v in votes if v.block.height == self.height]
        if votes:
            self.offer(max(votes, key=lambda v: v.ballot).block)

    def on_accept(self, sender, accept):
        if not self.follow(sender, accept.ballot):
            return
        block = accept.block
        if block.height != self.height:
            self.close_gap(sender, block.height)
            return
        if not self.fits(block):
            return
        self.disk.vote = Vote(accept.ballot, block)
        self.send(sender, Accepted(accept.ballot, block.height, block.hash))
        self.announce(Voted(accept.ballot, block.height, block.hash))

    def on_decide(self, sender, decide):
        block = decide.block
        if block.height == self.height:
            if self.fits(block):
                self.append(block)
        elif block.height > self.height:
            self.close_gap(sender, block.height)
