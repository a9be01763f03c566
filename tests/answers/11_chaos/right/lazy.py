# Keeps no store at all: whatever is asked follows from the blocks on the disk, each time anew.
from dataclasses import dataclass, field, replace

from paxoskit.protocol.member import Member
from paxoskit.protocol.messages import Accepted, Blocks, Get, Nack, Prepare, Promise, Put, Reply, Request, Vote
from paxoskit.protocol.plain import BOTTOM, Ballot


class Server(Member):
    """Keeps nothing: everything follows from the blocks on the disk, each time anew."""

    @dataclass
    class Disk(Member.Disk):
        voter: bool = True

    @property
    def log(self):
        seen = set()
        for block in self.disk.blocks:
            for request in block.operations:
                newest = max((number for session, number in seen if session == request.session), default=0)
                if request.number > newest:
                    seen.add((request.session, request.number))
                    yield request

    def answer_of(self, request):
        """The answer at the request's place, or raise LookupError."""
        value, count = None, 0
        for one in self.log:
            if one.operation.key == request.operation.key and isinstance(one.operation, Put):
                value, count = one.operation.value, count + 1
            if (one.session, one.number) == (request.session, request.number):
                return str(count) if isinstance(one.operation, Put) else value
        raise LookupError(request)

    def last(self, session):
        return max((one.number for one in self.log if one.session == session), default=0)

    def stand(self):
        self.become_follower()
        if self.disk.voter:
            self.ballot = Ballot(max(self.disk.promised, self.seen)[0] + 1, self.name)
            self.broadcast(Prepare(self.ballot, self.height))

    def on_prepare(self, sender, prepare):
        if self.heard or not self.disk.voter:
            return
        if self.disk.promised > prepare.ballot:
            self.send(sender, Nack(prepare.ballot, self.disk.promised))
        else:
            self.disk.promised = prepare.ballot
            self.send(sender, Promise(prepare.ballot, prepare.height, self.disk.vote, self.disk.blocks[prepare.height:]))

    def on_promise(self, sender, promise):
        if not self.leading and promise.ballot == self.ballot:
            self.promises[sender] = promise
            self.on_blocks(sender, Blocks(promise.blocks))
            if len(self.promises) >= self.majority:
                self.lead()
                mine = [p.vote for p in self.promises.values() if p.vote and p.vote.block.height == self.height]
                for vote in sorted(mine, key=lambda vote: vote.ballot, reverse=True)[:1]:
                    self.offer(vote.block)

    def on_accept(self, sender, accept):
        if not self.follow(sender, accept.ballot):
            return
        if accept.block.height != self.height:
            self.close_gap(sender, accept.block.height)
        elif self.fits(accept.block) and self.disk.voter:
            self.disk.vote = Vote(accept.ballot, accept.block)
            self.send(sender, Accepted(accept.ballot, accept.block.height, accept.block.hash))

    def on_decide(self, sender, decide):
        self.close_gap(sender, max(decide.block.height, self.height))
        self.on_blocks(sender, Blocks((decide.block,)))

    def begin(self, blocks):
        pass

    def on_request(self, sender, request):
        last = self.last(request.session)
        if request.number > last:
            self.order(sender, request)
        elif request.number == last:
            self.send(request.client, Reply(request.session, request.number, self.answer_of(request)))

    def apply(self, block):
        if self.leading:
            for request in block.operations:
                if request.number == self.last(request.session):
                    self.send(request.client, Reply(request.session, request.number, self.answer_of(request)))


def report():
    return {
        "question": "Is anything answered within five steps?",
        "expected": "No.",
        "runs": {("Server", n, 3, 5): {1: ("", 0), 2: ("", 0), 3: ("", 0)} for n in ("none", "crash")},
        "not covered": "Everything else.",
        "so": "Nothing is answered so soon.",
    }
