"""Wrong servers, stores and clients: classic mistakes, each a few lines away from the kit's own classes.

`MUTANTS` lists them with the id of the mistake, what is wrong in words, and where it shows; `TRAPS` lists
what looks wrong and is right: no claim may flag it. All agree on one slot at a time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from paxoskit.protocol.chain import NO_HASH, Chain, Content, hash_of, mine
from paxoskit.protocol.client import Client
from paxoskit.protocol.messages import (
    Accept,
    Accepted,
    Block,
    Decide,
    Get,
    HeartbeatTimeout,
    Prepare,
    Promise,
    Put,
    Rejected,
    Reply,
    Request,
    Vote,
)
from paxoskit.protocol.node import Node
from paxoskit.protocol.plain import BOTTOM, Ballot
from paxoskit.protocol.server import Server
from paxoskit.protocol.store import Done, Store
from paxoskit.worlds.choice import KEPT, LOST
from paxoskit.worlds.simulator import Nemesis, Simulator

# One slot ---------------------------------------------------------------------------------------------------


class AcceptKeepsNoOrder(Server):
    """M1. Neither raises the promise at an Accept nor keeps the highest vote."""

    def follow(self, leader, ballot):
        if ballot < self.disk.promised:
            return super().follow(leader, ballot)
        self.yield_to(ballot)
        self.leader, self.heard = leader, True
        return True


class AcceptIgnoresPromise(Server):
    """M2. Votes in any ballot, whatever it promised."""

    def on_accept(self, sender, accept):
        chain, block = self.disk.chain, accept.block
        if block.height == chain.height and chain.fault(block) is None:
            self.disk.vote = Vote(accept.ballot, block)
            self.send(sender, Accepted(accept.ballot, block.height, block.hash))
        else:
            super().on_accept(sender, accept)


class PromisesAnything(Server):
    """M3. Promises any ballot, so that its promise can go down."""

    def on_prepare(self, sender, prepare):
        self.disk.promised = BOTTOM
        super().on_prepare(sender, prepare)


class IgnoresReportedVotes(Server):
    """M4. The candidate does not look at the votes in the promises."""

    def inherit(self):
        self.propose()


class PromisesWithoutVote(Server):
    """M5. The promise carries no vote."""

    def send(self, to, message):
        if isinstance(message, Promise):
            message = replace(message, vote=None)
        super().send(to, message)


class BallotWithoutServer(Server):
    """M7. The ballot is a round alone: two servers can stand in the same one."""

    def lead(self):
        self.become_follower()
        self.ballot = Ballot(max(self.disk.promised, self.seen).round + 1, 0)
        self.broadcast(Prepare(self.ballot, self.disk.chain.height))


class BallotFromMemory(Server):
    """M7. Counts its rounds in memory, so a restart begins again at the ballots of its last life."""

    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.rounds = 0

    def lead(self):
        self.rounds = max(self.rounds, self.seen.round) + 1
        self.become_follower()
        self.ballot = Ballot(self.rounds, self.name)
        self.disk.promised = min(self.disk.promised, self.ballot)
        self.broadcast(Prepare(self.ballot, self.disk.chain.height))


class ChangesItsMind(Server):
    """Sends what waits now, and not what it proposed, when it sends an Accept again."""

    def on_heartbeat_timeout(self, sender, message):
        if self.open is not None and self.queue and message.ballot == self.ballot:
            self.open, self.votes = self.next_block(), set()
        super().on_heartbeat_timeout(sender, message)


class RaisesItsBallot(Server):
    """M9. Answers a Nack with a higher ballot, and goes on without a new phase 1."""

    def on_nack(self, sender, nack):
        if not self.leading:
            super().on_nack(sender, nack)
            return
        self.ballot = Ballot(nack.promised.round + 1, self.name)
        self.after(self.HEARTBEAT, HeartbeatTimeout(self.ballot))
        if self.open is not None:
            self.offer(self.open)

    def on_heartbeat(self, sender, heartbeat):
        self.yield_to(heartbeat.ballot)
        super().on_heartbeat(sender, heartbeat)


class CountsItself(Server):
    """M10. Counts its own promise and its own vote without asking its own acceptor."""

    def lead(self):
        super().lead()
        self.disk.promised = self.ballot
        self.promises[self.name] = Promise(self.ballot, self.disk.chain.height, None, ())

    def offer(self, block):
        super().offer(block)
        self.votes.add(self.name)

    def broadcast(self, message):
        for peer in self.peers:
            self.send(peer, message)

    def send(self, to, message):
        if to != self.name or not isinstance(message, (Prepare, Accept)):
            super().send(to, message)


class CountsOldPromises(Server):
    """M12. Counts promises whatever ballot they answer."""

    def on_promise(self, sender, promise):
        super().on_promise(sender, replace(promise, ballot=self.ballot))


class CountsOldVotes(Server):
    """M12. Counts votes for its block whatever ballot they were given in."""

    def on_accepted(self, sender, accepted):
        super().on_accepted(sender, replace(accepted, ballot=self.ballot))

    def on_heartbeat_timeout(self, sender, message):
        self.lingering = self.open  # right, but hasty: it sends again at once, so that there are more old votes
        super().on_heartbeat_timeout(sender, message)


class CountsVotesByMessage(Server):
    """M13. Counts messages, not senders: a duplicate is a second vote."""

    def on_accepted(self, sender, accepted):
        super().on_accepted(min(set(self.peers) - self.votes, default=sender), accepted)


class CountsPromisesByMessage(Server):
    """M13. Counts promises by message, not by sender."""

    def on_promise(self, sender, promise):
        super().on_promise(min(set(self.peers) - set(self.promises), default=sender), promise)


class HalfIsEnough(Server):
    """M15. Takes n // 2 for a majority."""

    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.majority = max(1, len(peers) // 2)


class MajorityOfTheReachable(Server):
    """M15. Takes a majority of those who answered its last heartbeat."""

    def on_heartbeat_timeout(self, sender, message):
        if self.leading and self.echoes:
            self.majority = len(self.echoes) // 2 + 1
        super().on_heartbeat_timeout(sender, message)


class MinesAnew(Server):
    """M18. A new leader takes over the requests of a reported block, and mines its own block from them."""

    def inherit(self):
        votes = [promise.vote for promise in self.promises.values() if promise.vote is not None]
        votes = [vote for vote in votes if vote.block.height == self.disk.chain.height]
        if votes:
            block = max(votes, key=lambda vote: vote.ballot).block
            content = Content(block.height, block.previous_hash, block.operations)
            self.offer(mine(content, self.ballot.round * 1_000_000 + self.ballot.server * 1_000))


class InheritsTheLowest(Server):
    """The candidate takes the vote of the lowest ballot, not of the highest."""

    def inherit(self):
        votes = [promise.vote for promise in self.promises.values() if promise.vote is not None]
        votes = [vote for vote in votes if vote.block.height == self.disk.chain.height]
        if votes:
            self.offer(min(votes, key=lambda vote: vote.ballot).block)


class FirstVoteStays(Server):
    """The acceptor votes again in a higher ballot, and keeps its first vote on its disk."""

    def on_accept(self, sender, accept):
        first = self.disk.vote
        super().on_accept(sender, accept)
        if first is not None and self.disk.vote is not None:
            self.disk.vote = first


class ForgetsToKeepTheVote(Server):
    """M41. Without its `self.`, the vote goes into a name that nobody reads."""

    def on_accept(self, sender, accept):
        super().on_accept(sender, accept)
        self.disk.vote = None


# The log ----------------------------------------------------------------------------------------------------


class AnyDecisionWipesTheVote(Server):
    """M21. The vote is wiped when any slot is decided, an old one too."""

    def on_decide(self, sender, decide):
        super().on_decide(sender, decide)
        self.disk.vote = None


class DecidedIsOverwritten(Server):
    """M24. A repeated decision is written where it belongs, over what stands there."""

    def on_decide(self, sender, decide):
        height = decide.block.height
        chain = self.disk.chain
        if height < chain.height:
            while chain.height > height:
                chain = chain.parent
            self.disk.chain = chain.append(decide.block)
        super().on_decide(sender, decide)


class DecidedIsAppendedTwice(Server):
    """M24. A repeated decision is appended once more."""

    def on_decide(self, sender, decide):
        if decide.block == self.disk.chain.tip:
            self.disk.chain = self.disk.chain.append_unverified(decide.block)
        super().on_decide(sender, decide)


class BallotsRestartPerSlot(Server):
    """M25. With each slot the ballots begin again at the bottom."""

    def apply(self, block):
        self.disk.promised = BOTTOM
        super().apply(block)


class PromisesWithoutBlocks(Server):
    """A14. The promise leaves out what this server knows to be decided."""

    def send(self, to, message):
        if isinstance(message, Promise):
            message = replace(message, blocks=())
        super().send(to, message)


class VotesForAnySlot(Server):
    """Votes for slots above its height, too, and has one vote for all of them."""

    def on_accept(self, sender, accept):
        above = accept.block.height > self.disk.chain.height
        super().on_accept(sender, accept)
        if above and accept.ballot >= self.disk.promised:
            self.disk.vote = Vote(accept.ballot, accept.block)
            self.send(sender, Accepted(accept.ballot, accept.block.height, accept.block.hash))


class TakesAcceptForDecide(Server):
    """A follower appends a block as soon as it has voted for it."""

    def on_accept(self, sender, accept):
        super().on_accept(sender, accept)
        if self.disk.vote is not None and not self.leading:
            self.learn((self.disk.vote.block,))


class TrustsItsVote(Server):
    """A heartbeat with a higher chain comes: "then what I voted for must be what was decided"."""

    def on_heartbeat(self, sender, heartbeat):
        if heartbeat.height > self.disk.chain.height and self.disk.vote is not None:
            self.learn((self.disk.vote.block,))
        super().on_heartbeat(sender, heartbeat)


# Durability -------------------------------------------------------------------------------------------------


class PromiseNotOnDisk(Server):
    """M28. The promise does not survive a restart."""

    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.disk.promised = BOTTOM


class VoteNotOnDisk(Server):
    """M29. The vote is saved and not loaded."""

    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.disk.vote = None


class ChainNotOnDisk(Server):
    """M29. The chain does not survive a restart; promise and vote do."""

    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.disk.chain = Chain(self.disk.chain.difficulty)
        self.store = Store()


class TakesTheUndecidedTail(Server):
    """M35. Recovery appends the block that this server voted for, decided or not."""

    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        if self.disk.vote is not None:
            self.disk.chain = self.disk.chain.append(self.disk.vote.block)
            self.disk.vote = None
            self.store = Store.fold(self.disk.chain)


class VotesWithoutItsDisk(Server):
    """Back without its disk, it votes as if it had never promised anything."""

    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.disk.voter = True


# Store and clients ------------------------------------------------------------------------------------------


class RemembersOneSession(Store):
    """M38. Remembers the last request of one session only."""

    def apply(self, request):
        done = super().apply(request)
        self.sessions = {request.session: done}
        return done


class OneSessionServer(Server):
    """M38. Its store remembers the last request of one session only, whichever asked last."""

    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.store = RemembersOneSession.fold(self.disk.chain)


class RepeatsRequests(Store):
    """M38. Every copy of a request takes effect."""

    def apply(self, request):
        done = self.sessions[request.session] = Done(request.number, self.perform(request.operation))
        return done


class RepeatingServer(Server):
    """M38. Every copy of a request that the leader gets takes effect."""

    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.store = RepeatsRequests.fold(self.disk.chain)

    def on_request(self, sender, request):
        if self.leading:
            self.queue[request.session] = request
            self.propose()
        else:
            super().on_request(sender, request)


class FollowersDoNotApply(Server):
    """The store is kept up to date at the leader only."""

    def apply(self, block):
        kept = self.store.data
        if not self.leading:
            self.store.data = dict(kept)
        super().apply(block)
        if not self.leading:
            self.store.data = kept


class TakesAnyAnswer(Client):
    """M39. Takes the next answer of a session for the answer to its question."""

    def on_reply(self, sender, reply):
        if reply.session in self.waiting:
            reply = replace(reply, number=self.waiting[reply.session].number)
        super().on_reply(sender, reply)


class AnswersTheQueue(Server):
    """M40. Acknowledges the head of its queue when a block is decided, whatever the block holds."""

    def apply(self, block):
        head = next(iter(self.queue.values()), None)
        super().apply(block)
        if self.leading and head is not None and head not in block.operations:
            self.send(head.client, Reply(head.session, head.number, "done"))


class AnswersBeforeTheMajority(Server):
    """Acknowledges a request as soon as it has proposed it."""

    def offer(self, block):
        super().offer(block)
        if self.leading:
            for request in block.operations:
                if isinstance(request.operation, Put):
                    self.send(request.client, Reply(request.session, request.number, "done"))


class ReadsLocally(Server):
    """Whoever thinks that it leads answers a get from its own store, without a block."""

    def on_request(self, sender, request):
        if self.leading and isinstance(request.operation, Get):
            answer = self.store.data.get(request.operation.key)
            self.send(request.client, Reply(request.session, request.number, answer))
        else:
            super().on_request(sender, request)


class AnswersRetriesAnew(Server):
    """Answers a retry with what the key holds now, not with the answer of the first time."""

    def on_request(self, sender, request):
        if request.number == self.store.last(request.session).number and isinstance(request.operation, Get):
            answer = self.store.data.get(request.operation.key)
            self.send(request.client, Reply(request.session, request.number, answer))
        else:
            super().on_request(sender, request)


class AnswersOldNumbers(Server):
    """Answers a copy of an old request, with the answer of the session's last one."""

    def on_request(self, sender, request):
        done = self.store.last(request.session)
        if request.number < done.number:
            self.send(request.client, Reply(request.session, request.number, done.answer))
        super().on_request(sender, request)


class ChangesWhatIsAsked(Server):
    """The leader tidies up what it is asked to put."""

    def next_block(self):
        for session, request in self.queue.items():
            if isinstance(request.operation, Put):
                tidy = Put(request.operation.key, f"'{request.operation.value}'")
                self.queue[session] = Request(session, request.number, tidy)
        return super().next_block()


class MissingKeyRaises(Store):
    """M40e. A get of a key never put raises."""

    def perform(self, operation):
        return self.data[operation.key] if isinstance(operation, Get) else super().perform(operation)


class MissingKeyServer(Server):
    """M40e. A get of a key never put raises in the server."""

    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.store = MissingKeyRaises.fold(self.disk.chain)


# The block chain --------------------------------------------------------------------------------------------


class Unverified(Chain):
    """A chain that takes every block."""

    __slots__ = ()

    def __init__(self, chain: Chain) -> None:
        self.tip, self.parent, self.height = chain.tip, chain.parent, chain.height
        self.hash, self.difficulty = chain.hash, chain.difficulty

    def append(self, block: Block) -> Chain:
        return Unverified(self.append_unverified(block))

    def fault(self, block: Block) -> None:
        return None


class NeverVerifies(Server):
    """M42. Verifies no block, on accept, on decide, in catch-up."""

    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.disk.chain = Unverified(self.disk.chain)


class UsesWhatItRejects(NeverVerifies):
    """M45. Says that a block is bad, and uses it all the same."""

    def on_accept(self, sender, accept):
        self.say_faults((accept.block,))
        super().on_accept(sender, accept)

    def learn(self, blocks):
        self.say_faults(blocks)
        super().learn(blocks)

    def say_faults(self, blocks):
        for block in blocks:
            fault = Chain.fault(self.disk.chain, block)
            if fault is not None and block.height == self.disk.chain.height:
                self.announce(Rejected(block.height, fault.says))


class Tampers(NeverVerifies):
    """Changes a block after it was mined: no mistake of its own, but the liar who shows those of others."""

    def next_block(self):
        block = super().next_block()
        return replace(block, nonce=block.nonce + 1)


class HashWithoutOperations(NeverVerifies):
    """M43. The hash leaves the operations out."""

    def next_block(self):
        block = super().next_block()
        bare = mine(Content(block.height, block.previous_hash, ()), block.nonce)
        return replace(bare, operations=block.operations)


class NoNonce(NeverVerifies):
    """Searches for no nonce: any hash will do."""

    def next_block(self):
        block = super().next_block()
        block = replace(block, nonce=block.nonce + 1)
        return replace(block, hash=hash_of(block))


class LinksItsOwnProposals(NeverVerifies):
    """D1. The next block points at this server's own last proposal, decided or not."""

    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.proposed = {-1: NO_HASH}

    def next_block(self):
        block = super().next_block()
        before = self.proposed.get(block.height - 1, block.previous_hash)
        return mine(Content(block.height, before, block.operations), block.nonce)

    def offer(self, block):
        self.proposed[block.height] = block.hash
        super().offer(block)


class BuildsItsOwnBlock(Server):
    """M44. Each server builds its own block from the requests that were decided."""

    def on_decide(self, sender, decide):
        block = decide.block
        if block.height == self.disk.chain.height:
            content = Content(block.height, self.disk.chain.hash, block.operations)
            decide = Decide(mine(content, self.name * 1_000))
        super().on_decide(sender, decide)


# Engineering ------------------------------------------------------------------------------------------------


class SwallowsErrors(Server):
    """M46. A bare except hides a name that does not exist."""

    def apply(self, block):
        try:
            self.leder  # noqa: B018
            super().apply(block)
        except Exception:  # what the mistake is about
            pass


class SendsOnce(Server):
    """Sends nothing twice: a lost Accept is never sent again."""

    def on_heartbeat_timeout(self, sender, message):
        block, self.open = self.open, None
        super().on_heartbeat_timeout(sender, message)
        if self.leading:
            self.open = block


class NoneIsTheLowest(Server):
    """M56. None stands for the lowest ballot."""

    @dataclass
    class Disk(Server.Disk):
        promised: Any = None


# What looks wrong and is right ------------------------------------------------------------------------------


class KeepsTheHighestVote(AcceptKeepsNoOrder):
    """An Accept does not raise the promise, but the highest-numbered vote is the one that is kept."""

    def on_accept(self, sender, accept):
        before = self.disk.vote
        super().on_accept(sender, accept)
        after = self.disk.vote
        if before is not None and after is not None and before.ballot > after.ballot:
            self.disk.vote = before


class PromisesToAll(Server):
    """Sends its promise to everybody, as some do: only the candidate listens."""

    def send(self, to, message):
        if isinstance(message, Promise):
            self.broadcast(message)
        else:
            super().send(to, message)


class VotesOnEqualityOnly(Server):
    """Votes only in the very ballot that it promised last."""

    def on_accept(self, sender, accept):
        if accept.ballot <= self.disk.promised:
            super().on_accept(sender, accept)


# Where each shows -------------------------------------------------------------------------------------------


class LosesDisks(Simulator):
    """Every other crash takes the disk with it."""

    def _fail(self, names: list[int], wait: float) -> bool:
        for name in names:
            if self.world.is_up(name):
                self.world.crash(name, self.dice.choice((KEPT, LOST)))
                self._later(wait, self._restart, name)
        return True


SLOW = Nemesis(loss=0.1, duplication=0.2, delay=0.8, faults=("one-way", "partition"))
"""Most messages are late, by up to a second: old ballots stay alive for long."""


@dataclass(frozen=True)
class Mutant:
    """A wrong class, and a world in which it shows. A `restless` server stands for election often."""

    id: str
    wrong: type[Node]
    nemesis: str | Nemesis = "all"
    servers: int = 3
    restless: bool = False
    others: type[Node] | None = None
    simulator: type[Simulator] = Simulator

    @property
    def says(self) -> str:
        """The mistake in words."""
        return (self.wrong.__doc__ or "").partition("\n")[0].removeprefix(f"{self.id.rstrip('bc')}. ")

    @property
    def client(self) -> type[Client]:
        """The class of the clients."""
        return self.wrong if issubclass(self.wrong, Client) else Client

    @property
    def classes(self) -> list[type[Node]]:
        """The classes of the servers; the first is of the `others`, if there are any."""
        wrong = Server if issubclass(self.wrong, Client) else self.wrong
        if self.restless:
            wrong = type(wrong.__name__, (wrong,), {"ELECTION": (30.0, 300.0)})
        return [self.others or wrong] + [wrong] * (self.servers - 1)


MUTANTS = (
    Mutant("M1", AcceptKeepsNoOrder, SLOW, servers=5),
    Mutant("M2", AcceptIgnoresPromise),
    Mutant("M3", PromisesAnything),
    Mutant("M4", IgnoresReportedVotes),
    Mutant("M5", PromisesWithoutVote),
    Mutant("M7", BallotWithoutServer, restless=True),
    Mutant("M7b", BallotFromMemory),
    Mutant("M9", RaisesItsBallot),
    Mutant("M10", CountsItself),
    Mutant("M12", CountsOldPromises, SLOW),
    Mutant("M12b", CountsOldVotes, SLOW, servers=5, restless=True),
    Mutant("M13", CountsVotesByMessage, servers=5),
    Mutant("M13b", CountsPromisesByMessage, servers=5),
    Mutant("M15", HalfIsEnough, servers=4),
    Mutant("M15b", MajorityOfTheReachable),
    Mutant("M18", MinesAnew),
    Mutant("lowest", InheritsTheLowest, SLOW, restless=True),
    Mutant("first", FirstVoteStays),
    Mutant("mind", ChangesItsMind),
    Mutant("M41", ForgetsToKeepTheVote),
    Mutant("M21", AnyDecisionWipesTheVote, SLOW),
    Mutant("M24", DecidedIsOverwritten),
    Mutant("M24b", DecidedIsAppendedTwice),
    Mutant("M25", BallotsRestartPerSlot),
    Mutant("A14", PromisesWithoutBlocks),
    Mutant("slots", VotesForAnySlot),
    Mutant("eager", TakesAcceptForDecide, "loss", servers=5),
    Mutant("trust", TrustsItsVote),
    Mutant("M28", PromiseNotOnDisk),
    Mutant("M29", VoteNotOnDisk),
    Mutant("M29b", ChainNotOnDisk),
    Mutant("M35", TakesTheUndecidedTail),
    Mutant("disk", VotesWithoutItsDisk, simulator=LosesDisks),
    Mutant("M38", OneSessionServer),
    Mutant("M38b", RepeatingServer),
    Mutant("fold", FollowersDoNotApply),
    Mutant("M39", TakesAnyAnswer),
    Mutant("M40", AnswersTheQueue),
    Mutant("early", AnswersBeforeTheMajority),
    Mutant("local", ReadsLocally),
    Mutant("retry", AnswersRetriesAnew),
    Mutant("old", AnswersOldNumbers, SLOW),
    Mutant("tidy", ChangesWhatIsAsked),
    Mutant("M40e", MissingKeyServer),
    Mutant("M42", NeverVerifies, others=Tampers),
    Mutant("M45", UsesWhatItRejects, others=Tampers),
    Mutant("M43", HashWithoutOperations),
    Mutant("nonce", NoNonce),
    Mutant("D1", LinksItsOwnProposals, SLOW, restless=True),
    Mutant("M44", BuildsItsOwnBlock),
    Mutant("M46", SwallowsErrors),
    Mutant("once", SendsOnce),
    Mutant("M56", NoneIsTheLowest),
)

TRAPS = (
    Mutant("trap 1", KeepsTheHighestVote),
    Mutant("trap 1, slow", KeepsTheHighestVote, SLOW, servers=5),
    Mutant("trap 2", VotesOnEqualityOnly),
    Mutant("trap 3", PromisesToAll),
    Mutant("trap 2, slow", VotesOnEqualityOnly, SLOW, servers=5),
)
