# Generators and pattern matching; blocks are appended by recursion.
import re
from collections.abc import Iterator
from hashlib import sha256

from paxoskit.protocol.log import Log
from paxoskit.protocol.messages import Accepted, Block, Rejected, Vote, canonical_start

NO_HASH = "0" * 64  # the previous_hash of the first block
STEP = 100  # the nonces of miner m are m, m + 100, m + 200, ...


def content(height, previous_hash, operations, nonce):
    """Return what a block's hash is taken of: its canonical JSON, as bytes."""
    return canonical_start(height, previous_hash, operations) + b"%d}" % nonce



def nonces(miner: int) -> Iterator[int]:
    while True:
        yield miner
        miner += STEP


def mine(height: int, previous_hash: str, operations: tuple, miner: int, difficulty: int = 1) -> Block:
    begun = sha256(canonical_start(height, previous_hash, operations))
    for nonce in nonces(miner):
        attempt = begun.copy()
        attempt.update(b"%d}" % nonce)
        if re.search("[012]{%d}$" % difficulty, attempt.hexdigest()):
            return Block(height, previous_hash, operations, nonce, attempt.hexdigest())
    raise AssertionError("nonces end")


def failed(block, height, previous_hash, difficulty) -> Iterator[str]:
    match block:
        case Block(height=h, previous_hash=p, operations=o, nonce=n, hash=digest):
            if sha256(content(h, p, o, n)).hexdigest() != digest:
                yield "hash"
            if not re.search("[012]{%d}$" % difficulty, digest):
                yield "nonce"
            if h != height:
                yield "height"
            if p != previous_hash:
                yield "previous_hash"


def verify(block, height: int, previous_hash: str, difficulty: int = 1) -> str:
    return next(failed(block, height, previous_hash, difficulty), "")


def faults(blocks, difficulty):
    previous = NO_HASH
    for place, block in enumerate(blocks):
        if check := verify(block, place, previous, difficulty):
            yield place, check
        previous = block.hash


def first_fault(blocks, difficulty: int = 1):
    return next(faults(blocks, difficulty), None)


class Server(Log):
    def on_accept(self, sender, accept):
        if not self.follow(sender, accept.ballot):
            return
        match accept.block.height - self.height, verify(accept.block, self.height, self.tip()):
            case 0, "":
                self.disk.vote = Vote(accept.ballot, accept.block)
                self.send(sender, Accepted(self.disk.vote.ballot, self.height, accept.block.hash))
            case 0, check:
                self.announce(Rejected(self.height, check))
            case _:
                self.close_gap(sender, accept.block.height)

    def on_blocks(self, sender, message):
        match message.blocks:
            case ():
                return
            case (block, *rest) if block.height == self.height:
                match verify(block, self.height, self.tip()):
                    case "":
                        if self.disk.vote and self.disk.vote.block.height <= block.height:
                            self.disk.vote = None
                        self.append(block)
                    case check:
                        self.announce(Rejected(block.height, check))
                self.on_blocks(sender, type(message)(tuple(rest)))
            case (_, *rest):
                self.on_blocks(sender, type(message)(tuple(rest)))

    def next_block(self):
        height, tip = len(self.disk.blocks), NO_HASH
        if height:
            tip = self.disk.blocks[height - 1].hash
        return mine(height, tip, tuple(request for _session, request in self.queue.items()), self.name)
