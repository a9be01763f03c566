"""The block chain: blocks linked by hashes, each with a nonce that somebody had to search for.

A block's hash is the SHA-256 over the canonical JSON of its fields, in this order and without spaces:

    {"height":0,"previous_hash":"000…","operations":[["client 1/1.1",1,"put","'x'","1"]],"nonce":17}

The nonce is good when each of the last d hex digits of the hash is 0, 1 or 2; d is the chain's difficulty. A
good nonce takes (16/3)^d tries on average. It is what the course's block chain asks for; it adds nothing to the
safety of Paxos, which comes from majorities alone.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from functools import cache
from hashlib import sha256
from itertools import product
from typing import NamedTuple

from paxoskit.protocol.messages import Block, Request, canonical_start
from paxoskit.protocol.plain import FROZEN

NO_HASH = "0" * 64
"""The `previous_hash` of the first block."""


class Content(NamedTuple):
    """A block before its nonce is found: where it goes, and what it says."""

    height: int
    previous_hash: str
    operations: tuple[Request, ...]


class Fault(NamedTuple):
    """What is wrong with a chain: the first bad height, and the check that failed there."""

    height: int
    check: str
    says: str


class ChainError(ValueError):
    """A block does not fit the chain; `fault` says where and why."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.says)
        self.fault = fault


def mine(content: Content, start: int = 0, difficulty: int = 1) -> Block:
    """Return the block with the smallest good nonce from `start` upward.

    >>> block = mine(Content(0, NO_HASH, ()), start=100)
    >>> block.nonce, block.hash[-3:]
    (101, 'bf2')

    Raises ValueError for a difficulty outside 1 to 6: 6 takes about 23,000 tries, 7 over 120,000.
    """
    good = _good_ends(check_difficulty(difficulty))
    begun = sha256(canonical_start(*content))
    nonce = start
    while True:
        attempt = begun.copy()
        attempt.update(b"%d}" % nonce)
        digest = attempt.hexdigest()
        if digest[-difficulty:] in good:
            return Block(*content, nonce, digest)
        nonce += 1


@cache
def _good_ends(difficulty: int) -> frozenset[str]:
    return frozenset("".join(digits) for digits in product("012", repeat=difficulty))


def is_good(digest: str, difficulty: int) -> bool:
    """Say whether each of the last `difficulty` hex digits is 0, 1 or 2.

    >>> is_good("af210", 3), is_good("af310", 3)
    (True, False)
    """
    return digest[-difficulty:] in _good_ends(difficulty)


def hash_of(block: Block) -> str:
    """Return the hash that the block's other fields give, whatever hash it carries.

    >>> block = mine(Content(0, NO_HASH, ()))
    >>> hash_of(block) == block.hash
    True
    """
    text = canonical_start(block.height, block.previous_hash, block.operations)
    return sha256(text + b"%d}" % block.nonce).hexdigest()


def check_difficulty(difficulty: int) -> int:
    """Return `difficulty` if it is a whole number from 1 to 6; raise ValueError otherwise."""
    if type(difficulty) is not int or not 1 <= difficulty <= 6:
        raise ValueError(f"difficulty: expected a whole number from 1 to 6, got {difficulty!r}")
    return difficulty


class Chain:
    """Decided blocks from height 0 up: immutable, linked from its newest block backward.

    Two chains are equal when their heights and newest hashes are: by the links, all their blocks are then equal
    too. That holds only for blocks whose hash was recomputed, which `append` does.

    >>> empty = Chain(difficulty=1)
    >>> chain = empty.append(mine(Content(0, NO_HASH, ())))
    >>> chain.height, len(list(chain)), chain.parent == empty
    (1, 1, True)
    """

    __slots__ = ("difficulty", "hash", "height", "parent", "tip")

    def __init__(self, difficulty: int = 1) -> None:
        self.tip: Block | None = None
        self.parent: Chain | None = None
        self.height = 0
        self.hash = NO_HASH
        self.difficulty = check_difficulty(difficulty)

    def append(self, block: Block) -> Chain:
        """Return this chain with `block` on top. Raises ChainError if the block fails a check."""
        fault = self.fault(block)
        if fault is not None:
            raise ChainError(fault)
        return self.append_unverified(block)

    def append_unverified(self, block: Block) -> Chain:
        """Return this chain with `block` on top, whatever the block is: for those who then `verify`."""
        longer = Chain.__new__(Chain)
        longer.tip, longer.parent, longer.height = block, self, self.height + 1
        longer.hash, longer.difficulty = block.hash, self.difficulty
        return longer

    def fault(self, block: Block) -> Fault | None:
        """Return what keeps `block` from being the next one here, or None: height, link, nonce, hash."""
        if block.height != self.height:
            return Fault(self.height, "height", f"expected a block of height {self.height}, got {block.height}")
        if block.previous_hash != self.hash:
            return Fault(self.height, "previous_hash", f"block {self.height} does not point at the block before it")
        if not is_good(block.hash, self.difficulty):
            return Fault(self.height, "nonce", f"the hash of block {self.height} ends in a digit that is not 0, 1 or 2")
        if block.recomputed != block.hash:
            return Fault(self.height, "hash", f"the fields of block {self.height} do not give the hash it carries")
        return None

    def from_height(self, height: int) -> tuple[Block, ...]:
        """Return the blocks from `height` upward (walks back from the newest one)."""
        found, chain = [], self
        while chain.height > height and chain.tip is not None and chain.parent is not None:
            found.append(chain.tip)
            chain = chain.parent
        return tuple(reversed(found))

    def __iter__(self) -> Iterator[Block]:
        return iter(self.from_height(0))

    def __len__(self) -> int:
        return self.height

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Chain) and self.height == other.height and self.hash == other.hash

    def __hash__(self) -> int:
        return hash((self.height, self.hash))

    def __repr__(self) -> str:
        return f"<Chain of {self.height}, {self.hash[:8]}>"

    def as_json(self) -> dict[str, object]:
        """The chain's key, its height and newest hash: enough to tell chains apart."""
        return {"Chain": {"height": self.height, "hash": self.hash}}

    def __deepcopy__(self, memo: object) -> Chain:
        return self


FROZEN.add(Chain)


def chain_of(blocks: Iterable[Block], difficulty: int = 1) -> Chain:
    """Return the chain of these blocks, each verified. Raises ChainError at the first bad one."""
    chain = Chain(difficulty)
    for block in blocks:
        chain = chain.append(block)
    return chain


def verify(blocks: Iterable[Block], difficulty: int = 1) -> Fault | None:
    """Return the first fault of a chain, or None: each block's height, previous_hash, nonce, hash, in that order.

    A hash cannot tell *which* field of a block was changed. And whoever mines a whole new end of the chain passes
    every one of these checks: only the other servers' chains can show that.

    >>> block = mine(Content(0, NO_HASH, ()))
    >>> verify([block])
    >>> verify([dataclasses.replace(block, nonce=block.nonce + 1)]).check
    'hash'
    """
    chain = Chain(difficulty)
    for block in blocks:
        fault = chain.fault(dataclasses.replace(block))  # a fresh copy: every hash is computed anew
        if fault is not None:
            return fault
        chain = chain.append_unverified(block)
    return None
