# loses: accept. It keeps its first vote for a slot, and says a later one.
from hashlib import sha256

from paxoskit.protocol.log import Log
from paxoskit.protocol.messages import Accepted, Block, Rejected, Vote, canonical_start

NO_HASH = "0" * 64
STEP = 100


def content(height, previous_hash, operations, nonce):
    return canonical_start(height, previous_hash, operations) + b"%d}" % nonce


def hash_of(height, previous_hash, operations, nonce):
    return sha256(content(height, previous_hash, operations, nonce)).hexdigest()


def good(digest, difficulty):
    return all(digit in "012" for digit in digest[-difficulty:])


def mine(height, previous_hash, operations, miner, difficulty=1):
    nonce = miner
    while True:
        digest = hash_of(height, previous_hash, operations, nonce)
        if good(digest, difficulty):
            return Block(height, previous_hash, operations, nonce, digest)
        nonce += STEP


def verify(block, height, previous_hash, difficulty=1):
    if block.hash != hash_of(block.height, block.previous_hash, block.operations, block.nonce):
        return "hash"
    if not good(block.hash, difficulty):
        return "nonce"
    if block.height != height:
        return "height"
    if block.previous_hash != previous_hash:
        return "previous_hash"
    return ""


def first_fault(blocks, difficulty=1):
    before = NO_HASH
    for place, block in enumerate(blocks):
        check = verify(block, place, before, difficulty)
        if check:
            return place, check
        before = block.hash
    return None


class Server(Log):
    def on_accept(self, sender, accept):
        if not self.follow(sender, accept.ballot):
            return
        block = accept.block
        if block.height != self.height:
            self.close_gap(sender, block.height)
            return
        check = verify(block, self.height, self.tip())
        if check:
            self.announce(Rejected(block.height, check))
            return
        if not self.disk.vote or self.disk.vote.block.height < block.height:
            self.disk.vote = Vote(accept.ballot, block)
        self.send(sender, Accepted(accept.ballot, block.height, block.hash))

    def on_blocks(self, sender, message):
        for block in message.blocks:
            if block.height != self.height:
                continue
            check = verify(block, self.height, self.tip())
            if check:
                self.announce(Rejected(block.height, check))
            else:
                self.append(block)

    def next_block(self):
        return mine(self.height, self.tip(), tuple(self.queue.values()), self.name)
