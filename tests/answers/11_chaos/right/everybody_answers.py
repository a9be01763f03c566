# Folds the whole log anew for every question; every server answers what it applies; a report of two by two.
from dataclasses import dataclass
from itertools import chain

from paxoskit.protocol.member import Member
from paxoskit.protocol.messages import Accepted, Blocks, Nack, Prepare, Promise, Put, Reply, Vote
from paxoskit.protocol.plain import Ballot


def outcome(blocks, session):
    """Return the number and the answer of a session's last request in these blocks."""
    values, counts, done = {}, {}, {}
    for request in chain.from_iterable(block.operations for block in blocks):
        if request.number > done.get(request.session, (0,))[0]:
            key = request.operation.key
            if type(request.operation) is Put:
                values[key], counts[key] = request.operation.value, counts.get(key, 0) + 1
                done[request.session] = request.number, str(counts[key])
            else:
                done[request.session] = request.number, values.get(key)
    return done.get(session, (0, None))


class Server(Member):
    @dataclass
    class Disk(Member.Disk):
        voter: bool = True
        rounds: int = 0

    def stand(self):
        if not self.disk.voter:
            return
        self.become_follower()
        self.disk.rounds = 1 + max(self.disk.rounds, self.disk.promised.round, self.seen.round)
        self.ballot = Ballot(self.disk.rounds, self.name)
        self.broadcast(Prepare(self.ballot, self.height))

    def on_prepare(self, sender, prepare):
        if self.disk.voter and not self.heard:
            if prepare.ballot >= self.disk.promised:
                self.disk.promised = prepare.ballot
                self.yield_to(prepare.ballot)
                told = prepare.height, self.disk.vote, self.disk.blocks[prepare.height :]
                self.send(sender, Promise(prepare.ballot, *told))
            else:
                self.send(sender, Nack(prepare.ballot, self.disk.promised))

    def on_promise(self, sender, promise):
        if self.leading or promise.ballot != self.ballot or sender not in self.peers:
            return
        self.on_blocks(sender, Blocks(promise.blocks))
        self.promises[sender] = promise
        if len(self.promises) < self.majority:
            return
        self.lead()
        best = None
        for one in self.promises.values():
            if one.vote and one.vote.block.height == self.height and (best is None or one.vote.ballot > best.ballot):
                best = one.vote
        if best:
            self.offer(best.block)

    def on_accept(self, sender, accept):
        block = accept.block
        if not self.follow(sender, accept.ballot):
            return
        self.close_gap(sender, block.height)
        if block.height == self.height and self.disk.voter and self.fits(block):
            self.disk.vote = Vote(accept.ballot, block)
            self.send(sender, Accepted(accept.ballot, block.height, block.hash))

    def on_decide(self, sender, decide):
        self.close_gap(sender, decide.block.height) if decide.block.height > self.height else None
        self.on_blocks(sender, Blocks((decide.block,)))

    def begin(self, blocks):
        pass

    def on_request(self, sender, request):
        number, answer = outcome(self.disk.blocks, request.session)
        if request.number > number:
            self.order(sender, request)
        if request.number == number:
            self.send(request.client, Reply(request.session, number, answer))

    def apply(self, block):
        for request in block.operations:
            number, answer = outcome(self.disk.blocks, request.session)
            if number == request.number:
                self.send(request.client, Reply(request.session, number, answer))


class Careless(Server):
    """Its vote does not outlive a crash."""

    def on_start(self):
        self.disk.vote = None
        super().on_start()


def report():
    return {
        "question": "Does it matter whether a vote outlives a crash?",
        "expected": "Only where there are crashes.",
        "runs": {
            ("Server", "none", 3, 400): {2: ("", 24), 3: ("", 22), 6: ("", 23)},
            ("Server", "loss=0.2 crash-several", 3, 400): {2: ("", 6), 3: ("", 6), 6: ("", 0)},
            ("Careless", "none", 3, 400): {2: ("", 24), 3: ("", 22), 6: ("", 23)},
            ("Careless", "loss=0.2 crash-several", 3, 400): {2: ("", 6), 3: ("a promise is complete", 6), 6: ("a promise is complete", 0)},
        },
        "not covered": "All other faults. How long it takes until somebody is hurt.",
        "so": "With crashes a claim fell in two of three runs of Careless, without them in none; of Server in none at all.",
    }
