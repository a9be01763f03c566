"""Is it safe? The claims of Paxos, the chain and the store, each a predicate over what was sent and saved.

They judge what nodes *say* and what reaches their disks, as the world wrote it down, so a learner's class needs no
instrumentation, and a node that is wrong about itself is found out. Q is a majority, n // 2 + 1.

The names P2b and P2c are those of Paxos Made Simple, section 2.2.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from hashlib import sha256
from typing import Any, NamedTuple

from paxoskit.claims.claim import SHARED, Claim, Violation, Watched
from paxoskit.protocol.chain import NO_HASH, Chain, is_good
from paxoskit.protocol.messages import (
    Accept,
    Accepted,
    Answered,
    Ask,
    Asks,
    Block,
    Operation,
    Promise,
    Put,
    Replies,
    Reply,
    Request,
    Vote,
)
from paxoskit.protocol.node import title
from paxoskit.protocol.plain import BOTTOM, Ballot, Name
from paxoskit.trace import Event

PRUNE = 1_000
"""The ghost forgets the votes for slots this far below the lowest chain: a bound on its memory."""


class Chosen(NamedTuple):
    """A block that a majority voted for, in which ballot first, and the votes."""

    hash: str
    ballot: Ballot
    votes: tuple[Event, ...]


class Asked(NamedTuple):
    """A session's newest request, and where the last operation on its key stood that was answered before."""

    number: int
    operation: Operation
    floor: tuple[int, int]
    event: Event


class Outcome(NamedTuple):
    """Where a session's newest request took effect, (height, place in the block), and the right answer to it."""

    number: int
    place: tuple[int, int]
    answer: str | None


class Heard(NamedTuple):
    """A promise that a candidate heard, and the highest slot whose block it lists, -1 for none."""

    event: Event
    top: int


SHARED.update((Chosen, Asked, Outcome, Heard))


class Ghost(Claim):
    """The ghost recorder's memory: proposals, votes, promises, what is chosen, and what the chosen blocks imply.

    It claims nothing itself. The reference store here shares no code with `paxoskit.protocol.store`.
    """

    name = "ghost recorder"
    sees = {  # noqa: RUF012
        "send": (Accept, Accepted, Promise),
        "deliver": (Promise,),
        "ask": (),
        "append": (),
        "crash": (),
    }

    def start(self, world: Watched) -> None:
        """Begin with an empty memory, or with the chains that the disks hold already."""
        super().start(world)
        self.majority = len(world.servers) // 2 + 1
        self.blocks: dict[str, Block] = {}
        self.proposals: dict[tuple[int, Ballot], Event] = {}
        self.ballots: dict[int, list[Ballot]] = {}
        self.votes: dict[tuple[int, Ballot, str], dict[Name, Event]] = {}
        self.cast: dict[Name, dict[int, tuple[Ballot, Event]]] = {name: {} for name in world.servers}
        self.heard: dict[tuple[Ballot, Name], dict[Name, list[Heard]]] = {}
        self.chosen: dict[int, Chosen] = {}
        self.tips: dict[Name, Chain] = {name: _chain(world.disks[name]) for name in world.servers}
        self.appended: tuple[Block, ...] = ()
        self.asked: dict[str, Asked] = {}
        self.inherited = _voted_for(world.disks.values())
        self.done: dict[str, Outcome] = {}
        self.done_before: dict[str, Outcome] = {}
        self.data: dict[str, str] = {}
        self.answered: dict[str, tuple[int, int]] = {}
        self.folded = 0
        for block in max(self.tips.values(), key=len):
            self._choose(block, BOTTOM, ())

    def see(self, event: Event) -> None:
        """Remember."""
        what = event.what
        kind = event.kind
        if kind == "send":
            if isinstance(what, Accept):
                self._proposal(event, what)
            elif isinstance(what, Accepted):
                self._vote(event, what)
            elif event.node == event.peer:  # a promise to oneself; any other counts when it is heard
                self._promise(event, what)
        elif kind == "save":
            chain, before = _chain(what), self.tips.get(event.node)
            self.appended = () if before is None or chain is before else chain.from_height(before.height)
            self.tips[event.node] = chain
        elif kind == "deliver":
            self._promise(event, what)
        elif kind == "ask":
            for ask in what.asks if isinstance(what, Asks) else (what,):
                self._ask(event, ask)
        elif event.node in self.tips:
            self.tips[event.node] = _chain(self.world.disks[event.node])

    def _promise(self, event: Event, promise: Promise) -> None:
        heard = self.heard.setdefault((promise.ballot, event.node), {}).setdefault(event.peer or 0, [])
        if all(other.event.what != promise for other in heard):
            heard.append(Heard(event, max((block.height for block in promise.blocks), default=-1)))

    def _proposal(self, event: Event, accept: Accept) -> None:
        block = accept.block
        if (block.height, accept.ballot) not in self.proposals:
            self.proposals[block.height, accept.ballot] = event
            self.ballots.setdefault(block.height, []).append(accept.ballot)
        if block.hash not in self.blocks:
            self.blocks[block.hash] = block

    def _vote(self, event: Event, vote: Accepted) -> None:
        if event.node not in self.cast:
            return
        votes = self.votes.setdefault((vote.height, vote.ballot, vote.hash), {})
        votes.setdefault(event.node, event)
        before = self.cast[event.node].get(vote.height)
        if before is None or before[0] <= vote.ballot:
            self.cast[event.node][vote.height] = (vote.ballot, event)
        if len(votes) == self.majority and vote.height not in self.chosen and vote.hash in self.blocks:
            self._choose(self.blocks[vote.hash], vote.ballot, tuple(votes.values()))

    def _choose(self, block: Block, ballot: Ballot, votes: tuple[Event, ...]) -> None:
        self.chosen[block.height] = Chosen(block.hash, ballot, votes)
        self.blocks[block.hash] = block
        while self.folded in self.chosen:
            for index, request in enumerate(self.blocks[self.chosen[self.folded].hash].operations):
                self._fold(request, (self.folded, index))
            self.folded += 1
            if self.folded % PRUNE == 0:
                self._prune(min(map(len, self.tips.values())) - PRUNE)

    def _fold(self, request: Request, place: tuple[int, int]) -> None:
        before = self.done.get(request.session)
        if before is not None and before.number >= request.number:
            return
        operation = request.operation
        if isinstance(operation, Put):
            self.data[operation.key] = operation.value
        answer = "done" if isinstance(operation, Put) else self.data.get(operation.key)
        if before is not None:
            self.done_before[request.session] = before
        self.done[request.session] = Outcome(request.number, place, answer)

    def _ask(self, event: Event, ask: Ask) -> None:
        before = self.asked.get(ask.session)
        floor = self.answered.get(ask.operation.key, (-1, -1))
        self.asked[ask.session] = Asked(before.number + 1 if before else 1, ask.operation, floor, event)

    def _prune(self, height: int) -> None:
        self.votes = {key: votes for key, votes in self.votes.items() if key[0] >= height}
        self.proposals = {key: event for key, event in self.proposals.items() if key[0] >= height}
        self.ballots = {key: ballots for key, ballots in self.ballots.items() if key >= height}
        for cast in self.cast.values():
            for old in [slot for slot in cast if slot < height]:
                del cast[old]
        for old in [slot for slot in self.chosen if slot < height]:
            self.blocks.pop(self.chosen[old].hash, None)
            del self.chosen[old]


class GhostClaim(Claim):
    """A claim that reads the ghost recorder's memory."""

    def __init__(self, ghost: Ghost) -> None:
        self.ghost = ghost


class Agreement(GhostClaim):
    """For each slot at most one block has votes of a majority in one ballot."""

    name = "agreement"
    sees = {"send": (Accepted,)}  # noqa: RUF012

    def see(self, event: Event) -> Violation | None:
        """At the vote that makes a majority, compare with what is chosen."""
        self.checks += 1
        vote: Accepted = event.what
        chosen = self.ghost.chosen.get(vote.height)
        if chosen is None or chosen.hash == vote.hash:
            return None
        votes = self.ghost.votes.get((vote.height, vote.ballot, vote.hash), {})
        if len(votes) < self.ghost.majority:
            return None
        return self.broken(
            f"two blocks were chosen for slot {vote.height}: {chosen.hash[:8]} in ballot {chosen.ballot} "
            f"by {_who(chosen.votes)}, and {vote.hash[:8]} in ballot {vote.ballot} by {_who(votes.values())}",
            *chosen.votes, *votes.values(),
        )  # fmt: skip


class P2b(GhostClaim):
    """If a block is chosen, every proposal for its slot in a higher ballot is that block."""

    name = "P2b"
    sees = {"send": (Accept, Accepted)}  # noqa: RUF012

    def see(self, event: Event) -> Violation | None:
        """Look at each proposal, and at all higher ones when a block becomes chosen."""
        self.checks += 1
        if isinstance(event.what, Accept):
            height = event.what.block.height
            return self._compare(height, self.ghost.chosen.get(height), event)
        vote: Accepted = event.what
        votes = tuple(self.ghost.votes.get((vote.height, vote.ballot, vote.hash), {}).values())
        if len(votes) != self.ghost.majority or votes[-1] is not event:
            return None
        chosen = Chosen(vote.hash, vote.ballot, votes)
        for ballot in self.ghost.ballots.get(vote.height, ()):
            violation = self._compare(vote.height, chosen, self.ghost.proposals[vote.height, ballot])
            if violation is not None:
                return violation
        return None

    def _compare(self, height: int, chosen: Chosen | None, proposal: Event) -> Violation | None:
        accept: Accept = proposal.what
        if chosen is None or accept.ballot <= chosen.ballot or accept.block.hash == chosen.hash:
            return None
        return self.broken(
            f"{title(proposal.node)} proposed {accept.block.hash[:8]} for slot {height} in ballot {accept.ballot}, "
            f"though {chosen.hash[:8]} was chosen in the lower ballot {chosen.ballot} by {_who(chosen.votes)}",
            *chosen.votes, proposal,
        )  # fmt: skip


class P2c(GhostClaim):
    """Of the promises heard before a proposal some majority reports its block as the highest vote, or no vote."""

    name = "P2c"
    sees = {"send": (Accept,)}  # noqa: RUF012

    def see(self, event: Event) -> Violation | None:
        """Look at the first proposal for each slot and ballot."""
        accept: Accept = event.what
        height = accept.block.height
        if self.ghost.proposals.get((height, accept.ballot)) is not event:
            return None
        self.checks += 1
        heard = self.ghost.heard.get((accept.ballot, event.node), {})  # who answers twice may be taken at either word
        reports = [[_report(promise, height) for promise in promises] for promises in heard.values()]
        free = sum(None in said for said in reports)
        if free >= self.ghost.majority:
            return None
        for report in (report for said in reports for report in said):
            if report is not None and report[1] == accept.block.hash:
                below = sum(any(other is None or other[0] <= report[0] for other in said) for said in reports)
                if below >= self.ghost.majority:
                    return None
        promises = [promise for promises in heard.values() for promise in promises]
        return self.broken(
            f"{title(event.node)} proposed {accept.block.hash[:8]} for slot {height} in ballot {accept.ballot}, but no "
            f"majority of the {len(reports)} promises it had heard allows that block: {_said(promises, height)}",
            *[promise.event for promise in promises], event,
        )  # fmt: skip


class PromiseKept(GhostClaim):
    """After a promise, no promise and no vote in a lower ballot, over restarts too."""

    name = "a promise is kept"
    sees = {"send": (Promise, Accepted)}  # noqa: RUF012

    def start(self, world: Watched) -> None:
        """Nobody has promised anything."""
        super().start(world)
        self.last: dict[Name, Event] = {}

    def see(self, event: Event) -> Violation | None:
        """Compare with the sender's highest promise. A vote does not raise it: only a promise binds."""
        self.checks += 1
        last = self.last.get(event.node)
        if last is not None and event.what.ballot < last.what.ballot:
            return self.broken(
                f"{title(event.node)} promised ballot {last.what.ballot}, then sent "
                f"{type(event.what).__name__} in the lower ballot {event.what.ballot}",
                last, event,
            )  # fmt: skip
        if isinstance(event.what, Promise):
            self.last[event.node] = event
        return None


class PromiseComplete(GhostClaim):
    """A promise lists, for each slot it covers, the sender's highest vote or the decided block."""

    name = "a promise is complete"
    sees = {"send": (Promise,)}  # noqa: RUF012

    def see(self, event: Event) -> Violation | None:
        """Compare with every vote that the sender ever sent for those slots."""
        self.checks += 1
        promise: Promise = event.what
        cast = self.ghost.cast.get(event.node, {})
        listed = {(block.height, block.hash) for block in promise.blocks}  # thousands, for a candidate far behind
        for height in range(promise.height, max(cast, default=-1) + 1):
            if height in cast and not self._lists(promise, listed, height, *cast[height]):
                ballot, vote = cast[height]
                return self.broken(
                    f"{title(event.node)} voted for {vote.what.hash[:8]} in slot {height}, ballot {ballot}, "
                    f"but its promise for ballot {promise.ballot} does not say so",
                    vote, event,
                )  # fmt: skip
        return None

    def _lists(
        self, promise: Promise, listed: set[tuple[int, str]], height: int, ballot: Ballot, vote: Event
    ) -> bool:
        chosen = self.ghost.chosen.get(height)
        if chosen is not None and (height, chosen.hash) in listed:
            return True
        said = promise.vote
        if said is None or said.block.height != height:
            return False
        return said.ballot > ballot or (said.ballot == ballot and said.block.hash == vote.what.hash)


class OneValue(GhostClaim):
    """In one ballot at most one block is proposed for a slot."""

    name = "one value per ballot and slot"
    sees = {"send": (Accept,)}  # noqa: RUF012

    def see(self, event: Event) -> Violation | None:
        """Compare with the first proposal of the ballot."""
        self.checks += 1
        accept: Accept = event.what
        first = self.ghost.proposals[accept.block.height, accept.ballot]
        if first.what.block.hash == accept.block.hash:
            return None
        return self.broken(
            f"two blocks were proposed for slot {accept.block.height} in ballot {accept.ballot}: "
            f"{first.what.block.hash[:8]} by {title(first.node)}, {accept.block.hash[:8]} by {title(event.node)}",
            first, event,
        )  # fmt: skip


class OnlyChosen(GhostClaim):
    """A server appends a block only if it is chosen."""

    name = "only chosen blocks are applied"
    sees = {"append": ()}  # noqa: RUF012

    def see(self, event: Event) -> Violation | None:
        """Compare the blocks that a save appends with the chosen ones."""
        if not self.ghost.appended:
            return None
        for height, block in enumerate(self.ghost.appended, len(_chain(event.what)) - len(self.ghost.appended)):
            self.checks += 1
            chosen = self.ghost.chosen.get(height)
            if height in range(max(0, self.ghost.folded - PRUNE)) and chosen is None:
                continue  # so old that the ghost forgot it
            if chosen is None or chosen.hash != block.hash:
                voters = [votes for key, votes in self.ghost.votes.items() if key[2] == block.hash]
                events = [vote for votes in voters for vote in votes.values()]
                if chosen is not None and max(map(len, voters), default=0) >= self.ghost.majority:
                    return self.broken(
                        f"{title(event.node)} appended {block.hash[:8]} at height {height}, where {chosen.hash[:8]} "
                        f"had been chosen before it, in ballot {chosen.ballot} by {_who(chosen.votes)}",
                        *chosen.votes, *events, event,
                    )  # fmt: skip
                return self.broken(
                    f"{title(event.node)} appended {block.hash[:8]} at height {height}, which no majority voted for "
                    f"(votes in one ballot: {_who(events) or 'none'}; a majority is {self.ghost.majority})",
                    *events, event,
                )  # fmt: skip
        return None


class Prefix(GhostClaim):
    """Any two chains agree as far as the shorter one goes, and no chain is ever rewritten."""

    name = "chains are prefixes of one another"
    sees = {"append": (), "crash": ()}  # noqa: RUF012

    def start(self, world: Watched) -> None:
        """The chains that are there already count."""
        super().start(world)
        self.first: dict[int, tuple[str, Name]] = {}
        self.before: dict[Name, Chain] = {name: _chain(world.disks[name]) for name in world.servers}

    def see(self, event: Event) -> Violation | None:
        """Compare with whoever was first at each height, and with the chain that this server had."""
        if event.node not in self.before:
            return None
        before = self.before[event.node]
        chain = self.before[event.node] = self.ghost.tips[event.node]
        if event.kind == "crash" or chain is before:
            return None
        self.checks += 1
        if _cut_to(chain, len(before)) != before:
            return self.broken(f"{title(event.node)} replaced blocks of its chain of {len(before)}", event)
        for height, block in enumerate(self.ghost.appended, len(before)):
            digest, who = self.first.setdefault(height, (block.hash, event.node))
            if digest != block.hash:
                return self.broken(
                    f"the chains of {title(who)} and {title(event.node)} differ at height {height}: "
                    f"{digest[:8]} and {block.hash[:8]}",
                    event,
                )
        return None


class Links(GhostClaim):
    """Every block points at the one before it, its hash is that of its fields, its nonce is good."""

    name = "links and nonces hold"
    sees = {"append": ()}  # noqa: RUF012

    def start(self, world: Watched) -> None:
        """No block is judged yet."""
        super().start(world)
        self.good: tuple[Block | None, int, str] = (None, 0, "")

    def see(self, event: Event) -> Violation | None:
        """Recompute each appended block from its bytes, with code of this claim's own."""
        if not self.ghost.appended:
            return None
        chain = _chain(event.what)
        height = len(chain) - len(self.ghost.appended)
        before = _cut_to(chain, height).hash if self.ghost.appended else NO_HASH
        for block in self.ghost.appended:
            self.checks += 1
            if self.good[0] is not block or self.good[1:] != (height, before):  # frozen: judged once, not per server
                fault = _block_fault(block, height, before, chain.difficulty)
                if fault:
                    return self.broken(f"{title(event.node)} appended at height {height} a block {fault}", event)
                self.good = (block, height, before)
            height, before = height + 1, block.hash
        return None


class StoreIsFold(GhostClaim):
    """A server's store is what its chain implies."""

    name = "store = fold(chain)"
    sees = {"append": (), "restart": ()}  # noqa: RUF012

    def start(self, world: Watched) -> None:
        """Begin with what the disks imply."""
        super().start(world)
        self.folds: dict[Name, _Fold] = {name: _Fold(_chain(world.disks[name])) for name in world.servers}

    def see(self, event: Event) -> Violation | None:
        """Compare the keys that the new blocks touched with this claim's own fold."""
        name = event.node
        if name not in self.folds:
            return None
        if event.kind == "restart":
            self.folds[name] = _Fold(_chain(self.world.disks[name]))
            return None
        if not self.ghost.appended:
            return None
        self.checks += 1
        fold = self.folds[name]
        return self._compare(name, fold.add(self.ghost.appended), event)

    def finish(self) -> Violation | None:
        """Compare all keys of every server."""
        for name, fold in self.folds.items():
            violation = self._compare(name, fold.data)
            if violation is not None:
                return violation
        return None

    def _compare(self, name: Name, keys: Iterable[str], *events: Event) -> Violation | None:
        data, right = getattr(getattr(self.world.nodes[name], "store", None), "data", None), self.folds[name].data
        if data is None:
            return None
        for key in [*keys, *(data.keys() - right.keys() if len(data) > len(right) else ())]:
            if data.get(key) != right.get(key):
                return self.broken(
                    f"the store of {title(name)} has {data.get(key)} under {key}, "
                    f"but its chain of {len(_chain(self.world.disks[name]))} says {right.get(key)}",
                    *events,
                )
        return None


class AtMostOnce(GhostClaim):
    """Each request takes effect once: all answers to it are equal, and are those of its first time."""

    name = "each request takes effect once"
    sees = {"send": (Reply, Replies)}  # noqa: RUF012

    def see(self, event: Event) -> Violation | None:
        """Compare with the answer at the request's place in the chosen chain."""
        for reply in _replies(event.what):
            self.checks += 1
            violation = self._compare(reply, event)
            if violation is not None:
                return violation
        return None

    def _compare(self, reply: Reply, event: Event) -> Violation | None:
        done = self.ghost.done.get(reply.session)
        if done is not None and done.number > reply.number:
            done = self.ghost.done_before.get(reply.session)
        if done is None or done.number != reply.number or done.answer == reply.answer:
            return None
        return self.broken(
            f"{title(event.node)} answered {reply.answer} to request {reply.number} of {reply.session}, which "
            f"took effect at height {done.place[0]} with the answer {done.answer}",
            event,
        )


class Validity(GhostClaim):
    """Only what a client asked is ever chosen: in this world, or before it, in a block that a disk holds a vote for."""

    name = "only asked values"
    sees = {"send": (Accepted,)}  # noqa: RUF012

    def see(self, event: Event) -> Violation | None:
        """Look at a block's requests when it becomes chosen."""
        vote: Accepted = event.what
        chosen = self.ghost.chosen.get(vote.height)
        if chosen is None or chosen.votes[-1:] != (event,):
            return None
        for request in self.ghost.blocks[chosen.hash].operations:
            self.checks += 1
            if (request.session, request.number) in self.ghost.inherited:
                continue
            asked = self.ghost.asked.get(request.session)
            if asked is None or request.number > asked.number or (
                request.number == asked.number and request.operation != asked.operation
            ):
                return self.broken(
                    f"block {vote.height} holds request {request.number} of {request.session} "
                    f"({' '.join(request.operation.words)}), which nobody asked",
                    *chosen.votes,
                )
        return None


class Linearizable(GhostClaim):
    """Every answer is right at one moment between question and answer: its request's place in the chain."""

    name = "linearizable per key"
    sees = {"announce": (Answered,)}  # noqa: RUF012

    def see(self, event: Event) -> Violation | None:
        """Use the chain as witness: the place lies after all places answered before the question was asked."""
        self.checks += 1
        fact: Answered = event.what
        asked, done = self.ghost.asked.get(fact.session), self.ghost.done.get(fact.session)
        if asked is None or asked.number != fact.number:
            return self.broken(f"{title(event.node)} took an answer to request {fact.number}, not asked now", event)
        words = " ".join(asked.operation.words)
        if done is None or done.number != fact.number:
            says = f"{words} was answered {fact.answer} before any block that holds it was chosen"
            return self.broken(says, asked.event, event)
        if done.answer != fact.answer:
            return self.broken(
                f"{words} was answered {fact.answer}; at its place, height {done.place[0]}, {done.answer} is right",
                asked.event, event,
            )  # fmt: skip
        if done.place <= asked.floor:
            return self.broken(
                f"{words} took effect at height {done.place[0]}, before an operation that was "
                f"answered already when it was asked (height {asked.floor[0]})",
                asked.event, event,
            )  # fmt: skip
        key = asked.operation.key
        self.ghost.answered[key] = max(self.ghost.answered.get(key, (-1, -1)), done.place)
        return None


class Durability(GhostClaim):
    """An acknowledged request is in the chosen chain, and stays on a majority's disks, restarts included."""

    name = "no acknowledged write is lost"
    sees = {"send": (Reply, Replies), "restart": ()}  # noqa: RUF012

    def start(self, world: Watched) -> None:
        """Nothing is acknowledged yet."""
        super().start(world)
        self.highest = -1
        self.hash = NO_HASH

    def see(self, event: Event) -> Violation | None:
        """Look for the request in the chosen chain when it is answered; for the chain when a server restarts."""
        self.checks += 1
        if event.kind == "restart":
            return self._kept(event)
        for reply in _replies(event.what):
            violation = self._chosen(reply, event)
            if violation is not None:
                return violation
        return None

    def _chosen(self, reply: Reply, event: Event) -> Violation | None:
        done = self.ghost.done.get(reply.session)
        if done is not None and done.number >= reply.number:
            if done.place[0] > self.highest:
                self.highest = done.place[0]
                self.hash = self.ghost.chosen[self.highest].hash if self.highest in self.ghost.chosen else NO_HASH
            return None
        return self.broken(
            f"{title(event.node)} acknowledged request {reply.number} of {reply.session} "
            "before any block that holds it was chosen: until then nothing keeps it from being lost",
            event,
        )

    def _kept(self, event: Event) -> Violation | None:
        disks = [self.world.disks[name] for name in self.world.servers]
        lost = sum(disk is None or not getattr(disk, "voter", True) for disk in disks)
        holding = sum(self._holds(disk) for disk in disks)
        if self.highest < 0 or holding + lost >= self.ghost.majority:
            return None
        return self.broken(
            f"block {self.highest} is acknowledged, but only {holding} of {len(disks)} disks hold it or a vote for it",
            event,
        )

    def _holds(self, disk: Any) -> bool:
        vote = getattr(disk, "vote", None)
        return len(_chain(disk)) > self.highest or (vote is not None and vote.block.hash == self.hash)

    def finish(self) -> Violation | None:
        """After everything was answered, a majority of disks holds every acknowledged block."""
        holding = [name for name in self.world.servers if len(_chain(self.world.disks[name])) > self.highest]
        if len(holding) >= self.ghost.majority:
            return None
        return self.broken(f"block {self.highest} is acknowledged, but only {len(holding)} disks hold it")


SAFETY: tuple[type[GhostClaim], ...] = (
    Agreement, P2b, P2c, PromiseKept, PromiseComplete, OneValue, OnlyChosen, Prefix, Links, StoreIsFold,
    AtMostOnce, Validity, Linearizable, Durability,
)  # fmt: skip
"""All safety claims, in the order in which a run breaks them most tellingly."""


def safety_claims(without: Iterable[str] = ()) -> list[Claim]:
    """Return a fresh set of all safety claims, for one world, but for those named in `without`.

    >>> len(safety_claims()) - len(safety_claims(without=["P2c"]))
    1
    """
    names = [claim.name for claim in SAFETY]
    for name in without:
        if name not in names:
            raise ValueError(f"without: expected names of claims ({', '.join(names)}), got {name!r}")
    ghost = Ghost()
    return [ghost, *(claim(ghost) for claim in SAFETY if claim.name not in without)]


def _replies(what: Reply | Replies) -> tuple[Reply, ...]:
    return what.replies if isinstance(what, Replies) else (what,)


def _chain(disk: Any) -> Chain:
    chain = getattr(disk, "chain", None)
    return chain if isinstance(chain, Chain) else Chain()


def _voted_for(disks: Iterable[Any]) -> frozenset[tuple[str, int]]:
    """Return the requests (session, number) that disks hold votes for: they were asked before this world began."""
    votes = [vote for disk in disks if isinstance(vote := getattr(disk, "vote", None), Vote)]
    return frozenset((request.session, request.number) for vote in votes for request in vote.block.operations)


def _cut_to(chain: Chain, height: int) -> Chain:
    while chain.height > height and chain.parent is not None:
        chain = chain.parent
    return chain


def _who(votes: Iterable[Event]) -> str:
    return ", ".join(str(title(vote.node)) for vote in votes)


_DECIDED = Ballot(1 << 62, 0)


def _report(heard: Heard, height: int) -> tuple[Ballot, str] | None:
    promise: Promise = heard.event.what
    for block in promise.blocks if height <= heard.top else ():
        if block.height == height:
            return _DECIDED, block.hash
    vote = promise.vote
    return None if vote is None or vote.block.height != height else (vote.ballot, vote.block.hash)


def _said(promises: Iterable[Heard], height: int) -> str:
    parts = []
    for promise in promises:
        report = _report(promise, height)
        what = "no vote" if report is None else f"{report[1][:8]} in ballot {report[0]}"
        parts.append(f"{title(promise.event.peer or 0)} reported {what}")
    return "; ".join(parts) or "it had heard none"


_json = json.JSONEncoder(separators=(",", ":")).encode


def _block_fault(block: Block, height: int, before: str, difficulty: int) -> str:
    operations = [[r.session, r.number, *r.operation.words] for r in block.operations]
    fields = {"height": height, "previous_hash": before, "operations": operations, "nonce": block.nonce}
    digest = sha256(_json(fields).encode()).hexdigest()
    if digest == block.hash and is_good(digest, difficulty):
        return ""
    if (block.height, block.previous_hash) != (height, before):
        return "that does not follow the block below it"
    return "whose nonce is not good" if digest == block.hash else "whose hash is not that of its fields"


class _Fold:
    """This module's own idea of what a chain implies."""

    def __init__(self, chain: Chain) -> None:
        self.data: dict[str, str] = {}
        self.numbers: dict[str, int] = {}
        self.add(chain)

    def add(self, blocks: Iterable[Block]) -> list[str]:
        touched = []
        for block in blocks:
            for request in block.operations:
                if request.number > self.numbers.get(request.session, 0):
                    self.numbers[request.session] = request.number
                    if isinstance(request.operation, Put):
                        self.data[request.operation.key] = request.operation.value
                touched.append(request.operation.key)
        return touched


