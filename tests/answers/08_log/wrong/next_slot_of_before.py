# loses: lead. The next slot is that of before the last promise taught it blocks.
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
        blocks = self.disk.blocks[prepare.height:]
        self.send(sender, Promise(prepare.ballot, prepare.height, vote, blocks))

    def on_promise(self, sender, promise):
        if self.leading or promise.ballot != self.ballot or sender not in self.peers:
            return
        self.promises[sender] = promise
        height = self.height
        self.on_blocks(sender, Blocks(promise.blocks))
        if len(self.promises) < self.majority:
            return
        self.lead()
        best = None
        for each in self.promises.values():
            vote = each.vote
            if vote and vote.block.height == height and (best is None or vote.ballot > best.ballot):
                best = vote
        if best:
            self.offer(best.block)

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
        if block.height > self.height:
            self.close_gap(sender, block.height)
        elif block.height == self.height and self.fits(block):
            self.append(block)
