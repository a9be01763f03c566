# The answers of a session in a list, with an assert that none is left out; at birth it sees whether it has a voice.
from dataclasses import dataclass

from paxoskit.protocol.member import Member
from paxoskit.protocol.messages import Accepted, Blocks, Nack, Prepare, Promise, Put, Reply, Vote
from paxoskit.protocol.plain import Ballot


class Server(Member):
    @dataclass
    class Disk(Member.Disk):
        voter: bool = True

    def __init__(self, name, peers, disk=None):
        self.voice = disk is None or disk.voter
        super().__init__(name, peers, disk)

    def stand(self):
        if not self.voice:
            return
        self.become_follower()
        self.ballot = Ballot(max(self.disk.promised[0], self.seen[0]) + 1, self.name)
        self.broadcast(Prepare(self.ballot, self.height))

    def on_prepare(self, sender, prepare):
        if self.heard:
            return
        if prepare.ballot < self.disk.promised:
            self.send(sender, Nack(prepare.ballot, self.disk.promised))
        elif self.voice:
            self.yield_to(prepare.ballot)
            self.disk.promised = prepare.ballot
            vote = self.disk.vote
            if vote is not None and vote.block.height < self.height:
                vote = self.disk.vote = None
            self.send(sender, Promise(prepare.ballot, prepare.height, vote, self.disk.blocks[prepare.height:]))

    def on_promise(self, sender, promise):
        if promise.ballot == self.ballot and not self.leading:
            self.promises[sender] = promise
            self.on_blocks(sender, Blocks(promise.blocks))
            if len(self.promises) == self.majority:
                self.lead()
                votes = [promise.vote for promise in self.promises.values() if promise.vote is not None]
                votes = sorted((v.ballot, v.block.hash, v.block) for v in votes if v.block.height == self.height)
                if votes:
                    self.offer(votes[-1][2])

    def on_accept(self, sender, accept):
        if not self.follow(sender, accept.ballot):
            return
        if accept.block.height != self.height:
            self.close_gap(sender, accept.block.height)
        elif self.fits(accept.block) and self.voice:
            self.disk.vote = Vote(accept.ballot, accept.block)
            self.send(sender, Accepted(accept.ballot, self.height, accept.block.hash))

    def on_decide(self, sender, decide):
        if decide.block.height == self.height:
            self.on_blocks(sender, Blocks((decide.block,)))
        elif decide.block.height > self.height:
            self.close_gap(sender, decide.block.height)

    def begin(self, blocks):
        self.values = {}
        self.times = {}
        self.answers = {}
        for block in blocks:
            for request in block.operations:
                self.take_effect(request)

    def take_effect(self, request):
        answers = self.answers.setdefault(request.session, [])
        if request.number <= len(answers):
            return
        assert request.number == len(answers) + 1, "a session asks the next one when it has its answer"
        operation = request.operation
        if isinstance(operation, Put):
            self.values[operation.key] = operation.value
            self.times[operation.key] = self.times.get(operation.key, 0) + 1
            answers.append(str(self.times[operation.key]))
        else:
            answers.append(self.values.get(operation.key))

    def on_request(self, sender, request):
        answers = self.answers.get(request.session, [])
        if request.number > len(answers):
            self.order(sender, request)
        elif request.number == len(answers):
            self.send(request.client, Reply(request.session, request.number, answers[-1]))

    def apply(self, block):
        for request in block.operations:
            self.take_effect(request)
            answers = self.answers[request.session]
            if self.leading and request.number == len(answers):
                self.send(request.client, Reply(request.session, request.number, answers[-1]))


def report():
    return {
        "question": "Is anything answered within five steps?",
        "expected": "No.",
        "runs": {("Server", n, 3, 5): {1: ("", 0), 2: ("", 0), 3: ("", 0)} for n in ("none", "crash")},
        "not covered": "Everything else.",
        "so": "Nothing is answered so soon.",
    }
