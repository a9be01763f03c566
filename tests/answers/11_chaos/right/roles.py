# Roles as classes of their own, a shelf for the store; equal ballots are refused; the report compares faults.
from dataclasses import dataclass, field

from paxoskit.protocol import messages
from paxoskit.protocol.member import Member
from paxoskit.protocol.plain import BOTTOM, Ballot


class Shelf:
    """What decided requests leave behind."""

    def __init__(self):
        self.values, self.counts, self.sessions = {}, {}, {}

    def take(self, request):
        if request.number <= self.sessions.get(request.session, (0, None))[0]:
            return
        match request.operation:
            case messages.Put(key, value):
                self.values[key] = value
                self.counts[key] = self.counts.get(key, 0) + 1
                answer = f"{self.counts[key]}"
            case messages.Get(key):
                answer = self.values.get(key)
        self.sessions[request.session] = request.number, answer

    def reply(self, request):
        number, answer = self.sessions.get(request.session, (0, None))
        return messages.Reply(request.session, number, answer) if number == request.number else None

    def is_new(self, request):
        return request.number > self.sessions.get(request.session, (0, None))[0]


class Acceptor:
    def on_prepare(self, sender, prepare):
        if self.heard or not self.disk.voter:
            return
        if prepare.ballot <= self.disk.promised:
            return self.send(sender, messages.Nack(prepare.ballot, self.disk.promised))
        self.disk.promised = prepare.ballot
        self.yield_to(prepare.ballot)
        vote = self.disk.vote if self.disk.vote and self.disk.vote.block.height == self.height else None
        above = tuple(block for block in self.disk.blocks if block.height >= prepare.height)
        self.send(sender, messages.Promise(prepare.ballot, prepare.height, vote, above))

    def on_accept(self, sender, accept):
        ballot, block = accept.ballot, accept.block
        if self.follow(sender, ballot):
            if block.height != self.height:
                self.close_gap(sender, block.height)
            elif self.fits(block) and self.disk.voter:
                self.disk.vote = messages.Vote(ballot, block)
                self.send(sender, messages.Accepted(ballot, block.height, block.hash))


class Proposer:
    def stand(self):
        self.become_follower()
        if not self.disk.voter:
            return
        highest = max(self.disk.promised, self.seen)
        self.ballot = Ballot(highest.round + 3, self.name)
        self.broadcast(messages.Prepare(self.ballot, self.height))

    def on_promise(self, sender, promise):
        if promise.ballot == self.ballot and not self.leading and sender in self.peers:
            self.promises.setdefault(sender, promise)
            self.on_blocks(sender, messages.Blocks(promise.blocks))
            if len(self.promises) == self.majority:
                self.lead()
                reports = [one.vote for one in self.promises.values() if one.vote]
                for vote in sorted(reports, key=lambda vote: vote.ballot, reverse=True):
                    if vote.block.height == self.height:
                        return self.offer(vote.block)


class Learner:
    def on_decide(self, sender, decide):
        if decide.block.height > self.height:
            self.close_gap(sender, decide.block.height)
        elif decide.block.height == self.height and self.fits(decide.block):
            self.append(decide.block)

    def begin(self, blocks):
        self.shelf = Shelf()
        for block in blocks:
            for request in block.operations:
                self.shelf.take(request)

    def apply(self, block):
        for request in block.operations:
            self.shelf.take(request)
            if self.leading and self.shelf.reply(request):
                self.send(request.client, self.shelf.reply(request))

    def on_request(self, sender, request):
        if self.shelf.is_new(request):
            self.order(sender, request)
        elif self.shelf.reply(request):
            self.send(request.client, self.shelf.reply(request))


class Server(Acceptor, Proposer, Learner, Member):
    @dataclass
    class Disk:
        promised: Ballot = BOTTOM
        vote: messages.Vote | None = None
        blocks: tuple[messages.Block, ...] = field(default_factory=tuple)
        voter: bool = True


def report():
    return {
        "question": "What costs more: more loss, or crashes besides?",
        "expected": "More loss: every message is concerned.",
        "runs": {
            ("Server", "loss=0.1", 3, 300): {10: ("", 16), 20: ("", 14), 30: ("", 17)},
            ("Server", "loss=0.1 crash", 3, 300): {10: ("", 11), 20: ("", 5), 30: ("", 7)},
            ("Server", "loss=0.3", 3, 300): {10: ("", 10), 20: ("", 10), 30: ("", 6)},
        },
        "not covered": "Delay, cuts, five servers, and what a lost answer costs its client.",
        "so": "Nothing fell. Which costs more, three runs of each do not say for sure.",
    }
