from paxoskit.protocol.member import Member, Voted
from paxoskit.protocol.messages import Accept, Accepted, Blocks, Decide, Nack, Prepare, Promise, Vote


class Server(Member):
    """One handler; a promise's height is mine; a vote that is over is not told."""

    def hear(self, sender, message):
        match message:
            case Prepare() if self.heard:
                pass
            case Prepare(ballot, _) if ballot < self.disk.promised:
                self.send(sender, Nack(ballot, self.disk.promised))
            case Prepare(ballot, height):
                self.yield_to(ballot)
                self.disk.promised = ballot
                vote = self.disk.vote
                if vote is not None and vote.block.height != self.height:
                    vote = None
                self.send(sender, Promise(ballot, height, vote, self.disk.blocks[height:]))
            case Promise(ballot, _, vote, blocks):
                if ballot == self.ballot and not self.leading:
                    for block in blocks:
                        self.hear(sender, Decide(block))
                    self.promises[sender] = vote
                    if len(self.promises) == self.majority:
                        self.lead()
                        told = [v for v in self.promises.values() if v and v.block.height == self.height]
                        told.sort(key=lambda v: v.ballot)
                        if told:
                            self.offer(told[-1].block)
            case Accept(ballot, block) if self.follow(sender, ballot):
                if block.height == self.height:
                    if self.fits(block):
                        self.announce(Voted(ballot, block.height, block.hash))
                        self.disk.vote = Vote(ballot, block)
                        self.send(sender, Accepted(ballot, block.height, block.hash))
                else:
                    self.close_gap(sender, block.height)
            case Decide(block) if block.height == self.height:
                if self.fits(block):
                    self.disk.vote = None
                    self.append(block)
            case Decide(block) if block.height > self.height:
                self.close_gap(sender, block.height)

    on_prepare = on_promise = on_accept = on_decide = hear
