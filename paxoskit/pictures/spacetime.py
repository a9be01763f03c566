"""The space-time diagram: a line for each node, an arrow for each message, time to the right (Lamport 1978).

    events --spacetime--> JSON --spacetime_svg--> SVG text
    events --spacetime_graph--> networkx graph of happens-before
    events --draw_spacetime--> matplotlib figure

A place on the x axis is one *choice*: what a node does in one turn stands at one place, and two places are never one
moment. What happened before what is all that the picture says; how long it took, it does not say. All of it is pure and
needs nothing but events: of a running world, of a trace that was loaded, of a learner's own messages.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from html import escape
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import networkx as nx

from paxoskit.pictures.chain import shortened
from paxoskit.pictures.cluster import AMBER, INK, LINE, PAPER, QUIET, RED
from paxoskit.protocol.node import title
from paxoskit.protocol.plain import Name
from paxoskit.trace import CHOICES, KINDS, Event, Trace, _unfold, say, sentence

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Diagram: TypeAlias = dict[str, Any]

MOST, MOST_AFTER = 60, 2_000
"""So many choices are in a window unless asked otherwise; so many after it are looked through for arrivals."""

LETTERS, NAME_LETTERS = 120, 18
"""The longest sentence and the longest message name in a diagram."""

CONSEQUENCES = KINDS - CHOICES - {"start"}


class Turn(NamedTuple):
    """A choice, and what followed from it."""

    choice: Event
    follows: list[Event]


# From events to turns ---------------------------------------------------------------------------------------


def turns(events: Iterable[Event]) -> Iterator[Turn]:
    """Yield each choice (and each start) with what followed from it; what follows from no choice here is left out."""
    turn: Turn | None = None
    for event in events:
        if event.kind not in CONSEQUENCES:
            if turn is not None:
                yield turn
            turn = Turn(event, [])
        elif turn is not None:
            turn.follows.append(event)
    if turn is not None:
        yield turn


def _newest_first(trace: Trace) -> Iterator[Turn]:
    """Yield the turns of a trace backward, unfolding no more than is asked for."""
    follows: list[Event] = []
    for record in reversed(trace.records):
        choice, *more = _unfold(record)
        if choice.kind in CONSEQUENCES:  # a loaded trace keeps each event as a record of its own
            follows.append(choice)
        else:
            yield Turn(choice, [*more, *reversed(follows)])
            follows = []


def _from(events: Iterable[Event], first: int) -> Iterable[Event]:
    """Return events among which are all from number `first` on, without unfolding the whole of a long trace."""
    if not isinstance(events, Trace):
        return events
    place = len(events.records)
    for record in reversed(events.records):
        place -= 1
        if record[0] <= first:
            break
    return chain.from_iterable(_unfold(record) for record in islice(events.records, max(0, place), None))


def is_quiet(turn: Turn) -> bool:
    """Say whether nothing but time went by: a heartbeat or a timer, and nothing else followed.

    >>> from paxoskit.worlds.world import World
    >>> from paxoskit.worlds.choice import Choice
    >>> from paxoskit.protocol.messages import ElectionTimeout
    >>> world = World(servers=3)
    >>> world.happen(Choice("fire", 2, what=ElectionTimeout()))
    >>> [is_quiet(turn) for turn in turns(world.trace)][-1]  # it sends Prepare: that is not quiet
    False
    """
    if turn.choice.kind == "start":
        return True
    loud = any(event.kind != "save" and type(event.what).__name__ not in QUIET for event in turn.follows)
    return type(turn.choice.what).__name__ in QUIET and not loud


class _Filter(NamedTuple):
    """Which turns and messages the diagram shows."""

    lines: Collection[Name] | None
    servers: Collection[Name] | None
    kinds: Collection[str] | None
    quiet: bool

    def has_line(self, name: Name | None) -> bool:
        if self.lines is not None:
            return name in self.lines
        return self.servers is None or name in self.servers or not isinstance(name, int)

    def has_message(self, message: Any) -> bool:
        name = type(message).__name__
        return (self.quiet or name not in QUIET) and (self.kinds is None or name in self.kinds)

    def has_turn(self, turn: Turn) -> bool:
        choice = turn.choice
        if choice.kind == "start" or not self.has_line(choice.node) or (not self.quiet and is_quiet(turn)):
            return False
        return (
            self.kinds is None
            or choice.kind in self.kinds
            or type(choice.what).__name__ in self.kinds
            or any(event.kind == "send" and type(event.what).__name__ in self.kinds for event in turn.follows)
        )


def _window(
    events: Iterable[Event], first: int | None, most: int, shown: _Filter
) -> tuple[list[Turn], list[Turn]]:
    """Return all turns from the window's first one to its last, shown or not; and those after it."""
    if first is not None:
        coming = turns(event for event in _from(events, first) if event.n >= first)
        inside: list[Turn] = []
        room = most
        for turn in coming:
            inside.append(turn)
            room -= shown.has_turn(turn)
            if not room:
                break
        return inside, list(islice(coming, MOST_AFTER))
    backward = _newest_first(events) if isinstance(events, Trace) else reversed(list(turns(events)))
    inside, room = [], most
    for turn in backward:
        inside.append(turn)
        room -= shown.has_turn(turn)
        if not room:
            break
    return inside[::-1], []


# From turns to the diagram ----------------------------------------------------------------------------------


def spacetime(
    events: Iterable[Event],
    lines: Sequence[Name] | None = None,
    first: int | None = None,
    most: int = MOST,
    servers: Collection[Name] | None = None,
    kinds: Collection[str] | None = None,
    quiet: bool = False,
) -> Diagram:
    """Return a window of a space-time diagram as plain data.

    `lines`: the nodes that have a line, from the top (by default all servers, then the clients that take part).
    `first`: the number of the event where the window begins (by default the newest `most` choices are in it).
    `servers`: only these servers (and all clients). `kinds`: only choices and messages of these kinds (`"crash"`,
    `"Accept"`), with the turns that sent such a message. `quiet`: with heartbeats and idle timers.

    The data: `lines`, names; `events`, each with its number `n`, `line` (a place in `lines`), `x` (its place in the
    window), `kind`, `says`, `cause` (the choice that sent its message or set its timer, 0 for none), where it is so
    `decided` (the heights, as text) and `down`; `arrows`, each with its message's number `n`, `from` and `to` ([x,
    line]; x is -1 before the window, and the number of events after it; `to` is None while it is in flight), `name`,
    `says`, `cause` and `deliver` (the choices that sent and took it), where it is so `lost`, `quiet`, `copy` and `bend`
    (so many places to the right lies the point that pulls it off a straight way through what is another's);
    `down`, each [line, from x, to x or None]; `first` and `last`, the numbers at its ends; `of`, the newest number.

    >>> from paxoskit.worlds.world import World
    >>> world = World(servers=3)
    >>> world.crash(2)
    >>> diagram = spacetime(world.trace)
    >>> diagram["lines"], [event["says"] for event in diagram["events"]], diagram["down"]
    ([1, 2, 3], ['server 2 crashes (disk kept)'], [[1, 0, None]])

    Raises ValueError for a `first` or a `most` that is no number from 1 on.
    """
    for argument, value in (("first", 1 if first is None else first), ("most", most)):
        if type(value) is not int or value < 1:
            raise ValueError(f"{argument}: expected a whole number from 1 on, got {value!r}")
    if not isinstance(events, Trace):
        events = list(events)
    shown = _Filter(lines, servers, kinds, quiet)
    inside, after = _window(events, first, most, shown)
    kept = [turn for turn in inside if shown.has_turn(turn)]
    names = list(lines) if lines is not None else _lines(events, kept, shown)
    down = _down_before(events, inside[0].choice.n, names) if inside else []
    newest = events.count if isinstance(events, Trace) else max((event.n for event in events), default=0)
    return _Diagram(names, inside, after, kept, shown).drawn(newest, down)


def _lines(events: Trace | Sequence[Event], kept: list[Turn], shown: _Filter) -> list[Name]:
    """Return who has a line if nobody says: the servers by number, then the clients that take part, by number."""
    names: set[Any] = {turn.choice.node for turn in kept}
    for turn in kept:
        names |= {event.peer for event in turn.follows if event.kind == "send" and shown.has_message(event.what)}
        names |= {turn.choice.peer} if turn.choice.kind in ("deliver", "drop", "duplicate") else set()
    if isinstance(events, Trace):
        names |= set(range(1, events.servers + 1))
    else:
        names |= {event.node for event in events if isinstance(event.node, int)}
    return sorted((name for name in names if name is not None and shown.has_line(name)), key=in_order)


def in_order(name: Name) -> tuple[bool, list[int], str]:
    """Return the key that sorts names as people do: servers first, "client 2" before "client 10"."""
    return (not isinstance(name, int), [int(digits) for digits in re.findall(r"\d+", str(name))], str(name))


class _Diagram:
    """What it takes to draw one window."""

    def __init__(
        self, lines: list[Name], inside: list[Turn], after: list[Turn], kept: list[Turn], shown: _Filter
    ) -> None:
        self.line = {name: place for place, name in enumerate(lines)}
        self.inside, self.after, self.shown = inside, after, shown
        self.kept = [turn for turn in kept if turn.choice.node in self.line]
        self.x = {turn.choice.n: x for x, turn in enumerate(self.kept)}
        self.numbers = [turn.choice.n for turn in (*inside, *after)]
        self.arrows: dict[int, Diagram] = {}

    def turn_of(self, number: int) -> int:
        """Return the choice from whose turn the effect of this number comes; the number itself if that is not here."""
        place = bisect_right(self.numbers, number)
        return self.numbers[place - 1] if place else number

    def drawn(self, newest: int, down: Iterable[Name]) -> Diagram:
        """Return the diagram."""
        for turn in self.kept:
            self._send(turn)
        for turn in self.kept:
            self._arrive(turn, self.x[turn.choice.n])
        for turn in self.after:
            if turn.choice.cause in self.arrows:
                self._arrive(turn, len(self.kept))
        numbers = [turn.choice.n for turn in self.kept]
        events = self._events()
        arrows = sorted(self.arrows.values(), key=lambda arrow: int(arrow["n"]))
        _bend(arrows, events)
        return {
            "lines": list(self.line),
            "events": events,
            "arrows": arrows,
            "down": list(self._down(down)),
            "first": numbers[0] if numbers else 0,
            "last": numbers[-1] if numbers else 0,
            "of": newest,
        }

    def _events(self) -> list[Diagram]:
        heights: dict[Name, int] = {}
        decided = {turn.choice.n: _decided(turn, heights) for turn in self.inside}
        seen = []
        for turn in self.kept:
            n, _, kind, node, _, _, cause = turn.choice
            says = shortened(" ".join(sentence(turn.choice).split()), LETTERS)
            event = {"n": n, "line": self.line[node], "x": self.x[n], "kind": kind, "says": says}
            event |= {"cause": self.turn_of(cause) if cause else 0}
            event |= {"decided": decided[n]} if decided[n] else {}
            seen.append(event | ({"down": True} if kind == "crash" else {}))
        return seen

    def _send(self, turn: Turn) -> None:
        """Let the arrows of a turn begin. A message to oneself has none: it was heard in this very turn."""
        x = self.x[turn.choice.n]
        for event in turn.follows:
            if event.kind == "send" and event.node != event.peer and event.peer is not None:
                self._begin(event.n, event.node, event.peer, event.what, x, turn.choice.n)
            elif event.kind == "lost" and event.cause in self.arrows:
                end = [x, self.line[event.peer]]  # type: ignore[index]
                self.arrows[event.cause] |= {"to": end, "lost": True, "deliver": turn.choice.n}
        if turn.choice.kind == "duplicate":
            self._copy(turn.choice)

    def _begin(self, number: int, sender: Name, receiver: Name, message: Any, x: int, cause: int) -> Diagram | None:
        if sender not in self.line or receiver not in self.line or not self.shown.has_message(message):
            return None
        name = type(message).__name__
        self.arrows[number] = arrow = {
            "n": number, "from": [x, self.line[sender]], "to": None, "name": shortened(name, NAME_LETTERS),
            "says": shortened(" ".join(say(message).split()), LETTERS), "cause": cause, "deliver": 0,
        }  # fmt: skip
        arrow |= {"quiet": True} if name in QUIET else {}
        return arrow

    def _copy(self, choice: Event) -> None:
        """A second copy begins where the first did: the network made it, not the sender."""
        assert choice.peer is not None
        known = self.arrows.get(choice.cause)
        x, cause = (known["from"][0], known["cause"]) if known else (-1, self.turn_of(choice.cause))
        if arrow := self._begin(choice.n, choice.peer, choice.node, choice.what, x, cause):
            arrow["copy"] = True

    def _arrive(self, turn: Turn, x: int) -> None:
        """Let the arrow of a delivery or a loss end here."""
        choice = turn.choice
        if choice.kind not in ("deliver", "drop") or choice.node not in self.line or choice.peer is None:
            return
        arrow = self.arrows.get(choice.cause)
        if arrow is None:
            arrow = self._begin(choice.cause, choice.peer, choice.node, choice.what, -1, self.turn_of(choice.cause))
        if arrow is not None:
            arrow |= {"to": [x, self.line[choice.node]], "deliver": choice.n}
            arrow |= {"lost": True} if choice.kind == "drop" else {}

    def _down(self, before: Iterable[Name]) -> Iterator[list[int | None]]:
        """Yield for each time that a node is down its line, where that begins, and where it ends."""
        begun: dict[Name, int] = dict.fromkeys(before, -1)
        x = -1
        for turn in self.inside:
            node, kind = turn.choice.node, turn.choice.kind
            x = self.x.get(turn.choice.n, x)
            if kind == "restart" and node in begun:
                yield [self.line[node], begun.pop(node), x]
            elif kind == "crash" and node in self.line:
                begun[node] = x
        yield from ([self.line[node], since, None] for node, since in begun.items())


def _down_before(events: Trace | Sequence[Event], first: int, names: Iterable[Name]) -> list[Name]:
    """Return which of these nodes are down when event `first` comes: those whose last sign of life is a crash."""
    asked, down = set(names), []
    for record in reversed(events.records if isinstance(events, Trace) else events):
        n, kind, node = record[0], record[2], record[3]
        if n < first and node in asked and kind in ("crash", "restart", "start", "deliver", "fire"):
            asked.discard(node)
            if kind == "crash":
                down.append(node)
        if not asked:
            break
    return down


def _decided(turn: Turn, heights: dict[Name, int]) -> str:
    """Return the heights of the blocks that a node appends in this turn, as text: "4", "4–6", or ""."""
    node = turn.choice.node
    found = [event.what.height for event in turn.follows if type(event.what).__name__ == "Applied"]
    for event in turn.follows:
        height = getattr(getattr(event.what, "chain", None), "height", None) if event.kind == "save" else None
        if isinstance(height, int):  # a learner's server may append without saying so
            if not found and node in heights:
                found = list(range(heights[node], height))
            heights[node] = height
    if not found:
        return ""
    return str(found[0]) if len(found) == 1 else f"{min(found)}–{max(found)}"


# Arrows that would cover something --------------------------------------------------------------------------

Point: TypeAlias = tuple[float, float]

CLEAR, BESIDE = 11.0, 5.0
"""In SVG units: so far an arrow passes from a mark that is not its own, and from an arrow that leaves the same mark."""

STRENGTHS = (1.0, 1.3, 1.7, 2.2, 3.0)
"""How strongly an arrow bends, the weakest first; the middle of the first passes a quarter farther than `CLEAR`."""

Spots: TypeAlias = dict[float, list[float]]
"""For each line, or half way to the next one, at which x something is."""


def _bend(arrows: Iterable[Diagram], events: Iterable[Diagram]) -> None:
    """Bend each arrow that would run through another node's mark, or upon an arrow that leaves the same mark.

    Without this, of two messages that leave together and arrive one after the other, on the next line and on the one
    after that, the longer arrow runs through the mark in which the shorter one ends: it would seem to begin there.
    """
    marks: Spots = {}
    for event in events:
        if event["kind"] in MARKS or "decided" in event:
            marks.setdefault(event["line"], []).append(event["x"])
    fans: dict[tuple[int, int], Spots] = {}
    for arrow in sorted(arrows, key=lambda arrow: "lost" in arrow):  # a cross needs most room
        if arrow["to"] is not None:
            fan = fans.setdefault(_begin(arrow), {})
            if bend := _least_bend(arrow, marks, fan):
                arrow["bend"] = bend
            for line, x in _crossings(arrow, bend):
                fan.setdefault(line, []).append(x)


def _least_bend(arrow: Diagram, marks: Spots, fan: Spots) -> float:
    """Return the least bend with which an arrow keeps away from marks and from its fan; the best one if none does."""
    (x1, line1), (x2, line2) = _begin(arrow), _goal(arrow)
    steep: float = abs(line2 - line1) * APART / (((line2 - line1) * APART) ** 2 + ((x2 - x1) * STEP) ** 2) ** 0.5
    least = 2.5 * CLEAR / (STEP * steep)  # its middle is half as far off as what pulls it
    bends = [0.0, *(round(sign * strength * least, 2) for strength in STRENGTHS for sign in (1, -1))]
    fitting = [bend for bend in bends if 2 * abs(bend) <= x2 - x1]  # none turns back in time

    def room(bend: float) -> float:
        """Return by how much the nearest thing is farther away than it must be, at most nothing."""
        near: list[float] = [0.0]
        beside = BESIDE
        for line, x in _crossings(arrow, bend):
            if "lost" in arrow and abs(line - line1) == _share(arrow) * abs(line2 - line1):
                beside = CLEAR  # here is its cross
            near += [abs(x - other) * STEP * steep - CLEAR for other in marks.get(line, ())]
            near += [abs(x - other) * STEP * steep - beside for other in fan.get(line, ())]
        return min(near)

    free = next((bend for bend in fitting if room(bend) == 0.0), None)
    return max(fitting, key=room) if free is None else free


def _begin(arrow: Diagram) -> tuple[int, int]:
    x, line = arrow["from"]
    return x, line


def _goal(arrow: Diagram) -> tuple[int, int]:
    """Return where an arrow leads. A cut link loses it at once: it has some way all the same."""
    x, line = arrow["to"]
    return x + (x == arrow["from"][0]), line


def _share(arrow: Diagram) -> float:
    """Return which part of its way an arrow goes: one that is lost ends about half way, between two lines.

    >>> [_share({"from": [0, 0], "to": [9, line], "lost": True}) for line in (1, 2, 3, 4)]
    [0.5, 0.75, 0.5, 0.625]
    """
    lines = abs(arrow["to"][1] - arrow["from"][1])
    return (lines // 2 + 0.5) / lines if "lost" in arrow else 1.0


def _crossings(arrow: Diagram, bend: float) -> Iterator[tuple[float, float]]:
    """Yield where an arrow passes each line between its own and its goal's, and half way to the next line."""
    (x1, line1), (x2, line2) = _begin(arrow), _goal(arrow)
    lines = abs(line2 - line1)
    for halves in range(1, 2 * lines):
        passed = halves / 2
        part = passed / lines
        if part <= _share(arrow):
            line = line1 + passed * (1 if line2 > line1 else -1)
            yield line, x1 + part * (x2 - x1) + 2 * part * (1 - part) * bend


# From the diagram to SVG ------------------------------------------------------------------------------------

STEP, APART, LEFT, TOP, RIGHT = 46, 92, 118, 46, 40
"""In SVG units: from place to place, from line to line, and what is left free at three sides."""

LETTER = 9.6
"""How wide a letter of an arrow's name is drawn."""

STYLE = f"""
.spacetime {{ font: 17px "DejaVu Sans", Verdana, system-ui, sans-serif; --ink: {INK}; --paper: {PAPER}; --line: {LINE};
  --red: {RED}; --amber: {AMBER}; --soft: #5b6b79; }}
.spacetime .paper {{ fill: var(--paper); }}
.spacetime text {{ fill: var(--ink); font-size: 17px; unicode-bidi: isolate; }}
.spacetime .who {{ text-anchor: end; }}
.spacetime .life {{ stroke: var(--soft); stroke-width: 2; }}
.spacetime .life.down {{ stroke: var(--paper); stroke-width: 5; stroke-dasharray: 5 7; }}
.spacetime .arrow path {{ stroke: var(--ink); stroke-width: 1.8; fill: none; }}
.spacetime .arrow .tip {{ fill: var(--ink); stroke: none; }}
.spacetime .arrow.quiet {{ opacity: 0.4; }}
.spacetime .arrow.copy .way {{ stroke-dasharray: 8 4; }}
.spacetime .arrow.flying .way {{ stroke-dasharray: 2 4; }}
.spacetime .arrow.lost path {{ stroke: var(--red); }}
.spacetime .arrow.lost .cross, .spacetime .event .cross {{ stroke: var(--red); stroke-width: 4;
  stroke-linecap: round; }}
.spacetime .name {{ text-anchor: middle; paint-order: stroke; stroke: var(--paper); stroke-width: 5;
  stroke-linejoin: round; }}
.spacetime .event .mark {{ fill: var(--ink); stroke: var(--paper); stroke-width: 1.5; }}
.spacetime .event .ring {{ fill: var(--paper); stroke: var(--ink); stroke-width: 2.5; }}
.spacetime .event .decided {{ fill: var(--amber); stroke: var(--ink); stroke-width: 1.8; }}
.spacetime .event .height {{ text-anchor: middle; font-weight: bold; font-size: 15px; }}
""".strip()

MARKS = {
    "deliver": '<circle class="mark" r="6"/>',
    "ask": '<path class="mark" d="M-8 7H8L0-8z"/>',
    "fire": '<path class="mark" d="M0-9L9 0L0 9L-9 0z"/>',
    "restart": '<circle class="ring" r="8"/>',
    "crash": '<path class="cross" d="M-8-8L8 8M-8 8L8-8"/>',
    "cut": '<path class="cross" d="M-5-9V9M5-9V9"/>',
    "mend": '<path class="ring" d="M-5-9V9M5-9V9"/>',
    "duplicate": '<path class="ring" d="M-4-8L5 0L-4 8"/>',
}
"""How an event is drawn, by its kind. A loss has no mark: its arrow ends in a cross."""

LEGEND = (
    ("deliver", "gets a message"), ("ask", "is asked"), ("fire", "timer"), ("crash", "lost, or crashed"),
    ("restart", "restarts"), ("", "a block is decided here"),
)  # fmt: skip
"""What the marks mean, as it stands below a diagram."""

LEGEND_GAP = 44
"""A mark of the legend, and what lies between it, its words and the next."""


def spacetime_svg(diagram: Diagram, legend: bool = True, apart: int = APART) -> str:
    """Return a diagram (see `spacetime`) as the text of an SVG image that stands by itself. Every text is escaped.

    `apart` is the distance of two lines, in SVG units of which a letter is about ten wide.

    Each event is a `<g class="event" data-n="…" data-cause="…">`, each arrow a `<g class="arrow" data-n="…"
    data-cause="…" data-deliver="…">`: who shows the image may light up what caused what.

    >>> from paxoskit.worlds.world import World
    >>> text = spacetime_svg(spacetime(World(servers=3).trace))
    >>> text[:4], "nothing has happened yet" in text
    ('<svg', True)
    """
    wide = LEFT + sum(LEGEND_GAP + LETTER * len(text) for _, text in LEGEND) if legend else 0
    width = max(round(wide), LEFT + STEP * (len(diagram["events"]) + 1) + RIGHT)
    lowest = TOP + apart * max(0, len(diagram["lines"]) - 1)
    height = lowest + (92 if legend else 46)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="spacetime" viewBox="0 0 {width} {height}" role="img" '
            f'aria-label="{escaped(describe(diagram))}">',
            f"<style>\n{STYLE}\n</style>",
            f'<rect class="paper" width="{width}" height="{height}"/>',
            *_svg_lines(diagram, width - RIGHT / 2, apart),
            *(_svg_arrow(arrow, apart) for arrow in diagram["arrows"]),
            *(_svg_event(event, apart) for event in diagram["events"]),
            *_svg_names(diagram, apart),
            *(_svg_legend(height - 22) if legend else ()),
            "</svg>",
        ]
    )


def describe(diagram: Diagram) -> str:
    """Return a diagram in words: its text twin, one clause for each event in order, then the messages on their way."""
    said = [
        event["says"] + (f", and block {event['decided']} is decided there" if "decided" in event else "")
        for event in diagram["events"]
    ]
    said += [
        f"{arrow['name']} from {title(diagram['lines'][arrow['from'][1]])} is on its way"
        for arrow in diagram["arrows"]
        if arrow["to"] is None and "quiet" not in arrow
    ]
    lines = ", ".join(title(name) for name in diagram["lines"])
    return f"space-time diagram of {lines}: {'; '.join(said) or 'nothing has happened yet'}"


_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def printable(text: object) -> str:
    """Return text without what XML and UTF-8 cannot hold: a replacement character stands in its place."""
    return _NOT_XML.sub("\ufffd", str(text))


def escaped(text: object) -> str:
    """Return text as it stands in XML: markup is escaped, what XML cannot hold is a replacement character.

    >>> escaped("</svg>")
    '&lt;/svg&gt;'
    """
    return escape(printable(text))


def _at(x: float, line: float, apart: int) -> tuple[float, float]:
    return LEFT + STEP * (x + 1), TOP + apart * line


def _svg_lines(diagram: Diagram, right: float, apart: int) -> Iterator[str]:
    for line, name in enumerate(diagram["lines"]):
        _, y = _at(0, line, apart)
        yield f'<text class="who" x="{LEFT - 10}" y="{y + 6}">{escaped(title(name))}</text>'
        yield f'<path class="life" d="M{LEFT} {y}H{right:g}"/>'
    for line, begin, end in diagram["down"]:
        x, y = _at(begin, line, apart)
        to = right if end is None else _at(end, line, apart)[0]
        yield f'<path class="life down" d="M{max(x, LEFT):g} {y}H{to:g}"/>'


def _svg_arrow(arrow: Diagram, apart: int) -> str:
    begin, pull, (x2, y2) = _way(arrow, apart)
    length = max(1.0, ((x2 - pull[0]) ** 2 + (y2 - pull[1]) ** 2) ** 0.5)
    dx, dy = (x2 - pull[0]) / length, (y2 - pull[1]) / length
    kinds = [*(kind for kind in ("lost", "quiet", "copy") if kind in arrow), *_flying(arrow)]
    parts = [
        f'<g class="{" ".join(["arrow", *kinds])}" data-n="{arrow["n"]}" data-cause="{arrow["cause"]}" '
        f'data-deliver="{arrow["deliver"]}"><title>{escaped(arrow["says"])}</title>'
    ]
    if "lost" in arrow:
        parts.append(_svg_way(arrow, begin, pull, (x2, y2)))
        parts.append(f'<path class="cross" d="M{x2 - 7:.0f} {y2 - 7:.0f}l14 14m-14 0l14-14"/></g>')
        return "".join(parts)
    x2, y2 = x2 - 8 * dx, y2 - 8 * dy  # the tip touches the rim of the event's mark
    parts.append(_svg_way(arrow, begin, pull, (x2, y2)))
    side, across = f"{5 * dy - 11 * dx:.0f} {-5 * dx - 11 * dy:.0f}", f"{-10 * dy:.0f} {10 * dx:.0f}"
    parts.append(f'<path class="tip" d="M{x2:.0f} {y2:.0f}l{side} {across}z"/></g>')
    return "".join(parts)


def _svg_way(arrow: Diagram, begin: Point, pull: Point, end: Point) -> str:
    by = f"Q{pull[0]:.0f} {pull[1]:.0f} " if "bend" in arrow else "L"
    return f'<path class="way" d="M{begin[0]:.0f} {begin[1]:.0f}{by}{end[0]:.0f} {end[1]:.0f}"/>'


def _flying(arrow: Diagram) -> list[str]:
    return ["flying"] if arrow["to"] is None else []


def _way(arrow: Diagram, apart: int) -> tuple[Point, Point, Point]:
    """Return, in SVG units, where an arrow begins, the point that pulls it to its side, and where it ends.

    In flight, it dangles towards nobody in particular: it points a little to the right. What was lost ends between two
    lines, about half way.
    """
    begin = _at(arrow["from"][0], arrow["from"][1], apart)
    if arrow["to"] is None:
        end = begin[0] + 0.9 * STEP, begin[1] + 0.3 * apart * (1 if arrow["from"][1] == 0 else -1)
        return begin, _between(begin, end, 0.5), end
    goal = _at(*_goal(arrow), apart)
    middle = _between(begin, goal, 0.5)
    pull = middle[0] + STEP * arrow.get("bend", 0.0), middle[1]
    share = _share(arrow)
    first = _between(begin, pull, share)
    return begin, first, _between(first, _between(pull, goal, share), share)


def _between(a: Point, b: Point, share: float) -> Point:
    return a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1])


def _svg_event(event: Diagram, apart: int) -> str:
    x, y = _at(event["x"], event["line"], apart)
    mark = MARKS.get(event["kind"], "")
    if "decided" in event:
        wide = 14 + 9 * len(event["decided"])
        mark = f'<rect class="decided" x="{-wide / 2:g}" y="-12" width="{wide}" height="24" rx="5"/>'
        mark += f'<text class="height" y="5.5">{escaped(event["decided"])}</text>'
    return (
        f'<g class="event {escaped(event["kind"])}" data-n="{event["n"]}" data-cause="{event["cause"]}" '
        f'transform="translate({x:g} {y:g})"><title>{escaped(event["says"])}</title>{mark}</g>'
    )


def _svg_names(diagram: Diagram, apart: int) -> Iterator[str]:
    for x, y, name, cause in names(diagram, apart):
        yield f'<text class="name" data-cause="{cause}" x="{x:g}" y="{y:g}">{escaped(name)}</text>'


def names(diagram: Diagram, apart: int = APART) -> Iterator[tuple[float, float, str, int]]:
    """Yield x, y, text and choice of what names the messages that a choice sends: beside its mark, where there is room.

    One name stands for a whole broadcast. What has no room is not named, but each arrow has its sentence.
    """
    taken: dict[tuple[int, int], float] = {}  # of each line, above and below: up to where it is written upon
    places = {event["n"]: event["x"] for event in diagram["events"]}
    said = set()
    for arrow in sorted(diagram["arrows"], key=lambda arrow: (arrow["from"][0], arrow["n"])):
        line, name, cause = arrow["from"][1], arrow["name"], arrow["cause"]
        if cause not in places or (cause, name) in said or {"quiet", "copy"} & set(arrow):
            continue
        said.add((cause, name))
        x, y = _at(places[cause], line, apart)
        half = len(name) * LETTER / 2
        leads_down = line == 0 if arrow["to"] is None else arrow["to"][1] > line
        down = -1 if leads_down else 1  # on the side where the arrows are not
        for side in (down, -down):
            if taken.get((line, side), 0.0) < x - half:
                taken[line, side] = x + half
                yield x, y + (-17 if side < 0 else 29), name, cause
                break


def _svg_legend(y: float) -> Iterator[str]:
    x: float = LEFT
    yield '<g class="legend">'
    for kind, text in LEGEND:
        mark = MARKS.get(kind, '<rect class="decided" x="-9" y="-12" width="18" height="24" rx="5"/>')
        yield f'<g class="event" transform="translate({x:g} {y:g})">{mark}</g>'
        yield f'<text x="{x + 17:g}" y="{y + 6:g}">{text}</text>'
        x += LEGEND_GAP + LETTER * len(text)
    yield "</g>"


# From events to happens-before ------------------------------------------------------------------------------


def spacetime_graph(events: Iterable[Event]) -> nx.DiGraph:
    """Return the choices as a graph: a path from a to b says that a happened before b.

    A node is a choice's number; it has `at` (world milliseconds), `kind`, `node`, `says`, `quiet` and `decided` (the
    heights of the blocks that are appended there, as text). An edge has `kind`: "line" (the next thing at that node),
    "message" (with `message`, `name`, `says`) or "timer". A loss is no event of a node: only its message leads there.

    >>> from paxoskit.worlds.world import World
    >>> from paxoskit.worlds.choice import Choice
    >>> from paxoskit.protocol.messages import ElectionTimeout
    >>> world = World(servers=3)
    >>> world.happen(Choice("fire", 2, what=ElectionTimeout()))
    >>> world.deliver(next(iter(world.flying.values())))
    >>> graph = spacetime_graph(world.trace)
    >>> [data["name"] for _, _, data in graph.edges(data=True) if data["kind"] == "message"]
    ['Prepare']
    """
    graph = nx.DiGraph()
    numbers: list[int] = []
    latest: dict[Name, int] = {}
    heights: dict[Name, int] = {}
    for turn in turns(events):
        n, at, kind, node, _, what, cause = turn.choice
        numbers.append(n)
        graph.add_node(n, at=at, kind=kind, node=node, says=sentence(turn.choice), quiet=is_quiet(turn),
                       decided=_decided(turn, heights))  # fmt: skip
        if kind not in ("drop", "duplicate", "cut", "mend"):
            if node in latest:
                graph.add_edge(latest[node], n, kind="line")
            latest[node] = n
        place = bisect_right(numbers, cause)
        if cause and place:
            by = {"kind": "timer"} if kind == "fire" else {"kind": "message", "message": what,
                                                           "name": type(what).__name__, "says": say(what)}  # fmt: skip
            graph.add_edge(numbers[place - 1], n, **by)
    return graph


# From the diagram to matplotlib -----------------------------------------------------------------------------

MARKERS = {"deliver": "o", "ask": "^", "fire": "D", "restart": "o", "crash": "x", "cut": "x", "mend": "|",
           "duplicate": ">"}  # fmt: skip


def draw_spacetime(events: Iterable[Event], ax: Axes | None = None, **window: Any) -> Figure:
    """Draw a space-time diagram with matplotlib and return the figure; `window` is what `spacetime` takes."""
    diagram = spacetime(events, **window)
    places, lines = len(diagram["events"]), diagram["lines"]
    if ax is None:
        import matplotlib.pyplot as plt

        figure, ax = plt.subplots(figsize=(max(6.0, 0.42 * places + 2), 0.85 * len(lines) + 0.6), layout="constrained")
        plt.close(figure)
    ax.set_axis_off()
    ax.set_xlim(-3.2, max(8, places) + 0.5)
    ax.set_ylim(len(lines) - 0.4, -0.7)
    for line, name in enumerate(lines):
        ax.text(-1.3, line, title(name), ha="right", va="center", fontsize=11, color=INK)
        ax.plot([-1, places], [line, line], color=LINE, linewidth=1.5, zorder=1)
    for line, begin, end in diagram["down"]:
        ax.plot([begin, places if end is None else end], [line, line], color=PAPER, linewidth=3,
                linestyle=(0, (2, 2)), zorder=2)  # fmt: skip
    for arrow in diagram["arrows"]:
        _draw_arrow(ax, arrow)
    for event in diagram["events"]:
        _draw_event(ax, event)
    for x, y, name, _ in names(diagram):
        spot = ((x - LEFT) / STEP - 1, (y - TOP) / APART)
        ax.text(*spot, name, ha="center", va="center", fontsize=8, color=INK, zorder=5, parse_math=False,
                bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 0.6, "alpha": 0.8})  # fmt: skip
    drawn = ax.get_figure(root=True)
    assert drawn is not None
    return drawn


def _draw_arrow(ax: Axes, arrow: Mapping[str, Any]) -> None:
    ends = [((x - LEFT) / STEP - 1, (y - TOP) / APART) for x, y in _way(dict(arrow), APART)]
    begin, pull, end = ends
    lost = "lost" in arrow
    style: dict[str, Any] = {
        "arrowstyle": "-" if lost else "-|>", "color": RED if lost else INK, "linewidth": 1.1,
        "alpha": 0.4 if "quiet" in arrow else 1.0, "linestyle": ":" if arrow["to"] is None else "--"
        if "copy" in arrow else "-",
    }  # fmt: skip
    if "bend" in arrow:
        _draw_bent(ax, begin, pull, end, style)
    else:
        ax.annotate("", end, begin, arrowprops={**style, "shrinkA": 0, "shrinkB": 0 if lost else 4}, zorder=3)
    if lost:
        ax.plot([end[0]], [end[1]], marker="x", color=RED, markersize=8, markeredgewidth=2.5, zorder=4)


def _draw_bent(ax: Axes, begin: Point, pull: Point, end: Point, style: dict[str, Any]) -> None:
    from matplotlib.patches import FancyArrowPatch
    from matplotlib.path import Path

    length = (((end[0] - pull[0]) * STEP) ** 2 + ((end[1] - pull[1]) * APART) ** 2) ** 0.5
    short = end if style["arrowstyle"] == "-" else _between(end, pull, 8 / max(8.0, length))  # touches the mark's rim
    curve = Path([begin, pull, short], [Path.MOVETO, Path.CURVE3, Path.CURVE3])
    ax.add_patch(FancyArrowPatch(path=curve, mutation_scale=10, fill=style["arrowstyle"] != "-", zorder=3, **style))


def _draw_event(ax: Axes, event: Mapping[str, Any]) -> None:
    marker = MARKERS.get(event["kind"])
    if "decided" in event:
        box = {"boxstyle": "round,pad=0.2", "facecolor": AMBER, "edgecolor": INK}
        ax.text(event["x"], event["line"], event["decided"], ha="center", va="center", fontsize=9, weight="bold",
                color=INK, zorder=6, bbox=box)  # fmt: skip
    elif marker is not None:
        red = event["kind"] in ("crash", "cut")
        fill = PAPER if event["kind"] == "restart" else INK
        ax.plot([event["x"]], [event["line"]], marker=marker, color=RED if red else INK, markersize=7,
                markerfacecolor=RED if red else fill, markeredgewidth=2.5 if red else 1.2, zorder=4)  # fmt: skip
