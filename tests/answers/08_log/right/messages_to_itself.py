# Counts and tells by messages of its own, to itself.
from dataclasses import dataclass
from paxoskit.protocol.member import Member, Voted
from paxoskit.protocol.messages import Accepted, Block, Blocks, Nack, Promise, Vote
from paxoskit.protocol.plain import Ballot, Message


@dataclass(frozen=True)
class Count(Message):
    """To myself: are there enough?"""

    ballot: Ballot


@dataclass(frozen=True)
class SayVote(Message):
    """To myself: say that I voted."""

    leader: int
    ballot: Ballot
    block: Block


class Server(Member):
    """Helper messages to itself."""

    def on_prepare(self, sender, prepare):
        if self.heard:
            return
        if prepare.ballot < self.disk.promised:
            self.send(sender, Nack(prepare.ballot, self.disk.promised))
        else:
            self.yield_to(prepare.ballot)
            self.disk.promised = prepare.ballot
            self.send(sender, Promise(prepare.ballot, prepare.height, self.disk.vote, self.disk.blocks[prepare.height:]))

    def on_promise(self, sender, promise):
        if promise.ballot == self.ballot and not self.leading:
            self.promises[sender] = promise
            self.on_blocks(sender, Blocks(promise.blocks))
            self.send(self.name, Count(promise.ballot))

    def on_count(self, sender, count):
        if count.ballot == self.ballot and not self.leading and len(self.promises) >= self.majority:
            self.lead()
            votes = [p.vote for p in self.promises.values() if p.vote]
            votes = [v for v in votes if v.block.height == self.height]
            if votes:
                votes.sort(key=lambda v: v.ballot, reverse=True)
                self.offer(votes[0].block)

    def on_accept(self, sender, accept):
        if self.follow(sender, accept.ballot):
            if accept.block.height != self.height:
                self.close_gap(sender, accept.block.height)
            elif self.fits(accept.block):
                self.disk.vote = Vote(accept.ballot, accept.block)
                self.send(self.name, SayVote(sender, accept.ballot, accept.block))

    def on_say_vote(self, sender, say):
        self.announce(Voted(say.ballot, say.block.height, say.block.hash))
        self.send(say.leader, Accepted(say.ballot, say.block.height, say.block.hash))

    def on_decide(self, sender, decide):
        if decide.block.height > self.height:
            self.close_gap(sender, decide.block.height)
        elif decide.block.height == self.height and self.fits(decide.block):
            self.append(decide.block)
