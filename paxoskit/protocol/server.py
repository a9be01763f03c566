"""One Multi-Paxos server, top to bottom in the order in which a put makes it speak.

The theory, in twenty lines.

*Slots.* The servers agree on a chain of blocks, one slot after the other; a slot is a height. A block is **chosen**
once a majority has voted for it in one ballot: a fact of the world, whoever knows of it. It is **decided** at a
server that knows, and **applied** once it took effect in that server's store.

*Ballots.* A ballot is (round, server): any two can be compared, no two servers share one. Per ballot and slot at
most one block is ever proposed, since only the ballot's own server proposes in it.

*Phase 1.* A candidate asks all to promise its ballot. A promise says "I vote in no lower ballot from now on", and
brings what the candidate lacks: decided blocks, and the vote cast for the slot after them. Any two majorities share
a server, so if a block was chosen in a lower ballot, some promise brings it: the candidate must then propose the
block of the *highest* ballot that it heard of. With none, it is free. (Paxos Made Simple, section 2.2.)

*Phase 2.* The leader proposes a block for the next slot; an acceptor votes unless it promised a higher ballot. A
majority of votes in one ballot chooses the block. Phase 1 holds for all later slots of the ballot as well, so a
stable leader needs only phase 2. (Paxos Made Simple, section 3; Paxos Made Moderately Complex.)

*One slot at a time.* A block holds the hash of the block before it, so nobody can propose for a slot before the one
below is decided, and an acceptor votes only for the slot at its own height. Speed comes from many requests a block.

*The disk.* What was said must be remembered: `promised` and `vote` are on disk before any answer leaves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from paxoskit.protocol.chain import Chain, ChainError, Content, mine
from paxoskit.protocol.messages import (
    Accept,
    Accepted,
    Applied,
    Block,
    Blocks,
    Decide,
    Elected,
    ElectionTimeout,
    Heartbeat,
    HeartbeatHeard,
    HeartbeatTimeout,
    Nack,
    Prepare,
    Promise,
    Rejected,
    Replies,
    Reply,
    Request,
    Requests,
    SteppedDown,
    Vote,
    WantBlocks,
)
from paxoskit.protocol.node import Node
from paxoskit.protocol.plain import BOTTOM, Ballot, Name
from paxoskit.protocol.store import Store


class Server(Node):
    """A Paxos server: acceptor, proposer and learner in one, over a block chain and a key-value store."""

    ELECTION = (400.0, 800.0)
    """How long a follower waits to hear its leader before it stands for election, in milliseconds."""

    HEARTBEAT = (100.0, 100.0)
    """How often a leader says that it is there, in milliseconds."""

    SILENCE = 4
    """After this many heartbeats without a majority's answer, a leader steps down."""

    BLOCK_SIZE = 1024
    """At most so many requests go into one block."""

    derived = frozenset({"store"})

    @dataclass
    class Disk:
        """What a server must not forget: its word, its vote, the decided chain, and whether it may vote."""

        promised: Ballot = BOTTOM
        vote: Vote | None = None
        chain: Chain = field(default_factory=Chain)
        voter: bool = True

    def __init__(self, name: Name, peers: Sequence[int], disk: Any = None) -> None:
        super().__init__(name, peers, disk)
        self.majority = len(peers) // 2 + 1
        self.store = Store.fold(self.disk.chain)
        self.leader: Name | None = None  # whom I follow
        self.heard = False  # did I hear my leader since my election timer last rang?
        self.seen = BOTTOM  # the highest ballot that a Nack told me of
        self.become_follower()

    def become_follower(self) -> None:
        """Forget all that belongs to a candidacy or to an office."""
        self.ballot = BOTTOM  # the ballot I stand for or lead in
        self.leading = False
        self.promises: dict[Name, Promise] = {}
        self.queue: dict[str, Request] = {}  # requests that wait for a block, one a session
        self.open: Block | None = None  # the block I proposed for the slot at my height
        self.votes: set[Name] = set()  # who voted for it
        self.lingering: Block | None = None  # the block that was open at my last heartbeat already
        self.echoes: set[Name] = set()  # who answered my last heartbeat
        self.missed = 0  # heartbeats in a row that no majority answered

    def on_start(self) -> None:
        """A new life begins: wait for a leader."""
        self.after(self.ELECTION, ElectionTimeout())

    # A client asks -----------------------------------------------------------------------------------------

    def on_request(self, sender: Name, request: Request) -> None:
        """Answer from the store what is done; lead the rest to a block, or to the leader."""
        done = self.store.last(request.session)
        if request.number < done.number:
            return  # an old copy: its client has its answer, and has asked again since
        if request.number == done.number:
            self.send(request.client, Reply(request.session, done.number, done.answer))
        elif self.leading:
            self.queue[request.session] = request
            self.propose()
        elif self.leader not in (None, self.name) and sender == request.client:
            self.send(self.leader, request)  # once, and only from the client itself: no request goes in circles

    def on_requests(self, sender: Name, many: Requests) -> None:
        """Do so for each of many requests that came at once."""
        for request in many.requests:
            self.on_request(sender, request)

    # Phase 1: somebody must lead ---------------------------------------------------------------------------

    def on_election_timeout(self, sender: Name, message: ElectionTimeout) -> None:
        """Stand for election if no leader was heard since this timer last rang."""
        self.after(self.ELECTION, message)
        if not self.heard and not self.leading and self.disk.voter:
            self.lead()
        self.heard = False

    def lead(self) -> None:
        """Ask everyone to follow me, in a ballot above every ballot I know."""
        self.become_follower()
        self.ballot = Ballot(max(self.disk.promised, self.seen).round + 1, int(self.name))
        self.broadcast(Prepare(self.ballot, self.disk.chain.height))

    def on_prepare(self, sender: Name, prepare: Prepare) -> None:
        """Promise the ballot, unless a higher one is promised already."""
        if self.heard or not self.disk.voter:
            return  # my leader lives (this message counts as lost), or I lost my disk and may promise nothing
        if prepare.ballot < self.disk.promised:
            self.send(sender, Nack(prepare.ballot, self.disk.promised))
            return
        self.yield_to(prepare.ballot)
        self.disk.promised = prepare.ballot
        blocks = self.disk.chain.from_height(prepare.height)
        self.send(sender, Promise(prepare.ballot, prepare.height, self.disk.vote, blocks))

    def on_promise(self, sender: Name, promise: Promise) -> None:
        """Learn what the others decided; with a majority of promises, lead."""
        if promise.ballot != self.ballot or self.leading or sender not in self.peers:
            return  # an answer to an earlier candidacy, more than I need, or no server's word
        self.promises[sender] = promise
        self.learn(promise.blocks)
        if len(self.promises) >= self.majority:
            self.leading = True
            self.echoes = set(self.promises)  # who promised has heard me
            self.announce(Elected(self.ballot))
            self.on_heartbeat_timeout(self.name, HeartbeatTimeout(self.ballot))
            self.inherit()

    def inherit(self) -> None:
        """Propose first the block that an earlier ballot may have chosen for this slot."""
        votes = [promise.vote for promise in self.promises.values() if promise.vote is not None]
        votes = [vote for vote in votes if vote.block.height == self.disk.chain.height]
        if votes:
            self.offer(max(votes, key=lambda vote: vote.ballot).block)

    def on_nack(self, sender: Name, nack: Nack) -> None:
        """Give way to a higher ballot; the election timer decides when to try again."""
        self.seen = max(self.seen, nack.promised)
        self.yield_to(nack.promised)

    def yield_to(self, ballot: Ballot) -> None:
        """Give up my candidacy or my office if `ballot` is above mine."""
        if BOTTOM < self.ballot < ballot:
            self.step_down()

    def step_down(self) -> None:
        """Follow from now on, and fall silent."""
        if self.leading:
            self.announce(SteppedDown(self.ballot))
        self.leader = None
        self.become_follower()

    # Phase 2: what is in the next slot? --------------------------------------------------------------------

    def propose(self) -> None:
        """Open the next slot, if none is open and there is something to say."""
        if self.open is None and self.queue:
            self.offer(self.next_block())

    def next_block(self) -> Block:
        """Return a block of the waiting requests, linked to the decided chain and to nothing else.

        The search for its nonce starts at a number of this ballot's own, so two leaders mine different blocks from
        the same requests; what is agreed on is the whole block.
        """
        chain, requests = self.disk.chain, tuple(self.queue.values())[: self.BLOCK_SIZE]
        start = self.ballot.round * 1_000_000 + self.ballot.server * 1_000
        return mine(Content(chain.height, chain.hash, requests), start, chain.difficulty)

    def offer(self, block: Block) -> None:
        """Ask everyone to vote for `block` in my ballot."""
        self.open, self.votes = block, set()
        self.broadcast(Accept(self.ballot, block))

    def on_accept(self, sender: Name, accept: Accept) -> None:
        """Vote, unless a higher ballot is promised, the slot is not the one at my height, or the block is bad."""
        if not self.follow(sender, accept.ballot):
            return
        chain, block = self.disk.chain, accept.block
        if block.height != chain.height:
            self.close_gap(sender, block.height)
        elif (fault := chain.fault(block)) is not None:
            self.announce(Rejected(block.height, fault.says))
        elif self.disk.voter:
            self.disk.vote = Vote(accept.ballot, block)
            self.send(sender, Accepted(accept.ballot, block.height, block.hash))

    def on_accepted(self, sender: Name, accepted: Accepted) -> None:
        """Count a vote for my open block; a majority has chosen it."""
        if self.open is None or (accepted.ballot, accepted.hash) != (self.ballot, self.open.hash):
            return  # a vote in an older ballot, or for a slot that is decided
        if sender in self.peers:
            self.votes.add(sender)  # a set of servers: a vote that comes twice counts once
        if len(self.votes) >= self.majority:
            self.broadcast(Decide(self.open))
            self.open = None

    def on_decide(self, sender: Name, decide: Decide) -> None:
        """Append the chosen block; ask for what lies between, if I am behind."""
        if decide.block.height > self.disk.chain.height:
            self.close_gap(sender, decide.block.height)
        self.learn((decide.block,))

    def learn(self, blocks: tuple[Block, ...]) -> None:
        """Append the decided blocks that come next, each verified, and apply them."""
        for block in blocks:
            if block.height == self.disk.chain.height:
                try:
                    self.disk.chain = self.disk.chain.append(block)
                except ChainError as error:
                    self.announce(Rejected(block.height, error.fault.says))
                    return
                self.disk.vote = None  # it was for this slot: it leaves in the save that appends the block
                self.apply(block)

    def apply(self, block: Block) -> None:
        """Let the block's requests take effect; the leader answers them all, those it inherited too."""
        self.open = None
        answers: dict[str, list[Reply]] = {}
        for request in block.operations:
            done = self.store.apply(request)
            if self.leading:
                self.queue.pop(request.session, None)
                answers.setdefault(request.client, []).append(Reply(request.session, done.number, done.answer))
        for client, replies in answers.items():
            self.send(client, replies[0] if len(replies) == 1 else Replies(tuple(replies)))
        self.announce(Applied(block.height, block.hash))
        if self.leading:
            self.propose()

    # Staying together --------------------------------------------------------------------------------------

    def on_heartbeat_timeout(self, sender: Name, message: HeartbeatTimeout) -> None:
        """Say that I lead, and send again what may be lost; step down when no majority answers."""
        if not self.leading or message.ballot != self.ballot:
            return  # the timer of an office that has ended
        self.missed = 0 if len(self.echoes) >= self.majority else self.missed + 1
        if self.missed >= self.SILENCE:
            self.step_down()
            return
        self.echoes = set()
        self.after(self.HEARTBEAT, message)
        self.broadcast(Heartbeat(self.ballot, self.disk.chain.height))
        if self.open is not None and self.open == self.lingering:
            for peer in self.peers:
                if peer not in self.votes:
                    self.send(peer, Accept(self.ballot, self.open))
        self.lingering = self.open

    def on_heartbeat(self, sender: Name, heartbeat: Heartbeat) -> None:
        """Follow the leader, close the gap between our chains, and say that I hear it."""
        if self.follow(sender, heartbeat.ballot):
            self.close_gap(sender, heartbeat.height)
            self.send(sender, HeartbeatHeard(heartbeat.ballot, self.disk.chain.height))

    def on_heartbeat_heard(self, sender: Name, echo: HeartbeatHeard) -> None:
        """Count who hears me."""
        if self.leading and echo.ballot == self.ballot and sender in self.peers:
            self.echoes.add(sender)

    def follow(self, leader: Name, ballot: Ballot) -> bool:
        """Take `leader` as mine and return True, unless I promised a ballot above its own."""
        if ballot < self.disk.promised:
            self.send(leader, Nack(ballot, self.disk.promised))
            return False
        self.yield_to(ballot)
        self.disk.promised, self.leader, self.heard = ballot, leader, True
        return True

    def close_gap(self, peer: Name, height: int) -> None:
        """Ask `peer`, whose chain has `height` blocks, for those I lack, or send those it lacks."""
        if height > self.disk.chain.height:
            self.send(peer, WantBlocks(self.disk.chain.height))
        elif height < self.disk.chain.height:
            self.send(peer, Blocks(self.disk.chain.from_height(height)))

    def on_want_blocks(self, sender: Name, want: WantBlocks) -> None:
        """Send what I know to be decided."""
        self.send(sender, Blocks(self.disk.chain.from_height(want.height)))

    def on_blocks(self, sender: Name, message: Blocks) -> None:
        """Catch up."""
        self.learn(message.blocks)
