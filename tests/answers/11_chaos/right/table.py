# A table of handlers and small functions; votes of all slots are kept; the report's runs come from a loop.
from dataclasses import dataclass, field, replace

from paxoskit.protocol import messages as say
from paxoskit.protocol.member import Member
from paxoskit.protocol.plain import Ballot


@dataclass(frozen=True)
class Entry:
    value: object = None
    puts: int = 0


def prepare(me, sender, asked):
    if me.heard:
        return
    if asked.ballot < me.disk.promised:
        me.send(sender, say.Nack(asked.ballot, me.disk.promised))
    if asked.ballot < me.disk.promised or not me.disk.voter:
        return
    me.yield_to(asked.ballot)
    me.disk.promised = asked.ballot
    mine = me.disk.votes.get(me.height)
    me.send(sender, say.Promise(asked.ballot, asked.height, mine, tuple(me.disk.blocks)[asked.height :]))


def promise(me, sender, told):
    if sender not in me.peers or me.leading or told.ballot != me.ballot:
        return
    me.promises[sender] = told
    me.on_blocks(sender, say.Blocks(told.blocks))
    if len(me.promises) * 2 > len(me.peers):
        me.lead()
        votes = [one.vote for one in me.promises.values() if one.vote is not None]
        here = {vote.ballot: vote.block for vote in votes if vote.block.height == me.height}
        if here:
            me.offer(here[max(here)])


def accept(me, sender, asked):
    if not me.follow(sender, asked.ballot):
        return
    block = asked.block
    if block.height != me.height:
        return me.close_gap(sender, block.height)
    if me.disk.voter and me.fits(block):
        me.disk.votes[me.height] = me.disk.vote = say.Vote(asked.ballot, block)
        me.send(sender, say.Accepted(asked.ballot, block.height, block.hash))


def decide(me, sender, told):
    if told.block.height > me.height:
        return me.close_gap(sender, told.block.height)
    me.on_blocks(sender, say.Blocks((told.block,)))


def request(me, sender, asked):
    if me.last(asked) < asked.number:
        me.order(sender, asked)
    else:
        me.answer(asked)


class Server(Member):
    @dataclass
    class Disk(Member.Disk):
        voter: bool = True
        votes: dict = field(default_factory=dict)

    on_prepare, on_promise, on_accept, on_decide, on_request = prepare, promise, accept, decide, request

    def stand(self):
        if self.disk.voter:
            self.become_follower()
            self.ballot = Ballot(1 + max(self.seen[0], self.disk.promised[0]), self.name)
            self.broadcast(say.Prepare(self.ballot, len(self.disk.blocks)))

    def begin(self, blocks):
        self.entries, self.answers = {}, {}
        for block in blocks:
            self.fold(block)

    def fold(self, block):
        for one in block.operations:
            if one.number > self.last(one):
                entry = self.entries.get(one.operation.key, Entry())
                if isinstance(one.operation, say.Put):
                    entry = self.entries[one.operation.key] = replace(entry, value=one.operation.value, puts=entry.puts + 1)
                    self.answers[one.session] = [one.number, str(entry.puts)]
                else:
                    self.answers[one.session] = [one.number, entry.value]

    def last(self, one):
        return self.answers.get(one.session, [0])[0]

    def answer(self, one):
        number, text = self.answers[one.session]
        if number == one.number:
            self.send(one.client, say.Reply(one.session, number, text))

    def apply(self, block):
        self.fold(block)
        print("applied", block.height)
        if self.leading:
            for one in block.operations:
                self.answer(one)


class Unhurried(Server):
    ELECTION = (800.0, 1600.0)


def report():
    return {
        "question": "Do more servers, or more patient ones, answer more when one at a time crashes?",
        "expected": "More servers do not; more patience answers less.",
        "runs": {
            ("Server", "delay=0.2 crash", 3, 150): {7: ("", 6), 8: ("", 1), 9: ("", 0)},
            ("Unhurried", "delay=0.2 crash", 3, 150): {7: ("", 4), 8: ("", 1), 9: ("", 1)},
            ("Server", "delay=0.2 crash", 5, 150): {7: ("", 2), 8: ("", 3), 9: ("", 2)},
            ("Unhurried", "delay=0.2 crash", 5, 150): {7: ("", 1), 8: ("", 3), 9: ("", 1)},
        },
        "not covered": "What a crash of several does. Longer runs.",
        "so": "With three seeds and 150 steps chance is larger than what I looked for.",
    }
