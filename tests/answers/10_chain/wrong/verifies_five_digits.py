# loses: verify. At difficulty 6, five digits are looked at.
"""Exercise 10: mine a block, verify it, name the first bad one; and a server that uses only good ones. See README.md.

A block's hash is the SHA-256 of `content(...)` below. All else of a server is given in `Log`.
"""

from hashlib import sha256

from paxoskit.protocol.log import Log
from paxoskit.protocol.messages import Accepted, Block, Rejected, Vote, canonical_start

NO_HASH = "0" * 64  # the previous_hash of the first block
STEP = 100  # the nonces of miner m are m, m + 100, m + 200, ...


def content(height, previous_hash, operations, nonce):
    """Return what a block's hash is taken of: its canonical JSON, as bytes."""
    return canonical_start(height, previous_hash, operations) + b"%d}" % nonce


def digest(height, previous_hash, operations, nonce):
    """Return the hash that these fields give."""
    return sha256(content(height, previous_hash, operations, nonce)).hexdigest()


def is_good(text, difficulty):
    """Say whether each of the last `difficulty` digits is 0, 1 or 2."""
    return all(digit in "012" for digit in text[-difficulty:])


def mine(height, previous_hash, operations, miner, difficulty=1):
    """Return the Block with the smallest of the miner's nonces that makes a good hash."""
    nonce = miner
    while not is_good(digest(height, previous_hash, operations, nonce), difficulty):
        nonce += STEP
    return Block(height, previous_hash, operations, nonce, digest(height, previous_hash, operations, nonce))


def verify(block, height, previous_hash, difficulty=1):
    """Return the first check that a block fails as the one of this height on top of that hash; "" if none."""
    if digest(block.height, block.previous_hash, block.operations, block.nonce) != block.hash:
        return "hash"
    if not is_good(block.hash, min(difficulty, 5)):
        return "nonce"
    if block.height != height:
        return "height"
    return "" if block.previous_hash == previous_hash else "previous_hash"


def first_fault(blocks, difficulty=1):
    """Return (place, check) of the first bad block of a chain, None if there is none."""
    previous_hash = NO_HASH
    for height, block in enumerate(blocks):
        check = verify(block, height, previous_hash, difficulty)
        if check:
            return height, check
        previous_hash = block.hash
    return None


class Server(Log):
    """A server that votes for good blocks only, and appends good blocks only."""

    def is_good_next(self, block):
        """Say whether a block can be the next one; announce the check that it fails."""
        check = verify(block, self.height, self.tip())
        if check:
            self.announce(Rejected(block.height, check))
        return not check

    def on_accept(self, sender, accept):
        """Vote for a good block of the next slot; close the gap if it is of another slot."""
        if not self.follow(sender, accept.ballot):
            return  # I promised a higher ballot, and have said so
        block = accept.block
        if block.height != self.height:
            self.close_gap(sender, block.height)
        elif self.is_good_next(block):
            self.disk.vote = Vote(accept.ballot, block)
            self.send(sender, Accepted(accept.ballot, block.height, block.hash))

    def on_blocks(self, sender, message):
        """Append the decided blocks that come next, each verified."""
        for block in message.blocks:
            if block.height == self.height and self.is_good_next(block):
                self.disk.vote = None
                self.append(block)

    def next_block(self):
        """Return a new block for the next slot: all requests that wait, in their order, mined by me."""
        return mine(self.height, self.tip(), tuple(self.queue.values()), self.name)
