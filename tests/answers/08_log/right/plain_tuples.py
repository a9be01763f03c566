# Ballots as plain tuples, a table of handlers by what is decided, the highest vote found step by step as promises come.
from paxoskit.protocol.member import Member, Voted
from paxoskit.protocol.messages import Accepted, Blocks, Nack, Promise, Vote


class Server(Member):
    def become_follower(self):
        super().become_follower()
        self.reported = {}

    def on_prepare(self, sender, prepare):
        if self.heard:
            return
        asked, promised = tuple(prepare.ballot), tuple(self.disk.promised)
        if asked < promised:
            self.send(sender, Nack(prepare.ballot, self.disk.promised))
        else:
            self.disk.promised = prepare.ballot
            self.yield_to(prepare.ballot)
            lacking = list(self.disk.blocks)[prepare.height:]
            self.send(sender, Promise(prepare.ballot, prepare.height, self.disk.vote, tuple(lacking)))

    def on_promise(self, sender, promise):
        if tuple(promise.ballot) != tuple(self.ballot) or self.leading:
            return
        vote = promise.vote
        if vote is not None:
            slot = vote.block.height
            if slot not in self.reported or tuple(self.reported[slot].ballot) < tuple(vote.ballot):
                self.reported[slot] = vote
        for block in promise.blocks:
            if block.height == self.height and self.fits(block):
                self.append(block)
        self.promises[sender] = promise
        if 2 * len(self.promises) > len(self.peers):
            self.lead()
            if self.height in self.reported:
                self.offer(self.reported[self.height].block)

    def on_accept(self, sender, accept):
        if not self.follow(sender, accept.ballot):
            return
        here, there = len(self.disk.blocks), accept.block.height
        if here != there:
            self.close_gap(sender, there)
            return
        if not self.fits(accept.block):
            return
        self.disk.vote = Vote(accept.ballot, accept.block)
        words = (accept.ballot, there, accept.block.hash)
        self.send(sender, Accepted(*words))
        self.announce(Voted(*words))

    def on_decide(self, sender, decide):
        here, there = len(self.disk.blocks), decide.block.height
        if here < there:
            self.close_gap(sender, there)
        elif here == there:
            self.on_blocks(sender, Blocks((decide.block,)))
