"""Wrong acceptors and proposers, each a few lines away from the reference; and right ones in an odd style.

`WRONG` lists classic mistakes with their ids; `RIGHT` lists what looks wrong, or odd, and is right.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from paxoskit.protocol.node import Node
from paxoskit.protocol.plain import BOTTOM, Ballot
from paxoskit.protocol.synod import Accept, Accepted, Decided, Nack, Prepare, Promise, TryAgain, Vote
from paxoskit.worlds.synod import reference

Acceptor, Proposer = reference("acceptor"), reference("proposer")

# Acceptors ---------------------------------------------------------------------------------------------------


class AcceptKeepsNoOrder(Acceptor):
    """M1. An Accept does not raise the promise, and the newest vote overwrites."""

    def on_accept(self, sender, accept):
        if accept.ballot >= self.promised:
            self.vote = Vote(accept.ballot, accept.value)
            self.send(sender, Accepted(accept.ballot, accept.value))


class AcceptIgnoresPromise(Acceptor):
    """M2. Votes in any ballot, whatever it promised."""

    def on_accept(self, sender, accept):
        self.vote = Vote(accept.ballot, accept.value)
        self.send(sender, Accepted(accept.ballot, accept.value))


class AcceptsAboveItsVote(Acceptor):
    """M2b. Compares an Accept with its last vote, not with its promise."""

    def on_accept(self, sender, accept):
        if self.vote is None or accept.ballot >= self.vote.ballot:
            self.vote = Vote(accept.ballot, accept.value)
            self.send(sender, Accepted(accept.ballot, accept.value))


class PromisesAnything(Acceptor):
    """M3. Promises any ballot, so that its promise can go down."""

    def on_prepare(self, sender, prepare):
        self.promised = prepare.ballot
        self.send(sender, Promise(prepare.ballot, self.vote))


class PromisesAndKeepsTheHighest(Acceptor):
    """M3b. Answers every Prepare with a promise, though it remembers the highest."""

    def on_prepare(self, sender, prepare):
        self.promised = max(self.promised, prepare.ballot)
        self.send(sender, Promise(prepare.ballot, self.vote))


class PromisesWithoutVote(Acceptor):
    """M5. The promise carries no vote."""

    def on_prepare(self, sender, prepare):
        if prepare.ballot >= self.promised:
            self.promised = prepare.ballot
            self.send(sender, Promise(prepare.ballot, None))
        else:
            self.send(sender, Nack(prepare.ballot, self.promised))


class FirstVoteStays(Acceptor):
    """It votes again in a higher ballot, and remembers its first vote."""

    def on_accept(self, sender, accept):
        before = self.vote
        super().on_accept(sender, accept)
        self.vote = before or self.vote


class AcceptKeepsTheOldBallot(Acceptor):
    """Votes again for the same value in a higher ballot, and remembers the old one."""

    def on_accept(self, sender, accept):
        before = self.vote
        super().on_accept(sender, accept)
        if before is not None and self.vote.value == before.value:
            self.vote = before


class VotesInItsOwnBallot(Acceptor):
    """Says that it voted in the ballot that it promised, whichever it was asked in."""

    def on_accept(self, sender, accept):
        if accept.ballot >= self.promised:
            self.vote = Vote(accept.ballot, accept.value)
            self.send(sender, Accepted(self.promised, accept.value))


class ForgetsItsVote(Acceptor):
    """M41. Without its `self.`, the vote goes into a name that nobody reads."""

    def on_accept(self, sender, accept):
        if accept.ballot >= self.promised:
            self.promised = accept.ballot
            vote = Vote(accept.ballot, accept.value)  # noqa: F841
            self.send(sender, Accepted(accept.ballot, accept.value))


class PromisesOnlyOnce(Acceptor):
    """Promises one ballot, and no other ever."""

    def on_prepare(self, sender, prepare):
        if self.promised == BOTTOM:
            super().on_prepare(sender, prepare)


class NeverVotes(Acceptor):
    """Votes only in ballots above its promise: never in the one that it promised."""

    def on_accept(self, sender, accept):
        if accept.ballot > self.promised:
            super().on_accept(sender, accept)


class NoneIsTheLowest(Acceptor):
    """M56. None stands for the lowest ballot."""

    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.promised = None


class SpinsOnOneLine(Acceptor):
    """A busy wait of which Python's tracing sees no line."""

    def on_accept(self, sender, accept):
        while True: pass  # noqa: E701


class SaysNone(Acceptor):
    """Promises without a ballot."""

    def on_prepare(self, sender, prepare):
        self.send(sender, Promise(None, self.vote))


class NeverEnds(Acceptor):
    """A busy wait."""

    def on_accept(self, sender, accept):
        while accept.ballot > self.promised:
            pass
        super().on_accept(sender, accept)


class Recurses(Acceptor):
    """Calls itself for ever."""

    def on_accept(self, sender, accept):
        self.on_accept(sender, accept)


class SharedMemory(Acceptor):
    """Its votes are in the class: all acceptors share them."""

    votes: list[Any] = []  # noqa: RUF012

    def on_accept(self, sender, accept):
        super().on_accept(sender, accept)
        self.votes.append(accept.value)


class RollsDice(Acceptor):
    """Now and then it does not answer."""

    rolled = 0

    def on_prepare(self, sender, prepare):
        RollsDice.rolled += 1
        if RollsDice.rolled % 3:
            super().on_prepare(sender, prepare)


class OnDisk(Node):
    """A right acceptor with a disk."""

    @dataclass
    class Disk:
        promised: Ballot = BOTTOM
        vote: Vote | None = None

    def on_prepare(self, sender, prepare):
        if prepare.ballot < self.disk.promised:
            self.send(sender, Nack(prepare.ballot, self.disk.promised))
        else:
            self.disk.promised = prepare.ballot
            self.send(sender, Promise(prepare.ballot, self.disk.vote))

    def on_accept(self, sender, accept):
        if accept.ballot < self.disk.promised:
            self.send(sender, Nack(accept.ballot, self.disk.promised))
        else:
            self.disk.promised, self.disk.vote = accept.ballot, Vote(accept.ballot, accept.value)
            self.send(sender, Accepted(accept.ballot, accept.value))


class PromiseNotOnDisk(OnDisk):
    """M28. The promise does not survive a restart."""

    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.disk.promised = BOTTOM


class VoteNotOnDisk(OnDisk):
    """M29. The vote is saved, and not loaded."""

    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.disk.vote = None


# Proposers ---------------------------------------------------------------------------------------------------


class IgnoresReportedVotes(Proposer):
    """M4. Proposes its own value, whatever the promises report."""

    def on_promise(self, sender, promise):
        super().on_promise(sender, Promise(promise.ballot, None))


class TakesTheLowest(Proposer):
    """Takes the value of the lowest vote that is reported, not of the highest."""

    def on_promise(self, sender, promise):
        if promise.ballot == self.ballot and self.proposed is None:
            self.reports[sender] = promise.vote
            if len(self.reports) >= self.majority:
                votes = [vote for vote in self.reports.values() if vote is not None]
                self.proposed = min(votes, key=lambda vote: vote.ballot).value if votes else self.wish
                self.broadcast(Accept(self.ballot, self.proposed))


class TakesTheLastHeard(Proposer):
    """Takes the value of the vote that it heard of last."""

    def on_promise(self, sender, promise):
        if promise.ballot == self.ballot and self.proposed is None:
            self.reports[sender] = promise.vote
            if promise.vote is not None:
                self.wish = promise.vote.value
            if len(self.reports) >= self.majority:
                self.proposed = self.wish
                self.broadcast(Accept(self.ballot, self.proposed))


class BallotWithoutServer(Proposer):
    """M7. The ballot is a round alone: two proposers can stand in the same one."""

    def stand(self):
        self.ballot = self.highest = Ballot(self.highest.round + 1, 0)
        self.reports, self.proposed, self.voters = {}, None, set()
        self.broadcast(Prepare(self.ballot))
        self.after(self.PATIENCE, TryAgain(self.ballot))


class BallotFromMemory(Proposer):
    """M7b. Counts its rounds in memory, and its wish is on disk: after a restart it stands in an old ballot again."""

    @dataclass
    class Disk:
        wish: str | None = None

    def on_propose(self, sender, message):
        self.disk.wish = message.value
        super().on_propose(sender, message)

    def on_start(self):
        if self.disk.wish is not None:
            self.wish = self.disk.wish
            self.stand()


class ChangesItsMind(Proposer):
    """Sends its Accept again to each that votes, with its own value."""

    def on_accepted(self, sender, accepted):
        super().on_accepted(sender, accepted)
        if accepted.ballot == self.ballot:
            self.broadcast(Accept(self.ballot, self.wish))


class RaisesItsBallot(Proposer):
    """M9. Answers a Nack with a higher ballot, and goes on without a new phase 1."""

    def on_nack(self, sender, nack):
        if self.proposed is not None and nack.promised > self.ballot:
            self.ballot = self.highest = Ballot(nack.promised.round + 1, self.name)
            self.broadcast(Accept(self.ballot, self.proposed))


class CountsItself(Proposer):
    """M10. Takes one promise and one vote less: its own is counted, though it is no acceptor."""

    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.majority -= 1


class CountsItselfAtTheEnd(Proposer):
    """M10b. Counts a vote of its own that it never gave."""

    def on_promise(self, sender, promise):
        super().on_promise(sender, promise)
        if self.proposed is not None:
            self.voters.add(self.name)


class CountsOldPromises(Proposer):
    """M12. Counts promises whatever ballot they answer."""

    def on_promise(self, sender, promise):
        super().on_promise(sender, Promise(self.ballot, promise.vote))


class CountsOldVotes(Proposer):
    """M12b. Counts votes whatever ballot they were given in."""

    def on_accepted(self, sender, accepted):
        super().on_accepted(sender, Accepted(self.ballot, accepted.value))


class CountsOldVotesForItsValue(Proposer):
    """M12c. Counts votes for its value whatever ballot they were given in."""

    def stand(self):
        voters = self.voters
        super().stand()
        self.voters = voters

    def on_accepted(self, sender, accepted):
        if self.proposed == accepted.value:
            super().on_accepted(sender, Accepted(self.ballot, accepted.value))


class CountsVotesByMessage(Proposer):
    """M13. Counts votes by message, not by sender: a duplicate is a second vote."""

    def on_accepted(self, sender, accepted):
        super().on_accepted(len(self.voters) + 100, accepted)


class CountsPromisesByMessage(Proposer):
    """M13b. Counts promises by message, not by sender."""

    def on_promise(self, sender, promise):
        super().on_promise(len(self.reports) + 100, promise)


class HalfIsEnough(Proposer):
    """M15. Takes n // 2 for a majority."""

    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.majority = max(1, len(peers) // 2)


class AsksAndForgets(Proposer):
    """M18. A new value from the old: it proposes what was reported, and makes it its own."""

    def on_promise(self, sender, promise):
        vote = promise.vote and Vote(promise.vote.ballot, f"{promise.vote.value} again")
        super().on_promise(sender, Promise(promise.ballot, vote))


class SaysItTooEarly(Proposer):
    """Says that its value is decided as soon as it has proposed it."""

    def on_promise(self, sender, promise):
        super().on_promise(sender, promise)
        if self.proposed is not None and not self.decided:
            self.announce(Decided(self.proposed))


class WaitsForAll(Proposer):
    """A right proposer that is slow: it waits for the promises of all."""

    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.majority = len(peers)


class SkipsPhaseOne(Proposer):
    """Proposes at once."""

    def on_propose(self, sender, message):
        self.wish = self.proposed = message.value
        self.ballot = Ballot(1, self.name)
        self.broadcast(Accept(self.ballot, self.wish))


# What looks wrong, or odd, and is right ----------------------------------------------------------------------


class KeepsTheHighestVote(Acceptor):
    """Trap 1. An Accept does not raise the promise, but the highest-numbered vote is the one that is kept."""

    def on_accept(self, sender, accept):
        if accept.ballot < self.promised:
            self.send(sender, Nack(accept.ballot, self.promised))
            return
        if self.vote is None or accept.ballot >= self.vote.ballot:
            self.vote = Vote(accept.ballot, accept.value)
        self.send(sender, Accepted(accept.ballot, accept.value))


class VotesOnEqualityOnly(Acceptor):
    """Trap 2. Votes only in the very ballot that it promised last."""

    def on_accept(self, sender, accept):
        if accept.ballot == self.promised:
            self.vote = Vote(accept.ballot, accept.value)
            self.send(sender, Accepted(accept.ballot, accept.value))
        else:
            self.send(sender, Nack(accept.ballot, self.promised))


class InTuples(Node):
    """Ballots are plain tuples, the state is a dict, attributes are private, and a match statement decides."""

    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self._state = {"promised": (0, 0), "votes": set()}

    def on_prepare(self, sender, message):
        self._answer(sender, message)

    def on_accept(self, sender, message):
        self._answer(sender, message)

    def _answer(self, sender, message):
        promised = self._state["promised"]
        match message:
            case Prepare(ballot) | Accept(ballot, _) if ballot < promised:
                self.send(sender, Nack(tuple(ballot), promised))
            case Prepare(ballot):
                self._state["promised"] = tuple(ballot)
                votes = self._state["votes"]
                self.send(sender, Promise(tuple(ballot), max(votes) if votes else None))
            case Accept(ballot, value):
                self._state["promised"] = tuple(ballot)
                self._state["votes"].add((tuple(ballot), value))
                self.send(sender, Accepted(tuple(ballot), value))


class WritesItDown(Acceptor):
    """Keeps a log of all that it hears, and prints it; no more."""

    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.log = []

    def on_prepare(self, sender, prepare):
        self.log.append(prepare)
        print(f"{self.name} heard {prepare}")
        super().on_prepare(sender, prepare)

    def on_accept(self, sender, accept):
        self.log.append(accept)
        super().on_accept(sender, accept)


class CountsWhatItHears(Proposer):
    """Counts its messages for a statistic, and looks at the count never."""

    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.heard = 0

    def on_promise(self, sender, promise):
        self.heard += 1
        super().on_promise(sender, promise)

    def on_accepted(self, sender, accepted):
        self.heard += 1
        super().on_accepted(sender, accepted)


class ReturnsAtOnce(Proposer):
    """Stands again as soon as it is refused, and by its timer."""

    def on_nack(self, sender, nack):
        if nack.ballot == self.ballot and not self.decided:
            self.highest = max(self.highest, nack.promised)
            self.stand()


class AsksThePromisersOnly(Node):
    """A proposer in another hand: lists, one record a ballot, Accept only to those who promised."""

    @dataclass
    class Attempt:
        ballot: tuple[int, int]
        promises: list[Any] = field(default_factory=list)
        value: str | None = None
        votes: list[int] = field(default_factory=list)

    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.wish, self.round, self.attempt, self.done = None, 0, None, False

    def on_propose(self, sender, message):
        self.wish = message.value
        self._begin(1)

    def _begin(self, round):
        self.round = round
        self.attempt = self.Attempt((round, self.name))
        for acceptor in self.peers:
            self.send(acceptor, Prepare(self.attempt.ballot))
        self.after((50, 500), TryAgain(self.attempt.ballot))

    def on_promise(self, sender, message):
        attempt = self.attempt
        if attempt is None or message.ballot != attempt.ballot or attempt.value is not None:
            return
        if sender not in [who for who, _ in attempt.promises]:
            attempt.promises.append((sender, message.vote))
        if 2 * len(attempt.promises) > len(self.peers):
            best = None
            for _, vote in attempt.promises:
                if vote is not None and (best is None or vote.ballot > best.ballot):
                    best = vote
            attempt.value = best.value if best else self.wish
            for who, _ in attempt.promises:
                self.send(who, Accept(attempt.ballot, attempt.value))

    def on_accepted(self, sender, message):
        attempt = self.attempt
        if attempt is not None and message.ballot == attempt.ballot and sender not in attempt.votes:
            attempt.votes.append(sender)
            if 2 * len(attempt.votes) > len(self.peers) and not self.done:
                self.done = True
                self.announce(Decided(attempt.value))

    def on_nack(self, sender, message):
        self.round = max(self.round, message.promised[0])

    def on_try_again(self, sender, message):
        if not self.done and message.ballot == self.attempt.ballot:
            self._begin(self.round + 1)


@dataclass(frozen=True)
class Case:
    """A class, with the bounds in which it shows."""

    id: str
    cls: type[Node]
    bounds: tuple[tuple[str, Any], ...] = ()

    @property
    def says(self) -> str:
        """What is wrong (or odd), in words."""
        return (self.cls.__doc__ or "").partition("\n")[0].removeprefix(f"{self.id}. ")


FOUR = (("acceptors", 4),)
CRASH = (("crashes", 1),)

WRONG = (
    Case("M1", AcceptKeepsNoOrder),
    Case("M2", AcceptIgnoresPromise),
    Case("M2b", AcceptsAboveItsVote),
    Case("M3", PromisesAnything),
    Case("M3b", PromisesAndKeepsTheHighest),
    Case("M4", IgnoresReportedVotes),
    Case("M5", PromisesWithoutVote),
    Case("M7", BallotWithoutServer),
    Case("M7b", BallotFromMemory, CRASH),
    Case("M9", RaisesItsBallot),
    Case("M10", CountsItself),
    Case("M10b", CountsItselfAtTheEnd),
    Case("M12", CountsOldPromises),
    Case("M12b", CountsOldVotes),
    Case("M12c", CountsOldVotesForItsValue),
    Case("M13", CountsVotesByMessage),
    Case("M13b", CountsPromisesByMessage),
    Case("M15", HalfIsEnough),
    Case("M15b", HalfIsEnough, FOUR),
    Case("M18", AsksAndForgets),
    Case("M28", PromiseNotOnDisk, CRASH),
    Case("M29", VoteNotOnDisk, CRASH),
    Case("M29b", Acceptor, CRASH),
    Case("M41", ForgetsItsVote),
    Case("M56", NoneIsTheLowest),
    Case("first", FirstVoteStays),
    Case("again", AcceptKeepsTheOldBallot),
    Case("own", VotesInItsOwnBallot),
    Case("lowest", TakesTheLowest),
    Case("last", TakesTheLastHeard),
    Case("mind", ChangesItsMind),
    Case("early", SaysItTooEarly),
    Case("skips", SkipsPhaseOne),
    Case("once", PromisesOnlyOnce),
    Case("never", NeverVotes),
    Case("loops", NeverEnds),
    Case("recurses", Recurses),
    Case("shared", SharedMemory),
    Case("dice", RollsDice),
)

RIGHT = (
    Case("reference", Acceptor),
    Case("trap 1", KeepsTheHighestVote),
    Case("trap 2", VotesOnEqualityOnly),
    Case("tuples", InTuples),
    Case("log", WritesItDown),
    Case("statistic", CountsWhatItHears),
    Case("hasty", ReturnsAtOnce),
    Case("other hand", AsksThePromisersOnly),
    Case("slow", WaitsForAll),
    Case("disk", OnDisk, CRASH),
)
