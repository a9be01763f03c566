# Dicts of comparisons, a descriptor, and a decorator for what needs a voice; ballots in steps of one server.
from dataclasses import dataclass, field, replace

from paxoskit.protocol.member import Member
from paxoskit.protocol.messages import Accepted, Blocks, Get, Nack, Prepare, Promise, Put, Reply, Request, Vote
from paxoskit.protocol.plain import BOTTOM, Ballot
import operator

RULES = {
    operator.gt: lambda self, sender, request, answer: self.order(sender, request),
    operator.eq: lambda self, sender, request, answer: self.send(request.client, Reply(request.session, request.number, answer)),
    operator.lt: lambda self, sender, request, answer: None,
}

SLOTS = {
    operator.gt: lambda self, sender, block: self.close_gap(sender, block.height),
    operator.eq: lambda self, sender, block: self.on_blocks(sender, Blocks((block,))),
    operator.lt: lambda self, sender, block: None,
}


class once_per_session:
    """A descriptor: done[session], made in `begin`."""

    def __set_name__(self, owner, name):
        self.name = "_" + name

    def __get__(self, server, owner):
        return vars(server).setdefault(self.name, {})


def voice(method):
    """Only who has a voice does this."""
    def asked(self, *args):
        return method(self, *args) if self.disk.voter else None
    return asked


class Server(Member):
    done = once_per_session()
    puts = once_per_session()

    @dataclass
    class Disk(Member.Disk):
        voter: bool = True
        lives: int = 0

    def on_start(self):
        self.disk.lives += 1
        super().on_start()

    def stand(self):
        self.become_follower()
        self.campaign()

    @voice
    def campaign(self):
        highest = sorted([self.disk.promised, self.seen])[-1]
        self.ballot = Ballot(highest.round + (highest.server >= self.name), self.name)
        if self.ballot.round == 0:
            self.ballot = Ballot(1, self.name)
        self.broadcast(Prepare(self.ballot, self.height))

    def on_prepare(self, sender, prepare):
        if not self.heard:
            self.answer_candidate(sender, prepare.ballot, prepare.height)

    @voice
    def answer_candidate(self, sender, ballot, height):
        if ballot < self.disk.promised:
            self.send(sender, Nack(ballot, self.disk.promised))
            return
        self.yield_to(ballot)
        self.disk.promised = ballot
        self.send(sender, Promise(ballot, height, self.disk.vote, tuple(b for b in self.disk.blocks if b.height >= height)))

    def on_promise(self, sender, promise):
        if self.leading or promise.ballot != self.ballot:
            return
        self.on_blocks(sender, Blocks(promise.blocks))
        self.promises[sender] = promise
        if len(self.promises) < self.majority:
            return
        self.lead()
        votes = [p.vote for p in self.promises.values() if p.vote and p.vote.block.height == self.height]
        by_ballot = {vote.ballot: vote.block for vote in votes}
        if by_ballot:
            self.offer(by_ballot[max(by_ballot)])

    def on_accept(self, sender, accept):
        if self.follow(sender, accept.ballot):
            if accept.block.height == self.height:
                self.vote(sender, accept)
            else:
                self.close_gap(sender, accept.block.height)

    @voice
    def vote(self, sender, accept):
        if self.fits(accept.block):
            self.disk.vote = Vote(accept.ballot, accept.block)
            self.send(sender, Accepted(accept.ballot, accept.block.height, accept.block.hash))

    def on_decide(self, sender, decide):
        for compare, act in SLOTS.items():
            if compare(decide.block.height, self.height):
                return act(self, sender, decide.block)

    def begin(self, blocks):
        self.done.clear()
        self.puts.clear()
        for block in blocks:
            list(map(self.take, block.operations))

    def take(self, request):
        if request.number > self.done.get(request.session, (0, None))[0]:
            puts = self.puts.setdefault(request.operation.key, [])
            if isinstance(request.operation, Put):
                puts.append(request.operation.value)
                answer = str(len(puts))
            else:
                answer = puts[-1] if puts else None
            self.done[request.session] = (request.number, answer)

    def on_request(self, sender, request):
        number, answer = self.done.get(request.session, (0, None))
        for compare, act in RULES.items():
            if compare(request.number, number):
                return act(self, sender, request, answer)

    def apply(self, block):
        for request in block.operations:
            self.take(request)
        for request in block.operations if self.leading else ():
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
