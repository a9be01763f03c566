# The promise last said and the Prepare last sent lie on the disk; disks and campaigns are replaced, never changed.
from __future__ import annotations
import dataclasses
from dataclasses import dataclass, replace
from paxoskit.protocol.node import Node
from paxoskit.protocol.plain import BOTTOM, Ballot
from paxoskit.protocol import synod
from paxoskit.protocol.synod import Promise, Vote, Nack, Accepted


class Acceptor(Node):
    @dataclass
    class Disk:
        said: Promise = Promise(BOTTOM, None)

    def on_prepare(self, sender, message):
        match message.ballot >= self.disk.said.ballot:
            case True:
                self.disk = replace(self.disk, said=Promise(message.ballot, self.disk.said.vote))
                self.send(sender, self.disk.said)
            case False:
                self.send(sender, Nack(message.ballot, self.disk.said.ballot))

    def on_accept(self, sender, message):
        if message.ballot < self.disk.said.ballot:
            self.send(sender, Nack(message.ballot, self.disk.said.ballot))
        else:
            vote = Vote(message.ballot, message.value)
            self.disk = replace(self.disk, said=Promise(message.ballot, vote))
            self.send(sender, Accepted(**dataclasses.asdict(vote)))


class Proposer(Node):
    @dataclass
    class Disk:
        asked: synod.Prepare | None = None

    @dataclass(frozen=True)
    class Campaign:
        prepare: synod.Prepare
        wish: str
        promises: tuple = ()
        accept: synod.Accept | None = None
        voters: frozenset = frozenset()
        over: bool = False

    campaign = None
    above = BOTTOM

    def stand(self, wish):
        ballots = [self.above] + ([self.disk.asked.ballot] if self.disk.asked else [])
        self.disk = replace(self.disk, asked=synod.Prepare(Ballot(max(ballots).round + 1, self.name)))
        self.campaign = self.Campaign(self.disk.asked, wish)
        self.broadcast(self.disk.asked)
        self.after((150, 650), synod.TryAgain(self.disk.asked.ballot))

    def on_propose(self, sender, message):
        self.stand(message.value)

    def on_promise(self, sender, message):
        c = self.campaign
        if not c or c.prepare.ballot != message.ballot or c.accept or sender in dict(c.promises):
            return
        c = replace(c, promises=c.promises + ((sender, message.vote),))
        if len(c.promises) > len(self.peers) // 2:
            best = max((v for _, v in c.promises if v), key=lambda v: v.ballot, default=Vote(BOTTOM, c.wish))
            c = replace(c, accept=synod.Accept(message.ballot, best.value))
            self.broadcast(c.accept)
        self.campaign = c

    def on_accepted(self, sender, message):
        c = self.campaign
        if not c or not c.accept or c.accept.ballot != message.ballot or c.over:
            return
        self.campaign = c = replace(c, voters=c.voters | {sender})
        if len(c.voters) > len(self.peers) // 2:
            self.campaign = replace(c, over=True)
            self.announce(synod.Decided(message.value))

    def on_nack(self, sender, message):
        self.above = max(self.above, message.promised)

    def on_try_again(self, sender, message):
        if self.campaign and self.campaign.prepare.ballot == message.ballot and not self.campaign.over:
            self.stand(self.campaign.wish)
