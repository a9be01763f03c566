"""A run as a film: its frames, one for each choice that is worth a look, and what matplotlib makes of them.

    story, trace, recording or worlds --film--> Film --frames--> one world after another, with a sentence
                                                     --gif-----> the bytes of an animated GIF
                                      world --figure--> a matplotlib figure: PNG, PDF, SVG

The page that plays in a browser is made of the same frames (`paxoskit.lab.export.page`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from paxoskit.pictures.chain import chain_graph, draw_chain, keeps_chains, shortened
from paxoskit.pictures.cluster import AMBER, BLUE, GREY, INK, LINE, PAPER, RED, cluster_graph, draw_cluster
from paxoskit.pictures.spacetime import is_quiet, turns
from paxoskit.protocol.node import Node
from paxoskit.protocol.plain import Name
from paxoskit.trace import Event, Trace, sentence
from paxoskit.worlds.recording import Recording, _with_crashes, again
from paxoskit.worlds.story import Story
from paxoskit.worlds.world import World

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Source: TypeAlias = Story | Trace | Recording | World | Sequence[World]
Progress: TypeAlias = Callable[[int, int], object]
"""Told (done, of) after each frame; an answer of False cancels."""

MOST_FRAMES = 300
"""So many frames, the newest, are in a film unless asked otherwise."""

LETTERS = 110
"""The longest sentence that stands on a picture."""

SIZE = (10.0, 7.5)
"""Width and height of a figure, in inches."""


class Cancelled(Exception):
    """Somebody cancelled; nothing was written."""


class Frame(NamedTuple):
    """One picture of a film: a world as it is after event `n`, and a sentence for what happened.

    The world goes on with the next frame: draw it at once, or fork it. `places` says of each message in flight in which
    frame it was sent and in which it arrives (or is lost), so that a picture can let it travel.
    """

    number: int
    n: int
    says: str
    world: World
    places: Mapping[int, tuple[float, float]]


@dataclass(frozen=True)
class Film:
    """A run that can be looked at from the beginning as often as one likes.

    `worlds()` gives the world at the beginning and after each choice. `trace` has all events. `shown` are the places of
    the frames among the worlds, `of` is how many frames there would be if none were left out.
    """

    worlds: Callable[[], Iterator[World]]
    trace: Trace
    shown: Sequence[int]
    of: int
    places: Mapping[int, tuple[float, float]]

    def __len__(self) -> int:
        return len(self.shown)

    def frames(self, progress: Progress | None = None) -> Iterator[Frame]:
        """Yield the frames. Raises Cancelled if `progress` answers False."""
        shown = {place: number for number, place in enumerate(self.shown)}
        seen = 0
        for place, world in enumerate(self.worlds()):
            if place in shown:
                events = world.trace.since(seen)
                places = {n: self.places[n] for n in world.flying if n in self.places}
                yield Frame(shown[place], world.trace.count, says(events) if place else _first(world), world, places)
                if progress is not None and progress(shown[place] + 1, len(self)) is False:
                    raise Cancelled(f"cancelled after {shown[place] + 1} of {len(self)} pictures; nothing was written")
            seen = world.trace.count


def says(events: Iterable[Event]) -> str:
    """Return what happened between two frames, in one line.

    >>> from paxoskit.worlds.world import World
    >>> world = World(servers=3)
    >>> world.set_link(1, 2, cut=True)
    >>> says(world.trace)
    'the link from server 1 to server 2 is cut'
    """
    chosen = [turn.choice for turn in turns(events) if turn.choice.kind != "start"]
    return shortened(", and ".join(" ".join(sentence(event).split()) for event in chosen), LETTERS)


def _first(world: World) -> str:
    """Return the sentence of the world that a run begins with: it may have lived before."""
    born = [record[2] == "start" for record in world.trace.records]
    if born and all(born):
        return "the beginning"
    return f"as it stood after event {world.trace.count:,}; what was before is left out"


def film(
    source: Source, *, most: int = MOST_FRAMES, quiet: bool = False, classes: Mapping[str, type[Node]] | None = None
) -> Film:
    """Return a story, a trace, a recording or worlds as a film of at most `most` frames: the newest.

    Heartbeats and timers after which nothing happens have no frame, unless `quiet`. `classes` has the classes that a
    story names and that are not the kit's own; a trace is told with the kit's own servers, or with `classes["Server"]`.

    >>> from paxoskit.worlds.choice import Choice
    >>> film_ = film(Story(nodes=("paxoskit:Server",) * 3, choices=(Choice("crash", 2), Choice("restart", 2))))
    >>> [frame.says for frame in film_.frames()]
    ['the beginning', 'server 2 crashes (disk kept)', 'server 2 restarts']

    Raises ValueError, in one line, for a trace that does not begin at the beginning or that other servers wrote, and
    for a `most` that is no number above 0; TypeError for what is no run; StoryError for a story that cannot be told.
    """
    if type(most) is not int or most < 1:
        raise ValueError(f"most: expected a number of frames above 0, got {most!r}")
    worlds = _telling(source, classes or {})
    loud, known, seen, world = [], dict[int, float](), 0, None
    gone: dict[int, float] = {}
    for place, world in enumerate(worlds()):
        if place and not quiet and all(is_quiet(turn) for turn in turns(world.trace.since(seen))):
            seen = world.trace.count
            continue
        seen = world.trace.count
        loud.append(place)
        for number in world.flying:
            known.setdefault(number, len(loud) - 1)
        for number in [number for number in known if number not in gone and number not in world.flying]:
            gone[number] = len(loud) - 1
    if world is None:
        raise ValueError("expected at least one world to make a picture of, got none")
    dropped = max(0, len(loud) - most)
    places = {
        n: (begun - dropped - 1, gone.get(n, len(loud) + 1) - dropped) for n, begun in known.items()
    }
    return Film(worlds, world.trace.fork(), loud[dropped:], len(loud), places)


def _telling(source: Source, classes: Mapping[str, type[Node]]) -> Callable[[], Iterator[World]]:
    """Return a function that tells the run from the beginning: the world before the first choice and after each."""
    if isinstance(source, Story):
        return lambda: _of_story(source, classes)
    if isinstance(source, Trace):
        recording = _of_trace(source, classes)
        return lambda: _of_recording(recording)
    if isinstance(source, Recording):
        return lambda: _of_recording(source)
    worlds = [source] if isinstance(source, World) else source
    if not isinstance(worlds, Sequence) or not all(isinstance(world, World) for world in worlds):
        raise TypeError(f"expected a Story, a Trace, a Recording or worlds, got {source!r:.60}")
    return lambda: iter(worlds)


def _of_story(story: Story, classes: Mapping[str, type[Node]]) -> Iterator[World]:
    world = story.world(classes)
    yield world
    for _ in story.tell(world):
        yield world


def _of_recording(recording: Recording) -> Iterator[World]:
    world = recording.start.fork(claims=False)
    yield world
    for event, crash in _with_crashes(recording.events):
        world.trace.now = event.at
        again(world, event, crash, recording.clients)
        world.fresh.clear()
        if event.kind != "start":
            yield world


def _of_trace(trace: Trace, classes: Mapping[str, type[Node]]) -> Recording:
    """Return a trace as a recording: from its beginning on, and true."""
    events = list(trace)
    born = [event.node for event in events if event.kind == "start"]
    if not trace.servers or born[: trace.servers] != list(range(1, trace.servers + 1)):
        first = f"event {events[0].n}" if events else "nothing"
        raise ValueError(f"expected a trace from its beginning on (each server starts), got one that has {first} first")
    server = classes.get("Server")
    world = World(trace.servers, clients=0, **({"server": server} if server else {}))  # type: ignore[arg-type]
    clients: dict[Name, Sequence[int]] = dict.fromkeys(born[trace.servers :], ())
    later = [event for event in events if event.kind != "start" or event.node in clients]
    recording = Recording(world, tuple(later), clients)
    try:
        *_, told = _of_recording(recording)
        true = told.trace.count == trace.count and told.trace.digest() == trace.digest()
    except (KeyError, ValueError):
        true = False
    if not true:
        raise ValueError("expected a trace of the kit's own servers: told again, it goes another way; export its story")
    return recording


# With matplotlib --------------------------------------------------------------------------------------------


def done(frame: Frame) -> dict[int, float]:
    """Return of each message in flight, by its number, the share of its way that lies behind it."""
    return {n: (frame.number - begun) / (end - begun) for n, (begun, end) in frame.places.items()}


def figure(
    world: World, says: str = "", done: Mapping[int, float] | None = None, figure: Figure | None = None
) -> Figure:
    """Draw a world, the cluster above the chain (if anybody keeps one), and return the figure; `says` stands on top.

    `done`: of a message in flight, by its number, the share of its way that lies behind it (three fifths, if nobody
    says). With `figure`, that one is cleared and drawn upon.
    """
    from matplotlib.figure import Figure

    figure = figure or Figure(figsize=SIZE)
    figure.clear()
    figure.set_facecolor(PAPER)
    figure.text(0.03, 0.965, says, fontsize=13, color=INK, va="center", parse_math=False)
    graph = cluster_graph(world)
    for _, _, number, data in graph.edges(keys=True, data=True):
        data |= {"done": done[number]} if done and number in done else {}
    draw_cluster(graph, figure.add_axes((0.02, 0.26, 0.96, 0.68)))
    if keeps_chains(world):
        draw_chain(chain_graph(world, newest=5), figure.add_axes((0.02, 0.01, 0.96, 0.24)))
    return figure


def gif(
    source: Source, *, seconds: float = 0.9, dpi: int = 90, most: int = MOST_FRAMES, quiet: bool = False,
    classes: Mapping[str, type[Node]] | None = None, progress: Progress | None = None,
) -> bytes:  # fmt: skip
    """Return a run as an animated GIF that begins again: `seconds` a frame (the last three times as long).

    See `film` for `most`, `quiet`, `classes` and what it raises. `progress(done, of)` is called after each frame; if it
    answers False, Cancelled is raised.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from PIL import Image

    reel = film(source, most=most, quiet=quiet, classes=classes)
    canvas: Any = FigureCanvasAgg(Figure(figsize=SIZE, dpi=dpi))
    colours = Image.new("P", (1, 1))
    colours.putpalette(_palette())
    pictures: list[Any] = []
    for frame in reel.frames(progress):
        figure(frame.world, f"{frame.number + 1} / {len(reel)}   {frame.says}", done(frame), canvas.figure)
        canvas.draw()
        picture = Image.frombytes("RGBA", canvas.get_width_height(), bytes(canvas.buffer_rgba())).convert("RGB")
        pictures.append(picture.quantize(palette=colours, dither=Image.Dither.NONE))
    times = [round(1000 * seconds)] * (len(pictures) - 1) + [round(3000 * seconds)]
    written = BytesIO()
    pictures[0].save(written, "GIF", save_all=True, append_images=pictures[1:], duration=times, loop=0)
    return written.getvalue()


def _palette() -> list[int]:
    """Return the colours of all pictures, and what lies between each and the ink or the paper: 256 in all, at most.

    One palette for all frames: a palette drawn from each frame by itself lets the little red that there is turn brown.
    """
    found: dict[tuple[int, ...], None] = {}
    for colour in (INK, PAPER, LINE, BLUE, AMBER, RED, GREY, "#000000"):
        for ground in (PAPER, INK):
            for share in range(16):
                parts = [(int(colour[k : k + 2], 16), int(ground[k : k + 2], 16)) for k in (1, 3, 5)]
                found[tuple(a + (b - a) * share // 15 for a, b in parts)] = None
    return [part for colour in found for part in colour]
