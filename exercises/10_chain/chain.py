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


def mine(height, previous_hash, operations, miner, difficulty=1):
    """Return the Block with the smallest of the miner's nonces that makes a good hash."""
    raise NotImplementedError("mine: try the miner's nonces, smallest first, until the hash is good")


def verify(block, height, previous_hash, difficulty=1):
    """Return the first check that a block fails as the one of this height on top of that hash; "" if none."""
    raise NotImplementedError(
        "verify: four checks, in the order of the statement; return the name of the first that fails"
    )


def first_fault(blocks, difficulty=1):
    """Return (place, check) of the first bad block of a chain, None if there is none."""
    raise NotImplementedError("first_fault: go up from the first block; what must the next one point at?")


class Server(Log):
    """A server that votes for good blocks only, and appends good blocks only."""

    def on_accept(self, sender, accept):
        """Vote for a good block of the next slot; close the gap if it is of another slot."""
        if not self.follow(sender, accept.ballot):
            return  # I promised a higher ballot, and have said so
        raise NotImplementedError("on_accept: is it the next slot? is the block good? then vote")

    def on_blocks(self, sender, message):
        """Append the decided blocks that come next, each verified."""
        raise NotImplementedError(
            "on_blocks: which of them come next? verify each, forget the vote for its slot, self.append it"
        )

    def next_block(self):
        """Return a new block for the next slot: all requests that wait, in their order, mined by me."""
        raise NotImplementedError("next_block: what does it hold, and what does it point at?")
