# Uses the hash that a block works out itself, tables of checks, generators; no helper of the solution's.
from dataclasses import replace
from itertools import count

from paxoskit.protocol.log import Log
from paxoskit.protocol.messages import Accepted, Block, Rejected, Vote

NO_HASH = "0" * 64

CHECKS = {
    "hash": lambda block, height, tip, d: replace(block).recomputed == block.hash,
    "nonce": lambda block, height, tip, d: set(block.hash[-d:]) <= set("012"),
    "height": lambda block, height, tip, d: block.height == height,
    "previous_hash": lambda block, height, tip, d: block.previous_hash == tip,
}


def mine(height, previous_hash, operations, miner, difficulty=1):
    attempts = (Block(height, previous_hash, tuple(operations), nonce, "") for nonce in count(miner, 100))
    hashed = (replace(block, hash=block.recomputed) for block in attempts)
    return next(block for block in hashed if CHECKS["nonce"](block, None, None, difficulty))


def verify(block, height, previous_hash, difficulty=1):
    return next((name for name, holds in CHECKS.items() if not holds(block, height, previous_hash, difficulty)), "")


def first_fault(blocks, difficulty=1):
    blocks = list(blocks)
    tips = [NO_HASH] + [block.hash for block in blocks]
    faults = ((place, verify(block, place, tips[place], difficulty)) for place, block in enumerate(blocks))
    return next((fault for fault in faults if fault[1]), None)


class Server(Log):
    def on_accept(self, sender, accept):
        block = accept.block
        if not self.follow(sender, accept.ballot):
            return
        if block.height == self.height:
            fault = verify(block, self.height, self.tip())
            if fault:
                return self.announce(Rejected(block.height, fault))
            self.disk.vote = Vote(accept.ballot, block)
            return self.send(sender, Accepted(accept.ballot, block.height, block.hash))
        self.close_gap(sender, block.height)

    def on_blocks(self, sender, message):
        fresh = [block for block in message.blocks if block.height >= self.height]
        while fresh and fresh[0].height == self.height:
            block = fresh.pop(0)
            fault = verify(block, self.height, self.tip())
            if fault:
                self.announce(Rejected(block.height, fault))
                break
            self.append(block)

    def next_block(self):
        return mine(self.height, self.tip(), self.queue.values(), self.name)
