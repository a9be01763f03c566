# Functions of functions: checks in a table, the vote in a closure.
from hashlib import sha256
from itertools import chain as joined
from itertools import count
from operator import attrgetter

from paxoskit.protocol.log import Log
from paxoskit.protocol.messages import Accepted, Block, Rejected, Vote, canonical_start

NO_HASH = "0" * 64  # the previous_hash of the first block
STEP = 100  # the nonces of miner m are m, m + 100, m + 200, ...


def content(height, previous_hash, operations, nonce):
    """Return what a block's hash is taken of: its canonical JSON, as bytes."""
    return canonical_start(height, previous_hash, operations) + b"%d}" % nonce





def digest_of(*fields):
    return sha256(content(*fields)).hexdigest()


fields = attrgetter("height", "previous_hash", "operations", "nonce")


def is_good(digest, difficulty):
    return not digest[-difficulty:].strip("012")


def mine(height, previous_hash, operations, miner, difficulty=1):
    tries = ((n, digest_of(height, previous_hash, operations, n)) for n in count(miner, STEP))
    return next(Block(height, previous_hash, operations, n, d) for n, d in tries if is_good(d, difficulty))


def verify(block, height, previous_hash, difficulty=1):
    checks = {
        "hash": lambda: digest_of(*fields(block)) == block.hash,
        "nonce": lambda: is_good(block.hash, difficulty),
        "height": lambda: block.height == height,
        "previous_hash": lambda: block.previous_hash == previous_hash,
    }
    return next((name for name, holds in checks.items() if not holds()), "")


def first_fault(blocks, difficulty=1):
    links = joined((NO_HASH,), map(attrgetter("hash"), blocks))
    return next(((p, c) for p, (b, tip) in enumerate(zip(blocks, links)) if (c := verify(b, p, tip, difficulty))), None)


class Server(Log):
    def checked(self, block, then):
        check = verify(block, self.height, self.tip())
        return self.announce(Rejected(block.height, check)) if check else then()

    def on_accept(self, sender, accept):
        if not self.follow(sender, accept.ballot):
            return
        ballot, block = accept.ballot, accept.block

        def vote():
            self.send(sender, Accepted(ballot, block.height, block.hash))
            self.disk.vote = Vote(ballot, block)

        self.checked(block, vote) if block.height == self.height else self.close_gap(sender, block.height)

    def on_blocks(self, sender, message):
        for block in message.blocks:
            if block.height == self.height:
                self.checked(block, lambda: self.append(block))

    def next_block(self):
        return mine(self.height, self.tip(), (*self.queue.values(),), self.name)
