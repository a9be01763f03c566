# loses: accept. An Accept with the hash of its vote is not verified again.
from hashlib import sha256

from paxoskit.protocol.log import Log
from paxoskit.protocol.messages import Accepted, Block, Rejected, Vote, canonical_start

NO_HASH = "0" * 64  # the previous_hash of the first block
STEP = 100  # the nonces of miner m are m, m + 100, m + 200, ...


def content(height, previous_hash, operations, nonce):
    """Return what a block's hash is taken of: its canonical JSON, as bytes."""
    return canonical_start(height, previous_hash, operations) + b"%d}" % nonce


def good(digest, difficulty):
    return all(digit in "012" for digit in digest[-difficulty:])


def mine(height, previous_hash, operations, miner, difficulty=1):
    nonce = miner
    while True:
        digest = sha256(content(height, previous_hash, operations, nonce)).hexdigest()
        if good(digest, difficulty):
            return Block(height, previous_hash, operations, nonce, digest)
        nonce += STEP


def verify(block, height, previous_hash, difficulty=1):
    digest = sha256(content(block.height, block.previous_hash, block.operations, block.nonce)).hexdigest()
    if block.hash != digest:
        return "hash"
    if not good(block.hash, difficulty):
        return "nonce"
    if block.height != height:
        return "height"
    if block.previous_hash != previous_hash:
        return "previous_hash"
    return ""


def first_fault(blocks, difficulty=1):
    previous = NO_HASH
    for place, block in enumerate(blocks):
        check = verify(block, place, previous, difficulty)
        if check:
            return place, check
        previous = block.hash
    return None


class Server(Log):
    def on_accept(self, sender, accept):
        if not self.follow(sender, accept.ballot):
            return  # I promised a higher ballot, and have said so
        block = accept.block
        if block.height != self.height:
            self.close_gap(sender, block.height)
            return
        voted = self.disk.vote and self.disk.vote.block.hash == block.hash
        check = '' if voted else verify(block, self.height, self.tip())
        if check:
            self.announce(Rejected(block.height, check))
            return
        self.disk.vote = Vote(accept.ballot, block)
        self.send(sender, Accepted(accept.ballot, block.height, block.hash))

    def on_blocks(self, sender, message):
        for block in message.blocks:
            if block.height != self.height:
                continue
            check = verify(block, self.height, self.tip())
            if check:
                self.announce(Rejected(block.height, check))
                continue
            self.disk.vote = None
            self.append(block)

    def next_block(self):
        return mine(self.height, self.tip(), tuple(self.queue.values()), self.name)
