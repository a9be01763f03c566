"""Dice choose: a seed goes in, a story comes out, and the same seed gives the same story in every process.

Time is virtual: the next thing to happen is the one that is due first, and nothing waits. A *nemesis* makes trouble:
it loses, doubles and delays messages, cuts links, splits the servers, crashes one, several, or all.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from paxoskit.claims.claim import Claim, Violation
from paxoskit.claims.safety import safety_claims
from paxoskit.protocol.messages import Answered, Elected, GaveUp, Get, Operation, Put
from paxoskit.protocol.node import Node, title
from paxoskit.protocol.plain import Name
from paxoskit.protocol.server import Server
from paxoskit.trace import Trace
from paxoskit.worlds.choice import AFTER, BEFORE, KEPT
from paxoskit.worlds.world import Flight, Timer, World, check_count

HOP = (5.0, 15.0)
"""How long a message takes when nobody disturbs it, in milliseconds."""

SLOWEST = 1_000.0
"""How long a delayed message may take: 100 times the mean."""


@dataclass(frozen=True)
class Nemesis:
    """Who makes trouble: chances per message, and the faults that it likes to cause, each healed after a while."""

    loss: float = 0.0
    duplication: float = 0.0
    delay: float = 0.0
    faults: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("loss", "duplication", "delay"):
            chance = getattr(self, name)
            if type(chance) not in (int, float) or not 0 <= chance < 1:
                raise ValueError(f"{name}: expected a chance from 0 to below 1, got {chance!r}")
        for fault in self.faults:
            if fault not in FAULTS:
                raise ValueError(f"faults: expected some of {', '.join(FAULTS)}, got {fault!r}")


FAULTS = ("cut", "one-way", "partition", "crash", "crash-several", "crash-all")

NEMESES: dict[str, Nemesis] = {
    "none": Nemesis(),
    "loss": Nemesis(loss=0.2),
    "duplication": Nemesis(duplication=0.4),
    "delay": Nemesis(delay=0.1),
    **{fault: Nemesis(faults=(fault,)) for fault in FAULTS},
    "all": Nemesis(loss=0.08, duplication=0.15, delay=0.04, faults=FAULTS),
}

BOUND, BOUND_PER_REQUEST = 1_500, 15
"""After all faults ended, everything asked is answered within so many steps, and so many more per open request."""

KEYS = ("'x'", "'y'", "'z'")


@dataclass
class Workload:
    """What clients ask while the simulator runs: puts of fresh numbers and gets, each after a pause for thought."""

    think: tuple[float, float] = (0.0, 300.0)
    asked: int = 0

    def next(self, dice: Random) -> Operation:
        """Return the next operation."""
        self.asked += 1
        key = dice.choice(KEYS)
        return Get(key) if dice.random() < 0.4 else Put(key, str(self.asked))


@dataclass
class Outcome:
    """What a simulated run came to."""

    seed: int
    steps: int
    asked: int
    acknowledged: int
    elections: int
    faults: dict[str, int]
    checks: dict[str, int]
    violations: list[Violation]
    digest: str = field(repr=False)


class Simulator:
    """A world whose next step is chosen by dice with the seed `seed`.

    `nemesis` is a name of `NEMESES` or a `Nemesis`; `claims` is True for all safety claims, False for none, or claims.

    >>> simulator = Simulator(seed=1, servers=3)
    >>> simulator.run(500)
    >>> simulator.calm()
    True
    >>> simulator.violations, simulator.asked - simulator.acknowledged
    ([], 0)

    Raises ValueError, in one line, for arguments that make no world.
    """

    def __init__(
        self,
        seed: int = 0,
        servers: int | Sequence[type[Node]] = 3,
        *,
        server: type[Node] = Server,
        clients: int = 3,
        nemesis: str | Nemesis = "none",
        claims: bool | Iterable[Claim] = True,
        difficulty: int = 1,
        workload: Workload | None = None,
    ) -> None:
        if type(seed) is not int:
            raise ValueError(f"seed: expected a whole number, got {seed!r}")
        self.seed = seed
        self.nemesis = _nemesis(nemesis)
        self.dice = Random(f"paxoskit {seed}")
        chosen = (safety_claims() if claims else ()) if isinstance(claims, bool) else claims
        self.world = World(
            servers, server=server, clients=clients, difficulty=difficulty, claims=chosen, seed=seed
        )
        self.workload = workload or Workload()
        self.agenda: list[tuple[float, int, Callable[..., None], Any]] = []
        self.entries = 0
        self.steps = 0
        self.asked = self.acknowledged = 0
        self.faults: Counter[str] = Counter()
        self.doomed: dict[Name, str] = {}  # servers that crash at their next delivery, before or after its save
        self.calming = False
        self.liveness: list[Violation] = []
        self._schedule()
        if self.nemesis.faults:
            self._later(self.dice.uniform(50, 500), self._trouble)
        for client in self.world.clients:
            self._later(self.dice.uniform(*self.workload.think), self._ask, client)

    @property
    def trace(self) -> Trace:
        """What happened so far."""
        return self.world.trace

    @property
    def violations(self) -> list[Violation]:
        """The claims that fell so far, in order."""
        return self.world.violations + self.liveness

    def run(self, steps: int) -> None:
        """Let `steps` things happen, or stop at the first claim that falls."""
        end = self.steps + check_count("steps", steps, 0, 1_000_000_000)
        while self.steps < end and not self.violations and self.agenda:
            self.step()

    def step(self) -> None:
        """Let the next thing happen: the one that is due first."""
        due, _, action, item = heapq.heappop(self.agenda)
        self.world.trace.now = due
        self.steps += 1
        action(item)
        self._schedule()

    def calm(self) -> bool:
        """End all faults, ask nothing new, and wait: everything asked must be answered, and every chain be equal.

        Returns False, and notes a violation of liveness, if it takes more steps than `BOUND` says.
        """
        self.calming, self.nemesis = True, Nemesis()
        self.doomed.clear()
        for sender, receiver in sorted(self.world.cut, key=repr):
            self.world.set_link(sender, receiver, cut=False)
        for name in self.world.servers:
            self._restart(name)
        self._schedule()
        bound = BOUND + BOUND_PER_REQUEST * (self.asked - self.acknowledged)
        while not self._settled():
            if bound == 0 or self.world.violations or not self.agenda:
                break
            bound -= 1
            self.step()
        if not self.world.violations and not self._settled():
            self.liveness.append(Violation("everything asked is answered", self._unsettled(), ()))
        for claim in [] if self.violations else self.world.claims:
            violation = claim.finish()
            if violation is not None:
                self.world.violations.append(violation)
        return not self.violations

    def outcome(self) -> Outcome:
        """Return what the run came to."""
        elections = sum(type(event.what) is Elected for event in self.trace)
        checks = {claim.name: claim.checks for claim in self.world.claims if claim.name != "ghost recorder"}
        return Outcome(
            self.seed, self.steps, self.asked, self.acknowledged, elections, dict(self.faults), checks,
            self.violations, self.trace.digest(),
        )  # fmt: skip

    # What is due when --------------------------------------------------------------------------------------

    def _later(self, wait: float, action: Callable[..., None], item: Any = None) -> None:
        self.entries += 1
        heapq.heappush(self.agenda, (self.world.trace.now + wait, self.entries, action, item))

    def _schedule(self) -> None:
        """Give a due time to all that the last step set in motion."""
        fresh, nemesis, dice = self.world.fresh, self.nemesis, self.dice
        while fresh:
            items, self.world.fresh = fresh, []
            for item in items:
                kind = type(item)
                if kind is Timer:
                    self._later(dice.uniform(item.low, item.high), self._ring, item)  # type: ignore[union-attr]
                elif kind is Flight:
                    self._send(item, nemesis, dice)  # type: ignore[arg-type]
                else:
                    self._answered(item)  # type: ignore[arg-type]
            fresh = self.world.fresh

    def _send(self, flight: Flight, nemesis: Nemesis, dice: Random) -> None:
        if nemesis.loss and dice.random() < nemesis.loss:
            self.faults["loss"] += 1
            self.world.drop(flight)
            return
        if nemesis.duplication and dice.random() < nemesis.duplication:
            self.faults["duplication"] += 1
            self.world.duplicate(flight)
        wait = dice.uniform(*HOP)
        if nemesis.delay and dice.random() < nemesis.delay:
            self.faults["delay"] += 1
            wait = dice.uniform(HOP[1], SLOWEST)
        self._later(wait, self._arrive, flight)

    def _arrive(self, flight: Flight) -> None:
        if flight.number not in self.world.flying:
            return
        if not self.world.is_up(flight.receiver):
            self.world.drop(flight)
            return
        doom = self.doomed.pop(flight.receiver, None)
        self.world.deliver(flight, doom)
        if doom:
            self.faults[f"crash {doom} save"] += 1
            self._later(self.dice.uniform(100, 1_000), self._restart, flight.receiver)

    def _ring(self, timer: Timer) -> None:
        if self.world.timers.get((timer.node, timer.message)) is timer:
            self.world.fire(timer)

    def _ask(self, client: Name) -> None:
        if not self.calming:
            self.asked += 1
            self.world.ask(client, self.workload.next(self.dice))

    def _answered(self, fact: Answered | GaveUp) -> None:
        self.acknowledged += 1
        client = fact.session.partition("/")[0]
        self._later(self.dice.uniform(*self.workload.think), self._ask, client)

    # Trouble -----------------------------------------------------------------------------------------------

    def _trouble(self, _: None) -> None:
        if self.calming:
            return
        self._later(self.dice.uniform(50, 1_000), self._trouble)
        fault, done = self.dice.choice(self.nemesis.faults), False
        servers = list(self.world.servers)
        wait = self.dice.uniform(100, 2_000)
        match fault:
            case "cut" | "one-way" if len(servers) > 1:
                a, b = self.dice.sample(servers, 2)
                done = self._cut([(a, b)] if fault == "one-way" else [(a, b), (b, a)], wait)
            case "partition":
                side = set(self.dice.sample(servers, self.dice.randint(1, max(1, len(servers) - 1))))
                done = self._cut([(a, b) for a in servers for b in servers if (a in side) != (b in side)], wait)
            case "crash":
                done = self._fail([self.dice.choice(servers)], wait)
            case "crash-several":
                done = self._fail(self.dice.sample(servers, self.dice.randint(1, len(servers))), wait)
            case "crash-all":
                done = self._fail(servers, wait)
        self.faults[fault] += done

    def _cut(self, links: list[tuple[int, int]], wait: float) -> bool:
        for sender, receiver in links:
            self.world.set_link(sender, receiver, cut=True)
        self._later(wait, self._mend, links)
        return bool(links)

    def _mend(self, links: list[tuple[int, int]]) -> None:
        for sender, receiver in links:
            if (sender, receiver) in self.world.cut:
                self.world.set_link(sender, receiver, cut=False)

    def _fail(self, names: list[int], wait: float) -> bool:
        """Crash servers now, or each at its next delivery, before its save or after; say if any of them was up."""
        running = [name for name in names if self.world.is_up(name)]
        for name in running:
            how = self.dice.choice((None, None, BEFORE, AFTER))
            if how:
                self.doomed[name] = how
            else:
                self.world.crash(name, KEPT)
                self._later(wait, self._restart, name)
        return bool(running)

    def _restart(self, name: int) -> None:
        if not self.world.is_up(name):
            self.world.restart(name)

    # The end -----------------------------------------------------------------------------------------------

    def _settled(self) -> bool:
        if self.asked != self.acknowledged:
            return False
        chains = [self.world.chain(name) for name in self.world.servers]
        return all(chain == chains[0] for chain in chains)

    def _unsettled(self) -> str:
        heights = ", ".join(f"{title(name)} has {len(self.world.chain(name))}" for name in self.world.servers)
        return self._still("the chains of the servers differ", heights)

    def _still(self, otherwise: str, heights: str) -> str:
        waiting = self.asked - self.acknowledged
        what = f"{waiting} of {self.asked} requests wait" if waiting else otherwise
        return f"faults ended, all servers are up, and still {what} after the bound of steps (blocks: {heights})"


def _nemesis(nemesis: str | Nemesis) -> Nemesis:
    if isinstance(nemesis, Nemesis):
        return nemesis
    if not isinstance(nemesis, str) or nemesis not in NEMESES:
        raise ValueError(f"nemesis: expected one of {', '.join(NEMESES)}, got {nemesis!r}")
    return NEMESES[nemesis]
