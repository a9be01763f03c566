# An acceptor that knows its server, kept as an attribute of it.
from paxoskit.protocol.member import Member, Voted
from paxoskit.protocol.messages import Accepted, Blocks, Nack, Promise, Vote


class Acceptor:
    def __init__(self, server):
        self.server = server

    def prepare(self, sender, message):
        server = self.server
        if message.ballot < server.disk.promised:
            server.send(sender, Nack(message.ballot, server.disk.promised))
            return
        server.yield_to(message.ballot)
        server.disk.promised = message.ballot
        server.send(sender, Promise(message.ballot, message.height, server.disk.vote, server.disk.blocks[message.height:]))

    def accept(self, sender, message):
        server, block = self.server, message.block
        if block.height != server.height:
            server.close_gap(sender, block.height)
        elif server.fits(block):
            server.disk.vote = Vote(message.ballot, block)
            server.send(sender, Accepted(message.ballot, block.height, block.hash))
            server.announce(Voted(message.ballot, block.height, block.hash))


class Server(Member):
    """Roles that know their server, kept as attributes of it (a cycle)."""

    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.acceptor = Acceptor(self)

    def on_prepare(self, sender, prepare):
        if not self.heard:
            self.acceptor.prepare(sender, prepare)

    def on_promise(self, sender, promise):
        if promise.ballot == self.ballot and not self.leading:
            self.promises[sender] = promise
            self.on_blocks(sender, Blocks(promise.blocks))
            if len(self.promises) >= self.majority:
                self.lead()
                best = max((p.vote for p in self.promises.values() if p.vote and p.vote.block.height == self.height), key=lambda v: v.ballot, default=None)
                if best:
                    self.offer(best.block)

    def on_accept(self, sender, accept):
        if self.follow(sender, accept.ballot):
            self.acceptor.accept(sender, accept)

    def on_decide(self, sender, decide):
        if decide.block.height == self.height and self.fits(decide.block):
            self.append(decide.block)
        elif decide.block.height > self.height:
            self.close_gap(sender, decide.block.height)
