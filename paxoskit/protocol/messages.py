"""What servers and clients say, in the order in which a put makes them say it.

A client asks; a candidate is elected; the leader proposes a block; a majority votes; the block is decided;
the client is answered. Every message is frozen, holds content only, and is equal to any other with the same
content. Names are those of Paxos Made Simple and Paxos Made Moderately Complex, phase 1 then phase 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from json.encoder import encode_basestring_ascii as quoted

from paxoskit.protocol.plain import Ballot, Message

# What is asked ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Get(Message):
    """What is the value of this key? (Keys and values travel as the canonical text of a literal.)"""

    key: str

    @property
    def words(self) -> tuple[str, ...]:
        """The operation as words: its name, then its texts."""
        return ("get", self.key)


@dataclass(frozen=True)
class Put(Message):
    """Let this key have this value."""

    key: str
    value: str

    @property
    def words(self) -> tuple[str, ...]:
        """The operation as words: its name, then its texts."""
        return ("put", self.key, self.value)


Operation = Get | Put

@dataclass(frozen=True)
class Request(Message):
    """Please do this: request `number` of my `session` (I have one outstanding a session, from 1 upward)."""

    session: str
    number: int
    operation: Operation

    @property
    def client(self) -> str:
        """The client whose session this is: `"client 7"` of `"client 7/1.3"`."""
        return self.session.partition("/")[0]

    @cached_property
    def text(self) -> str:
        """The request as canonical JSON: what goes into a block's hash."""
        words = ",".join([quoted(word) for word in self.operation.words])
        return f"[{quoted(self.session)},{self.number},{words}]"


@dataclass(frozen=True)
class Ask(Message):
    """To a client: ask this for me in this session, and give up after `patience` looks at the clock (0: never)."""

    session: str
    operation: Operation
    patience: int = 0


@dataclass(frozen=True)
class Asks(Message):
    """To a client: ask all this for me at once, each in a session of its own."""

    asks: tuple[Ask, ...]


@dataclass(frozen=True)
class Requests(Message):
    """Please do these: one request each of several of my sessions."""

    requests: tuple[Request, ...]


# Phase 1: who leads? ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Block(Message):
    """One slot of the log: requests, the hash of the block before, a nonce, and the hash of all of it."""

    height: int
    previous_hash: str
    operations: tuple[Request, ...]
    nonce: int
    hash: str

    def __hash__(self) -> int:
        return hash(self.hash)

    @cached_property
    def recomputed(self) -> str:
        """The hash that the other fields give, whatever hash the block carries. Frozen fields: once is enough."""
        text = canonical_start(self.height, self.previous_hash, self.operations)
        return sha256(text + b"%d}" % self.nonce).hexdigest()


def canonical_start(height: int, previous_hash: str, operations: tuple[Request, ...]) -> bytes:
    """Return a block's canonical JSON up to its nonce; the nonce and a brace complete what is hashed."""
    texts = ",".join([request.text for request in operations])
    return f'{{"height":{height},"previous_hash":"{previous_hash}","operations":[{texts}],"nonce":'.encode()


@dataclass(frozen=True)
class Vote(Message):
    """I voted for this block in this ballot."""

    ballot: Ballot
    block: Block


@dataclass(frozen=True)
class Prepare(Message):
    """Will you follow this ballot? My chain has `height` blocks."""

    ballot: Ballot
    height: int


@dataclass(frozen=True)
class Promise(Message):
    """I will vote in no lower ballot. Here are the blocks you lack, and my vote for the slot after them."""

    ballot: Ballot
    height: int
    vote: Vote | None
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Nack(Message):
    """Not in your ballot: I have promised a higher one."""

    ballot: Ballot
    promised: Ballot


# Phase 2: what is in the next slot? ------------------------------------------------------------------------


@dataclass(frozen=True)
class Accept(Message):
    """Will you vote for this block in my ballot?"""

    ballot: Ballot
    block: Block


@dataclass(frozen=True)
class Accepted(Message):
    """I voted, in this ballot, for the block with this height and hash, and my disk has it."""

    ballot: Ballot
    height: int
    hash: str


@dataclass(frozen=True)
class Decide(Message):
    """A majority voted for this block in one ballot: append it."""

    block: Block


@dataclass(frozen=True)
class Reply(Message):
    """Your request is done; a get's answer is the text of the value, or None if the key was never put."""

    session: str
    number: int
    answer: str | None


@dataclass(frozen=True)
class Replies(Message):
    """Answers to several of your requests."""

    replies: tuple[Reply, ...]


# Staying together ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Heartbeat(Message):
    """I still lead in this ballot; my chain has `height` blocks."""

    ballot: Ballot
    height: int


@dataclass(frozen=True)
class HeartbeatHeard(Message):
    """I hear you; my chain has `height` blocks."""

    ballot: Ballot
    height: int


@dataclass(frozen=True)
class WantBlocks(Message):
    """Send me the decided blocks from `height` on."""

    height: int


@dataclass(frozen=True)
class Blocks(Message):
    """Decided blocks, in order."""

    blocks: tuple[Block, ...]


# Messages to oneself: timers -------------------------------------------------------------------------------


@dataclass(frozen=True)
class ElectionTimeout(Message):
    """Have I heard a leader since this last rang?"""


@dataclass(frozen=True)
class HeartbeatTimeout(Message):
    """Time for a heartbeat, if I still lead in this ballot."""

    ballot: Ballot


@dataclass(frozen=True)
class RetryTimeout(Message):
    """A client's look at the clock: who has waited too long?"""


# Facts: told to the trace, heard by no node ----------------------------------------------------------------


@dataclass(frozen=True)
class Elected(Message):
    """A majority promised to follow me in this ballot."""

    ballot: Ballot


@dataclass(frozen=True)
class SteppedDown(Message):
    """I no longer lead in this ballot."""

    ballot: Ballot


@dataclass(frozen=True)
class Applied(Message):
    """The block at this height has taken effect in my store."""

    height: int
    hash: str


@dataclass(frozen=True)
class Rejected(Message):
    """A block failed its verification and was not used."""

    height: int
    says: str


@dataclass(frozen=True)
class Answered(Message):
    """A client's request was answered."""

    session: str
    number: int
    answer: str | None


@dataclass(frozen=True)
class GaveUp(Message):
    """A client's patience ended: whether its request takes effect is unknown."""

    session: str
    number: int
