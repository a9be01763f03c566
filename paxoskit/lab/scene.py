"""What the lab shows, twice: as a small JSON scene, and as the SVG text that a scene stands for. Both are pure.

    world --scene--> JSON --svg--> a still picture (saved notebook, snapshot, golden tests)
                     JSON --scene.js--> the picture that moves

A message in a scene has the world times at which it was sent and is due; the scene has the time and the speed of the
world's clock. So one scene is enough for a second of movement, and the browser fills in the frames.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from paxoskit.pictures.chain import chain_graph, short_hash, shortened
from paxoskit.pictures.cluster import MOST_CLIENTS, ballot_says, cluster_graph, height_says
from paxoskit.protocol.node import title

if TYPE_CHECKING:
    from paxoskit.worlds.world import World

Scene: TypeAlias = dict[str, Any]

HERE = Path(__file__).parent
MOST_MESSAGES, MOST_HEIGHTS, MOST_LETTERS = 40, 6, 14

WIDTH, HEIGHT, CHAIN_WIDTH, ROW_HEIGHT = 880, 456, 1200, 172
"""The size of the cluster's picture, the width of the chain's, and the height of one row of blocks."""


# From world to scene ----------------------------------------------------------------------------------------


def scene(
    world: World, due: Mapping[int, tuple[float, float]], now: float, speed: float, note: str = ""
) -> Scene:
    """Return what there is to see: plain data, small, and the same for the same world.

    `due` says, by its number, when each message that is to be drawn was sent and arrives (world milliseconds). `now` is
    world time, `speed` world milliseconds per real one (0: the world stands still). `note` stands in a corner.

    >>> from paxoskit.worlds.world import World
    >>> seen = scene(World(servers=3), {}, now=0, speed=1)
    >>> seen["nodes"][0]
    {'id': 1, 'x': 440, 'y': 64, 'role': 'follower', 'says': 'no ballot · 0 blocks'}
    """
    graph = cluster_graph(world)
    small = len(world.servers) > 7
    shown: Scene = {
        "at": round(now, 1),
        "speed": round(speed, 6),
        "radius": 43 if small else 54,
        "box": 24 if len(world.clients) <= 10 else 14,
        "nodes": [_node(name, facts, small) for name, facts in graph.nodes(data=True)],
        "cut": [[a, b] for a, b, key, cut in graph.edges(keys=True, data="cut") if key == "link" and cut],
        "messages": _messages(graph, due),
        "chain": _chain(world),
    }
    hidden = len(world.clients) - MOST_CLIENTS
    notes = [note, f"and {hidden} more clients" if hidden > 0 else ""]
    return shown | {"note": " · ".join(filter(None, notes))}


def _node(name: Any, facts: Mapping[str, Any], small: bool) -> Scene:
    x, y = facts["pos"]
    seen = {"id": name, "x": round(WIDTH / 2 + 235 * x), "y": round(224 - 160 * y)}
    if facts["kind"] == "client":
        return seen | {"role": "client"}
    if small:
        says = f"{facts['ballot']} · {facts['height']}" if facts["voter"] else f"no vote · {facts['height']}"
    else:
        says = f"{ballot_says(facts)} · {height_says(facts['height'])}"
    return seen | {"role": facts["role"], "says": says}


def _messages(graph: Any, due: Mapping[int, tuple[float, float]]) -> list[Scene]:
    seen = []
    for sender, receiver, number, facts in graph.edges(keys=True, data=True):
        if number in due:
            sent, arrives = due[number]
            message = {"id": number, "from": sender, "to": receiver, "sent": round(sent, 1), "due": round(arrives, 1)}
            if not facts["quiet"]:
                message |= {"name": shortened(facts["name"], 14), "says": shortened(facts["says"], 60)}
            seen.append(message)
    return sorted(seen, key=lambda message: message["id"])[-MOST_MESSAGES:]


def _chain(world: World) -> Scene:
    graph = chain_graph(world, MOST_HEIGHTS)
    blocks = []
    for name, facts in sorted(graph.nodes(data=True), key=lambda item: (item[1]["height"], item[1]["row"])):
        lines = _two_lines(facts["operations"])
        blocks.append(
            {
                "id": short_hash(name)[1:], "height": facts["height"], "row": facts["row"], "nonce": facts["nonce"],
                "previous": short_hash(facts["previous_hash"])[1:], "lines": lines, "on": list(facts["servers"]),
            }
        )  # fmt: skip
    return {"servers": len(world.servers), "blocks": blocks}


def _two_lines(operations: Sequence[Sequence[str]]) -> list[str]:
    """Return what stands in a block: the first operation in two lines, or in one, with the number of others."""
    first = [] if not operations else [" ".join(operations[0][:2]), *operations[0][2:]]
    if len(operations) > 1:
        first = [" ".join(first), f"+ {len(operations) - 1} more"]
    return [shortened(line, MOST_LETTERS) for line in first]


# From scene to SVG ------------------------------------------------------------------------------------------


def svg(scene: Scene) -> str:
    """Return the SVG text of a scene: the cluster, and below it the chain. Every text in it is escaped.

    >>> from paxoskit.worlds.world import World
    >>> text = svg(scene(World(servers=3), {}, now=0, speed=1))
    >>> text[:4], "server 2, follower, no ballot, 0 blocks" in text
    ('<svg', True)
    """
    blocks = scene["chain"]["blocks"]
    rows = 1 + max((block["row"] for block in blocks), default=0)
    height = HEIGHT + ROW_HEIGHT * rows
    style = (HERE / "scene.css").read_text(encoding="utf-8").partition("/* the page around it */")[0]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="paxoskit" viewBox="0 0 {CHAIN_WIDTH} {height}" '
            f'role="img" aria-label="{_text(describe(scene))}">',
            f"<style>\n{style.strip()}\n</style>",
            f'<rect class="paper" width="{CHAIN_WIDTH}" height="{height}"/>',
            f'<g transform="translate({(CHAIN_WIDTH - WIDTH) // 2} 0)">',
            *_svg_cluster(scene),
            f'</g>\n<g transform="translate(0 {HEIGHT})">',
            *_svg_chain(scene["chain"]),
            "</g>\n</svg>",
        ]
    )


def describe(scene: Scene) -> str:
    """Return the picture in words: its text twin, one clause for each thing."""
    parts = [node_says(node) for node in scene["nodes"] if node["role"] != "client"]
    parts += [f"the link from {title(a)} to {title(b)} is cut" for a, b in scene["cut"]]
    parts += [
        f"{message['name']} from {title(message['from'])} to {title(message['to'])}"
        for message in scene["messages"]
        if "name" in message
    ]
    return "; ".join(parts)


def node_says(node: Scene) -> str:
    """Return what a node's label says, as `server 2, leader, ballot 3.2, 4 blocks`."""
    if node["role"] == "client":
        return str(node["id"])
    return ", ".join([title(node["id"]), node["role"], *node["says"].split(" · ")])


def _svg_cluster(scene: Scene) -> Iterator[str]:
    nodes = {node["id"]: node for node in scene["nodes"]}
    radius = scene["radius"]
    cut = {(a, b) for a, b in scene["cut"]}
    for a, b in _pairs(list(nodes), cut):
        yield from _svg_link(nodes[a], nodes[b], (a, b) in cut, (b, a) in cut)
    for message in scene["messages"]:
        yield from _svg_message(message, nodes, scene)
    for node in scene["nodes"]:
        yield from _svg_node(node, radius, scene["box"])
    if scene["note"]:
        yield f'<text class="note first" x="8" y="24">{_text(scene["note"])}</text>'


def _pairs(names: list[Any], cut: set[tuple[Any, Any]]) -> Iterator[tuple[Any, Any]]:
    """Yield the links that are drawn: all between servers, and a client's where it is cut."""
    for place, a in enumerate(names):
        for b in names[place + 1 :]:
            if (isinstance(a, int) and isinstance(b, int)) or (a, b) in cut or (b, a) in cut:
                yield a, b


def _svg_link(a: Scene, b: Scene, cut: bool, cut_back: bool) -> Iterator[str]:
    """Draw a link as two halves: the one next to a node is what reaches that node."""
    x, y = (a["x"] + b["x"]) / 2, (a["y"] + b["y"]) / 2
    yield f'<g class="link"><title>{_text(link_says(a["id"], b["id"], cut, cut_back))}</title>'
    for end, is_cut in ((b, cut), (a, cut_back)):
        kind = "half cut" if is_cut else "half"
        yield f'<line class="{kind}" x1="{x:g}" y1="{y:g}" x2="{end["x"]}" y2="{end["y"]}"/>'
    for end, is_cut in ((b, cut), (a, cut_back)):
        if is_cut:
            spot = f"translate({x + 0.3 * (end['x'] - x):g} {y + 0.3 * (end['y'] - y):g})"
            yield f'<path class="cross" transform="{spot}" d="M-8-8L8 8M-8 8L8-8"/>'
    yield "</g>"


def link_says(a: Any, b: Any, cut: bool, cut_back: bool) -> str:
    """Return what a link's label says.

    >>> link_says(1, 2, True, False)
    'link between server 1 and server 2, cut from server 1 to server 2'
    """
    state = "up"
    if cut and cut_back:
        state = "cut both ways"
    elif cut or cut_back:
        sender, receiver = (a, b) if cut else (b, a)
        state = f"cut from {title(sender)} to {title(receiver)}"
    return f"link between {title(a)} and {title(b)}, {state}"


def _svg_node(node: Scene, radius: int, box: int) -> Iterator[str]:
    place = f'transform="translate({node["x"]} {node["y"]})"'
    yield f'<g class="node {node["role"]}" {place}><title>{_text(node_says(node))}</title>'
    if node["role"] == "client":
        yield f'<rect class="body" x="-46" y="-{box}" width="92" height="{2 * box}" rx="10"/>'
        yield f'<text y="6">{_text(node["id"])}</text></g>'
        return
    if node["role"] == "leader":
        yield f'<circle class="rim" r="{radius + 6}"/>'
    yield f'<circle class="body" r="{radius}"/>'
    if node["role"] == "down":
        d = round(radius * 0.68)
        yield f'<path class="cross" d="M-{d}-{d}L{d} {d}M-{d} {d}L{d}-{d}"/>'
    yield f'<text class="number" y="-4">{_text(node["id"])}</text>'
    yield f'<text y="20">{_text(node["role"])}</text>'
    wide = tag_width(node["says"])
    yield f'<rect class="tag" x="{-wide / 2:g}" y="{radius - 6}" width="{wide}" height="28" rx="14"/>'
    yield f'<text y="{radius + 14}">{_text(node["says"])}</text></g>'


def tag_width(text: str, letter: float = 9.0) -> int:
    """Return how wide a label of this text is drawn."""
    return round(letter * len(text)) + 18


BOLD = 11.2
"""How wide a bold letter is drawn."""


def way(a: Scene, b: Scene, wide: float, radius: int) -> tuple[float, float, float, float]:
    """Return where a message from a to b begins and ends: just outside the rims, a little to the right of the line.

    A label that covered a node would hide it, and take the clicks meant for it; so nodes are also drawn above messages.
    """
    dx, dy = b["x"] - a["x"], b["y"] - a["y"]
    length = max(1.0, (dx * dx + dy * dy) ** 0.5)
    dx, dy = dx / length, dy / length
    label = wide / 4 * abs(dx) + 7 * abs(dy)  # half of what the label reaches along the way
    start, end = (label + (50 if node["role"] == "client" else radius + 8) for node in (a, b))
    if start + end > length:
        start = end = length / 2
    side_x, side_y = -9 * dy, 9 * dx
    return (
        a["x"] + start * dx + side_x, a["y"] + start * dy + side_y,
        b["x"] - end * dx + side_x, b["y"] - end * dy + side_y,
    )  # fmt: skip


def _svg_message(message: Scene, nodes: Mapping[Any, Scene], scene: Scene) -> Iterator[str]:
    name = message.get("name", "")
    wide = tag_width(name, BOLD) if name else 10
    x1, y1, x2, y2 = way(nodes[message["from"]], nodes[message["to"]], wide, scene["radius"])
    span = message["due"] - message["sent"]
    done = min(1.0, max(0.0, (scene["at"] - message["sent"]) / span)) if span > 0 else 1.0
    spot = f"translate({x1 + done * (x2 - x1):.0f} {y1 + done * (y2 - y1):.0f})"
    if not name:
        yield f'<circle class="quiet" r="5" transform="{spot}"/>'
        return
    yield f'<g class="message" transform="{spot}"><title>{_text(message["says"])}</title>'
    yield f'<rect x="{-wide / 2:g}" y="-13" width="{wide}" height="26" rx="13"/><text y="6">{_text(name)}</text></g>'


def _svg_chain(chain: Scene) -> Iterator[str]:
    blocks = chain["blocks"]
    if not blocks:
        yield f'<text class="note" x="{CHAIN_WIDTH // 2}" y="80">no block yet</text>'
        return
    rows = {block["id"]: block["row"] for block in blocks}
    lowest = blocks[0]["height"]
    for block in blocks:
        x, y = 26 + 196 * (block["height"] - lowest), 6 + ROW_HEIGHT * block["row"]
        kind = "block fork" if block["row"] else "block"
        yield f'<g class="{kind}" transform="translate({x} {y})"><title>{_text(block_says(block))}</title>'
        if block["height"]:
            up = ROW_HEIGHT * (rows.get(block["previous"], 0) - block["row"])
            yield f'<path class="pointer" d="M0 66L-22 {66 + up}m8-6l-8 6l8 6"/>'
        yield '<rect class="body" width="172" height="154" rx="10"/>'
        yield f'<text class="title" x="11" y="25">block {block["height"]}{" (fork)" if block["row"] else ""}</text>'
        for number, line in enumerate([*block["lines"], *[""] * (2 - len(block["lines"]))]):
            yield f'<text class="mono" x="11" y="{50 + 22 * number}">{_text(line)}</text>'
        yield f'<text class="mono" x="11" y="94">nonce {block["nonce"]}</text>'
        yield f'<text class="mono" x="11" y="116">hash …{_text(block["id"])}</text>'
        yield from _svg_owners(block["on"], chain["servers"])
        yield "</g>"


def _svg_owners(on: list[int], servers: int) -> Iterator[str]:
    """Draw a mark for each server, filled if it has the block."""
    step = min(29.0, 152 / servers)
    size = min(16.0, 0.72 * step)
    for server in range(1, servers + 1):
        kind = "owner" if server in on else "owner without"
        yield f'<g class="{kind}" transform="translate({10 + step * (server - 0.5):g} 137)">'
        yield f'<circle r="{min(12, step / 2):g}"/>'
        yield f'<text y="{size * 0.36:g}" style="font-size: {size:g}px">{server}</text></g>'


def block_says(block: Scene) -> str:
    """Return what a block's label says."""
    return f"block {block['height']}, {', '.join(block['lines'])}, on server {', '.join(map(str, block['on']))}"


_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _text(text: object) -> str:
    """Return text as it stands in XML: what is markup is escaped, what XML cannot hold is a replacement character."""
    return escape(_NOT_XML.sub("\ufffd", str(text)))
