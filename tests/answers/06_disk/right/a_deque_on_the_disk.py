# A field is a deque with a property; another one an object in which one field is.
from dataclasses import dataclass, field
from collections import deque
from typing import NamedTuple

from paxoskit.protocol.node import Node
from paxoskit.protocol.plain import BOTTOM, Ballot
from paxoskit.protocol.synod import Accept, Accepted, Decided, Nack, Prepare, Promise, TryAgain, Vote


class Ballots(deque):
    @property
    def top(self):
        return self[0] if self else BOTTOM

    @top.setter
    def top(self, ballot):
        self.clear()
        self.append(ballot)


@dataclass
class Word:
    promised: Ballot = BOTTOM
    vote: Vote | None = None


class Acceptor(Node):
    @dataclass
    class Disk:
        word: Word = field(default_factory=Word)

    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.answered = 0

    def on_prepare(self, sender, prepare):
        self.answered += 1
        if prepare.ballot < self.disk.word.promised:
            self.send(sender, Nack(prepare.ballot, self.disk.word.promised))
            return
        self.disk.word.promised = prepare.ballot
        self.send(sender, Promise(prepare.ballot, self.disk.word.vote))

    def on_accept(self, sender, accept):
        self.answered += 1
        if accept.ballot < self.disk.word.promised:
            self.send(sender, Nack(accept.ballot, self.disk.word.promised))
            return
        self.disk.word.promised = accept.ballot
        self.disk.word.vote = Vote(accept.ballot, accept.value)
        self.send(sender, Accepted(accept.ballot, accept.value))


class Proposer(Node):
    PATIENCE = (100.0, 400.0)

    @dataclass
    class Disk:
        book: Ballots = field(default_factory=Ballots)

    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.wish = None
        self.ballot = BOTTOM
        self.reports = {}
        self.proposed = None
        self.voters = set()
        self.decided = False

    def on_propose(self, sender, message):
        self.wish = message.value
        self.stand()

    def stand(self):
        self.ballot = self.disk.book.top = Ballot(self.disk.book.top.round + 1, self.name)
        self.reports, self.proposed, self.voters = {}, None, set()
        self.broadcast(Prepare(self.ballot))
        self.after(self.PATIENCE, TryAgain(self.ballot))

    def on_promise(self, sender, promise):
        if promise.ballot != self.ballot or self.proposed is not None:
            return
        self.reports[sender] = promise.vote
        if 2 * len(self.reports) > len(self.peers):
            votes = [vote for vote in self.reports.values() if vote is not None]
            self.proposed = max(votes, key=lambda vote: vote.ballot).value if votes else self.wish
            self.broadcast(Accept(self.ballot, self.proposed))

    def on_accepted(self, sender, accepted):
        if accepted.ballot != self.ballot or self.decided:
            return
        self.voters.add(sender)
        if 2 * len(self.voters) > len(self.peers):
            self.decided = True
            self.announce(Decided(self.proposed))

    def on_nack(self, sender, nack):
        self.disk.book.top = max(self.disk.book.top, nack.promised)

    def on_try_again(self, sender, message):
        if message.ballot == self.ballot and not self.decided:
            self.stand()
