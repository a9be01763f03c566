"""Nodes that the lessons on the store, the chain and chaos give: a few more right ones, and wrong ones to break.

As in `given`, a wrong one says in its docstring what it does, not why that is wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from paxoskit.protocol.chain import Chain, Content, Fault, mine
from paxoskit.protocol.messages import Accepted, Applied, Block, Decide, Get, Reply, Request
from paxoskit.protocol.node import Node
from paxoskit.protocol.plain import FROZEN, Ballot, Message, Name
from paxoskit.protocol.server import Server
from paxoskit.protocol.store import DONE
from paxoskit.worlds.story import OURS

# Lesson 9: the replicated store -------------------------------------------------------------------------------


class ReadsLocally(Server):
    """A leader that answers a get from its own store, at once."""

    def on_request(self, sender: Name, request: Request) -> None:
        """Answer a get; lead a put to a block."""
        if self.leading and isinstance(request.operation, Get):
            answer = self.store.data.get(request.operation.key)
            self.send(request.client, Reply(request.session, request.number, answer))
        else:
            super().on_request(sender, request)


@dataclass(frozen=True)
class DoYouFollow(Message):
    """Do you still follow me in this ballot? (My question of this number.)"""

    ballot: Ballot
    number: int


@dataclass(frozen=True)
class IFollow(Message):
    """I do: I had promised no higher ballot when your question of this number came."""

    ballot: Ballot
    number: int


class ReadIndex(Server):
    """A leader that asks, for each get, whether a majority still follows it, and then answers from its own store.

    It waits until its chain has the height that it had when the get came, and the block that was open then: that one
    may have been chosen, and acknowledged by an earlier leader.
    """

    def become_follower(self) -> None:
        """Forget the gets that wait, too: their clients ask again."""
        super().become_follower()
        self.asked = 0
        self.reads: dict[int, tuple[Request, int]] = {}  # by number: a get that waits, and the height that it needs
        self.following: dict[int, set[Name]] = {}

    def on_request(self, sender: Name, request: Request) -> None:
        """Let a get wait for a majority; lead a put to a block."""
        if not self.leading or not isinstance(request.operation, Get):
            super().on_request(sender, request)
            return
        self.asked += 1
        self.reads[self.asked] = request, self.disk.chain.height + (self.open is not None)
        self.following[self.asked] = set()
        self.broadcast(DoYouFollow(self.ballot, self.asked))

    def on_do_you_follow(self, sender: Name, question: DoYouFollow) -> None:
        """Say that I follow, unless I promised a higher ballot: then say Nack."""
        if self.follow(sender, question.ballot):
            self.send(sender, IFollow(question.ballot, question.number))

    def on_i_follow(self, sender: Name, answer: IFollow) -> None:
        """Count who follows; an answer to an older question, or to one of another office, says nothing of now."""
        if answer.ballot == self.ballot and answer.number in self.reads and sender in self.peers:
            self.following[answer.number].add(sender)
            self.answer_reads()

    def apply(self, block: Block) -> None:
        """Let the block take effect; gets may have waited for it."""
        super().apply(block)
        self.answer_reads()

    def answer_reads(self) -> None:
        """Answer the gets that need to wait no longer."""
        for number, (request, height) in list(self.reads.items()):
            if len(self.following[number]) >= self.majority and self.disk.chain.height >= height:
                answer = self.store.perform(request.operation)
                del self.reads[number], self.following[number]
                self.send(request.client, Reply(request.session, request.number, answer))


class AnswersTheQueue(Server):
    """A leader that applies a block, and then answers as many of its own waiting requests as the block holds."""

    def apply(self, block: Block) -> None:
        """Let the block take effect, and answer those who have waited longest."""
        self.open = None
        for request in block.operations:
            self.store.apply(request)
        for request in list(self.queue.values())[: len(block.operations)] if self.leading else ():
            del self.queue[request.session]
            get = isinstance(request.operation, Get)
            answer = self.store.perform(request.operation) if get else DONE
            self.send(request.client, Reply(request.session, request.number, answer))
        self.announce(Applied(block.height, block.hash))
        if self.leading:
            self.propose()


# Lesson 10: the log is a block chain ------------------------------------------------------------------------


class Linked(Chain):
    """A chain whose blocks are linked by their hashes, and need no good nonce."""

    __slots__ = ()

    def fault(self, block: Block) -> Fault | None:
        """Return what a chain finds wrong with a block, unless it is the nonce."""
        found = super().fault(block)
        if found is None or found.check != "nonce":
            return found
        if block.recomputed != block.hash:
            return Fault(self.height, "hash", f"the fields of block {self.height} do not give the hash it carries")
        return None

    def append_unverified(self, block: Block) -> Chain:
        """Return this chain with `block` on top."""
        longer = super().append_unverified(block)
        longer.__class__ = Linked
        return longer


FROZEN.add(Linked)


class Unmined(Server):
    """A right server, but for the nonce: it takes the first number, and asks for no better of others."""

    def __init__(self, name: Name, peers: Sequence[int], disk: Any = None) -> None:
        super().__init__(name, peers, disk)
        if not self.disk.chain.height:
            self.disk.chain = Linked()

    def next_block(self) -> Block:
        """Return the next block with the nonce where the search would begin."""
        chain, requests = self.disk.chain, tuple(self.queue.values())[: self.BLOCK_SIZE]
        nonce = self.ballot.round * 1_000_000 + self.ballot.server * 1_000
        block = Block(chain.height, chain.hash, requests, nonce, hash="")
        return replace(block, hash=block.recomputed)


class Remines(Server):
    """A new leader that finishes what was begun with the requests of the old block, in a block of its own."""

    def inherit(self) -> None:
        """Put the requests of the highest vote into a new block."""
        votes = [promise.vote for promise in self.promises.values() if promise.vote is not None]
        votes = [vote for vote in votes if vote.block.height == self.disk.chain.height]
        if votes:
            old, chain = max(votes, key=lambda vote: vote.ballot).block, self.disk.chain
            start = self.ballot.round * 1_000_000 + self.ballot.server * 1_000
            self.offer(mine(Content(old.height, old.previous_hash, old.operations), start, chain.difficulty))


# Lesson 11: chaos day ------------------------------------------------------------------------------------------


class CountsVotes(Server):
    """A leader that counts the votes which arrive."""

    def become_follower(self) -> None:
        """Forget the count, too."""
        super().become_follower()
        self.counted = 0

    def offer(self, block: Block) -> None:
        """Ask for votes, and count from nothing."""
        self.counted = 0
        super().offer(block)

    def on_accepted(self, sender: Name, accepted: Accepted) -> None:
        """Count a vote for my open block; enough of them have chosen it."""
        if self.open is None or (accepted.ballot, accepted.hash) != (self.ballot, self.open.hash):
            return
        self.votes.add(sender)
        self.counted += 1
        if self.counted >= self.majority:
            self.broadcast(Decide(self.open))
            self.open = None


GIVEN: tuple[type[Node], ...] = (ReadsLocally, ReadIndex, AnswersTheQueue, Unmined, Remines, CountsVotes)
"""All of them; a story names each as `paxoskit:given` and its own name."""

for cls in GIVEN:
    OURS.setdefault(f"paxoskit:given {cls.__name__}", cls)  # whoever pastes this file takes nobody's place
