from hashlib import sha256

from paxoskit.protocol.log import Log
from paxoskit.protocol.messages import Accepted, Block, Rejected, Vote, canonical_start

NO_HASH = "0" * 64
STEP = 100


def content(height, previous_hash, operations, nonce):
    return canonical_start(height, previous_hash, operations) + b"%d}" % nonce



class Chain:
    """A head: height and hash. Blocks go on top."""

    def __init__(self, height=0, top=NO_HASH, difficulty=1):
        self.height, self.top, self.difficulty = height, top, difficulty

    def good(self, digest):
        end = digest[-self.difficulty:]
        return end.count("0") + end.count("1") + end.count("2") == self.difficulty

    def mined(self, operations, miner):
        digest = ""
        nonce = miner - STEP
        while not digest or not self.good(digest):
            nonce = nonce + STEP
            digest = sha256(content(self.height, self.top, operations, nonce)).hexdigest()
        return Block(self.height, self.top, operations, nonce, digest)

    def fault(self, block):
        fresh = Block(block.height, block.previous_hash, block.operations, block.nonce, "")
        if fresh.recomputed != block.hash:
            return "hash"
        if not self.good(block.hash):
            return "nonce"
        if block.height != self.height:
            return "height"
        return "" if block.previous_hash == self.top else "previous_hash"

    def after(self, block):
        return Chain(self.height + 1, block.hash, self.difficulty)


def mine(height, previous_hash, operations, miner, difficulty=1):
    return Chain(height, previous_hash, difficulty).mined(operations, miner)


def verify(block, height, previous_hash, difficulty=1):
    return Chain(height, previous_hash, difficulty).fault(block)


def first_fault(blocks, difficulty=1):
    chain = Chain(0, NO_HASH, difficulty)
    for block in blocks:
        if chain.fault(block):
            return (chain.height, chain.fault(block))
        chain = chain.after(block)


class Server(Log):
    def chain(self):
        return Chain(self.height, self.tip())

    def on_accept(self, sender, accept):
        if not self.follow(sender, accept.ballot):
            return
        if accept.block.height != self.height:
            return self.close_gap(sender, accept.block.height)
        fault = self.chain().fault(accept.block)
        if fault:
            return self.announce(Rejected(self.height, fault))
        self.disk.vote = Vote(accept.ballot, accept.block)
        self.send(sender, Accepted(accept.ballot, self.height, accept.block.hash))

    def on_blocks(self, sender, message):
        for block in message.blocks:
            if block.height == self.height:
                fault = self.chain().fault(block)
                if fault:
                    self.announce(Rejected(self.height, fault))
                    break
                self.disk.vote = None
                self.append(block)

    def next_block(self):
        return self.chain().mined(tuple(request for request in self.queue.values()), self.name)
