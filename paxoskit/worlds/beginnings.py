"""The story that led to a world, read off its trace: whoever goes on from the world tells it first."""

from __future__ import annotations

from collections.abc import Iterable

from paxoskit.protocol.node import Node
from paxoskit.protocol.plain import Name
from paxoskit.trace import CHOICES, Event
from paxoskit.worlds.choice import AFTER, BEFORE, Choice
from paxoskit.worlds.story import Story
from paxoskit.worlds.synod import place
from paxoskit.worlds.world import World


def story_of(world: World) -> tuple[Story, dict[str, type[Node]]]:
    """Return the story of a world that was born as `World(...)` makes it, and the classes of its servers.

    >>> from paxoskit.worlds.choice import Choice
    >>> world = World(3)
    >>> world.happen(Choice("crash", 2))
    >>> story_of(world)[0].choices
    (Choice(kind='crash', node=2, peer=None, what=None, copy=0, crash=None, disk='kept'),)

    Raises ValueError for a world whose trace does not lead to where it is: it was forked without its past, or goes on
    from disks of before.
    """
    classes = {place(world.classes[name]): world.classes[name] for name in world.servers}
    peers = world.peers[world.servers[0]]
    story = Story(
        nodes=tuple(place(world.classes[name]) for name in world.servers),
        clients=tuple(() if world.peers[name] == world.servers else world.peers[name] for name in world.clients),
        choices=tuple(choices_of(world.trace)), difficulty=world.difficulty,
        acceptors=0 if peers == world.servers else len(peers), claims="safety" if peers == world.servers else "synod",
    )  # fmt: skip
    again = story.replay(classes=classes)
    if [_state(again, name) for name in world.nodes] != [_state(world, name) for name in world.nodes]:
        raise ValueError("expected a world whose trace tells all that happened in it since its birth")
    return story, classes


def _state(world: World, name: Name) -> object:
    node = world.nodes.get(name)
    return None if node is None else type(node).state(node)


def choices_of(events: Iterable[Event]) -> list[Choice]:
    """Return the choices that a trace tells of; a message is named by its copy among those in flight."""
    flying: dict[int, tuple[Name, Name, object]] = {}
    found: list[Choice] = []
    for event in events:
        if event.kind == "send" and event.peer is not None and event.peer != event.node:
            flying[event.n] = (event.node, event.peer, event.what)
        elif event.kind == "lost" and event.peer is not None:
            flying.pop(event.cause, None)
        elif event.kind == "crash" and str(event.what).endswith("the save"):
            before = found.pop()
            moment = BEFORE if BEFORE in event.what else AFTER
            found.append(Choice("deliver", before.node, before.peer, before.what, before.copy, moment))
        elif event.kind in CHOICES:
            found.append(_choice(event, flying))
    return found


def _choice(event: Event, flying: dict[int, tuple[Name, Name, object]]) -> Choice:
    if event.kind in ("deliver", "drop", "duplicate"):
        flight = flying[event.cause]
        copy = sum(other == flight for number, other in flying.items() if number < event.cause)
        if event.kind == "duplicate":
            flying[event.n] = flight
        else:
            del flying[event.cause]
        return Choice(event.kind, event.node, event.peer, event.what, copy)
    if event.kind == "crash":
        return Choice("crash", event.node, disk=event.what)
    return Choice(event.kind, event.node, event.peer, event.what)
