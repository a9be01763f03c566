# loses: alone. A leader answers only what it was asked itself, not what another leader had proposed.
from dataclasses import dataclass

from paxoskit.protocol.member import Member
from paxoskit.protocol.messages import Accepted, Blocks, Nack, Prepare, Promise, Put, Reply, Vote
from paxoskit.protocol.plain import Ballot


class Server(Member):
    @dataclass
    class Disk(Member.Disk):
        voter: bool = True

    # Phase 1: who leads?

    def stand(self):
        self.become_follower()
        if not self.disk.voter:
            return
        self.ballot = Ballot(max(self.disk.promised, self.seen).round + 1, self.name)
        self.broadcast(Prepare(self.ballot, self.height))

    def on_prepare(self, sender, prepare):
        if self.heard:
            return  # my leader lives: as if this message were lost
        if not self.disk.voter:
            return
        if prepare.ballot < self.disk.promised:
            self.send(sender, Nack(prepare.ballot, self.disk.promised))
            return
        self.yield_to(prepare.ballot)
        self.disk.promised = prepare.ballot
        vote = self.disk.vote
        if vote is not None and vote.block.height != self.height:
            vote = None
        self.send(sender, Promise(prepare.ballot, prepare.height, vote, self.disk.blocks[prepare.height :]))

    def on_promise(self, sender, promise):
        if promise.ballot != self.ballot or self.leading:
            return
        self.promises[sender] = promise
        self.on_blocks(sender, Blocks(promise.blocks))
        if len(self.promises) < self.majority:
            return
        self.lead()
        votes = [one.vote for one in self.promises.values() if one.vote is not None]
        votes = [vote for vote in votes if vote.block.height == self.height]
        if votes:
            self.offer(max(votes, key=lambda vote: vote.ballot).block)

    # Phase 2: what is in the next slot?

    def on_accept(self, sender, accept):
        if not self.follow(sender, accept.ballot):
            return
        if accept.block.height != self.height:
            self.close_gap(sender, accept.block.height)
            return
        if not self.fits(accept.block):
            return
        if not self.disk.voter:
            return
        self.disk.vote = Vote(accept.ballot, accept.block)
        self.send(sender, Accepted(accept.ballot, accept.block.height, accept.block.hash))

    def on_decide(self, sender, decide):
        if decide.block.height > self.height:
            self.close_gap(sender, decide.block.height)
        elif decide.block.height == self.height:
            self.on_blocks(sender, Blocks((decide.block,)))

    # The store

    def begin(self, blocks):
        self.values, self.counts, self.done = {}, {}, {}
        self.mine = set()
        for block in blocks:
            for request in block.operations:
                self.effect(request)

    def effect(self, request):
        number, _ = self.done.get(request.session, (0, None))
        if request.number <= number:
            return
        key = request.operation.key
        if isinstance(request.operation, Put):
            self.values[key] = request.operation.value
            self.counts[key] = self.counts.get(key, 0) + 1
            answer = str(self.counts[key])
        else:
            answer = self.values.get(key)
        self.done[request.session] = request.number, answer

    def on_request(self, sender, request):
        number, answer = self.done.get(request.session, (0, None))
        if request.number > number:
            self.mine.add(request.session)
            self.order(sender, request)
        elif request.number == number:
            self.send(request.client, Reply(request.session, number, answer))

    def apply(self, block):
        for request in block.operations:
            self.effect(request)
            number, answer = self.done[request.session]
            if self.leading and number == request.number and request.session in self.mine:
                self.send(request.client, Reply(request.session, number, answer))


def report():
    return {
        "question": "Is anything answered within five steps?",
        "expected": "No.",
        "runs": {("Server", n, 3, 5): {1: ("", 0), 2: ("", 0), 3: ("", 0)} for n in ("none", "crash")},
        "not covered": "Everything else.",
        "so": "Nothing is answered so soon.",
    }
