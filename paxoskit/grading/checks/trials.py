"""Seeded runs of a learner's server among the kit's own, for the exercises 08 to 11, judged by what was said.

A learner's server shows what it decided by announcing `Applied`, as the given parts of these exercises do; no check
looks at its disk. When a claim falls, the run becomes a story, shrunk within a bound, that opens in the lab.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

from paxoskit.claims.claim import Claim, Violation, Watched
from paxoskit.claims.safety import SAFETY, Ghost, GhostClaim
from paxoskit.grading.properties import Failed
from paxoskit.grading.subject import MISSING, NOT_WRITTEN, LearnerError, in_words
from paxoskit.protocol.messages import Applied, Blocks, Promise
from paxoskit.protocol.node import Node, title
from paxoskit.protocol.plain import Message, Name
from paxoskit.protocol.server import Server
from paxoskit.trace import Event
from paxoskit.worlds.beginnings import choices_of
from paxoskit.worlds.choice import LOST, Choice
from paxoskit.worlds.cluster import Cluster, NoMajority
from paxoskit.worlds.simulator import Nemesis, Simulator
from paxoskit.worlds.story import Story

KIT = "paxoskit:Server"

ON_DISK = (
    "only chosen blocks are applied", "chains are prefixes of one another", "links and nonces hold",
    "store = fold(chain)", "no acknowledged write is lost",
)  # fmt: skip
"""Claims that look at disks; `InOrder` and `OnlyChosenSent` say as much of messages and facts."""

REPLAYS = 15_000
"""While a story is shrunk, at most so many choices are made again: a bound that no clock decides."""


class InOrder(GhostClaim):
    """A server applies the chosen blocks, one after the other, each once."""

    name = "chosen blocks are applied in order, each once"
    sees = {"announce": (Applied,), "crash": ()}  # noqa: RUF012

    def start(self, world: Watched) -> None:
        """Nobody has applied anything."""
        super().start(world)
        self.heights: dict[Name, int] = dict.fromkeys(world.servers, 0)
        self.sure: dict[Name, bool] = dict.fromkeys(world.servers, True)

    def see(self, event: Event) -> Violation | None:
        """Compare with what this server applied before, and with what is chosen."""
        name = event.node
        if event.kind == "crash":
            self.sure[name] = False  # what it saved in its last turn, it may not have told
            if event.what == LOST:  # with its disk it lost its blocks, and learns them anew
                self.heights[name], self.sure[name] = 0, True
            return None
        self.checks += 1
        fact: Applied = event.what
        expected, self.heights[name] = self.heights[name], fact.height + 1
        if fact.height < expected or (self.sure[name] and fact.height > expected):
            return self.broken(
                f"{title(name)} applied the block of height {fact.height}; after {expected} blocks, the next one has "
                f"height {expected}", event,
            )  # fmt: skip
        self.sure[name] = True
        chosen = self.ghost.chosen.get(fact.height)
        if chosen is None or chosen.hash != fact.hash:
            return self.broken(
                f"{title(name)} applied block {fact.hash[:8]} at height {fact.height}, which no majority voted for "
                "in one ballot", event,
            )  # fmt: skip
        return None


class OnlyChosenSent(GhostClaim):
    """Blocks that are sent as decided are chosen, and in their order."""

    name = "only chosen blocks are sent as decided"
    sees = {"send": (Blocks, Promise)}  # noqa: RUF012

    def see(self, event: Event) -> Violation | None:
        """Compare each block with what is chosen."""
        self.checks += 1
        for block in event.what.blocks:
            chosen = self.ghost.chosen.get(block.height)
            if chosen is None or chosen.hash != block.hash or block.recomputed != block.hash:
                return self.broken(
                    f"{title(event.node)} sent block {block.hash[:8]} of height {block.height} as decided, which no "
                    "majority voted for in one ballot", event,
                )  # fmt: skip
        return None


def claims_of_words(
    more: Iterable[Callable[[Ghost], Claim]] = (), without: Sequence[str] = (), ghost: Ghost | None = None
) -> list[Claim]:
    """Return a fresh set of all safety claims that judge what is said, and `more` that read the same ghost."""
    memory = ghost or Ghost()
    claims: list[Claim] = [cls(memory) for cls in SAFETY if cls.name not in (*ON_DISK, *without)]
    return [memory, *claims, InOrder(memory), OnlyChosenSent(memory), *(make(memory) for make in more)]


class Trial(Simulator):
    """A simulated run that is over when everything is answered and all servers have applied equally many blocks."""

    def heights(self) -> dict[Name, int]:
        """Return how many blocks each server has told that it applied."""
        return next(claim.heights for claim in self.world.claims if isinstance(claim, InOrder))

    def _settled(self) -> bool:
        return self.asked == self.acknowledged and len(set(self.heights().values())) == 1

    def _unsettled(self) -> str:
        told = ", ".join(f"{title(name)} has applied {height}" for name, height in self.heights().items())
        return self._still("not all servers have applied equally many blocks", told)


Claims = Callable[[], Sequence[Claim]]
Advice = Mapping[str, str]


def begin(nodes: Sequence[str], clients: int = 3) -> Story:
    """Return the beginning of a run among these servers."""
    return Story(nodes=tuple(nodes), clients=((),) * clients)


def trial(
    classes: Mapping[str, type[Node]], nodes: Sequence[str], seed: int, nemesis: str | Nemesis, steps: int,
    claims: Claims, advice: Advice, kind: type[Trial] = Trial,
) -> Trial:  # fmt: skip
    """Run the dice over a cluster of these nodes; raise Failed for a claim that falls. Return the run.

    `advice`: for the name of a claim, what to look at; "" has what is said of all others. `kind`: who throws the dice.
    """
    known: dict[str, type[Node]] = {KIT: Server, **classes}
    run = None
    try:
        run = kind(seed, [known[name] for name in nodes], nemesis=nemesis, claims=claims())
        run.run(steps)
        run.calm()
    except LearnerError as error:
        if error.why in (NOT_WRITTEN, MISSING) or run is None:
            raise
        raise with_story(error, run, nodes) from None
    except Exception as error:  # the world refused what the learner's server asked for, or its own code raised
        if run is None or not _hers(run, known):
            raise
        raise with_story(LearnerError(*in_words(error)), run, nodes) from error
    if run.world.violations:
        violation = run.world.violations[0]
        story = shrunk(begin(nodes), known, claims, choices_of(run.trace), violation.claim)
        raise Failed(words(story, advice), story=story)
    if run.liveness:
        raise Failed(f"{run.liveness[0].reason}.\n{advice.get('liveness', advice[''])}")
    return run


def _hers(run: Trial, known: Mapping[str, type[Node]]) -> bool:
    return any(cls is not Server for cls in run.world.classes.values())


def words(story: Story, advice: Advice) -> str:
    """Return the claim that falls in a story, in words."""
    return f"the claim «{story.claim}» fell: {story.says}.\n{advice.get(story.claim, advice[''])}"


def with_story(error: LearnerError, run: Trial, nodes: Sequence[str]) -> LearnerError:
    """Return a learner's error with the choices that led to it (all but the one that it happened in)."""
    told = LearnerError(error.says, error.why)
    choices = choices_of(run.trace)
    if len(choices) <= 40:
        told.story = replace(begin(nodes), choices=tuple(choices), says=error.says.splitlines()[-1])
    return told


def tell(
    start: Story, known: Mapping[str, type[Node]], claims: Claims, choices: Iterable[Choice]
) -> tuple[list[Choice], Violation | None]:
    """Let the choices happen, as far as they can, until a claim falls; return those that did happen."""
    world = start.world(known, claims())
    done: list[Choice] = []
    for choice in choices:
        world.trace.now += 10
        try:
            world.happen(choice)
        except LearnerError:
            break
        except ValueError:
            continue
        world.fresh.clear()
        done.append(choice)
        if world.violations:
            return done, world.violations[0]
    return done, None


def shrunk(
    start: Story, known: Mapping[str, type[Node]], claims: Claims, choices: Sequence[Choice], claim: str
) -> Story:
    """Return a short story in which the same claim falls: pieces are taken out while it still does, within a bound."""
    best, violation = tell(start, known, claims, choices)
    if violation is None:  # it does not fall again: a node that is no function of what it hears
        return replace(start, claim=claim, says="it did not fall again in a replay: something outside the server's "
                       "own state plays a part")  # fmt: skip
    left, size = REPLAYS - len(choices), max(1, len(best) // 2)
    while size >= 1 and left > 0:
        at, shorter = len(best) - size, False
        while at > -size and left > 0:
            fewer = best[: max(0, at)] + best[max(0, at) + size :]
            left -= len(fewer)
            kept, found = tell(start, known, claims, fewer)
            if found is not None and found.claim == violation.claim and len(kept) < len(best):
                best, violation, shorter = kept, found, True
            at = min(at - size, len(best) - size)
        if not (shorter and size == 1):
            size //= 2
    return replace(start, choices=tuple(best), claim=violation.claim, says=violation.reason)


# In threads ---------------------------------------------------------------------------------------------------


class NotJudged(Exception):
    """A live run came to no end, twice: nothing follows from it."""


LIVE_TIMEOUT = 5.0


def live(
    classes: Mapping[str, type[Node]], nodes: Sequence[str], claims: Claims, advice: Advice, puts: int = 12
) -> None:
    """Run a cluster of these nodes in threads: puts and gets, a server that fails and comes back.

    What goes wrong costs a point only if the recording, replayed, breaks the claim again. What only takes too long is
    run once more, and then raises NotJudged.
    """
    known: dict[str, type[Node]] = {KIT: Server, **classes}
    for last in (False, True):
        try:
            if live_once(known, nodes, claims, advice, puts):
                return
        except NoMajority:
            pass
        if last:
            raise NotJudged


def live_once(
    known: Mapping[str, type[Node]], nodes: Sequence[str], claims: Claims, advice: Advice, puts: int
) -> bool:
    """Run it once; say whether it came to its end in time."""
    waiting: list[Future[Any]] = []
    with Cluster([known[name] for name in nodes], clients=2, claims=claims(), seed=1) as cluster:
        begun = time.monotonic()
        for number in range(puts):
            if number == puts // 2:
                cluster.fail_process(1)
            waiting += [
                cluster.put_async("x", number, client=1, timeout=LIVE_TIMEOUT),
                cluster.get_async("x", client=2, timeout=LIVE_TIMEOUT),
            ]
            if number == puts // 2:
                cluster.restart_process(1)
        ended = True
        for future in waiting:
            try:
                future.result(timeout=max(0.1, 4 * LIVE_TIMEOUT - (time.monotonic() - begun)))
            except (NoMajority, TimeoutError):
                ended = False
        violations, errors = list(cluster.violations), list(cluster.errors)
        choices = choices_of(cluster.trace)
    if not violations and not errors:
        return ended
    _, again = tell(replace(begin(nodes, 2), claims="none"), known, claims, choices)
    if again is not None:
        story = shrunk(begin(nodes, 2), known, claims, choices, again.claim)
        raise Failed(words(story, advice), story=story)
    if errors:
        raise LearnerError(f"in the threaded cluster: {errors[0]}")
    return False


# Who speaks to a learner's server ------------------------------------------------------------------------------


class Speaker(Node):
    """Says to server 1 what it is asked to say, whatever that is, and does not answer what it hears."""

    def _handler(self, sender: Name, message: Message) -> Callable[[Name, Message], None]:
        return self.speak

    def speak(self, sender: Name, message: Message) -> None:
        """Pass on what I am asked to say."""
        if sender == self.name:
            self.send(1, message)


SPEAKER = "paxoskit/grading/checks/trials.py:Speaker"
SPEAKERS: dict[str, type[Node]] = {SPEAKER: Speaker}
