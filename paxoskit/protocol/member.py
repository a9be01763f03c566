"""What the exercises give of a server: all that is not their own matter. A learner's class inherits from `Member`.

A member of a cluster agrees with the others on a log of blocks, one slot after the other, as `server.py` explains. Its
disk holds the decided blocks as a tuple, so that all of it is plain data. What is missing here is what exercise 08 asks
for: the four handlers `on_prepare`, `on_promise`, `on_accept`, `on_decide`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from paxoskit.protocol.chain import NO_HASH, Chain, Content, mine
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
from paxoskit.protocol.plain import BOTTOM, Ballot, Message, Name
from paxoskit.protocol.store import Store


@dataclass(frozen=True)
class Voted(Message):
    """A fact: I voted in this ballot for the block of this height and hash."""

    ballot: Ballot
    height: int
    hash: str


class Member(Node):
    """A server without the parts that an exercise asks for. It talks with the kit's own servers.

    >>> member = Member(1, (1, 2, 3))
    >>> member.height, member.majority
    (0, 2)
    """

    ELECTION = (400.0, 800.0)
    """How long a follower waits to hear its leader before it stands for election, in milliseconds."""

    HEARTBEAT = (100.0, 100.0)
    """How often a leader says that it is there, in milliseconds."""

    SILENCE = 4
    """After this many heartbeats without a majority's answer, a leader steps down."""

    derived = frozenset({"store"})

    @dataclass
    class Disk:
        """What survives a crash: the word given, the vote for the slot after the blocks, the decided blocks."""

        promised: Ballot = BOTTOM
        vote: Vote | None = None
        blocks: tuple[Block, ...] = ()

    def __init__(self, name: Name, peers: Sequence[int], disk: Any = None) -> None:
        super().__init__(name, peers, disk)
        self.majority = len(peers) // 2 + 1
        self.leader: Name | None = None  # whom I follow
        self.heard = False  # did I hear my leader since my election timer last rang?
        self.seen = BOTTOM  # the highest ballot that a Nack told me of
        self.become_follower()
        self.begin(self.disk.blocks)

    @property
    def height(self) -> int:
        """How many blocks are decided here: the number of the next slot."""
        return len(self.disk.blocks)

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

    # A client asks, and the store answers ------------------------------------------------------------------

    def begin(self, blocks: Iterable[Block]) -> None:
        """Make the store that the blocks imply."""
        self.store = Store.fold(blocks)

    def on_request(self, sender: Name, request: Request) -> None:
        """Answer from the store what is done; lead the rest to a block, or to the leader."""
        done = self.store.last(request.session)
        if request.number < done.number:
            return
        if request.number == done.number:
            self.send(request.client, Reply(request.session, done.number, done.answer))
        else:
            self.order(sender, request)

    def order(self, sender: Name, request: Request) -> None:
        """Lead a request to a block: queue it if I lead, or pass it to my leader if its client sent it to me."""
        if self.leading:
            self.queue[request.session] = request
            self.propose()
        elif self.leader not in (None, self.name) and sender == request.client:
            self.send(self.leader, request)

    def on_requests(self, sender: Name, many: Requests) -> None:
        """Do so for each of many requests that came at once."""
        for request in many.requests:
            self.on_request(sender, request)

    def append(self, block: Block) -> None:
        """Put a block that is known to be decided on top of the log, and let it take effect."""
        self.disk.blocks = (*self.disk.blocks, block)
        self.open = None
        for request in block.operations:
            self.queue.pop(request.session, None)
        self.apply(block)
        self.announce(Applied(block.height, block.hash))
        if self.leading:
            self.propose()

    def apply(self, block: Block) -> None:
        """Let the block's requests take effect; the leader answers them all."""
        answers: dict[str, list[Reply]] = {}
        for request in block.operations:
            done = self.store.apply(request)
            if self.leading:
                answers.setdefault(request.client, []).append(Reply(request.session, done.number, done.answer))
        for client, replies in answers.items():
            self.send(client, replies[0] if len(replies) == 1 else Replies(tuple(replies)))

    # The chain of decided blocks ----------------------------------------------------------------------------

    def on_blocks(self, sender: Name, message: Blocks) -> None:
        """Append the decided blocks that come next, each verified."""
        for block in message.blocks:
            if block.height == self.height:
                if not self.fits(block):
                    return
                self.append(block)

    def tip(self) -> str:
        """Return the hash of the newest decided block."""
        return self.disk.blocks[-1].hash if self.disk.blocks else NO_HASH

    def fits(self, block: Block) -> bool:
        """Say whether a block can be the next one here; tell the trace why if it cannot."""
        below = Chain()  # a chain of this height and newest hash: all that its check looks at
        below.height, below.hash = self.height, self.tip()
        fault = below.fault(block)
        if fault is not None:
            self.announce(Rejected(block.height, fault.says))
        return fault is None

    # Phase 1: somebody must lead ---------------------------------------------------------------------------

    def on_election_timeout(self, sender: Name, message: ElectionTimeout) -> None:
        """Stand for election if no leader was heard since this timer last rang."""
        self.after(self.ELECTION, message)
        if not self.heard and not self.leading:
            self.stand()
        self.heard = False

    def stand(self) -> None:
        """Ask everyone to follow me, in a ballot above every ballot I know."""
        self.become_follower()
        self.ballot = Ballot(max(self.disk.promised, self.seen).round + 1, int(self.name))
        self.broadcast(Prepare(self.ballot, self.height))

    def lead(self) -> None:
        """A majority promised: take office, and say so to everyone."""
        self.leading = True
        self.echoes = set(self.promises)
        self.announce(Elected(self.ballot))
        self.on_heartbeat_timeout(self.name, HeartbeatTimeout(self.ballot))

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
        """Return a block of the waiting requests, linked to the decided log and to nothing else."""
        start = self.ballot.round * 1_000_000 + self.ballot.server * 1_000
        return mine(Content(self.height, self.tip(), tuple(self.queue.values())), start)

    def offer(self, block: Block) -> None:
        """Ask everyone to vote for `block` in my ballot."""
        self.open, self.votes = block, set()
        self.broadcast(Accept(self.ballot, block))

    def on_accepted(self, sender: Name, accepted: Accepted) -> None:
        """Count a vote for my open block; a majority has chosen it."""
        if self.open is None or (accepted.ballot, accepted.hash) != (self.ballot, self.open.hash):
            return  # a vote in an older ballot, or for a slot that is decided
        if sender in self.peers:
            self.votes.add(sender)
        if len(self.votes) >= self.majority:
            chosen, self.open = self.open, None
            self.broadcast(Decide(chosen))

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
        self.broadcast(Heartbeat(self.ballot, self.height))
        if self.open is not None and self.open == self.lingering:
            for peer in self.peers:
                if peer not in self.votes:
                    self.send(peer, Accept(self.ballot, self.open))
        self.lingering = self.open

    def on_heartbeat(self, sender: Name, heartbeat: Heartbeat) -> None:
        """Follow the leader, close the gap between our logs, and say that I hear it."""
        if self.follow(sender, heartbeat.ballot):
            self.close_gap(sender, heartbeat.height)
            self.send(sender, HeartbeatHeard(heartbeat.ballot, self.height))

    def on_heartbeat_heard(self, sender: Name, echo: HeartbeatHeard) -> None:
        """Count who hears me."""
        if self.leading and echo.ballot == self.ballot and sender in self.peers:
            self.echoes.add(sender)

    def follow(self, leader: Name, ballot: Ballot) -> bool:
        """Take `leader` as mine and return True, unless I promised a ballot above its own: then say Nack."""
        if ballot < self.disk.promised:
            self.send(leader, Nack(ballot, self.disk.promised))
            return False
        self.yield_to(ballot)
        self.disk.promised, self.leader, self.heard = ballot, leader, True
        return True

    def close_gap(self, peer: Name, height: int) -> None:
        """Ask `peer`, who has `height` blocks, for those I lack, or send those it lacks."""
        if height > self.height:
            self.send(peer, WantBlocks(self.height))
        elif height < self.height:
            self.send(peer, Blocks(self.disk.blocks[height:]))

    def on_want_blocks(self, sender: Name, want: WantBlocks) -> None:
        """Send what I know to be decided."""
        self.send(sender, Blocks(self.disk.blocks[want.height :]))
