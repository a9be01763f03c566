"""Exercise 08: promises, votes, inheritance and decisions, slot after slot; alone, and among the kit's servers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from functools import partial
from itertools import combinations, product
from random import Random
from typing import Any

from paxoskit.claims.claim import Claim, Violation, Watched
from paxoskit.claims.safety import Ghost, GhostClaim
from paxoskit.grading.checks.chain import a_block, a_request, spoiled
from paxoskit.grading.checks.play import Play, Said, dice, hunt_together, same, sends
from paxoskit.grading.checks.trials import KIT, SPEAKER, SPEAKERS, claims_of_words, live, trial
from paxoskit.grading.properties import Exercise, Failed, Property
from paxoskit.grading.subject import Subject
from paxoskit.protocol.chain import NO_HASH, Chain
from paxoskit.protocol.member import Voted
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
    Heartbeat,
    Nack,
    Prepare,
    Promise,
    Request,
    SteppedDown,
    Vote,
    WantBlocks,
)
from paxoskit.protocol.node import Send, title
from paxoskit.protocol.plain import BOTTOM, Ballot, Message, Name
from paxoskit.trace import Event, say
from paxoskit.worlds.choice import Choice
from paxoskit.worlds.story import Story
from paxoskit.worlds.world import World

MINE = "log.py:Server"
BEGIN = Story(nodes=(MINE, SPEAKER, SPEAKER, SPEAKER, SPEAKER), clients=((1,), (1,), (1,)), claims="none")
THREE = Story(nodes=(MINE, SPEAKER, SPEAKER), clients=((1,), (1,), (1,)), claims="none")
PROMISE, VOTES, LEAD, DECIDE = "promise", "votes", "lead", "decide"


class Minutes:
    """What server 1, one of five or three, has heard and said; finds the faults in what it says, by their matters."""

    def __init__(self, seen: set[str], servers: int = 5) -> None:
        self.seen = seen
        self.servers = servers
        self.majority = servers // 2 + 1
        self.blocks: list[Block] = []
        self.known: dict[str, Block] = {}
        self.promised = BOTTOM
        """The highest ballot that server 1 has promised, or voted in."""
        self.highest = BOTTOM
        """The highest ballot that anybody has used."""
        self.announced: list[Voted] = []
        self.voted: dict[int, tuple[Ballot, str]] = {}
        """For each slot, the vote in the highest ballot: its ballot and hash."""
        self.heard = False
        """May server 1 have heard a leader since its election timer rang last?"""
        self.followed = False
        """Has server 1 heard a leader in this life?"""
        self.candidacy = BOTTOM
        self.leading = False
        self.promises: dict[Name, Promise] = {}
        self.proposed: dict[tuple[Ballot, int], Block] = {}

    @property
    def height(self) -> int:
        """How many blocks server 1 must know to be decided."""
        return len(self.blocks)

    @property
    def tip(self) -> str:
        """The hash of the newest of them."""
        return self.blocks[-1].hash if self.blocks else NO_HASH

    # One turn

    def faults(self, world: World, choice: Choice, said: list[Said], matters: Collection[str]) -> dict[str, str]:
        """Judge a turn of server 1, and write it down."""
        if choice.node != 1:
            return {}
        if choice.kind in ("crash", "restart"):
            self.heard, self.leading, self.candidacy, self.promises = False, False, BOTTOM, {}
            self.followed = False
            return {}
        sent = sends(said, 1)
        facts = [one.message for one in said if one.sender == 1 and one.to is None]
        heard = f"{self.state()} it heard {what_of(choice)}"
        words, again = self.unannounced(heard, sent, facts)
        before = self.height
        learned = self.learn(choice, sent, facts)
        judges: dict[str, Callable[[], str | None]] = {
            PROMISE: lambda: self.wrong_promise(heard, choice, sent),
            VOTES: lambda: self.wrong_vote(heard, choice, sent, before),
            LEAD: lambda: self.wrong_lead(heard, choice, sent, facts),
            DECIDE: lambda: self.wrong_log(heard, choice, sent, facts, learned, before),
        }
        self.hear(choice, sent)
        found = {matter: told for matter in matters if (told := words or judges[matter]())}
        if again and VOTES in matters:
            found.setdefault(VOTES, again)
        self.note(choice, sent, facts)
        return found

    def state(self) -> str:
        """Return what server 1 has said and decided, in words."""
        vote = self.voted.get(self.height)
        voted = f"had voted for {vote[1][:6]} in ballot {vote[0]} there" if vote else "had not voted there"
        promised = f"had promised ballot {self.promised}" if self.promised > BOTTOM else "had promised nothing"
        return f"server 1 had {self.height} blocks, so slot {self.height} was next; it {promised} and {voted};"

    def learn(self, choice: Choice, sent: Sequence[Send], facts: list[Message]) -> list[Block]:
        """Write down the blocks that are decided in this turn and come next; return those that must be appended."""
        message, blocks = choice.what, list[Block]()
        if choice.kind == "deliver" and isinstance(message, Decide):
            blocks = [message.block]
        elif choice.kind == "deliver" and isinstance(message, (Blocks, Promise)):
            blocks = list(message.blocks) if isinstance(message, Blocks) or self.counts(choice) else []
        blocks += [one.block for _, one in sent if type(one) is Decide]
        before = self.height
        self.add(blocks)
        learned = self.blocks[before:]
        if isinstance(message, Promise) and any(type(fact) is Applied for fact in facts):
            self.add(message.blocks)  # of a promise that does not count: what else it says is judged by what it has
        return learned

    def add(self, blocks: Iterable[Block]) -> None:
        """Put those of the blocks on the log that come next."""
        for block in blocks:
            if block.height == self.height and self.is_good(block):
                self.blocks.append(block)

    def is_good(self, block: Block) -> bool:
        """Say whether a block can be the next one."""
        below = Chain()
        below.height, below.hash = self.height, self.tip
        return below.fault(block) is None

    def counts(self, choice: Choice) -> bool:
        """Say whether this is a promise for the ballot in which server 1 stands."""
        message = choice.what
        return isinstance(message, Promise) and message.ballot == self.candidacy and not self.leading

    def hear(self, choice: Choice, sent: Sequence[Send]) -> None:
        """Write down what was heard, and what server 1 said to itself, before its answer is judged."""
        message = choice.what
        for one in [message, *(other for _, other in sent)]:
            if isinstance(one, Accept):
                self.known[one.block.hash] = one.block
        if isinstance(message, Promise) and choice.peer is not None and self.counts(choice):
            self.promises.setdefault(choice.peer, message)
        for _, one in sent:
            if type(one) is Prepare:
                self.candidacy, self.leading, self.promises = one.ballot, False, {}
        for to, one in sent:
            if to == 1 and type(one) is Promise and one.ballot == self.candidacy:
                self.promises.setdefault(1, one)

    def note(self, choice: Choice, sent: Sequence[Send], facts: list[Message]) -> None:
        """Write down what was said."""
        message = choice.what
        if isinstance(message, ElectionTimeout):
            self.heard = False
        if isinstance(message, (Accept, Heartbeat)) or any(type(one) in (Accept, Heartbeat) for _, one in sent):
            self.heard = self.followed = True
        for _, one in sent:
            if type(one) is Promise:
                self.promised = max(self.promised, one.ballot)
                self.seen.add("promised")
            elif type(one) is Accepted:
                self.seen.add("voted")
                self.promised = max(self.promised, one.ballot)
                if one.ballot >= self.voted.get(one.height, (BOTTOM, ""))[0]:
                    self.voted[one.height] = (one.ballot, one.hash)
            elif type(one) is Accept:
                self.proposed.setdefault((one.ballot, one.block.height), one.block)
        for fact in facts:
            if type(fact) is Elected:
                self.leading = True
                self.seen.add("led")
            elif type(fact) is SteppedDown:
                self.leading, self.candidacy = False, BOTTOM
        for said in (message, *(other for _, other in sent)):
            ballot = getattr(said, "ballot", BOTTOM)
            self.highest = max(self.highest, ballot if type(ballot) is Ballot else BOTTOM)
        known = max(self.highest, message.promised) if isinstance(message, Nack) else self.highest
        if known > self.candidacy:
            self.candidacy, self.leading = BOTTOM, False

    # Faults

    def unannounced(self, heard: str, sent: Sequence[Send], facts: list[Message]) -> tuple[str, str]:
        """Every vote is announced: this is the kind of server that is asked for. A copy of one is another matter."""
        votes = [Voted(one.ballot, one.height, one.hash) for _, one in sent if type(one) is Accepted]
        told = [fact for fact in facts if type(fact) is Voted]
        again = ""
        for vote in votes:
            if not any(same(vote, fact) for fact in told):
                words = (
                    f"{heard} and voted, but did not announce {say(vote)}.\nLook at what the statement says of a "
                    "vote."
                )
                if not any(same(vote, known) for known in self.announced):
                    return words, ""
                again = words
        for fact in told:
            if not any(same(vote, fact) for vote in votes):
                return (
                    f"{heard} and announced {say(fact)}, a vote that it did not send.\nLook at when a vote is "
                    "announced."
                ), ""
        self.announced += votes
        return "", again

    def wrong_promise(self, heard: str, choice: Choice, sent: Sequence[Send]) -> str | None:
        """A promise is kept and complete; what need not be refused is granted."""
        for to, one in sent:
            if type(one) in (Promise, Accepted) and one.ballot < self.promised:  # type: ignore[attr-defined]
                return (f"{heard} and said {say(one)}: below the ballot that it had promised.\nLook at what is "
                        "compared "
                        "with the promise, and at what the promise is afterwards: it is one for all "
                        "slots.")  # fmt: skip
            if type(one) in (Promise, Nack) and to not in (choice.peer, 1):
                return f"{heard} and sent {say(one)} to {title(to)}.\nLook at who has asked."
            if type(one) is Request and not self.followed:
                return (f"{heard} and passed it on to {title(to)}, which it has not heard lead.\nLook at who is a "
                        "leader, and who only stands.")  # fmt: skip
            if type(one) is Promise and (words := self.incomplete(one)):
                return (f"{heard} and said {say(one)}; {words}.\nLook at what a candidate must learn from a "
                        "promise, slot "
                        "by slot.")  # fmt: skip
        for to, one in sent:
            if to == 1 and type(one) is Prepare and not any(
                to == 1 and type(own) is Promise and own.ballot == one.ballot for to, own in sent
            ):
                return (f"{heard} and stands in ballot {one.ballot}, which it did not promise itself.\nLook at who "
                        "hears the Prepare of a candidate.")  # fmt: skip
        asked = choice.what
        if choice.kind != "deliver" or not isinstance(asked, Prepare):
            return None
        answers = [one for to, one in sent if to == choice.peer]
        if asked.ballot > self.highest and not self.heard:
            granted = [one for one in answers if type(one) is Promise and one.ballot == asked.ballot]
            if granted and all(one.height != asked.height for one in granted):
                return f"{heard} and said {say(granted[0])}.\nLook at whose height a promise has: the candidate's."
            if not granted:
                return f"{heard} and did not promise that ballot.\nLook at when a server may refuse."
        elif asked.ballot < self.promised and not self.heard:
            refused = [one for one in answers if type(one) is Nack and one.ballot == asked.ballot]
            if not any(nack.promised > asked.ballot for nack in refused):
                return (
                    f"{heard} and did not answer with a Nack of that ballot.\nLook at what a refused candidate "
                    "must learn."
                )
            if refused[0].promised > self.highest:
                return (f"{heard} and said {say(refused[0])}: nobody has asked it to promise that ballot.\nLook at "
                        "which ballot a Nack names.")  # fmt: skip
        return None

    def incomplete(self, promise: Promise) -> str:
        """Return what a promise leaves out, or says wrongly."""
        wanted = tuple(self.blocks[promise.height :])
        if type(promise.blocks) is not tuple:
            return "its blocks are no tuple, and a message must not change after it was sent"
        if not same(promise.blocks, wanted):
            return (
                f"it should bring {len(wanted)} decided blocks, from height {promise.height} on, and brings "
                f"{len(promise.blocks)}"
            )
        vote = self.voted.get(self.height)
        told = promise.vote
        if told is not None and type(told) is not Vote:
            return "what it reports is no Vote"
        if told is not None and told.block.height != self.height:
            told = None  # a vote for another slot does no harm
        if told is None and promise.height > self.height:
            return ""  # the candidate knows what is decided in that slot
        if vote is None and told is not None:
            return f"it reports a vote for slot {self.height}, and has said none"
        if vote is not None and (told is None or (told.ballot, told.block.hash) != vote):
            return f"for slot {self.height} it should report its vote in ballot {vote[0]} for block {vote[1][:6]}"
        return ""

    def wrong_vote(self, heard: str, choice: Choice, sent: Sequence[Send], height: int) -> str | None:
        """A vote answers an Accept: for its block, in its ballot, if that is a good one of the next slot."""
        votes = [(to, one) for to, one in sent if type(one) is Accepted]
        accepts = [one for _, one in sent if type(one) is Accept]
        asked = choice.what if choice.kind == "deliver" else None
        for to, vote in votes:
            answered = [asked] if isinstance(asked, Accept) and to == choice.peer else accepts if to == 1 else []
            if not any(same(vote, Accepted(one.ballot, one.block.height, one.block.hash)) for one in answered):
                return f"{heard} and sent {say(vote)} to {title(to)}.\nLook at what a vote is for, and at who hears it."
        own = [one for to, one in sent if to == 1 and type(one) is Accept and one.ballot == self.candidacy]
        if any(self.is_good(one.block) for one in own) and not any(to == 1 for to, _ in votes):
            return f"{heard} and proposed a block for which it did not vote itself.\nLook at who hears an Accept."
        if not isinstance(asked, Accept):
            return None
        mine = [vote for to, vote in votes if to == choice.peer]
        if asked.block.height != height:
            gap: Message = WantBlocks(height)
            if asked.block.height < height:
                gap = Blocks(tuple(self.blocks[asked.block.height :]))
            if mine:
                return f"{heard} and voted in another slot than the next one.\nLook at which slot a server votes in."
            if asked.ballot >= self.highest and not any(to == choice.peer and same(one, gap) for to, one in sent):
                return f"{heard} and did not send {say(gap)}.\nLook at what becomes of a gap between two logs."
            return None
        if not self.is_good(asked.block):
            if mine:
                return (
                    f"{heard}, whose block does not fit on top of its log, and voted.\nLook at what comes before "
                    "a vote."
                )
            return None
        if asked.ballot < self.promised:
            if mine or not any(to == choice.peer and type(one) is Nack for to, one in sent):
                told = "voted" if mine else "sent no Nack"
                return f"{heard} and {told}.\nLook at what is compared with the promise."
        elif asked.ballot >= self.highest and len(mine) != 1:
            return (
                f"{heard}, a good block of the next slot, and sent {len(mine)} votes.\nLook at when a server may "
                "refuse."
            )
        return None

    def wrong_lead(self, heard: str, choice: Choice, sent: Sequence[Send], facts: list[Message]) -> str | None:
        """A majority of promises of its ballot makes a leader, who proposes first what may be chosen."""
        elected = [fact for fact in facts if type(fact) is Elected]
        enough = len(self.promises) >= self.majority and self.candidacy > BOTTOM
        who = ", ".join(title(name) for name in self.promises) or "nobody"
        if elected and self.leading and self.candidacy > BOTTOM:
            return (f"{heard} and was elected in ballot {elected[0].ballot}, in which it led already.\nLook at what a "
                    "promise is worth to one who leads.")  # fmt: skip
        if elected and not enough and not self.leading:
            had = (f"it had promises of its ballot {self.candidacy} from {who}, and {self.majority} of {self.servers} "
                   "servers are a majority")  # fmt: skip
            if self.candidacy == BOTTOM:
                had = "it stood in no ballot by then"
            return f"{heard} and leads in ballot {elected[0].ballot}; {had}.\nLook at which promises count."
        if enough and not elected and not self.leading and self.candidacy >= self.highest:
            return (f"{heard} and does not lead, though it has promises of its ballot {self.candidacy} from "
                    f"{who}.\nLook at "
                    "what is counted, and at when it is enough.")  # fmt: skip
        if self.leading and choice.kind == "deliver" and isinstance(choice.what, Promise) and sent:
            return (f"{heard}, when it led already, and sent {say(sent[0].message)}.\nLook at what a promise is worth "
                    "to one who leads.")  # fmt: skip
        first = [one for _, one in sent if type(one) is Accept]
        for one in first:
            if one.ballot.server != 1:
                return (f"{heard} and proposed block {one.block.hash[:6]} in ballot {one.ballot}, of another "
                        "server.\nLook at the ballot in which a leader proposes.")  # fmt: skip
            if one.ballot == self.candidacy and not self.allowed(one.block):
                return (f"{heard} and proposed block {one.block.hash[:6]} for slot {one.block.height}; of the "
                        "promises of "
                        f"ballot {self.candidacy} it had heard: {self.reports()}; it has {self.height} "
                        "blocks.\nLook at what "
                        "the promises say about the next slot.")  # fmt: skip
        early = [one.block for _, one in sent if type(one) is Decide]
        if early and isinstance(choice.what, Promise):
            return (f"{heard} and said that block {early[0].hash[:6]} is decided; of the promises it had heard: "
                    f"{self.reports()}.\nLook at when a block is chosen: a majority votes for it in one and the same "
                    "ballot.")  # fmt: skip
        votes = self.votes_of(self.promises.values())
        if elected and first and not votes:
            return (f"{heard} and leads, and at once proposed block {first[0].block.hash[:6]} for slot "
                    f"{first[0].block.height}; no promise had reported a vote for it, and nobody had asked for "
                    "anything.\nLook at what a new leader proposes when nothing may be chosen.")  # fmt: skip
        if elected and len(self.promises) == self.majority and votes and not first:
            return (f"{heard} and leads, but proposes nothing; of the promises it had heard: {self.reports()}.\n"
                    "Look at what a new leader must finish first.")  # fmt: skip
        if elected and choice.kind == "deliver" and isinstance(choice.what, Promise):
            self.seen.add("inherited") if first else None
        return None

    def votes_of(self, promises: Any) -> list[Vote]:
        """Return the votes for the next slot that promises report."""
        return [one.vote for one in promises if one.vote is not None and one.vote.block.height == self.height]

    def allowed(self, block: Block) -> bool:
        """Say whether some majority of the promises allows this block for the next slot."""
        first = self.proposed.get((self.candidacy, block.height))
        if first is not None:
            return first.hash == block.hash
        if block.height != self.height:
            return False
        for quorum in combinations(self.promises.values(), self.majority):
            votes = self.votes_of(quorum)
            if not votes or max(votes, key=lambda vote: vote.ballot).block.hash == block.hash:
                return True
        return False

    def reports(self) -> str:
        """Return what the promises report, in words."""
        parts = []
        for name, one in self.promises.items():
            told = "no vote"
            if one.vote is not None:
                told = f"{one.vote.block.hash[:6]} for slot {one.vote.block.height} in ballot {one.vote.ballot}"
            parts.append(f"{title(name)} reported {told}")
        return "; ".join(parts) or "none"

    def wrong_log(
        self, heard: str, choice: Choice, sent: Sequence[Send], facts: list[Message], learned: list[Block], before: int
    ) -> str | None:  # fmt: skip
        """What is decided is appended, each block once, in order; gaps are closed."""
        applied = [(fact.height, fact.hash) for fact in facts if type(fact) is Applied]
        if applied != [(block.height, block.hash) for block in learned]:
            expected = ", ".join(f"{block.height} ({block.hash[:6]})" for block in learned) or "none"
            got = ", ".join(f"{height} ({str(digest)[:6]})" for height, digest in applied) or "none"
            return (f"{heard} and appended these blocks: {got}; expected: {expected}.\nLook at which decided "
                    "block comes "
                    "next, and at one that comes again.")  # fmt: skip
        self.seen |= {"decided"} if learned else set()
        message = choice.what
        told = [message for to, message in sent if to == choice.peer]
        early = choice.kind == "deliver" and isinstance(message, Decide) and message.block.height > before
        if early and not any(same(one, WantBlocks(before)) for one in told):
            return f"{heard} and did not ask for the blocks between.\nLook at a decision that comes too early."
        if isinstance(message, Decide) and any(type(one) is Decide for _, one in sent):
            return f"{heard} and told it to others.\nLook at who tells a decision, and what you may send."
        late = choice.kind == "deliver" and isinstance(message, Decide) and message.block.height < before
        if late and sent:
            return f"{heard} and sent {say(sent[0].message)}.\nLook at a decision that comes late: it says nothing new."
        if choice.kind == "deliver" and isinstance(message, WantBlocks):
            right = Blocks(tuple(self.blocks[message.height :]))
            if not any(to == choice.peer and same(one, right) for to, one in sent):
                return (
                    f"{heard} and sent other blocks than those that are decided.\nLook at whether a decided block "
                    "changes."
                )
        return None


def what_of(choice: Choice) -> str:
    """Return what a server heard, in words."""
    return f"{say(choice.what)} of {title(choice.peer)}" if choice.peer else f"its timer {say(choice.what)}"


class Scene:
    """A run by dice: four servers that say what servers may say, timers that ring, crashes."""

    def __init__(self, play: Play, random: Random) -> None:
        self.play, self.random = play, random
        self.book: Minutes = play.watcher.book  # type: ignore[attr-defined]
        self.proposals: dict[tuple[Ballot, int, str], Block] = {}
        self.promises: dict[tuple[Name, Ballot], Promise] = {}
        """What the others promised: the same, as often as they say it."""
        self.last: tuple[Name, Message] | None = None
        """What server 1 was told last, and by whom."""

    def run(self, steps: int, acts: Sequence[Callable[[], None]]) -> None:
        """Let so many things happen."""
        for _ in range(steps):
            self.random.choice(acts)()

    def speak(self, peer: Name, message: Message) -> None:
        """Let a server say something to server 1, which hears it at once."""
        self.last = peer, message
        self.play.step(Choice("ask", peer, what=message))
        self.play.step(Choice("deliver", 1, peer, message))

    def again(self) -> None:
        """What was said last comes again: the network brings copies."""
        if self.last is not None:
            self.speak(*self.last)

    def ballot(self) -> Ballot:
        """Return a ballot of another server: mostly higher than all, at times lower."""
        top = self.book.highest.round
        rounds = top + 1 if self.random.random() < 0.65 else self.random.randint(1, max(1, top))
        return Ballot(rounds, self.random.randint(2, self.book.servers))

    def block(self) -> Block:
        """Return a good block for the next slot."""
        return self.made(self.book.height, self.book.tip)

    def made(self, height: int, tip: str) -> Block:
        """Return a good block for that slot, on top of that block."""
        return a_block(self.random, height, tip)

    def proposal(self, ballot: Ballot) -> Block:
        """Return the block of a ballot for the next slot: always the same; often one that a lower ballot had too."""
        place, known = (self.book.height, self.book.tip), self.proposals
        below = [block for (lower, *at), block in known.items() if lower < ballot and (*at,) == place]
        block = self.random.choice(below) if below and self.random.random() < 0.4 else self.block()
        return known.setdefault((ballot, *place), block)

    def elsewhere(self) -> Block:
        """Return a block of an older slot or of a later one."""
        if self.book.blocks and self.random.random() < 0.6:
            return self.random.choice(self.book.blocks)
        return self.made(self.book.height + self.random.randint(1, 2), f"{7:064x}")

    def prepare(self) -> None:
        """Somebody stands."""
        ballot = self.ballot()
        self.speak(ballot.server, Prepare(ballot, self.random.randint(0, self.book.height + 1)))

    def accept(self) -> None:
        """Somebody leads: mostly with a good block of the next slot."""
        ballot, luck = self.ballot(), self.random.random()
        block = self.proposal(ballot)
        if luck < 0.15:
            block = spoiled(self.random, block)
        elif luck < 0.35:
            block = self.elsewhere()
        self.speak(ballot.server, Accept(ballot, block))

    def decide(self) -> None:
        """A block is decided: the next one, an old one once more, a later one, a bad one."""
        luck = self.random.random()
        block = self.block() if luck < 0.5 else self.elsewhere() if luck < 0.85 else spoiled(self.random, self.block())
        self.speak(self.random.randint(2, self.book.servers), Decide(block))

    def decide_next(self) -> None:
        """The next block is decided."""
        self.speak(self.random.randint(2, self.book.servers), Decide(self.block()))

    def blocks(self) -> None:
        """Somebody sends decided blocks."""
        self.speak(self.random.randint(2, self.book.servers), Blocks((*self.book.blocks[-2:], self.block())))

    def want(self) -> None:
        """Somebody lacks blocks."""
        self.speak(self.random.randint(2, self.book.servers), WantBlocks(self.random.randint(0, self.book.height)))

    def quiet(self) -> None:
        """The election timer rings: server 1 may stand."""
        for node, message in list(self.play.world.timers):
            if node == 1 and type(message) is ElectionTimeout:
                self.play.step(Choice("fire", 1, what=message))

    def crash(self) -> None:
        """Server 1 crashes, and comes back."""
        self.play.step(Choice("crash", 1))
        self.play.step(Choice("restart", 1))

    def stand(self) -> None:
        """Server 1 stands for election."""
        self.quiet()
        if self.book.candidacy == BOTTOM:
            self.quiet()

    def promise(self) -> None:
        """Somebody promises: the ballot in which server 1 stands, or an older one; with votes and blocks, or not."""
        book, random = self.book, self.random
        peer = random.randint(2, self.book.servers)
        ballot = book.candidacy
        if ballot == BOTTOM or random.random() < 0.2:
            ballot = Ballot(max(1, book.highest.round - random.randint(0, 2)), 1)
        blocks = (self.block(),) if random.random() < 0.25 else ()
        tip, height = (blocks[-1].hash, book.height + 1) if blocks else (book.tip, book.height)
        vote = None
        if random.random() < 0.6:
            voted = Ballot(random.randint(1, max(1, ballot.round - 1)), random.randint(2, self.book.servers))
            if voted < ballot:
                key = (voted, height, tip)
                vote = Vote(voted, self.proposals.setdefault(key, self.made(height, tip)))
                if random.random() < 0.2 and book.blocks:
                    vote = Vote(voted, book.blocks[-1])  # for a slot that is decided here already
        said = self.promises.setdefault((peer, ballot), Promise(ballot, book.height, vote, blocks))
        for _ in range(1 + (random.random() < 0.25)):
            self.speak(peer, said)


    def lead(self) -> None:
        """Server 1 stands, and a majority promises it everything."""
        self.stand()
        for peer in range(2, self.book.majority + 1):
            self.speak(peer, Promise(self.book.candidacy, self.book.height, None, ()))

    def overtime(self) -> None:
        """Server 1 leads, and nothing may be chosen; then one more promise comes, which reports a vote."""
        below = Ballot(2, 3)
        self.speak(below.server, Prepare(below, self.book.height))
        self.lead()
        vote = Vote(below, self.proposal(below))
        self.speak(self.book.servers, Promise(self.book.candidacy, self.book.height, vote, ()))

    def kept(self, voted: bool, what: Sequence[str]) -> None:
        """Server 1 promises; whatever happens then, somebody stands and leads in a lower ballot, for some next slot."""
        if voted:
            self.speak(2, Accept(Ballot(1, 2), self.proposal(Ballot(1, 2))))
            self.stand()
        high = Ballot(self.book.highest.round + 3, 3)
        self.speak(3, Prepare(high, 0))
        for happens in what:
            getattr(self, happens)()
        low = Ballot(high.round - 1, 5)
        self.speak(5, Prepare(low, self.book.height))
        self.speak(5, Accept(low, self.proposal(low)))

    def office(self, told: bool) -> None:
        """Somebody leads for a few slots in one ballot, whose blocks are decided or sent; then somebody stands."""
        ballot = Ballot(self.book.highest.round + 1, self.random.randint(2, self.book.servers))
        for _ in range(3):
            block = self.proposal(ballot)
            self.speak(ballot.server, Accept(ballot, block))
            self.speak(ballot.server, Decide(block) if told else Blocks((block,)))
        self.speak(ballot.server, Accept(ballot, self.proposal(ballot)))
        self.quiet()
        self.speak(2, Prepare(Ballot(ballot.round + 1, 2), self.random.randint(0, self.book.height)))

    def lookalike(self, decided: bool) -> None:
        """Server 1 votes; a block of that hash with other fields is decided, or led; somebody stands."""
        low, high = Ballot(1, 2), Ballot(2, 3)
        block = self.proposal(low)
        self.speak(low.server, Accept(low, block))
        other = replace(block, operations=(*block.operations, a_request(self.random)))
        self.speak(high.server, Decide(other) if decided else Accept(high, other))
        self.quiet()
        self.speak(4, Prepare(Ballot(3, 4), self.book.height))
        self.speak(high.server, Decide(block))

    def unshaken(self) -> None:
        """Server 1 votes; after each thing that it hears then, none of which decides that slot, somebody stands."""
        book = self.book
        self.decide_next()
        self.speak(2, Accept(Ballot(1, 2), self.proposal(Ballot(1, 2))))
        heard: tuple[Callable[[], Message], ...] = (
            lambda: Blocks(tuple(book.blocks)),
            lambda: Nack(book.highest, Ballot(book.highest.round + 2, 3)),
            lambda: Heartbeat(Ballot(book.highest.round + 1, 3), book.height),
            lambda: Promise(book.candidacy, 0, None, tuple(book.blocks)),
        )
        for hears in heard:
            self.stand()
            self.speak(3, hears())
            self.quiet()
            self.speak(5, Prepare(Ballot(book.highest.round + 1, 5), book.height))

    def passing_on(self) -> None:
        """Somebody stands, who does not lead yet; a client asks server 1."""
        asked = Request("client 1/5.1", 1, Get("'x'"))
        self.speak(3, Prepare(Ballot(1, 3), 0))
        self.play.step(Choice("ask", asked.client, what=Ask(asked.session, asked.operation)))
        self.play.step(Choice("deliver", 1, asked.client, asked))

    def deposed(self) -> None:
        """Server 1 leads, and votes; its election timer rings, and before its next heartbeat another server stands."""
        self.inherit([None, *[Ballot(1, 2)] * (self.book.majority - 1)])
        self.quiet()
        ballot = Ballot(self.book.highest.round + 1, self.random.randint(2, self.book.servers))
        self.speak(ballot.server, Prepare(ballot, self.book.height))

    def followed(self) -> None:
        """Server 1 votes in a ballot that it promised, and hears its Prepare again; votes in one that it did not."""
        book = self.book
        first, high, low = (Ballot(book.highest.round + more, server) for more, server in ((1, 3), (3, 4), (2, 5)))
        for ballot in (first, high):
            if ballot == first:
                self.speak(ballot.server, Prepare(ballot, book.height))
            self.speak(ballot.server, Accept(ballot, self.proposal(ballot)))
            self.quiet()
            self.speak(first.server, Prepare(first, book.height))
        self.speak(low.server, Prepare(low, book.height))

    def interrupted(self) -> None:
        """While server 1 stands, another stands in a lower ballot; then it has its majority."""
        self.speak(5, Prepare(Ballot(1, 5), self.book.height))
        self.stand()
        for peer in range(2, self.book.majority + 1):
            self.speak(4, Prepare(Ballot(1, 4), self.book.height))
            self.speak(peer, Promise(self.book.candidacy, self.book.height, None, ()))

    def one_round(self) -> None:
        """Servers stand in ballots of one round, each above the last; then the lower ones again, after a crash too."""
        low, middle, high = (Ballot(7, server) for server in (2, 3, 4))
        for ballot in (low, middle):
            self.speak(ballot.server, Prepare(ballot, self.book.height))
        self.speak(low.server, Prepare(low, self.book.height))
        self.speak(low.server, Accept(low, self.proposal(low)))
        self.speak(high.server, Prepare(high, self.book.height))
        self.crash()
        self.speak(middle.server, Prepare(middle, self.book.height))
        self.speak(middle.server, Accept(middle, self.proposal(middle)))

    def refused(self) -> None:
        """Server 1 stands, and hears of a ballot far above its own; one who knows nothing of that stands."""
        self.stand()
        mine = self.book.candidacy
        self.speak(2, Nack(mine, Ballot(mine.round + 9, 3)))
        self.speak(4, Prepare(Ballot(mine.round + 1, 4), self.book.height))
        self.speak(5, Prepare(Ballot(mine.round, 5), self.book.height))

    def too_late(self) -> None:
        """Server 1 stands, hears of a higher ballot, and stands no more; then a majority promises."""
        self.stand()
        mine = self.book.candidacy
        self.speak(5, Nack(mine, Ballot(mine.round + 1, 5)))
        for peer in range(2, self.book.majority + 2):
            self.speak(peer, Promise(mine, self.book.height, None, ()))

    def nested(self) -> None:
        """One promise brings a block; the next brings it too, and one more, and a vote for the slot after them."""
        self.stand()
        one = self.block()
        two = self.made(one.height + 1, one.hash)
        vote = Vote(Ballot(1, 5), self.made(two.height + 1, two.hash))
        self.speak(2, Promise(self.book.candidacy, one.height, None, (one,)))
        self.speak(3, Promise(self.book.candidacy, one.height, vote, (one, two)))

    def shorter(self) -> None:
        """One promise brings two blocks and a vote for the slot after them; the next brings less, and an old vote."""
        self.stand()
        one = self.block()
        two = self.made(one.height + 1, one.hash)
        vote = Vote(Ballot(1, 5), self.made(two.height + 1, two.hash))
        self.speak(2, Promise(self.book.candidacy, one.height, vote, (one, two)))
        self.speak(3, Promise(self.book.candidacy, one.height, Vote(Ballot(1, 4), two), (one,)))
        self.speak(4, Promise(self.book.candidacy, one.height, Vote(Ballot(1, 4), one), ()))

    def agreed(self) -> None:
        """All promises report one block, each in another ballot: it need not be chosen."""
        block = self.block()
        self.speak(5, Accept(Ballot(1, 5), block))
        self.quiet()
        self.speak(4, Prepare(Ballot(3, 4), self.book.height))
        self.stand()
        for peer in (2, 3):
            self.speak(peer, Promise(self.book.candidacy, self.book.height, Vote(Ballot(peer, 5), block), ()))

    def stale(self, told: bool) -> None:
        """Server 1 voted for a block that it knows by now to be decided, or hears it from a promise; then it leads."""
        ballot = Ballot(1, 2)
        block = self.proposal(ballot)
        self.speak(2, Accept(ballot, block))
        if not told:
            self.speak(2, Blocks((block,)))
        self.stand()
        height = self.book.height
        for peer in range(2, self.book.majority + 1):
            self.speak(peer, Promise(self.book.candidacy, height, None, (block,) if told else ()))

    def in_turn(self) -> None:
        """The last server stands, then the second; then server 1, to whom votes in ballots of both are reported."""
        last = self.book.servers
        self.speak(last, Prepare(Ballot(1, last), self.book.height))
        self.speak(2, Prepare(Ballot(2, 2), self.book.height))
        self.inherit([None, Ballot(2, last), *[Ballot(2, 2)] * (self.book.majority - 2)])

    def long_log(self) -> None:
        """Server 1 promises, and learns many blocks, while somebody stands in a lower ballot again and again.

        Who has few of them stands, or nearly all; then the next slot is decided.
        """
        book, blocks = self.book, list[Block]()
        for height in range(LONG):
            blocks.append(self.made(height, blocks[-1].hash if blocks else NO_HASH))
        high, low = Ballot(9, 4), Ballot(9, 3)
        self.speak(high.server, Prepare(high, 0))
        for height in range(0, LONG, 9):
            self.speak(2, Blocks(tuple(blocks[height : height + 9])))
            self.speak(low.server, Prepare(low, book.height))
        for height in (0, 1, LONG // 2, LONG - 1, LONG, LONG + 1, LONG + 20):
            self.speak(3, Prepare(Ballot(book.highest.round + 1, 3), height))
        self.speak(2, Prepare(Ballot(book.highest.round - 1, 2), 0))
        ballot = Ballot(book.highest.round + 1, 4)
        self.speak(ballot.server, Accept(ballot, self.proposal(ballot)))
        self.speak(ballot.server, Decide(self.proposal(ballot)))

    def inherit(self, votes: Sequence[Ballot | None]) -> None:
        """Server 1 has voted in the first of these ballots, and stands; others report votes in the other ones."""
        own, *others = votes
        if own is not None:
            self.speak(own.server, Accept(own, self.proposal(own)))
            self.quiet()
        top = max((ballot.round for ballot in votes if ballot), default=0)
        if top > self.book.highest.round:  # so that it stands above them all
            self.speak(2, Prepare(Ballot(top, 2), self.book.height))
        self.stand()
        for peer, ballot in enumerate(others, 2):
            vote = Vote(ballot, self.proposal(ballot)) if ballot else None
            self.speak(peer, Promise(self.book.candidacy, self.book.height, vote, ()))


LONG = 270
"""So many blocks are a long log: more than the 257 small numbers of which Python has one object each."""

REPORTED = (None, Ballot(9, 5), Ballot(10, 2), Ballot(10, 3))
"""What promises report: nothing; an old ballot of a server with a high number; and two of one round."""

CROWDS = (2, 4, 13)
"""Numbers of servers that are not three or five: two halves, and names of two digits."""

NEEDED = {
    PROMISE: {"promised": "promised a ballot", "voted": "voted"},
    VOTES: {"voted": "voted"},
    LEAD: {"led": "led", "voted": "voted"},
    DECIDE: {"decided": "appended a block", "voted": "voted"},
}


SCENES: tuple[tuple[str, tuple[object, ...], Callable[[Scene], None]], ...] = (
    (PROMISE, ("deposed", 0), Scene.deposed),
    (PROMISE, ("long log", 0), Scene.long_log),
    (PROMISE, ("passing on", 0), Scene.passing_on),
    (PROMISE, ("unshaken", 0), Scene.unshaken),
    (PROMISE, ("followed", 0), Scene.followed),
    (PROMISE, ("refused", 0), Scene.refused),
    (PROMISE, ("one round", 0), Scene.one_round),
    *((LEAD, (run.__name__, 0), run)
      for run in (Scene.interrupted, Scene.nested, Scene.shorter, Scene.agreed, Scene.too_late, Scene.overtime)),
    *((LEAD, ("stale", told), partial(Scene.stale, told=told)) for told in (False, True)),
    *((VOTES, ("office", run), partial(Scene.office, told=told)) for run, told in enumerate((False, True) * 2)),
    *((DECIDE if decided else VOTES, ("lookalike", decided), partial(Scene.lookalike, decided=decided))
      for decided in (True, False)),
    *((PROMISE, ("kept", voted, *what), partial(Scene.kept, voted=voted, what=what))
      for voted in (True, False) for what in product(("decide_next", "blocks", "crash"), repeat=2)),
    *((LEAD, ("inherit", *votes), partial(Scene.inherit, votes=votes)) for votes in product(REPORTED, repeat=3)),
)  # fmt: skip
"""What seldom happens by dice: for which matter it is told, the words of its dice, and what happens."""


COUNTS = {PROMISE: 40, VOTES: 24, LEAD: 48, DECIDE: 24}
"""So many runs are made for each matter, and each is judged in all of them."""


def judge(matter: str) -> Callable[[Subject, int], None]:
    """Return the judge of one matter: runs by dice among four servers that may say anything."""

    def judged(subject: Subject, seed: int) -> None:
        ended, seen = subject.once(f"a server alone, seed {seed}", lambda: alone(subject, seed))
        if matter in ended:
            raise ended[matter]
        for name, words in NEEDED[matter].items():
            if name not in seen:
                raise Failed(f"in {sum(COUNTS.values())} runs, server 1 never once {words}.\nLet it do that first: one "
                             "that does nothing does nothing wrong, and is of no use.")  # fmt: skip

    return judged


def alone(subject: Subject, seed: int) -> tuple[dict[str, Exception], set[str]]:
    """Run every schedule once, for all matters; return what ended each, and what server 1 was seen to do."""
    seen: set[str] = set()
    schedules = [
        (matter, partial(act, matter=matter, seed=seed, run=run))
        for run in range(max(COUNTS.values())) for matter, count in COUNTS.items() if run < count
    ]  # fmt: skip
    schedules += [(matter, partial(scene, seed=seed, words=words, run=run)) for matter, words, run in SCENES]
    book = partial(Minutes, seen)
    ended = hunt_together(subject, BEGIN, {MINE: "Server"}, book, tuple(NEEDED), schedules, SPEAKERS)
    if LEAD not in ended:  # how many are a majority, where they are fewer
        few = ((LEAD, partial(act, matter=LEAD, seed=seed, run=run)) for run in range(12))
        of_three = partial(Minutes, seen, 3)
        ended |= hunt_together(subject, THREE, {MINE: "Server"}, of_three, (LEAD,), few, SPEAKERS)
    for servers in CROWDS:
        begin = replace(THREE, nodes=(MINE, *[SPEAKER] * (servers - 1)))
        turns = [(LEAD, partial(scene, seed=seed, words=("in turn", servers), run=Scene.in_turn))]
        book, left = partial(Minutes, seen, servers), [matter for matter in NEEDED if matter not in ended]
        ended = hunt_together(subject, begin, {MINE: "Server"}, book, left, turns, SPEAKERS) | ended
    return ended, seen


def scene(
    play: Play, seed: int, words: Sequence[object], run: Callable[[Scene], None], kind: type[Scene] = Scene
) -> None:  # fmt: skip
    """Let one kind of thing happen."""
    run(kind(play, dice("log", *words, seed)))


def act(play: Play, matter: str, seed: int, run: int, kind: type[Scene] = Scene) -> None:
    """Let things happen that try one matter most."""
    one = kind(play, dice("log", matter, seed, run))
    acts = {
        PROMISE: [*[one.prepare] * 3, one.accept, one.accept, one.decide, one.quiet, one.quiet, one.crash,
                  one.again],
        VOTES: [one.accept, one.accept, one.accept, one.decide_next, one.prepare, one.quiet, one.stand, one.again],
        LEAD: [one.stand, one.promise, one.promise, one.promise, one.promise, one.accept, one.decide_next],
        DECIDE: [one.decide, one.decide, one.accept, one.want, one.blocks, one.promise, one.stand],
    }[matter]
    one.run(8 + run % 16, acts)


# In a cluster --------------------------------------------------------------------------------------------------


class VotesAnnounced(GhostClaim):
    """A learner's server announces each of its votes."""

    name = "every vote is announced"
    sees = {"send": (Accepted,), "announce": (Voted,), "deliver": (), "fire": (), "crash": ()}  # noqa: RUF012

    def __init__(self, ghost: Ghost, mine: frozenset[Name]) -> None:
        super().__init__(ghost)
        self.mine = mine

    def start(self, world: Watched) -> None:
        """Nothing is open."""
        super().start(world)
        self.open: list[tuple[Name, Ballot, int, str]] = []
        self.told: list[tuple[Name, Ballot, int, str]] = []
        self.ever: list[tuple[Name, Ballot, int, str]] = []

    def see(self, event: Event) -> Violation | None:
        """At the next choice, every vote of the turn before must have been announced."""
        what = event.what
        if event.kind == "send" and event.node in self.mine:
            self.checks += 1
            self.open.append((event.node, what.ballot, what.height, what.hash))
        elif event.kind == "announce":
            self.told.append((event.node, what.ballot, what.height, what.hash))
            self.ever.append(self.told[-1])
        elif event.kind == "crash":  # right after its save: what it would have told, it could not
            self.open = [one for one in self.open if one[0] != event.node]
        elif event.kind in ("deliver", "fire"):
            missing = [one for one in self.open if one not in self.ever]  # a copy of a vote is judged elsewhere
            self.open, self.told = [], []
            if missing:
                name, ballot, height, _ = missing[0]
                reason = f"{title(name)} voted in ballot {ballot} for slot {height}, and did not announce it"
                return self.broken(reason, event)
        return None


ADVICE = {
    "": "Look at what your server promised, voted and decided before, slot by slot.",
    "liveness": "Look at whether every Prepare, Accept and Decide is answered or used, and every gap is closed.",
    "every vote is announced": "Look at what the statement says of a vote.",
    "P2c": "Look at what the promises say about the next slot, and at what a new leader must finish first.",
    "a promise is complete": "Look at what a promise reports after a decision that came again.",
    "a promise is kept": "Look at what the promise is after a slot is decided: it is one for all slots.",
}

GROUPS: tuple[tuple[str, ...], ...] = ((KIT, KIT, MINE), (MINE, MINE, MINE), (KIT, MINE, KIT, MINE, MINE))
RUNS = (("crash", 400), ("all", 500), ("partition", 400), ("duplication", 300), ("all", 500))


def claims_for(nodes: Sequence[str]) -> Callable[[], Sequence[Claim]]:
    """Return what makes the claims that watch a cluster of these nodes."""
    mine = frozenset(number for number, node in enumerate(nodes, 1) if node == MINE)
    return lambda: claims_of_words([lambda ghost: VotesAnnounced(ghost, mine)])


def judge_cluster(subject: Subject, seed: int) -> None:
    """Learner's servers among the kit's: simulated with every fault, then in threads."""
    for run, (nemesis, steps) in enumerate(RUNS):
        nodes = GROUPS[run % len(GROUPS)]
        subject.renew()
        trial({MINE: subject.node("Server")}, nodes, 1_000 * seed + run, nemesis, steps, claims_for(nodes), ADVICE)
    subject.renew()
    live({MINE: subject.node("Server")}, GROUPS[0], claims_for(GROUPS[0]), ADVICE)


EXERCISE = Exercise(
    id="08_log",
    module="log",
    names=("Server",),
    properties=(
        Property("promise", "A promise is kept for all slots, and tells the vote and the blocks that others lack", 1,
                 judge(PROMISE)),
        Property("votes", "A vote is for a good block of the next slot, in the ballot that was asked", 1, judge(VOTES)),
        Property("lead", "A majority of promises makes a leader, who first finishes what may be chosen", 1,
                 judge(LEAD)),
        Property("decide", "Decided blocks are appended in order, each once, and stay as they are", 1, judge(DECIDE)),
        Property("cluster", "Among the kit's servers, with every fault: the claims hold and everything is answered", 1,
                 judge_cluster),
    ),
    given=("plain", "node", "messages", "literals", "synod", "chain", "store", "member"),
    roles=SPEAKERS,
    planted="a promise never brings the blocks that are decided already",
    plant="""
import dataclasses

def plant(answer):
    class Silent(answer.Server):
        def send(self, to, message):
            if type(message).__name__ == "Promise":
                message = dataclasses.replace(message, blocks=())
            super().send(to, message)

    answer.Server = Silent
    return answer
""",
)  # fmt: skip
