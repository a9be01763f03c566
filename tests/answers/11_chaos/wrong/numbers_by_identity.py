# loses: alone. Is it the last request of its session? `is` says so of numbers up to 256 only.
from dataclasses import dataclass

from paxoskit.protocol.member import Member
from paxoskit.protocol.messages import Accepted, Blocks, Nack, Prepare, Promise, Put, Reply, Vote
from paxoskit.protocol.plain import Ballot


class Server(Member):
    @dataclass
    class Disk(Member.Disk):
        voter: bool = True

    # Phase 1

    def stand(self):
        if not self.disk.voter:
            return
        self.become_follower()
        highest = max(self.disk.promised, self.seen)
        self.ballot = Ballot(highest.round + 1, self.name)
        self.broadcast(Prepare(self.ballot, self.height))

    def on_prepare(self, sender, prepare):
        if self.heard:
            return
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
        self.send(sender, Promise(prepare.ballot, prepare.height, vote, self.disk.blocks[prepare.height:]))

    def on_promise(self, sender, promise):
        if promise.ballot != self.ballot or self.leading:
            return
        self.on_blocks(sender, Blocks(promise.blocks))
        if sender in self.peers:
            self.promises[sender] = promise
        if len(self.promises) < self.majority:
            return
        self.lead()
        votes = [p.vote for p in self.promises.values() if p.vote is not None and p.vote.block.height == self.height]
        if votes:
            self.offer(max(votes, key=lambda vote: vote.ballot).block)

    # Phase 2

    def on_accept(self, sender, accept):
        if not self.follow(sender, accept.ballot):
            return
        block = accept.block
        if block.height != self.height:
            self.close_gap(sender, block.height)
            return
        if not self.disk.voter:
            return
        if not self.fits(block):
            return
        self.disk.vote = Vote(accept.ballot, block)
        self.send(sender, Accepted(accept.ballot, block.height, block.hash))

    def on_decide(self, sender, decide):
        block = decide.block
        if block.height == self.height:
            self.on_blocks(sender, Blocks((block,)))
        elif block.height > self.height:
            self.close_gap(sender, block.height)

    # The store

    def begin(self, blocks):
        self.data = {}
        self.count = {}
        self.done = {}
        for block in blocks:
            for request in block.operations:
                self.take(request)

    def take(self, request):
        last = self.done.get(request.session, (0, None))
        if request.number > last[0]:
            key = request.operation.key
            if isinstance(request.operation, Put):
                self.data[key] = request.operation.value
                self.count[key] = self.count.get(key, 0) + 1
                answer = str(self.count[key])
            else:
                answer = self.data.get(key)
            self.done[request.session] = (request.number, answer)

    def on_request(self, sender, request):
        number, answer = self.done.get(request.session, (0, None))
        if request.number > number:
            self.order(sender, request)
        elif request.number is number:
            self.send(request.client, Reply(request.session, number, answer))

    def apply(self, block):
        for request in block.operations:
            self.take(request)
            if self.leading:
                number, answer = self.done[request.session]
                if number == request.number:
                    self.send(request.client, Reply(request.session, number, answer))


def report():
    return {
        "question": "Is anything answered within five steps?",
        "expected": "No.",
        "runs": {("Server", n, 3, 5): {1: ("", 0), 2: ("", 0), 3: ("", 0)} for n in ("none", "crash")},
        "not covered": "Everything else.",
        "so": "Nothing is answered so soon.",
    }
