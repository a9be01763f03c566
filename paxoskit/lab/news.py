"""What is new in a space-time diagram: a step adds an event and a few arrows, and only these travel to the browser.

    old diagram, new diagram --news--> what is new      (in the kernel)
    old diagram, what is new --patched--> new diagram   (in the browser: spacetime.js has the same function)

Places in the window need not be sent: an event's place is its rank among the events that are shown, an arrow begins at
the event that is its `cause` and ends at the one that is its `deliver`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

from paxoskit.pictures.spacetime import Diagram

News: TypeAlias = dict[str, Any]

REST = ("lines", "down", "first", "last", "of", "version")
"""What is neither events nor arrows: it is sent if it is another."""


def news(old: Diagram, new: Diagram) -> News | None:
    """Return what turns one diagram into the other; None if that would be most of it, or if nodes have other lines.

    `events` and `arrows`: those that are new or have changed, without their places; `gone` and `ended`: the numbers of
    events and of arrows that are no longer there; and whatever else is another one.

    >>> from paxoskit.pictures.spacetime import spacetime
    >>> from paxoskit.worlds.world import World
    >>> world = World(servers=3)
    >>> world.crash(1), world.crash(2)
    (None, None)
    >>> before = {**spacetime(world.trace), "version": 1}
    >>> world.restart(1)
    >>> fresh = news(before, {**spacetime(world.trace), "version": 2})
    >>> [event["says"] for event in fresh["events"]], fresh["from"], fresh["version"]
    (['server 1 restarts'], 1, 2)
    """
    if old.get("lines") != new["lines"]:
        return None
    events, gone = _differences(map(_event, old["events"]), map(_event, new["events"]))
    arrows, ended = _differences(map(_arrow, old["arrows"]), map(_arrow, new["arrows"]))
    if 2 * len(events) > len(new["events"]):
        return None
    fresh = {"from": old["version"], "events": events, "gone": gone, "arrows": arrows, "ended": ended}
    return fresh | {name: new[name] for name in REST if new[name] != old[name]}


def patched(old: Diagram, fresh: News) -> Diagram:
    """Return the diagram that `fresh` makes of an old one."""
    events = _merged(old["events"], fresh["events"], fresh["gone"])
    places = {event["n"]: place for place, event in enumerate(events)}
    arrows = [
        {**arrow, "from": [places.get(arrow["cause"], -1), arrow["from"][1]],
         "to": arrow["to"] and [places.get(arrow["deliver"], len(events)), arrow["to"][1]]}
        for arrow in _merged(old["arrows"], fresh["arrows"], fresh["ended"])
    ]  # fmt: skip
    rest = {name: fresh.get(name, old[name]) for name in REST}
    return {"events": [{**event, "x": places[event["n"]]} for event in events], "arrows": arrows, **rest}


def _event(event: Diagram) -> Diagram:
    return {name: value for name, value in event.items() if name != "x"}


def _arrow(arrow: Diagram) -> Diagram:
    return {**arrow, "from": [0, arrow["from"][1]], "to": arrow["to"] and [0, arrow["to"][1]]}


def _differences(old: Iterable[Diagram], new: Iterable[Diagram]) -> tuple[list[Diagram], list[int]]:
    """Return the things that are new or have changed, and the numbers of those that are gone."""
    known, there = {thing["n"]: thing for thing in old}, {thing["n"]: thing for thing in new}
    fresh = [thing for n, thing in there.items() if known.get(n) != thing]
    return fresh, [n for n in known if n not in there]


def _merged(old: list[Diagram], fresh: list[Diagram], gone: list[int]) -> list[Diagram]:
    things = {thing["n"]: thing for thing in (*old, *fresh)}
    return [things[n] for n in sorted(things.keys() - set(gone))]
