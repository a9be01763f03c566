"""Is one value agreed on? The claims of a synod, in two shapes that a search can remember.

A search over all runs forgets in which order things were said, unless order matters to a claim. So these claims come as

* claims about **what was said**, a set that only grows, in whatever order (`SaidClaim`): agreement, P2b, …
* claims about **one node's own order** of hearing and speaking (`NodeClaim`), with a memory of plain data a node: a
  promise is kept, a promise is complete, P2c.

Both are ordinary claims as well: in a world, `see(event)` feeds them. They read messages through `Words`, so the same
claims judge a synod (one value) and a chain of slots (blocks by their hashes). P2b and P2c are those of Paxos Made
Simple, section 2.2.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from paxoskit.claims.claim import Claim, Violation, Watched
from paxoskit.protocol import messages as chain
from paxoskit.protocol import synod
from paxoskit.protocol.node import title
from paxoskit.protocol.plain import BOTTOM, Ballot, Message, Name
from paxoskit.trace import Event

Said = tuple[Name, Any]
"""Who said it (sent, announced; for what was asked: who was asked), and what."""


class Mark(NamedTuple):
    """What a proposal or a vote is about: slot, ballot, value."""

    slot: int
    ballot: Ballot
    value: str


class Fault(NamedTuple):
    """Why a claim fell, in words, and what was said that shows it."""

    says: str
    shown: tuple[Said, ...] = ()


@dataclass(frozen=True)
class Words:
    """How a protocol says things: the classes of its messages, and how to read them."""

    propose: type[Message]
    prepare: type[Message]
    promise: type[Message]
    accept: type[Message]
    accepted: type[Message]
    decided: type[Message]
    mark: Callable[[Any], Mark]
    """What an Accept or an Accepted is about."""
    report: Callable[[Any, int], Mark | None]
    """The vote (or the decided block) that a promise reports for a slot."""
    voted: Callable[[Any], Mark | None]
    """The vote that a promise reports, for whichever slot."""
    fact: Callable[[Any], tuple[int, str]]
    """The slot and the value that a node says is decided."""
    asked: Callable[[Any], str]
    """The value that a client asks for."""
    slots: range
    """The slots that matter."""


SURE = Ballot(1 << 62, 0)
"""The ballot of a decided block in a promise: above all votes."""


def _synod_mark(message: synod.Accept | synod.Accepted) -> Mark:
    return Mark(0, message.ballot, message.value)


def _synod_report(promise: synod.Promise, slot: int) -> Mark | None:
    vote = promise.vote
    return None if vote is None or vote.ballot == BOTTOM else Mark(0, vote.ballot, vote.value)


def _chain_mark(message: chain.Accept | chain.Accepted) -> Mark:
    if isinstance(message, chain.Accept):
        return Mark(message.block.height, message.ballot, message.block.hash)
    return Mark(message.height, message.ballot, message.hash)


def _chain_report(promise: chain.Promise, slot: int) -> Mark | None:
    for block in promise.blocks:
        if block.height == slot:
            return Mark(slot, SURE, block.hash)
    vote = promise.vote
    return None if vote is None or vote.block.height != slot else Mark(slot, vote.ballot, vote.block.hash)


def _chain_voted(promise: chain.Promise) -> Mark | None:
    vote = promise.vote
    return None if vote is None else Mark(vote.block.height, vote.ballot, vote.block.hash)


SYNOD = Words(
    synod.Propose, synod.Prepare, synod.Promise, synod.Accept, synod.Accepted, synod.Decided,
    _synod_mark, _synod_report, lambda promise: _synod_report(promise, 0),
    lambda fact: (0, fact.value), lambda asked: str(asked.value), range(1),
)  # fmt: skip
"""Single-decree Paxos: one slot, values are texts."""

CHAIN = Words(
    chain.Request, chain.Prepare, chain.Promise, chain.Accept, chain.Accepted, chain.Applied,
    _chain_mark, _chain_report, _chain_voted, lambda fact: (fact.height, fact.hash), str, range(1 << 30),
)  # fmt: skip
"""The kit's servers: a slot is a height, a value is a block, by its hash."""


def short(value: object) -> str:
    """Return a value as one says it: a hash by its first eight digits."""
    return value[:8] if isinstance(value, str) and len(value) == 64 else str(value)


class SynodClaim(Claim):
    """A claim that reads messages through `words`."""

    listens: ClassVar[tuple[str, ...]] = ()
    """The fields of `Words` whose messages matter."""

    def __init__(self, words: Words = SYNOD) -> None:
        self.words = words
        self.kinds: tuple[type, ...] = tuple(getattr(words, name) for name in self.listens)

    def start(self, world: Watched) -> None:
        """Learn who the acceptors are: the peers of all."""
        super().start(world)
        peers = getattr(world, "peers", {})
        self.acceptors = frozenset(next(iter(peers.values()), world.servers))
        self.majority = len(self.acceptors) // 2 + 1
        self.events: dict[Said, Event] = {}

    def hears(self, kind: str, what: type) -> bool:
        """Say whether events of this kind about this class matter to the claim."""
        return kind in ("send", "announce", "ask", "deliver") and what in self.kinds

    def fallen(self, fault: Fault, event: Event) -> Violation:
        """Return the violation, with the events that show it."""
        events = [self.events[said] for said in fault.shown if said in self.events]
        return self.broken(fault.says, *(events if event in events else [*events, event]))


class SaidClaim(SynodClaim):
    """A claim about the set of all that was said, whatever the order."""

    def judge(self, said: Collection[Said]) -> Fault | None:
        """Return why the claim is false of what was said, None if it is true."""
        raise TypeError(f"{type(self).__name__} is a claim without a method judge(self, said)")

    def see(self, event: Event) -> Violation | None:
        """Judge what was said each time that something new is."""
        said = (event.node, event.what)
        if event.kind == "deliver" or said in self.events:
            return None
        self.checks += 1
        self.events[said] = event
        fault = self.judge(self.events.keys())
        return None if fault is None else self.fallen(fault, event)

    def chosen(self, said: Iterable[Said]) -> dict[Mark, list[Said]]:
        """Return what a majority voted for in one ballot, with the votes."""
        votes: dict[Mark, list[Said]] = {}
        for sender, message in said:
            if type(message) is self.words.accepted and sender in self.acceptors:
                votes.setdefault(self.words.mark(message), []).append((sender, message))
        return {mark: sorted(who, key=repr) for mark, who in votes.items() if len(who) >= self.majority}

    def proposals(self, said: Iterable[Said]) -> dict[Mark, Said]:
        """Return what was proposed, with who did."""
        accept = self.words.accept
        return {self.words.mark(message): (sender, message) for sender, message in said if type(message) is accept}


class Agreement(SaidClaim):
    """At most one value is chosen: has the votes of a majority in one ballot."""

    name = "agreement"
    listens = ("accepted",)

    def judge(self, said: Collection[Said]) -> Fault | None:
        """Compare all that is chosen."""
        first: dict[int, tuple[Mark, list[Said]]] = {}
        for mark, votes in sorted(self.chosen(said).items()):
            other, others = first.setdefault(mark.slot, (mark, votes))
            if other.value != mark.value:
                return Fault(
                    f"two values are chosen{_of(mark.slot, self.words)}: {_majority(other, others)}, "
                    f"and {_majority(mark, votes)}",
                    (*others, *votes),
                )
        return None


class P2b(SaidClaim):
    """If a value is chosen, every proposal in a higher ballot has that value."""

    name = "P2b"
    listens = ("accept", "accepted")

    def judge(self, said: Collection[Said]) -> Fault | None:
        """Compare all proposals with what is chosen below."""
        proposals = self.proposals(said) if (chosen := self.chosen(said)) else {}
        for mark, votes in chosen.items():
            for other, (proposer, accept) in proposals.items():
                if other.slot == mark.slot and other.ballot > mark.ballot and other.value != mark.value:
                    return Fault(
                        f"{title(proposer)} proposes {short(other.value)} in ballot {other.ballot}, though "
                        f"{_majority(mark, votes)}",
                        (*votes, (proposer, accept)),
                    )
        return None


class OneValue(SaidClaim):
    """In one ballot at most one value is proposed."""

    name = "one value per ballot"
    listens = ("accept",)

    def judge(self, said: Collection[Said]) -> Fault | None:
        """Compare the proposals of each ballot."""
        first: dict[tuple[int, Ballot], tuple[Mark, Said]] = {}
        for mark, (proposer, accept) in self.proposals(said).items():
            other, (rival, another) = first.setdefault(mark[:2], (mark, (proposer, accept)))
            if other.value != mark.value:
                return Fault(
                    f"two values are proposed in ballot {mark.ballot}: {short(other.value)} by {title(rival)}, "
                    f"{short(mark.value)} by {title(proposer)}",
                    ((rival, another), (proposer, accept)),
                )
        return None


class VoteAnswers(SaidClaim):
    """A vote is for what was proposed in its ballot."""

    name = "a vote answers a proposal"
    listens = ("accept", "accepted")

    def judge(self, said: Collection[Said]) -> Fault | None:
        """Look for each vote's proposal."""
        proposals = self.proposals(said)
        for sender, message in said:
            if type(message) is self.words.accepted and (mark := self.words.mark(message)) not in proposals:
                return Fault(
                    f"{title(sender)} says that it voted for {short(mark.value)} in ballot {mark.ballot}, "
                    "which nobody proposed in that ballot",
                    ((sender, message),),
                )
        return None


class DecidedIsChosen(SaidClaim):
    """Whoever says that a value is decided is right: it is chosen."""

    name = "only chosen values are decided"
    listens = ("accepted", "decided")

    def judge(self, said: Collection[Said]) -> Fault | None:
        """Look for the majority of each decision."""
        chosen = {(mark.slot, mark.value) for mark in self.chosen(said)}
        for sender, message in said:
            if type(message) is self.words.decided and self.words.fact(message) not in chosen:
                slot, value = self.words.fact(message)
                votes = [one for one in said if type(one[1]) is self.words.accepted
                         and self.words.mark(one[1])[::2] == (slot, value)]  # fmt: skip
                return Fault(
                    f"{title(sender)} says that {short(value)} is decided{_of(slot, self.words)}, but no majority "
                    f"({self.majority} of {len(self.acceptors)}) voted for it in one ballot: {self._votes(votes)}",
                    (*votes, (sender, message)),
                )
        return None

    def _votes(self, votes: list[Said]) -> str:
        said = [f"{title(sender)} did in ballot {self.words.mark(vote).ballot}" for sender, vote in votes]
        return "; ".join(said) or "nobody did"


class OnlyAsked(SaidClaim):
    """Only what was asked for is proposed."""

    name = "only asked values"
    listens = ("propose", "accept")

    def judge(self, said: Collection[Said]) -> Fault | None:
        """Compare proposals with what was asked."""
        asked = {self.words.asked(message) for _, message in said if type(message) is self.words.propose}
        for mark, (proposer, accept) in self.proposals(said).items():
            if mark.value not in asked:
                says = f"{title(proposer)} proposes {mark.value!r}, which nobody asked for"
                return Fault(says, ((proposer, accept),))
        return None


class NodeClaim(SynodClaim):
    """A claim about the order in which one node hears and speaks. Its memory, of plain data, is the node's."""

    first: ClassVar[Hashable] = None
    """The memory of a node that heard and said nothing."""
    memory: dict[Name, Any]
    """What is remembered of each node that heard or said something."""

    def hear(self, memory: Any, node: Name, sender: Name, message: Any) -> Any:
        """Return the memory after `node` heard `message`."""
        return memory

    def say(self, memory: Any, node: Name, message: Any) -> tuple[Any, Fault | None]:
        """Return the memory after `node` said `message`, and why the claim fell, if it did."""
        return memory, None

    def start(self, world: Watched) -> None:
        """Nobody has heard or said anything."""
        super().start(world)
        self.memory = {}

    def see(self, event: Event) -> Violation | None:
        """Keep the memory of the node, and judge what it says."""
        node, memory = event.node, self.memory.get(event.node, self.first)
        if event.kind == "deliver":
            self.events.setdefault((event.peer or 0, event.what), event)
            self.memory[node] = self.hear(memory, node, event.peer or 0, event.what)
            return None
        if event.kind == "ask":
            return None
        self.checks += 1
        self.events.setdefault((node, event.what), event)
        memory, fault = self.say(memory, node, event.what)
        if event.peer == node:  # a message to oneself is heard at once
            memory = self.hear(memory, node, node, event.what)
        self.memory[node] = memory
        return None if fault is None else self.fallen(fault, event)


class PromiseKept(NodeClaim):
    """After a promise, no promise and no vote in a lower ballot, over restarts too. Only a promise binds."""

    name = "a promise is kept"
    listens = ("promise", "accepted")
    first = BOTTOM

    def say(self, memory: Any, node: Name, message: Any) -> tuple[Any, Fault | None]:
        """Compare with the highest promise so far, which is the memory."""
        ballot = message.ballot
        if ballot < memory:
            did = "promises" if type(message) is self.words.promise else "votes in"
            says = f"{title(node)} promised ballot {memory}, and then {did} the lower ballot {ballot}"
            return memory, Fault(says, ((node, message),))
        return (ballot if type(message) is self.words.promise else memory), None


class PromiseComplete(NodeClaim):
    """A promise reports the vote in the highest ballot that its acceptor has cast; and none that it has not.

    A report is called false only if it is of the promised ballot, or above: of a lower one, any vote could be. And not
    if its acceptor ever crashed right after a save: then it may have cast a vote, and not said so.
    """

    name = "a promise is complete"
    listens = ("promise", "accepted")
    first = ()

    def start(self, world: Watched) -> None:
        """Nobody has heard or said anything."""
        super().start(world)
        self.cut_short: set[Name] = set()

    def hears(self, kind: str, what: type) -> bool:
        """Say whether events of this kind about this class matter: crashes do, too."""
        return super().hears(kind, what) or kind == "crash"

    def see(self, event: Event) -> Violation | None:
        """Remember who crashed in the middle of a turn."""
        if event.kind == "crash":
            if str(event.what).endswith("the save"):
                self.cut_short.add(event.node)
            return None
        return super().see(event)

    def say(self, memory: Any, node: Name, message: Any) -> tuple[Any, Fault | None]:
        """Compare with the highest votes so far, one a slot, which are the memory."""
        if type(message) is self.words.accepted:
            slot, ballot, _ = self.words.mark(message)
            others = tuple(vote for vote in memory if self.words.mark(vote).slot != slot)
            higher = [vote for vote in memory if self.words.mark(vote).slot == slot and vote.ballot > ballot]
            return (memory if higher else (*others, message)), None
        for vote in memory:
            slot, ballot, value = self.words.mark(vote)
            report = self.words.report(message, slot) if slot >= getattr(message, "height", 0) else Mark(0, SURE, "")
            if report is None or report.ballot < ballot or (report.ballot == ballot and report.value != value):
                told = "no vote" if report is None else f"{short(report.value)} in ballot {report.ballot}"
                says = (
                    f"{title(node)} voted for {short(value)} in ballot {ballot}, but its promise of ballot "
                    f"{message.ballot} reports {told}"
                )
                return memory, Fault(says, ((node, vote), (node, message)))
        told_vote = self.words.voted(message)
        uncast = told_vote is not None and told_vote not in map(self.words.mark, memory)
        if told_vote is not None and uncast and told_vote.ballot >= message.ballot and node not in self.cut_short:
            says = (
                f"{title(node)} reports, in its promise of ballot {message.ballot}, a vote for "
                f"{short(told_vote.value)} in ballot {told_vote.ballot}, which it has not cast"
            )
            return memory, Fault(says, ((node, message),))
        return memory, None


class P2c(NodeClaim):
    """Of the promises heard before a proposal, some majority reports its value as the highest vote, or no vote."""

    name = "P2c"
    listens = ("promise", "accept")
    first: ClassVar[Hashable] = (frozenset(), frozenset())

    def hear(self, memory: Any, node: Name, sender: Name, message: Any) -> Any:
        """Remember a promise of a ballot in which this node has not proposed yet."""
        heard, proposed = memory
        done = len(self.words.slots) == 1 and (0, message.ballot) in proposed
        if type(message) is not self.words.promise or sender not in self.acceptors or done:
            return memory
        return heard | {(sender, message)}, proposed

    def say(self, memory: Any, node: Name, message: Any) -> tuple[Any, Fault | None]:
        """Judge the first proposal of each ballot and slot by the promises that were heard."""
        heard, proposed = memory
        if type(message) is not self.words.accept:
            return memory, None
        mark = self.words.mark(message)
        if mark[:2] in proposed:
            return memory, None
        promises = sorted((one for one in heard if one[1].ballot == mark.ballot), key=lambda one: repr(one[0]))
        if len(self.words.slots) == 1:
            heard = frozenset(one for one in heard if one[1].ballot != mark.ballot)
        return (heard, proposed | {mark[:2]}), self._fault(node, message, mark, promises)

    def _fault(self, node: Name, message: Any, mark: Mark, promises: Sequence[tuple[Name, Any]]) -> Fault | None:
        reports = [self.words.report(promise, mark.slot) for _, promise in promises]
        who_says = {who for who, _ in promises}
        allowing = [report for report in reports if report is not None and report.value == mark.value]
        for highest in [None, *allowing]:
            low = {who for (who, _), report in zip(promises, reports)
                   if report is None or (highest is not None and report.ballot <= highest.ballot)}  # fmt: skip
            if len(low) >= self.majority:  # of each acceptor, any of its promises will do
                return None
        told = [
            f"{title(who)} reported " + ("no vote" if report is None else f"{short(report.value)} "
            + ("as decided" if report.ballot == SURE else f"in ballot {report.ballot}"))
            for (who, _), report in zip(promises, reports)
        ]  # fmt: skip
        reason = (
            f"it had heard promises of that ballot from {len(who_says)}, and a majority is {self.majority}"
            if len(who_says) < self.majority
            else "no majority of the promises it had heard allows that value"
        )
        says = (
            f"{title(node)} proposes {short(mark.value)} in ballot {mark.ballot}, but {reason}: "
            f"{'; '.join(told) or 'none'}"
        )
        return Fault(says, (*promises, (node, message)))


SYNOD_CLAIMS: tuple[type[SynodClaim], ...] = (
    Agreement, P2b, P2c, PromiseKept, PromiseComplete, OneValue, VoteAnswers, DecidedIsChosen, OnlyAsked,
)  # fmt: skip
"""All claims of a synod, in the order in which a run breaks them most tellingly."""


def synod_claims(only: Iterable[str] | None = None, words: Words = SYNOD) -> list[SynodClaim]:
    """Return a fresh set of the claims of a synod, for one world; with `only`, those that are named.

    >>> [claim.name for claim in synod_claims(only=["agreement", "P2c"])]
    ['agreement', 'P2c']

    Raises ValueError for a name that no claim has.
    """
    classes = [cls for cls in SYNOD_CLAIMS if words is SYNOD or cls is not OnlyAsked]
    names = [cls.name for cls in classes]
    wanted = names if only is None else list(only)
    for name in wanted:
        if name not in names:
            raise ValueError(f"claims: expected names of claims ({', '.join(names)}), got {name!r}")
    return [cls(words) for cls in classes if cls.name in wanted]


def _majority(mark: Mark, votes: Iterable[Said]) -> str:
    voters = " and ".join(title(voter) for voter, _ in votes)
    return f"{short(mark.value)} is chosen in ballot {mark.ballot} by the votes of {voters}"


def _of(slot: int, words: Words) -> str:
    return "" if len(words.slots) == 1 else f" for slot {slot}"
