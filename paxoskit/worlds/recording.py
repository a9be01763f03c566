"""A recording: where a world began, and every choice made since. Replayed, it gives the same events again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from paxoskit.protocol.plain import Name
from paxoskit.trace import CHOICES, Event
from paxoskit.worlds.choice import AFTER, BEFORE
from paxoskit.worlds.world import World


@dataclass(frozen=True)
class Recording:
    """The world as it was at a checkpoint, the events since, and the clients (with whom each may ask)."""

    start: World
    events: tuple[Event, ...]
    clients: Mapping[Name, Sequence[int]]

    def replay(self, steps: int | None = None) -> World:
        """Return the world after the recorded choices (or the first `steps` of them), made again one by one."""
        world = self.start.fork(claims=False)
        for event in _with_crashes(self.events)[:steps]:
            world.trace.now = event[0].at
            again(world, *event, self.clients)
            world.fresh.clear()
        return world

    def differences(self) -> list[str]:
        """Replay, and return each event that came out otherwise: an empty list, if the recording is true."""
        again = list(self.replay().trace)
        return [f"recorded {a}, replayed {b}" for a, b in zip_longest(self.events, again) if a != b]


def _with_crashes(events: Iterable[Event]) -> list[tuple[Event, str | None]]:
    """Return the choices and the births of clients; a delivery that crashed its server comes with the moment."""
    found: list[tuple[Event, str | None]] = []
    for event in events:
        if event.kind == "crash" and event.what.endswith("the save"):
            delivery, _ = found.pop()
            found.append((delivery, BEFORE if BEFORE in event.what else AFTER))
        elif event.kind in CHOICES or event.kind == "start":
            found.append((event, None))
    return found


def again(world: World, event: Event, crash: str | None, clients: Mapping[Name, Sequence[int]]) -> None:
    """Let happen once more, in the world as it was right before, what `event` tells.

    `crash`: did this delivery crash its server before its save, or after it? `clients`: whom each client may ask.
    """
    match event.kind:
        case "start":
            world.add_client(clients[event.node])
        case "deliver":
            world.deliver(world.flying[event.cause], crash)
        case "drop":
            world.drop(world.flying[event.cause])
        case "duplicate":
            world.duplicate(world.flying[event.cause])
        case "fire":
            world.fire(world.timers[event.node, event.what])
        case "crash":
            world.crash(event.node, event.what)
        case "restart":
            world.restart(event.node)
        case "cut" | "mend":
            world.set_link(event.peer, event.node, event.kind == "cut")
        case "ask":
            world.ask(event.node, event.what)
