"""What is taken away from the lab: a page that plays without a server, a GIF, figures, the story, the trace.

    export(story, "story.html")     a standalone page: plays, steps to and fro, needs no network
    export(story, "story.gif")      an animated picture
    export(world, "moment.png")     a figure of the last moment; also .pdf and .svg
    export(story, "story.json")     the story itself, to be told again; a trace becomes .jsonl

A file is there whole or not at all, and lies under the folder that was chosen.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping
from hashlib import sha256
from html import escape
from io import BytesIO
from pathlib import Path
from typing import Any

from paxoskit import __version__
from paxoskit.lab.scene import HERE, Scene, scene, svg
from paxoskit.pictures.movie import MOST_FRAMES, Film, Frame, Progress, Source, figure, film, gif
from paxoskit.pictures.spacetime import printable, spacetime, spacetime_svg
from paxoskit.protocol.node import Node
from paxoskit.trace import Trace, write_whole
from paxoskit.worlds.story import Story
from paxoskit.worlds.world import World

SUFFIXES = (".html", ".gif", ".png", ".pdf", ".svg", ".json", ".jsonl")

APART = 56
"""The distance of two lines in the page's space-time diagram: closer than elsewhere, so that eight fit below."""



# Files ------------------------------------------------------------------------------------------------------


def export(
    source: Any, path: str | Path, progress: Progress | None = None, *, title: str = "", folder: str | Path = ".",
    most: int = MOST_FRAMES, classes: Mapping[str, type[Node]] | None = None,
) -> Path:  # fmt: skip
    """Write a run to a file of the kind that the name's ending says, and return its path.

    `source`: a Story, a Trace, a Recording, a World, worlds, or whatever has a `recording()` (a Cluster, for instance).
    `progress(done, of)` is called after each picture; if it answers False, Cancelled is raised and no file is left.
    `title` stands on the page; `most` pictures, the newest, are in a page or a GIF; `classes` has the classes that a
    story names and that are not the kit's own. The file must lie in `folder` or below it.

    Raises ValueError, in one line, for a path that is elsewhere, for an ending that stands for nothing here, and for
    what `film` refuses.
    """
    file = target(path, folder)
    if hasattr(source, "recording"):
        source = source.story() if file.suffix == ".json" else source.recording()
    write_whole(file, _content(source, file.suffix, title or file.stem, most, classes, progress))
    return file


def target(path: str | Path, folder: str | Path = ".") -> Path:
    """Return where a file goes, links followed. Raises ValueError for a path that `export` refuses."""
    home = Path(folder).resolve()
    file = (home / path).resolve()
    if file.suffix not in SUFFIXES:
        raise ValueError(f"path: expected a name that ends in {', '.join(SUFFIXES)}, got {str(path)!r:.80}")
    if not file.is_relative_to(home):
        raise ValueError(f"path: expected a file in {home} or below it, got {str(path)!r:.80}; folder=… is another")
    if not file.parent.is_dir():
        raise ValueError(f"path: there is no folder {file.parent}: make it first")
    if file.is_dir():
        raise ValueError(f"path: {file} is a folder; expected the name of a file")
    return file


def _content(
    source: Any, suffix: str, title: str, most: int, classes: Mapping[str, type[Node]] | None,
    progress: Progress | None,
) -> str | bytes:  # fmt: skip
    match suffix:
        case ".html":
            return page(source, title=title, most=most, classes=classes, progress=progress)
        case ".gif":
            return gif(source, most=most, classes=classes, progress=progress)
        case ".json":
            if not isinstance(source, Story):
                raise ValueError(f".json holds a Story, and this is a {type(source).__name__}: .jsonl holds a trace")
            return json.dumps(source.as_json(), ensure_ascii=False, indent=1) + "\n"
        case ".jsonl":
            return "".join(f"{line}\n" for line in _trace(source, classes).lines(__version__))
    world, says = _moment(source, classes)
    if suffix == ".svg":
        return svg(scene(world, {}, world.trace.now, 0.0, says)) + "\n"
    written = BytesIO()
    figure(world, says).savefig(written, format=suffix[1:], dpi=150)
    return written.getvalue()


def _trace(source: Source, classes: Mapping[str, type[Node]] | None) -> Trace:
    return source if isinstance(source, Trace) else film(source, classes=classes, quiet=True).trace


def _moment(source: Source, classes: Mapping[str, type[Node]] | None) -> tuple[World, str]:
    """Return the last world of a run, and the sentence for what happened last."""
    if isinstance(source, World):
        return source, ""
    (frame,) = film(source, most=1, classes=classes).frames()
    return frame.world, frame.says


# The page ---------------------------------------------------------------------------------------------------


def page(
    source: Source, *, title: str = "A run", most: int = MOST_FRAMES, quiet: bool = False,
    classes: Mapping[str, type[Node]] | None = None, progress: Progress | None = None,
) -> str:  # fmt: skip
    """Return a run as the text of a web page that stands by itself: it plays, and steps to and fro by keys and buttons.

    Each step shows the cluster, the chain, the space-time diagram up to there, and a sentence. The page loads nothing,
    and its content security policy forbids it to: its own script, known by its hash, is all that may run.

    See `film` (in paxoskit.pictures.movie) for `most`, `quiet`, `classes`, `progress` and what it raises.
    """
    reel = film(source, most=most, quiet=quiet, classes=classes)
    script = (HERE / "film.js").read_text(encoding="utf-8")
    policy = base64.b64encode(sha256(f"\n{script}".encode()).digest()).decode()
    name = escape(printable(" ".join(title.split()))[:200])
    return PAGE.format(
        policy=f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{policy}'", title=name,
        style=(HERE / "film.css").read_text(encoding="utf-8").strip(), script=script, keys=_keys(),
        data=packed(_played(reel, quiet, progress)),
    )  # fmt: skip


PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>{title}</title>
<style>
{style}
</style>
</head>
<body>
<main>
<header><h1>{title}</h1></header>
<p class="says" role="status"></p>
<section class="picture" aria-label="cluster and block chain"></section>
<section class="story" tabindex="0" aria-label="the whole story in words"><ol></ol></section>
<section class="time" tabindex="0" aria-label="space-time diagram"></section>
<nav class="tools" aria-label="steps and views">
<button class="first">First</button><button class="back">Back</button><button class="play">Play</button>
<button class="on">Next</button><button class="last">Last</button>
<input type="range" min="0" value="0" aria-label="step"><span class="where"></span>
<button data-look="all">All</button><button data-look="cluster">Cluster</button><button data-look="time">Time</button>
<button class="help">Keys</button>
</nav>
</main>
<dialog aria-label="keys"><dl>{keys}</dl><form method="dialog"><button>Close</button></form></dialog>
<noscript>This page plays a run of a cluster; it needs JavaScript, and no network.</noscript>
<script type="text/plain" id="film">{data}</script>
<script type="module">
{script}</script>
</body>
</html>
"""

KEYS = {
    "PageDown . →": "next step", "PageUp , ←": "step back", "Home": "first step", "End": "last step",
    "Space": "play or pause", "+ −": "faster, slower", "1 2 3": "everything, cluster and chain, space-time diagram",
    "?": "this list",
}  # fmt: skip


def _keys() -> str:
    return "".join(f"<dt>{escape(key)}</dt><dd>{escape(what)}</dd>" for key, what in KEYS.items())


def _played(reel: Film, quiet: bool, progress: Progress | None) -> dict[str, Any]:
    """Return what the page's script plays: each frame's picture and sentence, and the diagram of them all."""
    frames: list[dict[str, Any]] = []
    first = None
    for frame in reel.frames(progress):
        if len(reel) < reel.of and first is None:
            first = frame.world.trace.records[-1][0]
        seen = shown(frame, quiet)
        loud = [message["id"] for message in seen["messages"] if not message.get("quiet")]
        frames.append(
            {"n": frame.n, "says": printable(frame.says), "svg": svg(seen), "ids": loud, **_landed(frame, seen)}
        )
    diagram = spacetime(reel.trace, first=first, most=1_000_000, quiet=quiet)
    return {"frames": frames, "dropped": reel.of - len(reel), "time": spacetime_svg(diagram, apart=APART)}


def packed(data: Any) -> str:
    """Return data as JSON, compressed, in letters and digits only: no text in it can end the element that holds it.

    One picture is nearly the next: this takes a tenth of their length.
    """
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return base64.b64encode(gzip.compress(text.encode(), 9, mtime=0)).decode()


def shown(frame: Frame, quiet: bool = False) -> Scene:
    """Return the scene of a frame: time is counted in frames, so that each message travels from step to step."""
    seen = scene(frame.world, frame.places, frame.number, 0.0)
    return seen if quiet else {**seen, "messages": [one for one in seen["messages"] if not one.get("quiet")]}


def _landed(frame: Frame, seen: Scene) -> dict[str, Any]:
    """Return which message arrived in this frame, and where: the page lets it land."""
    records = frame.world.trace.records
    if frame.number == 0 or not records or records[-1][2] != "deliver":
        return {}
    number, receiver = records[-1][6], records[-1][3]
    places = {node["id"]: [node["x"], node["y"]] for node in seen["nodes"]}
    return {"landed": [number, *places[receiver]]} if receiver in places else {}
