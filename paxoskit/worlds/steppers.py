"""Steppers of other things than a cluster: of a story, of a simulator; and the story of where a stepper stands."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from paxoskit.claims.claim import Claim
from paxoskit.claims.safety import safety_claims
from paxoskit.claims.synod import synod_claims
from paxoskit.protocol.node import Node
from paxoskit.trace import CHOICES, Event, Record, Trace, sentence
from paxoskit.worlds.moments import crash_of, grouped
from paxoskit.worlds.recording import again
from paxoskit.worlds.simulator import Simulator
from paxoskit.worlds.stepper import Planned, Stepper
from paxoskit.worlds.story import BEAT, OURS, Story, StoryError
from paxoskit.worlds.synod import place
from paxoskit.worlds.world import World

CLAIMS: dict[str, Callable[[], Sequence[Claim]]] = {"safety": safety_claims, "synod": synod_claims}
"""The sets of claims that a story may name."""


def stepper_of_story(story: Story, classes: Mapping[str, type[Node]] | None = None) -> Stepper:
    """Return a stepper at the end of a story; its first branch is the story.

    Raises StoryError, naming the choice, for one that cannot happen, and for a class that is not there.

    >>> from paxoskit.worlds.choice import Choice
    >>> stepper = stepper_of_story(Story(nodes=("paxoskit:Server",) * 3, choices=(Choice("crash", 2),)))
    >>> str(stepper.moment), stepper.back().number
    ('server 2 crashes (disk kept)', 0)
    """
    claims = CLAIMS.get(story.claims)
    world = story.world(classes, claims() if claims is not None else ())
    world.trace.records.clear()
    stepper = Stepper(world, seed=story.seed or 0)
    stepper.trunk.name = "the story"
    for number, choice in enumerate(story.choices):
        at = story.times[number] if number < len(story.times) else stepper.world.trace.now + BEAT
        reason = stepper.why_not(choice)
        if reason is not None:
            raise StoryError(f"choice {number + 1} of the story cannot happen ({choice}): {reason}")
        stepper.choose(choice, at)
    stepper.origin = stepper.moment
    stepper.begin = story
    return stepper


def stepper_of_simulator(simulator: Simulator) -> Stepper:
    """Return a stepper at the beginning of a simulator's run: its first branch goes where the simulator's dice lead.

    What the simulator did already lies ahead; after that its dice are thrown as the stepper goes on.

    >>> stepper = stepper_of_simulator(Simulator(seed=1, servers=3))
    >>> str(stepper.step())
    "client 1 is asked to get 'x'"
    """
    classes = [simulator.world.classes[server] for server in simulator.world.servers]
    claims = safety_claims() if simulator.world.claims else ()
    world = World(classes, clients=len(simulator.world.clients), difficulty=simulator.world.difficulty, claims=claims,
                  seed=simulator.seed)  # fmt: skip
    stepper = Stepper(world, plan=iter(()), seed=simulator.seed)
    stepper.plan = _dice(simulator, world.trace.count, stepper)
    stepper.trunk.name = f"seed {simulator.seed}"
    return stepper


def _dice(simulator: Simulator, done: int, stepper: Stepper) -> Iterator[Planned]:
    """Yield what the simulator lets happen, after event `done`."""
    while True:
        for group in grouped(_newest(simulator, done)):
            event = tuple.__new__(Event, group[0][:7])
            act = partial(again, event=event, crash=crash_of(group), clients=simulator.world.peers)
            yield Planned(event.at, sentence(event), act, event.what)
        done = simulator.trace.count
        if not simulator.agenda or simulator.violations:
            return
        simulator.step()
        for due, _, _, item in simulator.agenda:
            number = getattr(item, "number", 0)
            if number > done:
                stepper.trunk.due[number] = due


def _newest(simulator: Simulator, done: int) -> list[Record]:
    found = []
    for record in reversed(simulator.trace.records):
        if record[0] <= done:
            break
        found.append(record)
    return found[::-1]


def stepper_of_trace(trace: Trace, classes: Mapping[str, type[Node]] | None = None) -> Stepper:
    """Return a stepper at the end of a trace that began with the birth of its servers; `classes` may have "Server".

    Raises ValueError, in one line, for a trace whose beginning is missing, and for one that goes another way when its
    choices are made again.
    """
    born = [event.node for event in trace if event.kind == "start"]
    if not trace.servers or born[: trace.servers] != list(range(1, trace.servers + 1)):
        raise ValueError("expected a trace from its beginning on, in which each server starts; this one begins later")
    server = (classes or {}).get("Server", OURS["paxoskit:Server"])
    world = World(trace.servers, server=server, clients=0, seed=trace.seed)
    peers = dict.fromkeys(born[trace.servers :], world.servers)
    births = {("start", client) for client in peers}
    world.trace.records.clear()
    stepper = Stepper(world, seed=trace.seed or 0)
    stepper.clients = {**stepper.clients, **peers}
    stepper.trunk.name = "the trace"
    chosen = [record for record in trace.records if record[2] in CHOICES or record[2:4] in births]
    for group in grouped(chosen):
        event = tuple.__new__(Event, group[0][:7])
        try:
            stepper.retell(event, crash_of(group))
        except (KeyError, ValueError, AttributeError):
            break
    if stepper.moment.count != trace.count:
        raise ValueError("expected a trace of the kit's own servers: told again, it goes another way; open its story")
    stepper.origin = stepper.moment
    return stepper


def story_of(stepper: Stepper) -> Story:
    """Return the story of the way to where a stepper stands. Told again, it gives the same moment.

    Raises StoryError if the way does not begin at the world's birth.
    """
    if not stepper.birth:
        raise StoryError(
            f"no story leads to here: what was before event {stepper.branch.moment(0).count:,} is forgotten, or the "
            "disks came from a file"
        )
    told = stepper.told()
    begin = stepper.begin if isinstance(stepper.begin, Story) else _beginning(stepper)
    fallen = stepper.violations[:1]
    return replace(
        begin, choices=tuple(choice for choice, _ in told), times=tuple(at for _, at in told),
        claim=fallen[0].claim if fallen else "", says=fallen[0].reason if fallen else "",
    )  # fmt: skip


def _beginning(stepper: Stepper) -> Story:
    """Return how the world of a stepper began, as a story without choices."""
    world = stepper.world
    peers = world.peers[1]
    claims = "safety" if peers == world.servers else "synod"
    return Story(
        nodes=tuple(place(world.classes[server]) for server in world.servers),
        clients=tuple(() if world.peers[client] == world.servers else world.peers[client] for client in world.clients),
        difficulty=world.difficulty, acceptors=0 if peers == world.servers else len(peers), seed=world.trace.seed,
        claims=claims if stepper.names else "none",
    )  # fmt: skip
