# An auditor object walks up a chain and is fed block by block; the server keeps one beside its disk and builds it anew in each life.
from paxoskit.protocol.log import Log
from paxoskit.protocol.messages import Accepted, Block, Rejected, Vote, canonical_start
from hashlib import sha256

NO_HASH = "0" * 64


class Auditor:
    def __init__(self, height=0, tip=NO_HASH, difficulty=1):
        self.height, self.tip, self.difficulty = height, tip, difficulty

    def fault(self, block):
        start = sha256(canonical_start(block.height, block.previous_hash, block.operations))
        start.update(f"{block.nonce}}}".encode())
        ending = block.hash[-self.difficulty:]
        checks = [
            ("hash", start.hexdigest() == block.hash),
            ("nonce", all(digit <= "2" for digit in ending)),
            ("height", block.height == self.height),
            ("previous_hash", block.previous_hash == self.tip),
        ]
        return "".join([name for name, holds in checks if not holds][:1])

    def take(self, block):
        fault = self.fault(block)
        if not fault:
            self.height, self.tip = self.height + 1, block.hash
        return fault


def mine(height, previous_hash, operations, miner, difficulty=1):
    begun = sha256(canonical_start(height, previous_hash, operations))
    for nonce in range(miner, 10**9, 100):
        attempt = begun.copy()
        attempt.update(b"%d}" % nonce)
        digest = attempt.hexdigest()
        if not digest[-difficulty:].strip("012"):
            return Block(height, previous_hash, operations, nonce, digest)


def verify(block, height, previous_hash, difficulty=1):
    return Auditor(height, previous_hash, difficulty).fault(block)


def first_fault(blocks, difficulty=1):
    auditor = Auditor(difficulty=difficulty)
    for block in blocks:
        place = auditor.height
        fault = auditor.take(block)
        if fault:
            return place, fault
    return None


class Server(Log):
    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.auditor = Auditor(self.height, self.tip())

    def rejects(self, block):
        fault = self.auditor.fault(block)
        if fault:
            self.announce(Rejected(block.height, fault))
        return bool(fault)

    def on_accept(self, sender, accept):
        if not self.follow(sender, accept.ballot):
            return
        if accept.block.height != self.auditor.height:
            self.close_gap(sender, accept.block.height)
            return
        if self.rejects(accept.block):
            return
        self.disk.vote = Vote(accept.ballot, accept.block)
        self.send(sender, Accepted(accept.ballot, accept.block.height, accept.block.hash))

    def on_blocks(self, sender, message):
        for block in message.blocks:
            if block.height < self.auditor.height:
                continue
            if block.height > self.auditor.height or self.rejects(block):
                break
            self.auditor.take(block)
            self.disk.vote = None
            self.append(block)

    def next_block(self):
        return mine(self.auditor.height, self.auditor.tip, tuple(self.queue.values()), self.name)
