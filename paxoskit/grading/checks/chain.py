"""Exercise 10: mining, verifying, naming the first bad block; and a server that uses good blocks only."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from functools import partial
from hashlib import sha256
from itertools import compress, product
from random import Random
from typing import Any

from paxoskit.claims.claim import Claim, Violation, Watched
from paxoskit.claims.safety import Ghost, GhostClaim
from paxoskit.grading.checks.play import Play, Said, dice, hunt_together, same, sends
from paxoskit.grading.checks.trials import KIT, SPEAKER, SPEAKERS, claims_of_words, live, trial
from paxoskit.grading.properties import Exercise, Failed, Property
from paxoskit.grading.subject import Subject
from paxoskit.protocol.chain import NO_HASH, Content, is_good
from paxoskit.protocol.chain import mine as kits_mine
from paxoskit.protocol.messages import (
    Accept,
    Accepted,
    Applied,
    Ask,
    Block,
    Blocks,
    Decide,
    Elected,
    ElectionTimeout,
    Get,
    Nack,
    Prepare,
    Promise,
    Put,
    Rejected,
    Request,
    SteppedDown,
    Vote,
    WantBlocks,
    canonical_start,
)
from paxoskit.protocol.node import title
from paxoskit.protocol.plain import BOTTOM, Ballot, Message, Name
from paxoskit.trace import Event, say
from paxoskit.worlds.choice import Choice
from paxoskit.worlds.story import Story
from paxoskit.worlds.world import World

MINE = "chain.py:Server"
BEGIN = Story(nodes=(MINE, SPEAKER, SPEAKER), clients=((1,), (1,), (1,)), claims="none")
STEP = 100
ACCEPT, BLOCKS, NEXT = "accept", "blocks", "next_block"


# What is right -------------------------------------------------------------------------------------------------


def mined(height: int, previous_hash: str, operations: tuple[Request, ...], miner: int, difficulty: int = 1) -> Block:
    """Return the block with the smallest nonce of the miner that makes a good hash."""
    begun = sha256(canonical_start(height, previous_hash, operations))
    nonce = miner
    while True:
        attempt = begun.copy()
        attempt.update(b"%d}" % nonce)
        if is_good(digest := attempt.hexdigest(), difficulty):
            return Block(height, previous_hash, operations, nonce, digest)
        nonce += STEP


def with_hash(block: Block) -> Block:
    """Return a block with the hash that its other fields give."""
    return replace(block, hash=replace(block).recomputed)


def fault(block: Block, height: int, previous_hash: str, difficulty: int = 1) -> str:
    """Return the first check that a block fails, in the order of the statement."""
    if replace(block).recomputed != block.hash:
        return "hash"
    if not is_good(block.hash, difficulty):
        return "nonce"
    if block.height != height:
        return "height"
    return "" if block.previous_hash == previous_hash else "previous_hash"


def first(blocks: Sequence[Block], difficulty: int = 1) -> tuple[int, str] | None:
    """Return the place of the first bad block, and the check that it fails."""
    tip = NO_HASH
    for height, block in enumerate(blocks):
        if check := fault(block, height, tip, difficulty):
            return height, check
        tip = block.hash
    return None


# Blocks, good and bad ------------------------------------------------------------------------------------------

WORDS = ("'x'", "'y'", "('a', 1)", "'ä'", "'\"'", "7", "''", "12", "'x,y'")


def a_request(random: Random, number: int = 1) -> Request:
    """Return a request."""
    operation = Get(random.choice(WORDS)) if random.random() < 0.4 else Put(random.choice(WORDS), random.choice(WORDS))
    return Request(f"client {random.randint(1, 3)}/9.{random.randint(1, 12)}", number, operation)


def requests(random: Random) -> tuple[Request, ...]:
    """Return what a block may hold."""
    return tuple(a_request(random, random.randint(1, 30)) for _ in range(random.randint(0, 3)))


def a_block(random: Random, height: int, tip: str, difficulty: int = 1) -> Block:
    """Return a good block: mined as this exercise has it, or as the kit does."""
    height, tip = int(f"{height}"), tip[:1] + tip[1:]  # equal to what is given, and other objects
    if random.random() < 0.5:
        return mined(height, tip, requests(random), random.randint(1, 99), difficulty)
    start = random.choice([0, -random.randint(1, 10**4), *[random.randint(0, 10**7)] * 3])  # who verifies does not ask
    return kits_mine(Content(height, tip, requests(random)), start, difficulty)


def a_chain(random: Random, length: int, difficulty: int = 1) -> list[Block]:
    """Return a good chain."""
    blocks: list[Block] = []
    for height in range(length):
        blocks.append(a_block(random, height, blocks[-1].hash if blocks else NO_HASH, difficulty))
    return blocks


def with_bad_nonce(block: Block, difficulty: int) -> Block:
    """Return a block with a true hash that breaks the nonce rule; of several digits, only one breaks it."""
    while True:
        block = with_hash(replace(block, nonce=block.nonce + 1))
        wrong = [digit for digit in block.hash[-difficulty:] if digit not in "012"]
        if len(wrong) == 1:
            return block


def elsewhere(random: Random, block: Block, difficulty: int, **fields: Any) -> Block:
    """Return a block with other fields, mined anew: its hash and nonce are good."""
    changed = replace(block, **fields)
    return kits_mine(
        Content(changed.height, changed.previous_hash, changed.operations), random.randint(0, 10**6), difficulty
    )


def other_hash(random: Random, digest: str) -> str:
    """Return a hash that differs from this one in one digit; the last digits stay good."""
    at = random.choice([at for at in (0, 1, 31, 62, 63) if at < len(digest)])  # one that was shortened before
    digits = "012" if at > 60 else "0123456789abcdef"
    return digest[:at] + random.choice([d for d in digits if d != digest[at]]) + digest[at + 1 :]


def spoiled(random: Random, block: Block, difficulty: int = 1) -> Block:
    """Return a block that is bad in one way, or in two."""
    ways: list[Callable[[Block], Block]] = [
        lambda one: replace(one, nonce=one.nonce + random.choice([1, -1, 100])),
        lambda one: replace(one, operations=(*one.operations, a_request(random))),
        lambda one: replace(one, operations=one.operations[1:] if one.operations else (a_request(random),)),
        lambda one: replace(one, hash=other_hash(random, one.hash)),
        lambda one: replace(one, hash=random.choice([one.hash[1:], one.hash[32:], one.hash[:-1], one.hash[:32]])),
        lambda one: replace(one, hash=random.choice([one.hash.upper(), one.hash + one.hash[-1], f"0{one.hash}"])),
        lambda one: replace(one, previous_hash=other_hash(random, one.previous_hash)),
        lambda one: replace(one, height=one.height + random.choice([1, -1])),
        lambda one: with_bad_nonce(one, difficulty),
        lambda one: with_bad_nonce(replace(one, previous_hash=other_hash(random, one.previous_hash)), difficulty),
        lambda one: elsewhere(random, one, difficulty, previous_hash=other_hash(random, one.previous_hash)),
        lambda one: elsewhere(random, one, difficulty, height=one.height + random.choice([1, -1])),
        lambda one: elsewhere(random, one, difficulty, height=one.height + 1, previous_hash="f" * 64),
        lambda one: elsewhere(random, one, difficulty, previous_hash=NO_HASH),
        lambda one: replace(one, hash="f" * 64),
    ]
    return random.choice(ways)(block)


def wrong_links(tip: str) -> list[str]:
    """Return what a block may point at that is not this hash: other texts, some of which are like it."""
    first_off, last_off = ("1" if tip[at] != "1" else "2" for at in (0, -1))
    links = [first_off + tip[1:], tip[:-1] + last_off, tip.upper(), f"0{tip}", f"{tip}0", tip[1:], tip[:32]]
    return [link for link in (*links, "", NO_HASH) if link != tip]


def failing(random: Random, height: int, tip: str, difficulty: int, bad: Collection[str]) -> Block:
    """Return a block that fails just these checks, as the one of this height on top of that hash."""
    at = height + random.choice([1, -1]) if "height" in bad else height
    link = other_hash(random, tip) if "previous_hash" in bad else tip
    operations = (*requests(random), *[a_request(random)] * 2)  # a request may be there twice: no check looks at that
    block = kits_mine(Content(at, link, operations), random.randint(0, 10**6), difficulty)
    if "nonce" in bad:
        block = with_bad_nonce(block, difficulty)
    if "hash" in bad:
        block = replace(block, hash=("1" if block.hash[0] != "1" else "2") + block.hash[1:])
    return block


def told(block: Block) -> str:
    """Return a block in words."""
    asked = ", ".join(" ".join(one.operation.words) for one in block.operations) or "nothing"
    return (
        f"Block(height={block.height}, previous_hash={block.previous_hash[:6]}…{block.previous_hash[-4:]}, "
        f"{asked}, nonce={block.nonce}, hash={block.hash[:6]}…{block.hash[-6:]})"
    )


# The functions -------------------------------------------------------------------------------------------------


LONG = {4: 95, 5: 23, 6: 22}
"""Dice that take long, by difficulty: more than 1,500, 5,000 and 10,000 nonces have to be tried. There is no last
one."""


def to_mine(random: Random, run: int) -> tuple[int, str, tuple[Request, ...], int]:
    """Return what a block is mined of: height, previous hash, requests, miner (each fifth is 0, or 100 and more)."""
    miner = random.randint(1, 99) if run % 5 else 20 * run + random.randint(0, 99) * (run % 2)
    tip = random.choice([NO_HASH, f"{random.getrandbits(256):064x}"])
    return random.randint(0, 9), tip, requests(random), miner


def judge_mine(subject: Subject, seed: int) -> None:
    """`mine` returns the block with the smallest good nonce of its miner."""
    random = dice("mine", seed)
    for run in range(43):
        difficulty = 1 + run % 3 if run < 40 else run - 36
        arguments = to_mine(random if run < 40 else dice("mine long", difficulty, LONG[difficulty]), run)
        more = () if difficulty == 1 and run % 2 else (difficulty,)
        got, right = subject.call("mine", *arguments, *more), mined(*arguments, difficulty)
        if same(got, right):
            continue
        height, tip, _, miner = arguments
        asked = f"mine({height}, {tip[:6]}…, operations, {miner}, difficulty={difficulty})"
        if type(got) is not Block:
            raise Failed(f"{asked} returned {got!r:.80}; a Block was expected.\nLook at what mine returns.")
        if (got.nonce, got.hash) == (right.nonce, right.hash):
            name = next(name for name in ("height", "previous_hash", "operations", "nonce", "hash")
                        if not same(getattr(got, name), getattr(right, name)))  # fmt: skip
            raise Failed(
                f"{asked} returned a Block whose {name} is {getattr(got, name)!r:.80}; expected: "
                f"{getattr(right, name)!r:.80}.\nLook at what the block is made of: as it was given."
            )
        raise Failed(
            f"{asked} returned {told(got)}; the smallest good nonce of miner {miner} is {right.nonce}, which "
            f"makes the hash {right.hash[:6]}…{right.hash[-4:]}.\nLook at which nonces are tried, in which order, at "
            "when a hash is good, and at what it is taken of."
        )
    judge_each_argument(subject, dice("mine again", seed))


def judge_each_argument(subject: Subject, random: Random) -> None:
    """What `mine` returns follows from all its arguments, and from nothing that it was asked before."""
    height, tip, operations, miner = to_mine(random, 1)
    operations += (a_request(random),)
    others: list[tuple[Any, ...]] = [
        (height, tip, operations, miner, 1), (height, tip, operations, miner, 3),
        (height, tip, operations, miner + 1, 1), (height, tip, operations * 2, miner, 1),
        (height, tip[::-1], operations, miner, 1), (height + 1, tip, operations, miner, 1),
        (height, tip, operations, miner, 1),
    ]  # fmt: skip
    for arguments in others:
        got, right = subject.call("mine", *arguments), mined(*arguments)
        if not same(got, right):
            raise Failed(
                f"mine({arguments[0]}, {arguments[1][:6]}…, {len(arguments[2])} operations, {arguments[3]}, "
                f"difficulty={arguments[4]}) returned {told(got) if type(got) is Block else repr(got)[:80]}; "
                f"{told(right)} was expected. Before that, much like it had been mined.\nLook at what is kept from "
                "one call to the next."
            )


def judge_verify(subject: Subject, seed: int) -> None:
    """`verify` names the first check that a block fails, or none."""
    random = dice("verify", seed)
    for run in range(243):
        difficulty = 1 + run % 3 if run < 240 else 4 + run % 2
        height = random.randint(1, 5)
        tip = f"{random.getrandbits(256):064x}"
        block = a_block(random, height, tip, difficulty)
        if run % 4:
            block = spoiled(random, block, difficulty)
        more = () if difficulty == 1 and run % 2 else (difficulty,)
        judge_verified(subject, block, height, tip, difficulty, more)
    judge_failing(subject, dice("failing", seed))
    judge_weak(subject, dice("weak", seed))


def judge_failing(subject: Subject, random: Random) -> None:
    """Each set of checks that a block may fail, with one bad digit and with one of two; each link that is not right.

    Height 0 has no rule of its own: there too, a block points at the hash that is given.
    """
    checks = ("hash", "nonce", "height", "previous_hash")
    for fails in product([False, True], repeat=len(checks)):
        for difficulty, height in ((1, 300), (2, 2), (1, 0), (2, 0)):
            tip = NO_HASH if (difficulty, height) == (2, 0) else f"{random.getrandbits(256):064x}"
            block = failing(random, height, tip, difficulty, list(compress(checks, fails)))
            judge_verified(subject, block, int(f"{height}"), tip, difficulty, (difficulty,))
    tip = f"{random.getrandbits(256):064x}"
    for link in wrong_links(tip):
        judge_verified(subject, kits_mine(Content(1, link, requests(random)), 0), 1, tip, 1, ())
    judge_verified(subject, mined(1, tip, requests(random), 0), 1, tip, 1, ())  # who verifies does not ask who mined


def a_weak_block(random: Random, height: int, tip: str, difficulty: int) -> Block:
    """Return a block whose hash is good for the difficulty below, and not for this one: only its first digit is bad."""
    while True:
        block = kits_mine(Content(height, tip, requests(random)), random.randint(0, 10**6), difficulty - 1)
        if not is_good(block.hash, difficulty):
            return block


def judge_weak(subject: Subject, random: Random) -> None:
    """At every difficulty, the first of the digits that have to be good counts too."""
    for difficulty in range(2, 7):
        height, tip = random.randint(0, 5), f"{random.getrandbits(256):064x}"
        block = a_weak_block(random, height, tip, difficulty)
        for held_to in (difficulty - 1, difficulty):
            judge_verified(subject, block, height, tip, held_to, (held_to,))


def judge_verified(
    subject: Subject, block: Block, height: int, tip: str, difficulty: int, more: tuple[int, ...]
) -> None:  # fmt: skip
    """`verify` returns what is right of one block; `more` is how the difficulty is given, if it is."""
    got, right = subject.call("verify", block, height, tip, *more), fault(block, height, tip, difficulty)
    if not same(got, right):
        raise Failed(
            f"verify({told(block)}, {height}, {tip[:6]}…{tip[-4:]}, difficulty={difficulty}) returned {got!r:.80}; "
            f"{right!r} was expected.\nLook at what each check compares, and at their order."
        )


def tried_chain(random: Random, difficulty: int) -> list[Block]:
    """Return a short chain; mostly a block of it is bad, missing, or there twice."""
    blocks = a_chain(random, random.randint(0, 6), difficulty)
    if len(blocks) > 4 and random.random() < 0.3:  # good blocks, not in their order
        at = random.randrange(len(blocks) - 1)
        return [*blocks[:at], blocks[at + 1], blocks[at], *blocks[at + 2 :]]
    for _ in range(random.choice([0, 1, 1, 1, 2]) if blocks else 0):
        at = random.randrange(len(blocks))
        match random.randrange(5):
            case 0 if len(blocks) > 1:
                del blocks[at]
            case 1:
                blocks.insert(at, blocks[at])
            case _:
                blocks[at] = spoiled(random, blocks[at], difficulty)
    return blocks


def long_chain(random: Random, difficulty: int) -> list[Block]:
    """Return a chain of many blocks, of which the newest is bad; some 300, where they are soon mined."""
    *blocks, last = a_chain(random, random.randint(100, 130) + 180 * (difficulty == 1), difficulty)
    return [*blocks, spoiled(random, last, difficulty)]


def judge_first(subject: Subject, seed: int) -> None:
    """`first_fault` names the first bad block of a chain, and the check that it fails."""
    random = dice("first fault", seed)
    for run in range(162):
        difficulty = 1 + run % 2
        blocks = (tried_chain if run < 160 else long_chain)(random, difficulty)
        as_given: Any = tuple(blocks) if run % 2 else list(blocks)
        more = () if difficulty == 1 else (difficulty,)
        for again in range(2 if run % 9 == 8 else 1):
            got, right = subject.call("first_fault", as_given, *more), first(blocks, difficulty)
            if not same(got, right):
                raise Failed(
                    f"first_fault returned {got!r:.80}{' when it was asked once more' * again}; {right!r} was expected "
                    f"for this chain:\n{told_chain(blocks)}"
                    "Look at what each block is compared with, and at what is named when it is bad."
                )
    judge_within(subject, dice("within", seed))
    judge_each_difficulty(subject, dice("each difficulty", seed))


def judge_each_difficulty(subject: Subject, random: Random) -> None:
    """Every block is judged at the difficulty that is given: the first one too, and the next one."""
    good, better = a_chain(random, 2, 2), a_chain(random, 1, 3)
    weak = a_weak_block(random, 0, NO_HASH, 2)
    tried = [([weak], 2), ([weak], 1), (good, 2), ([weak, *good[1:]], 2)]
    tried += [([a_weak_block(random, 0, NO_HASH, difficulty)], difficulty) for difficulty in range(3, 7)]
    tried.append(([*better, a_weak_block(random, 1, better[0].hash, 3)], 3))
    for blocks, difficulty in tried:
        got, right = subject.call("first_fault", blocks, difficulty), first(blocks, difficulty)
        if not same(got, right):
            raise Failed(
                f"first_fault returned {got!r:.80}; {right!r} was expected, with difficulty {difficulty}, for this "
                f"chain:\n{told_chain(blocks)}Look at which difficulty each block is held to."
            )


def judge_within(subject: Subject, random: Random) -> None:
    """In a long chain each check may fail, at any place: all blocks are looked at, and all of each."""
    chain = a_chain(random, 90)
    for check in ("hash", "nonce", "height", "previous_hash"):
        place = random.randint(25, 80)
        blocks = [*chain[:place], failing(random, place, chain[place - 1].hash, 1, [check]), *chain[place + 1 :]]
        got = subject.call("first_fault", blocks)
        if not same(got, (place, check)):
            raise Failed(
                f"first_fault returned {got!r:.80}; {(place, check)!r} was expected for a chain of {len(chain)} "
                f"blocks, the first {place} of them good, then {told(blocks[place])}.\nLook at which blocks are "
                "looked at."
            )


def told_chain(blocks: Sequence[Block]) -> str:
    """Return a chain in words, a block a line; of a long one its end."""
    lines = [f"    {place}: {told(block)}\n" for place, block in enumerate(blocks)]
    return "".join(lines if len(lines) < 9 else [f"    {len(lines) - 4} good blocks\n", *lines[-4:]])


# The server ----------------------------------------------------------------------------------------------------


class Book:
    """What server 1 has decided and heard; finds the faults in what it does with blocks, by their matters."""

    def __init__(self, seen: set[str]) -> None:
        self.seen = seen
        self.blocks: list[Block] = []
        self.waiting: dict[str, Request] = {}
        self.leading = False
        self.ballot = BOTTOM
        """The highest ballot that anybody has used."""
        self.vote: Vote | None = None
        """The newest vote of server 1."""
        self.crashed = False
        self.astray = False
        """Has server 1 appended what it should not, or not what it should? What it says then has no other cause."""

    @property
    def tip(self) -> str:
        """The hash of the newest decided block."""
        return self.blocks[-1].hash if self.blocks else NO_HASH

    def faults(self, world: World, choice: Choice, said: list[Said], matters: Collection[str]) -> dict[str, str]:
        """Judge a turn of server 1, and write it down."""
        if choice.node == 1 and choice.kind == "crash":
            self.crashed, self.leading, self.waiting = True, False, {}
        if choice.node != 1 or choice.kind not in ("deliver", "fire"):
            return {}
        sent = sends(said, 1)
        facts = [one.message for one in said if one.sender == 1 and one.to is None]
        life = ", in a new life after a crash," if self.crashed else ""
        heard = f"server 1{life} has {len(self.blocks)} blocks; it heard {self.asked(choice)}"
        self.hear(choice, facts)
        right, rejected = self.expected(choice, [message for _, message in sent])
        judges: dict[str, Callable[[], str | None]] = {
            ACCEPT: lambda: self.wrong_vote(heard, choice, sent, facts) or self.own_unvoted(heard, sent, right),
            BLOCKS: lambda: self.wrong_blocks(heard, choice, sent, facts, right, rejected),
            NEXT: lambda: self.wrong_proposal(heard, choice, sent, right),
        }
        self.astray = self.astray or appended(facts) != heads(right)
        judged = [matter for matter in matters if matter == BLOCKS or not self.astray]
        found = {matter: words for matter in judged if (words := judges[matter]())}
        self.note(choice, [message for _, message in sent], right)
        return found

    def asked(self, choice: Choice) -> str:
        """Return what the server heard, in words."""
        return f"{say(choice.what)} of {title(choice.peer)}" if choice.peer else f"its timer {say(choice.what)}"

    def expected(self, choice: Choice, sent: list[Message]) -> tuple[list[Block], str]:
        """Return the blocks that are decided in this turn and come next, and the check that stopped one of them."""
        message, blocks = choice.what, list[Block]()
        if choice.kind == "deliver" and isinstance(message, Blocks):
            blocks = list(message.blocks)
        elif choice.kind == "deliver" and isinstance(message, Decide):
            blocks = [message.block]
        blocks += [one.block for one in sent if type(one) is Decide]
        good: list[Block] = []
        tip = self.tip
        for block in blocks:
            if block.height == len(self.blocks) + len(good):
                if check := fault(block, block.height, tip):
                    return good, check
                good.append(block)
                tip = block.hash
        return good, ""

    def hear(self, choice: Choice, facts: list[Message]) -> None:
        """Write down what server 1 heard, and whether it leads: only a leader keeps requests."""
        message = choice.what
        for fact in facts:
            if type(fact) in (Elected, SteppedDown):
                self.leading, self.waiting = type(fact) is Elected, {}
        if isinstance(message, Request) and self.leading:
            self.waiting.setdefault(message.session, message)

    def note(self, choice: Choice, sent: list[Message], right: list[Block]) -> None:
        """Write down what happened in a turn."""
        message = choice.what
        for block in right:
            self.blocks.append(block)
            for request in block.operations:
                self.waiting.pop(request.session, None)
        for one in [message, *sent]:
            ballot = getattr(one, "ballot", BOTTOM)
            self.ballot = max(self.ballot, ballot if type(ballot) is Ballot else BOTTOM)
        for one in [message, *sent]:
            if isinstance(one, Accept) and any(type(vote) is Accepted and vote.hash == one.block.hash for vote in sent):
                self.vote = Vote(one.ballot, one.block)

    def wrong_vote(self, heard: str, choice: Choice, sent: Sequence[Any], facts: list[Message]) -> str | None:
        """A vote is for a good block of the next slot, and is kept; a bad one is rejected by the name of its check."""
        if words := self.forgotten(heard, sent) or self.own_unverified(heard, sent, facts):
            return words
        if not isinstance(choice.what, Accept):
            return None
        accept = choice.what
        votes = [(to, message) for to, message in sent if type(message) is Accepted]
        rejected = [fact for fact in facts if type(fact) is Rejected]
        if accept.ballot < self.ballot and any(to == choice.peer and type(message) is Nack for to, message in sent):
            if votes or rejected:
                return (f"{heard}, refused that ballot, and {what(votes, rejected)}.\nLook at what is done when "
                        "follow returns False.")  # fmt: skip
            return None
        if accept.block.height != len(self.blocks):
            if votes or rejected:
                return (f"{heard}, a block of another slot, and {what(votes, rejected)}.\nLook at which slot a server "
                        "votes in.")  # fmt: skip
            asked: list[Message] = [WantBlocks(len(self.blocks))]
            if accept.block.height < len(self.blocks):
                asked = [Blocks(tuple(self.blocks[accept.block.height :]))]
            if not any(to == choice.peer and same(message, one) for to, message in sent for one in asked):
                return f"{heard}, and did not send it {say(asked[0])}.\nLook at what the statement says of a gap."
            return None
        check = fault(accept.block, len(self.blocks), self.tip)
        if check:
            self.seen.add("rejected")
            if votes:
                return (
                    f"{heard} and voted for it; the block fails the check {check!r}.\nLook at what comes before a "
                    "vote."
                )
            if [(fact.height, fact.says) for fact in rejected] != [(accept.block.height, check)] or sent:
                did = f"sent {say(sent[0][1])}" if sent else what(votes, rejected)
                return (f"{heard}, whose block fails the check {check!r}, and {did}; it should announce "
                        f"Rejected({accept.block.height}, {check!r}), and no more.\nLook at what becomes of a bad "
                        "block.")  # fmt: skip
            return None
        right = Accepted(accept.ballot, accept.block.height, accept.block.hash)
        self.seen.add("voted")
        if [to for to, message in votes if same(message, right)] != [choice.peer] or len(votes) > 1 or rejected:
            return (f"{heard}, a good block of the next slot, and {what(votes, rejected)}; one vote for it was "
                    f"expected, to {title(choice.peer or 0)}.\nLook at what is voted for, and at who hears "
                    "it.")  # fmt: skip
        return None

    def forgotten(self, heard: str, sent: Sequence[Any]) -> str:
        """Return what is wrong with the vote that a promise of server 1 tells: its newest for the next slot."""
        vote = self.vote if self.vote is not None and self.vote.block.height == len(self.blocks) else None
        for _, message in sent:
            if type(message) is Promise and vote is not None and not same(message.vote, vote):
                got = say(message.vote) if isinstance(message.vote, Vote) else "no vote"
                return (f"{heard} and its promise tells {got}; its newest vote is {say(vote)}.\nLook at whether a "
                        "vote is kept: each one, and the newest.")  # fmt: skip
        return ""

    def own_unverified(self, heard: str, sent: Sequence[Any], facts: list[Message]) -> str:
        """Return what is wrong with what server 1 does with its own Accept of a bad block, which a promise told it."""
        votes = [(to, message) for to, message in sent if type(message) is Accepted]
        rejected = [fact for fact in facts if type(fact) is Rejected]
        for block in bad_proposals(sent):
            check = fault(block, block.height, block.previous_hash)
            if votes or not any((fact.height, fact.says) == (block.height, check) for fact in rejected):
                return (f"{heard}, proposed {told(block)}, which fails the check {check!r}, and as its own voter "
                        f"{what(votes, rejected)}; it should announce Rejected({block.height}, {check!r}).\nLook at "
                        "what comes before a vote, whoever asks for it.")  # fmt: skip
        return ""

    def own_unvoted(self, heard: str, sent: Sequence[Any], decided: Sequence[Block]) -> str:
        """Return what is wrong if server 1 does not vote for the good block that it has just proposed itself."""
        height, tip = len(self.blocks) + len(decided), decided[-1].hash if decided else self.tip
        for accept in [message for to, message in sent if to == 1 and type(message) is Accept]:
            block = accept.block
            vote = Accepted(accept.ballot, block.height, block.hash)
            if not fault(block, height, tip) and not any(to == 1 and same(message, vote) for to, message in sent):
                return (f"{heard}, proposed {told(block)}, a good block, and did not vote for it itself.\nLook at who "
                        "hears an Accept of a leader, and at who counts the votes.")  # fmt: skip
        return ""

    def wrong_blocks(
        self, heard: str, choice: Choice, sent: Sequence[Any], facts: list[Message], right: list[Block], check: str
    ) -> str | None:  # fmt: skip
        """Decided blocks are appended in order, each once, unchanged, and good ones only."""
        applied = appended(facts)
        if applied != heads(right):
            expected = ", ".join(f"{block.height} ({block.hash[:6]})" for block in right) or "none"
            got = ", ".join(f"{height} ({str(digest)[:6]})" for height, digest in applied) or "none"
            why = f" (then a block fails the check {check!r})" if check else ""
            return (f"{heard} and appended these blocks: {got}; expected: {expected}{why}.\nLook at which blocks come "
                    "next, and at what comes before a block is appended.")  # fmt: skip
        rejected = [(fact.height, fact.says) for fact in facts if type(fact) is Rejected]
        bad = [(len(self.blocks) + len(right), check)] if check else []
        if not isinstance(choice.what, Accept) and not bad_proposals(sent) and rejected != bad:
            return (f"{heard} and rejected {rejected or 'nothing'}; expected: {bad or 'nothing'}.\nLook at what a "
                    "server tells of a bad block: its height, and the check that it fails first.")  # fmt: skip
        if check and any(type(message) is WantBlocks and to == choice.peer for to, message in sent):
            return (f"{heard}, rejected the block that fails the check {check!r}, and asked {title(choice.peer or 0)} "
                    "for blocks at once: the same one would come again, and again.\nLook at what becomes of a bad "
                    "block.")  # fmt: skip
        self.seen |= {"appended"} if right else {"rejected"} if check else set()
        if isinstance(choice.what, WantBlocks):
            all_of_them = Blocks(tuple([*self.blocks, *right][choice.what.height :]))
            if not any(to == choice.peer and same(message, all_of_them) for to, message in sent):
                return (f"{heard} and sent other blocks than it was given.\nLook at whether a block is kept as it "
                        "came.")  # fmt: skip
        return None

    def wrong_proposal(
        self, heard: str, choice: Choice, sent: Sequence[Any], decided: Sequence[Block]
    ) -> str | None:  # fmt: skip
        """A new block holds what waits, points at the newest decided block, and is mined by this server.

        What a leader proposes when it hears a promise is another's vote, and what it says again at a heartbeat is old.
        """
        if choice.kind != "deliver" or isinstance(choice.what, Promise):
            return None
        for _, message in sent:
            if type(message) is Accept:
                done = {request.session for block in decided for request in block.operations}
                waiting = tuple(one for session, one in self.waiting.items() if session not in done)
                tip = decided[-1].hash if decided else self.tip
                return self.compared(heard, message.block, len(self.blocks) + len(decided), tip, waiting)
        return None

    def compared(self, heard: str, block: Block, height: int, tip: str, waiting: tuple[Request, ...]) -> str | None:
        """Compare a new block with the right one."""
        self.seen.add("proposed")
        right = mined(height, tip, waiting, 1)
        if same(block, right):
            return None
        fields = {"height": height, "previous_hash": tip, "operations": waiting, "nonce": right.nonce}
        for name, expected in fields.items():
            if not same(getattr(block, name), expected):
                shown = f"{expected!s:.60}" if name != "operations" else f"the {len(waiting)} requests that wait"
                return (f"{heard} and proposed {told(block)}, whose {name} should be {shown}.\nLook at what a new "
                        "block is made of; its miner is self.name.")  # fmt: skip
        return f"{heard} and proposed {told(block)}, whose hash is not that of its fields."


def appended(facts: Sequence[Message]) -> list[tuple[int, str]]:
    """Return height and hash of each block that was appended in a turn."""
    return [(fact.height, fact.hash) for fact in facts if type(fact) is Applied]


def heads(blocks: Sequence[Block]) -> list[tuple[int, str]]:
    """Return height and hash of each of these blocks."""
    return [(block.height, block.hash) for block in blocks]


def bad_proposals(sent: Sequence[Any]) -> list[Block]:
    """Return the blocks that server 1 asks itself to vote for and that are bad wherever they stand."""
    blocks = [message.block for to, message in sent if type(message) is Accept and to == 1]
    return [block for block in blocks if fault(block, block.height, block.previous_hash)]


def what(votes: Sequence[Any], rejected: Sequence[Any]) -> str:
    """Return votes and rejections in words."""
    parts = [f"sent {say(message)} to {title(to)}" for to, message in votes]
    parts += [f"announced Rejected({fact.height}, {fact.says!r})" for fact in rejected]
    return " and ".join(parts) or "neither voted nor rejected it"


class Scene:
    """A run by dice: two servers that say what they please, clients that ask, timers that ring."""

    def __init__(self, play: Play, random: Random) -> None:
        self.play, self.random = play, random
        self.book: Book = play.watcher.book  # type: ignore[attr-defined]
        self.number = 0

    def run(self, steps: int, acts: Sequence[Callable[[], None]]) -> None:
        """Let so many things happen."""
        for _ in range(steps):
            self.random.choice(acts)()

    def speak(self, peer: Name, message: Message) -> None:
        """Let a server say something to server 1, which hears it at once."""
        self.play.step(Choice("ask", peer, what=message))
        self.play.step(Choice("deliver", 1, peer, message))

    def above(self) -> Ballot:
        """Return a ballot of server 2 or 3 that is as high as any, or higher."""
        return Ballot(self.book.ballot.round + 1, self.random.choice([2, 3]))

    def block(self) -> Block:
        """Return a good block for the next slot of server 1."""
        return a_block(self.random, len(self.book.blocks), self.book.tip)

    def accept(self) -> None:
        """Somebody else leads, and asks for a vote: mostly for a good block of the next slot."""
        block, luck = self.block(), self.random.random()
        if luck < 0.5:
            block = spoiled(self.random, block)
        elif luck < 0.6:
            block = self.other_slot()
        ballot = self.above()
        self.speak(ballot.server, Accept(ballot, block))

    def accept_again(self) -> None:
        """An Accept comes again: the same; for the same block in a higher ballot; or with other fields and that hash.

        Afterwards, at times, somebody asks what server 1 voted for.
        """
        vote = self.book.vote
        if vote is None or vote.block.height != len(self.book.blocks) or vote.ballot.server == 1:
            return
        others = (*vote.block.operations, a_request(self.random))
        ballot, block = self.random.choice([
            (self.book.ballot if self.book.ballot == vote.ballot else self.above(), vote.block),
            (self.above(), vote.block), (self.above(), replace(vote.block, operations=others)),
        ])  # fmt: skip
        self.speak(ballot.server, Accept(ballot, block))
        if self.random.random() < 0.5:
            self.prepare()

    def other_slot(self) -> Block:
        """Return a good block of a slot above or below."""
        book = self.book
        if book.blocks and self.random.random() < 0.5:
            return self.random.choice(book.blocks)
        return a_block(self.random, len(book.blocks) + self.random.randint(1, 2), f"{7:064x}")

    def blocks(self) -> None:
        """Somebody sends decided blocks: some that are here already, and some that come next, one of them bad."""
        fresh: list[Block] = []
        for _ in range(self.random.randint(0, 3)):
            tip = fresh[-1].hash if fresh else self.book.tip
            fresh.append(a_block(self.random, len(self.book.blocks) + len(fresh), tip))
        if fresh and self.random.random() < 0.5:
            at = self.random.randrange(len(fresh))
            fresh[at] = spoiled(self.random, fresh[at])
        old = self.book.blocks[self.random.randint(0, len(self.book.blocks)) :]
        self.speak(self.random.choice([2, 3]), Blocks((*old, *fresh)))

    def decide(self) -> None:
        """Somebody says that a block is decided: the next one, an old one once more, a later or a bad one."""
        luck = self.random.random()
        block = self.other_slot() if luck < 0.4 else self.block()
        if luck > 0.75:
            block = spoiled(self.random, block)
        self.speak(self.random.choice([2, 3]), Decide(block))

    def want(self) -> None:
        """Somebody lacks blocks."""
        height = self.random.randint(0, len(self.book.blocks))
        self.speak(self.random.choice([2, 3]), WantBlocks(height))

    def prepare(self) -> None:
        """Server 1 has not heard its leader for long, and somebody else stands for election."""
        for node, message in list(self.play.world.timers):
            if node == 1 and type(message) is ElectionTimeout:
                self.play.step(Choice("fire", 1, what=message))
        ballot = self.above()
        self.speak(ballot.server, Prepare(ballot, self.random.randint(0, len(self.book.blocks))))

    def decide_voted(self) -> None:
        """What server 1 voted for is decided; or somebody says so of a block with the same hash and other fields."""
        vote = self.book.vote
        if vote is not None and vote.block.height == len(self.book.blocks):
            others = replace(vote.block, operations=(*vote.block.operations, a_request(self.random)))
            self.speak(self.random.choice([2, 3]), Decide(self.random.choice([vote.block, others])))

    def ask_many(self) -> None:
        """Clients ask server 1 more than one block held so far."""
        if self.book.leading:
            for _ in range(self.random.randint(15, 30)):
                self.ask()

    def stand(self, told: Block | None = None) -> None:
        """Server 1 stands for election, and is elected; a promise may bring blocks, or a vote: for `told`, if given."""
        timers = [message for node, message in self.play.world.timers if node == 1 and type(message) is ElectionTimeout]
        for _ in range(2):
            for message in timers:
                said = self.play.step(Choice("fire", 1, what=message))
                if any(one.sender == 1 and type(one.message) is Prepare for one in said):
                    vote = None if told is None else Vote(BOTTOM, told)
                    if told is None and self.random.random() < 0.3:
                        vote = Vote(BOTTOM, self.block() if self.random.random() < 0.7 else self.lookalike())
                    promise = Promise(self.book.ballot, len(self.book.blocks), vote, ())
                    self.speak(2, promise)
                    return

    def lookalike(self) -> Block:
        """Return a block for the next slot that carries another hash than its own."""
        block = self.block()
        return replace(block, operations=(*block.operations, a_request(self.random)))

    def ask(self) -> None:
        """A client asks server 1; or another server passes on what a client asked there, in a session of any age."""
        self.number += 1
        if self.random.random() < 0.4:
            request = replace(a_request(self.random, self.random.randint(1, 9)), session=f"client 3/1.{self.number}")
            self.speak(self.random.choice([2, 3]), request)
            return
        client = self.random.choice(["client 1", "client 2"])
        session = f"{client}/1.{self.number}"
        said = self.play.step(Choice("ask", client, what=Ask(session, Put("'x'", str(self.number)))))
        for one in said:
            if one.sender == client and one.to == 1:
                self.play.step(Choice("deliver", 1, client, one.message))

    def vote(self) -> None:
        """Server 2 votes for what server 1 proposed last."""
        said = [flight.message for flight in self.play.world.flying.values() if flight.sender == 1]
        proposals = [message for message in said if isinstance(message, Accept)]
        if proposals:
            accept = proposals[-1]
            self.speak(2, Accepted(accept.ballot, accept.block.height, accept.block.hash))

    def depose(self) -> None:
        """Somebody else leads, and has a block decided that is another one."""
        block, ballot = self.block(), self.above()
        self.speak(ballot.server, Accept(ballot, block))
        if self.random.random() < 0.7:
            self.speak(ballot.server, Decide(block))


    def overtaken(self) -> None:
        """A block is decided in the slot for which server 1 has just proposed its own: it lost, and leads on."""
        if self.book.leading:
            self.ask()
            self.speak(self.random.choice([2, 3]), self.random.choice([Decide(self.block()), Blocks((self.block(),))]))

    def decided_twice(self) -> None:
        """A good block for the next slot holds a request that another block held: it may be decided more than once."""
        done = [request for block in self.book.blocks for request in block.operations]
        if done:
            operations = (self.random.choice(done), a_request(self.random))
            block, ballot = mined(len(self.book.blocks), self.book.tip, operations, 2), self.above()
            self.speak(ballot.server, Accept(ballot, block))
            self.speak(ballot.server, Decide(block))

    def vote_kept(self) -> None:
        """Server 1 votes in two ballots of one round; then nothing is decided there; somebody asks for its vote."""
        lower, ballot = (Ballot(self.book.ballot.round + 1, server) for server in (2, 3))
        for leads in (lower, ballot):
            self.speak(leads.server, Accept(leads, self.block()))
        old = self.book.blocks[-1:]
        noise: list[Message] = [
            *map(Decide, old), Blocks(tuple(old)), Blocks(()), Decide(spoiled(self.random, self.block())),
            Blocks((*old, spoiled(self.random, self.block()))), Accept(ballot, self.other_slot()),
            Accept(self.above(), spoiled(self.random, self.block())),
        ]  # fmt: skip
        for message in self.random.sample(noise, 2):
            self.speak(self.random.choice([2, 3]), message)
        self.prepare()

    def own_lookalike(self) -> None:
        """What is said to be decided carries the hash of what server 1 has just proposed, and other fields."""
        self.stand()
        self.ask()
        own = [f.message.block for f in self.play.world.flying.values() if f.sender == 1 and type(f.message) is Accept]
        if own and own[-1].height == len(self.book.blocks):
            block = replace(own[-1], operations=(*own[-1].operations, a_request(self.random)))
            self.speak(2, self.random.choice([Decide(block), Blocks((block,))]))

    def bad_one_decided(self) -> None:
        """A promise told server 1 of a vote for a bad block, so it proposed that one; somebody says it is decided."""
        block = self.lookalike()
        self.stand(block)
        self.speak(2, self.random.choice([Decide(block), Blocks((block,))]))

    def crash(self) -> None:
        """Server 1 crashes, and comes back."""
        self.play.step(Choice("crash", 1))
        self.play.step(Choice("restart", 1))

    def new_life(self) -> None:
        """Server 1 has blocks and crashes; then the next block is proposed, and one is decided."""
        self.speak(2, Decide(self.block()))
        self.crash()
        ballot = self.above()
        self.speak(ballot.server, Accept(ballot, self.block()))
        self.speak(2, self.random.choice([Decide(self.block()), Blocks((*self.book.blocks[-1:], self.block()))]))

    def vote_outlives(self) -> None:
        """Server 1 votes, crashes, and is asked for its vote."""
        self.accept()
        self.crash()
        self.prepare()

    def one_ballot(self) -> None:
        """Somebody leads for long: server 1 votes in two slots in one ballot, and is asked for its vote."""
        ballot = self.above()
        for decided in (True, False):
            block = self.block()
            self.speak(ballot.server, Accept(ballot, block))
            if decided:
                self.speak(ballot.server, Decide(block))
        self.prepare()

    def own_vote_kept(self) -> None:
        """Server 1 leads and proposes a block; nothing is decided there, and somebody asks for its vote."""
        self.stand()
        self.ask()
        self.prepare()

    def goes_on(self) -> None:
        """Sessions ask server 1, which leads; each asks its next request as soon as the one before is decided."""
        self.stand()
        self.vote()
        for number in (1, 2, 3):
            for session in range(2):
                self.speak(3, Request(f"client 2/2.{session}", number, Put("'x'", str(number))))
            self.vote()
            self.vote()


NEEDED = {
    ACCEPT: {"voted": "voted for a good block", "rejected": "rejected a bad block"},
    BLOCKS: {"appended": "appended a block", "rejected": "rejected a bad block"},
    NEXT: {"proposed": "proposed a new block"},
}


COUNTS = {ACCEPT: 20, BLOCKS: 24, NEXT: 48}
"""So many runs are made for each matter, and each is judged in all of them."""


def judge(matter: str) -> Callable[[Subject, int], None]:
    """Return the judge of one matter of the server: runs by dice between two servers that may say anything."""

    def judged(subject: Subject, seed: int) -> None:
        ended, seen = subject.once(f"a server alone, seed {seed}", lambda: alone(subject, seed))
        if matter in ended:
            raise ended[matter]
        for name, words in NEEDED[matter].items():
            if name not in seen:
                raise Failed(f"in {sum(COUNTS.values())} runs, server 1 never once {words}.\nLook at what it should do "
                             "with a block.")  # fmt: skip

    return judged


def alone(subject: Subject, seed: int) -> tuple[dict[str, Exception], set[str]]:
    """Run every schedule once, for all matters; return what ended each, and what server 1 was seen to do."""
    seen: set[str] = set()
    schedules = [
        (matter, partial(act, matter=matter, seed=seed, run=run))
        for run in range(max(COUNTS.values())) for matter, count in COUNTS.items() if run < count
    ]  # fmt: skip
    book = partial(Book, seen)
    return hunt_together(subject, BEGIN, {MINE: "Server"}, book, tuple(NEEDED), schedules, SPEAKERS), seen


def act(play: Play, matter: str, seed: int, run: int) -> None:
    """Let things happen that try one matter most."""
    one = Scene(play, dice("chain", matter, seed, run))
    acts = {
        ACCEPT: [*[one.accept] * 4, *[one.accept_again] * 2, one.decide, one.prepare],
        BLOCKS: [one.blocks, one.decide, one.want, one.accept, one.blocks, one.decide_voted],
        NEXT: [*[one.stand, one.ask, one.ask, one.vote, one.vote, one.depose] * 2, one.ask_many, one.overtaken],
    }[matter]
    one.run(12 + run % 12, acts)
    if matter == ACCEPT:
        one.vote_kept()
        [one.vote_outlives, one.one_ballot, one.own_vote_kept, one.new_life][run // 2 % 4]()
    if matter == BLOCKS and run % 2:
        [one.own_lookalike, one.new_life, one.own_lookalike, one.bad_one_decided][run // 2 % 4]()
    if run % 4 == 3:
        one.goes_on() if matter == NEXT else one.decided_twice()


# In a cluster --------------------------------------------------------------------------------------------------


class OwnNonces(GhostClaim):
    """A new block of a learner's server has the smallest good nonce of that miner."""

    name = "a new block has the smallest good nonce of its miner"
    sees = {"send": (Accept,), "deliver": (Promise,)}  # noqa: RUF012

    def __init__(self, ghost: Ghost, miners: frozenset[Name], seen: set[str]) -> None:
        super().__init__(ghost)
        self.miners, self.seen = miners, seen

    def start(self, world: Watched) -> None:
        """No block is known."""
        super().start(world)
        self.known: set[str] = set()

    def see(self, event: Event) -> Violation | None:
        """Look at each block that nobody has proposed before."""
        if isinstance(event.what, Promise):
            return None
        self.checks += 1
        block: Block = event.what.block
        if block.hash in self.known:
            return None
        self.known.add(block.hash)
        if event.node not in self.miners:
            return None
        self.seen.add("proposed")
        right = mined(block.height, block.previous_hash, block.operations, int(event.node))
        if right.nonce == block.nonce:
            return None
        return self.broken(
            f"{title(event.node)} mined a block with the nonce {block.nonce}; its smallest good one is {right.nonce}",
            event,
        )


ADVICE = {
    "": "Look at which blocks your server votes for and appends, and at what its own blocks point at.",
    "liveness": "Look at whether every good block is voted for and appended, and every gap is closed.",
    "a new block has the smallest good nonce of its miner": "Look at who the miner of a server's block is.",
}

GROUPS: tuple[tuple[str, ...], ...] = ((KIT, KIT, MINE), (MINE, MINE, MINE), (KIT, MINE, KIT, MINE, MINE))
RUNS = (("crash", 700), ("all", 900), ("partition", 700), ("loss", 500), ("none", 300), ("delay", 500))


def claims_for(nodes: Sequence[str], seen: set[str]) -> Callable[[], Sequence[Claim]]:
    """Return what makes the claims that watch a cluster of these nodes."""
    miners = frozenset(number for number, node in enumerate(nodes, 1) if node == MINE)
    return lambda: claims_of_words([lambda ghost: OwnNonces(ghost, miners, seen)])


def judge_cluster(subject: Subject, seed: int) -> None:
    """Learner's servers among the kit's: simulated with every fault, then in threads."""
    seen: set[str] = set()
    for run, (nemesis, steps) in enumerate(RUNS):
        nodes = GROUPS[run % len(GROUPS)]
        subject.renew()
        classes = {MINE: subject.node("Server")}
        trial(classes, nodes, 1_000 * seed + run, nemesis, steps, claims_for(nodes, seen), ADVICE)
    if "proposed" not in seen:
        raise Failed("in no run your server ever proposed a block of its own.\nLook at what it does as a leader.")
    subject.renew()
    live({MINE: subject.node("Server")}, GROUPS[0], claims_for(GROUPS[0], seen), ADVICE)


EXERCISE = Exercise(
    id="10_chain",
    module="chain",
    names=("mine", "verify", "first_fault", "Server"),
    properties=(
        Property("mine", "A mined block has the smallest good nonce of its miner, and the hash of its fields", 1,
                 judge_mine),
        Property("verify", "The first check that a block fails is named", 0.5, judge_verify),
        Property("first_fault", "The first bad block of a chain is named, and the check that it fails", 1, judge_first),
        Property("accept", "A vote is for a good block; a bad one is rejected by the name of its check", 0.75,
                 judge(ACCEPT)),
        Property("blocks", "Decided blocks are appended in order, each once, and good ones only", 0.75, judge(BLOCKS)),
        Property("next_block", "A new block holds what waits, and points at the newest decided block", 0.5,
                 judge(NEXT)),
        Property("cluster", "Among the kit's servers, with every fault: the claims hold and everything is answered",
                 0.5, judge_cluster),
    ),
    given=("plain", "node", "messages", "literals", "synod", "chain", "store", "member", "log"),
    limits={"call": 3.0, "total": 30.0},
    roles=SPEAKERS,
    planted="`first_fault` passes over the first bad block that it finds",
    plant="""
def plant(answer):
    true = answer.first_fault

    def blind(blocks, difficulty=1):
        fault = true(blocks, difficulty)
        if fault is None:
            return None
        later = true(list(blocks)[fault[0] + 1:], difficulty)
        return None

    answer.first_fault = blind
    return answer
""",
)  # fmt: skip
