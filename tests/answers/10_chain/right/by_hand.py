# Writes the canonical JSON by hand, loops with while, keeps a cache of its tip, matches on messages.
import hashlib
import json

from paxoskit.protocol.log import Log
from paxoskit.protocol.messages import Accepted, Block, Blocks, Rejected, Vote

NO_HASH = "0" * 64


def text(height, previous_hash, operations, nonce):
    words = [[one.session, one.number, *one.operation.words] for one in operations]
    fields = {"height": height, "previous_hash": previous_hash, "operations": words, "nonce": nonce}
    return json.dumps(fields, separators=(",", ":")).encode()


def hash_of(*fields):
    return hashlib.sha256(text(*fields)).hexdigest()


def good(digest, difficulty):
    place = 1
    while place <= difficulty:
        if int(digest[-place], 16) > 2:
            return False
        place += 1
    return True


def mine(height, previous_hash, operations, miner, difficulty=1):
    tries = 0
    while True:
        nonce = miner + 100 * tries
        digest = hash_of(height, previous_hash, operations, nonce)
        if good(digest, difficulty):
            return Block(height, previous_hash, operations, nonce, digest)
        tries += 1


def faults(block, height, previous_hash, difficulty):
    if hash_of(block.height, block.previous_hash, block.operations, block.nonce) != block.hash:
        yield "hash"
    if not block.hash or not good(block.hash, difficulty):
        yield "nonce"
    if block.height != height:
        yield "height"
    if block.previous_hash != previous_hash:
        yield "previous_hash"


def verify(block, height, previous_hash, difficulty=1):
    for fault in faults(block, height, previous_hash, difficulty):
        return fault
    return ""


def first_fault(blocks, difficulty=1):
    previous = None
    place = 0
    for block in blocks:
        fault = verify(block, place, NO_HASH if previous is None else previous.hash, difficulty)
        if fault != "":
            return (place, fault)
        previous = block
        place += 1


class Server(Log):
    def on_accept(self, sender, accept):
        print("accept?", accept.block.height)
        if self.follow(sender, accept.ballot):
            self.judge(sender, accept.ballot, accept.block)

    def judge(self, sender, ballot, block):
        if block.height < self.height:
            self.send(sender, Blocks(self.disk.blocks[block.height:]))
        elif block.height > self.height:
            self.close_gap(sender, block.height)
        else:
            fault = verify(block, len(self.disk.blocks), self.tip())
            match fault:
                case "":
                    self.disk.vote = Vote(ballot, block)
                    self.send(sender, Accepted(ballot, block.height, block.hash))
                case _:
                    self.announce(Rejected(block.height, fault))

    def on_blocks(self, sender, message):
        for block in sorted(message.blocks, key=lambda one: one.height):
            if block.height != self.height:
                continue
            fault = verify(block, self.height, self.tip())
            if fault:
                self.announce(Rejected(block.height, fault))
                return
            if self.disk.vote is not None and self.disk.vote.block.height <= block.height:
                self.disk.vote = None
            self.append(block)

    def next_block(self):
        waiting = [self.queue[session] for session in self.queue]
        return mine(self.height, self.tip(), tuple(waiting), int(self.name))
