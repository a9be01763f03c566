# The three roles as classes of their own, mixed into one server; an equal ballot is refused.
from paxoskit.protocol import messages
from paxoskit.protocol.member import Member, Voted


class Acceptor:
    def on_prepare(self, sender, prepare):
        if self.heard:
            return
        if prepare.ballot <= self.disk.promised:
            return self.send(sender, messages.Nack(prepare.ballot, self.disk.promised))
        self.disk.promised = prepare.ballot
        self.yield_to(prepare.ballot)
        self.send(sender, messages.Promise(prepare.ballot, prepare.height, self.vote(), self.above(prepare.height)))

    def vote(self):
        vote = self.disk.vote
        return vote if vote is not None and vote.block.height == self.height else None

    def above(self, height):
        return tuple(self.disk.blocks[at] for at in range(height, self.height))

    def on_accept(self, sender, accept):
        ballot, block = accept.ballot, accept.block
        if not self.follow(sender, ballot):
            return
        if block.height == self.height:
            if not self.fits(block):
                return
            self.disk.vote = messages.Vote(ballot, block)
            for say, what in ((self.announce, Voted), (lambda one: self.send(sender, one), messages.Accepted)):
                say(what(ballot, block.height, block.hash))
        else:
            print("gap", self.height, block.height)
            self.close_gap(sender, block.height)


class Proposer:
    def on_promise(self, sender, promise):
        mine = promise.ballot == self.ballot and not self.leading
        if mine and sender in self.peers:
            self.promises.setdefault(sender, promise)
            self.on_blocks(sender, messages.Blocks(promise.blocks))
            if len(self.promises) == self.majority:
                self.lead()
                self.finish()

    def finish(self):
        reports = sorted((one.vote for one in self.promises.values() if one.vote), key=lambda vote: vote.ballot)
        for vote in reversed(reports):
            if vote.block.height == self.height:
                self.offer(vote.block)
                break


class Learner:
    def on_decide(self, sender, decide):
        if decide.block.height > self.height:
            self.close_gap(sender, decide.block.height)
        if decide.block.height == self.height and self.fits(decide.block):
            self.append(decide.block)


class Server(Acceptor, Proposer, Learner, Member):
    pass
