"""What the lab shows, twice: as a small JSON scene, and as the SVG text that a scene stands for. Both are pure.

    world --scene--> JSON --svg--> a still picture (saved notebook, snapshot, golden tests)
                     JSON --scene.js--> the picture that moves

A message in a scene has the world times at which it was sent and is due; the scene has the time and the speed of the
world's clock. So one scene is enough for a second of movement, and the browser fills in the frames.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from paxoskit.lab.page import HERE as HERE
from paxoskit.lab.page import picture_style
from paxoskit.lab.panels import timers, votes
from paxoskit.pictures.chain import chain_graph, keeps_chains, short_hash, shortened
from paxoskit.pictures.cluster import MOST_CLIENTS, cluster_graph
from paxoskit.pictures.spacetime import escaped
from paxoskit.protocol.node import title
from paxoskit.trace import say
from paxoskit.worlds.choice import Choice

if TYPE_CHECKING:
    from paxoskit.worlds.world import World

Scene: TypeAlias = dict[str, Any]

MOST_MESSAGES, MOST_HEIGHTS, MOST_LETTERS, MOST_TIMERS = 40, 6, 14, 8

WIDTH, HEIGHT, CHAIN_WIDTH = 880, 472, 1200
"""The size of the cluster's picture, and the width of the chain's."""

BLOCK, GAP, BLOCK_HEIGHT, MARKS = 172, 24, 154, 5
"""The width of a block, what lies between two, the height of one with one row of marks, and how many a row has."""


# From world to scene ----------------------------------------------------------------------------------------


def scene(
    world: World, due: Mapping[int, tuple[float, float]], now: float, speed: float, note: str = "",
    held: Collection[int] = (),
) -> Scene:  # fmt: skip
    """Return what there is to see: plain data, small, and the same for the same world.

    `due` says, by its number, when each message was sent and arrives (world milliseconds); one without is drawn half
    way, and only while the world stands still. `now` is world time, `speed` world milliseconds per real one (0: the
    world stands still). `note` stands in a corner. `held` has the numbers of messages that somebody holds back.

    >>> from paxoskit.worlds.world import World
    >>> seen = scene(World(servers=3), {}, now=0, speed=1)
    >>> seen["nodes"][0]
    {'id': 1, 'x': 440, 'y': 66, 'role': 'follower', 'says': 'no ballot · 0 blocks', 'timers': ['ElectionTimeout']}
    """
    graph = cluster_graph(world)
    small = len(world.servers) > 7
    shown: Scene = {
        "at": round(now, 1),
        "speed": round(speed, 6),
        "radius": 43 if small else 46 if len(world.servers) > 5 else 54,
        "box": 24 if len(world.clients) <= 10 else 14,
        "nodes": [_node(world, name, facts, small, not speed) for name, facts in graph.nodes(data=True)],
        "cut": [[a, b] for a, b, key, cut in graph.edges(keys=True, data="cut") if key == "link" and cut],
        "messages": _messages(graph, due, now, speed, held),
        "chain": _chain(world),
    }
    hidden = len(world.clients) - MOST_CLIENTS
    notes = [note, f"and {hidden} more clients" if hidden > 0 else ""]
    return shown | {"note": " · ".join(filter(None, notes))} | _landed(world, speed)


def _landed(world: World, speed: float) -> Scene:
    """Say which message the last step of a standing world delivered: the browser lets it land."""
    if speed or not world.trace.records:
        return {}
    record = world.trace.records[-1]
    return {"landed": record[6]} if record[2] == "deliver" else {}


def _node(world: World, name: Any, facts: Mapping[str, Any], small: bool, still: bool) -> Scene:
    """Return a node; a client's timers only while the world stands still, for they come and go with each put."""
    x, y = facts["pos"]
    wide = 260 if len(world.servers) > 5 and facts["kind"] == "server" else 235
    seen = {"id": name, "x": round(WIDTH / 2 + wide * x), "y": round(226 - 160 * y)}
    if facts["kind"] == "client":
        waiting = timers(world, name)[:MOST_TIMERS] if still else []
        return seen | {"role": "client"} | ({"timers": waiting} if waiting else {})
    short = small or (len(world.servers) > 5 and len(facts["says"]) > LONG_TAG)
    seen |= {"role": facts["role"], "says": facts["short" if short else "says"]}
    running = timers(world, name)
    return seen | ({"timers": running} if running else {})


def _messages(
    graph: Any, due: Mapping[int, tuple[float, float]], now: float, speed: float, held: Collection[int]
) -> list[Scene]:
    seen = []
    for sender, receiver, number, facts in graph.edges(keys=True, data=True):
        if number == "link" or (number not in due and speed):
            continue
        sent, arrives = due.get(number, (now - 1.0, now + 1.0))
        message = {"id": number, "from": sender, "to": receiver, "sent": round(sent, 1), "due": round(arrives, 1)}
        message["name"] = shortened(facts["name"], 14)
        message |= {"quiet": True} if facts["quiet"] else {"says": shortened(facts["says"], 60)}
        seen.append(message | ({"held": True} if number in held else {}))
    return sorted(seen, key=lambda message: (not message.get("quiet"), message["id"]))[-MOST_MESSAGES:]


def meant(world: World, data: Mapping[str, Any]) -> Choice:
    """Return the choice that a click meant: it names a message by its number, and a timer by its words.

    >>> from paxoskit.worlds.world import World
    >>> str(meant(World(servers=3), {"kind": "fire", "node": 2, "timer": "ElectionTimeout"}))
    'fire ElectionTimeout of server 2'

    A whole choice in JSON is one as well. Raises ValueError, in one line, for what is no longer there.
    """
    if "number" in data:
        flight = world.flying.get(data["number"]) if type(data["number"]) is int else None
        if flight is None:
            raise ValueError(f"this message is no longer in flight (number {data['number']!r:.20})")
        equal = [other.number for other in world.flying.values() if other[1:] == flight[1:]]
        copy = equal.index(flight.number)
        crash = {"crash": data["crash"]} if "crash" in data else {}
        named = Choice(str(data.get("kind")), flight.receiver, flight.sender, flight.message, copy)
        return Choice.from_json(named.as_json() | crash)
    if "timer" in data:
        node, named = data.get("node"), data["timer"]
        for name, message in world.timers:
            if name == node and say(message) == named:
                return Choice("fire", name, what=message)
        who = title(node) if isinstance(node, (int, str)) else repr(node)
        raise ValueError(f"{who:.20} has no timer {named!r:.60} any more")
    return Choice.from_json(dict(data))


def _chain(world: World) -> Scene:
    """Return the newest blocks: what disks hold as decided, and what servers have voted for in the slot after that.

    `absent` is there, and True, where no server keeps a chain.
    """
    graph = chain_graph(world, MOST_HEIGHTS)
    voted = votes(world)
    blocks = []
    for name, facts in graph.nodes(data=True):
        _, voters = voted.pop(name, (None, []))
        seen = _block(name, facts["height"], facts["previous_hash"], facts["nonce"], facts["operations"])
        seen |= {"row": facts["row"], "on": list(facts["servers"])}
        blocks.append(seen | ({"votes": voters} if voters else {}))
    rows: dict[int, int] = {}
    for block in blocks:
        rows[block["height"]] = rows.get(block["height"], 0) + 1
    for block in blocks:
        if rows[block["height"]] > 1:
            block["fork"] = True
    for name, (held, voters) in sorted(voted.items(), key=lambda item: item[1][0].height):
        row = rows[held.height] = rows.get(held.height, 0) + 1
        words = tuple(request.operation.words for request in held.operations)
        seen = _block(name, held.height, held.previous_hash, held.nonce, words)
        blocks.append(seen | {"row": row - 1, "on": [], "votes": voters})
    top = max((block["height"] for block in blocks), default=0)
    blocks = [block for block in blocks if block["height"] > top - MOST_HEIGHTS]
    blocks.sort(key=lambda block: (block["height"], block["row"]))
    return {"servers": len(world.servers), "blocks": blocks} | ({} if keeps_chains(world) else {"absent": True})


def _block(name: str, height: int, previous: str, nonce: int, operations: Sequence[Sequence[str]]) -> Scene:
    return {
        "id": short_hash(name)[1:], "height": height, "nonce": nonce, "previous": short_hash(previous)[1:],
        "lines": _two_lines(operations),
    }  # fmt: skip


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
    height = HEIGHT + chain_height(scene["chain"])
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="paxoskit" viewBox="0 0 {CHAIN_WIDTH} {height}" '
            f'role="img" aria-label="{escaped(describe(scene))}">',
            f"<style>\n{picture_style()}\n</style>",
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
        if not message.get("quiet")
    ]
    return "; ".join([*parts, *map(block_says, scene["chain"]["blocks"])])


def node_says(node: Scene) -> str:
    """Return what a node's label says, as `server 2, leader, ballot 3.2, 4 blocks`."""
    if node["role"] == "client":
        return str(node["id"])
    return ", ".join(filter(None, [title(node["id"]), node["role"], *node["says"].split(" · ")]))


def _svg_cluster(scene: Scene) -> Iterator[str]:
    nodes = {node["id"]: node for node in scene["nodes"]}
    radius = scene["radius"]
    cut = {(a, b) for a, b in scene["cut"]}
    for a, b in _pairs(list(nodes), cut):
        yield from _svg_link(nodes[a], nodes[b], (a, b) in cut, (b, a) in cut)
    places = spots(scene)
    for message, x, y in places:
        if message.get("quiet"):  # below all words
            yield from _svg_message(message, f"translate({x:.0f} {y:.0f})")
    for node in scene["nodes"]:
        if node["role"] != "client":
            yield from filter(None, [_svg_tag(node, radius)])
    for message, x, y in places:
        if not message.get("quiet"):
            yield from _svg_message(message, f"translate({x:.0f} {y:.0f})")
    for node in scene["nodes"]:
        yield from _svg_node(node, radius, scene["box"])
    if scene["note"]:
        yield f'<text class="note first" x="8" y="24">{escaped(scene["note"])}</text>'


def _pairs(names: list[Any], cut: set[tuple[Any, Any]]) -> Iterator[tuple[Any, Any]]:
    """Yield the links that are drawn: all between servers, and a client's where it is cut."""
    for place, a in enumerate(names):
        for b in names[place + 1 :]:
            if (isinstance(a, int) and isinstance(b, int)) or (a, b) in cut or (b, a) in cut:
                yield a, b


def _svg_link(a: Scene, b: Scene, cut: bool, cut_back: bool) -> Iterator[str]:
    """Draw a link as two halves: the one next to a node is what reaches that node."""
    x, y = (a["x"] + b["x"]) / 2, (a["y"] + b["y"]) / 2
    yield f'<g class="link"><title>{escaped(link_says(a["id"], b["id"], cut, cut_back))}</title>'
    for end, is_cut in ((b, cut), (a, cut_back)):
        kind = "half cut" if is_cut else "half"
        yield f'<line class="{kind}" x1="{x:g}" y1="{y:g}" x2="{end["x"]}" y2="{end["y"]}"/>'
    for end, is_cut in ((b, cut), (a, cut_back)):
        if is_cut:
            spot = f"translate({x + 0.16 * (end['x'] - x):g} {y + 0.16 * (end['y'] - y):g})"
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
    yield f'<g class="node {node["role"]}" {place}><title>{escaped(node_says(node))}</title>'
    if node["role"] == "client":
        yield f'<rect class="body" x="-46" y="-{box}" width="92" height="{2 * box}" rx="10"/>'
        yield f'<text y="6">{escaped(node["id"])}</text>'
        yield from _svg_clock(node, 44, -box)
        yield "</g>"
        return
    if node["role"] == "leader":
        yield f'<circle class="rim" r="{radius + 6}"/>'
    yield f'<circle class="body" r="{radius}"/>'
    if node["role"] == "down":
        d = round(radius * 0.68)
        yield f'<path class="cross" d="M-{d}-{d}L{d} {d}M-{d} {d}L{d}-{d}"/>'
    yield f'<text class="number" y="-4">{escaped(node["id"])}</text>'
    yield f'<text y="20">{escaped(node["role"])}</text>'
    at = round(0.8 * radius)
    yield from _svg_clock(node, at, -at)
    yield "</g>"


def _svg_clock(node: Scene, x: int, y: int) -> Iterator[str]:
    """Draw a small clock beside a node whose timers run."""
    if node.get("timers"):
        yield f'<g class="clock" transform="translate({x} {y})"><circle class="dial" r="12"/>'
        yield '<path class="hand" d="M0-8V0L5 4"/></g>'


LONG_TAG = 24
"""What stands below one of at most five servers and is longer than so many letters stands in two lines."""


def tag_lines(node: Scene, radius: int) -> list[str]:
    """Return the lines that stand below a server."""
    return node["says"].split(" · ")[:2] if len(node["says"]) > LONG_TAG and radius > 50 else [node["says"]]


def _svg_tag(node: Scene, radius: int) -> str:
    """Draw what stands below a server; messages fly above it, and below the server itself."""
    if not node["says"]:
        return ""
    lines = tag_lines(node, radius)
    wide = max(map(tag_width, lines))
    words = [f'<text y="{radius + 22 + 22 * place}">{escaped(line)}</text>' for place, line in enumerate(lines)]
    return (
        f'<g class="label" transform="translate({node["x"]} {node["y"]})"><rect class="tag" x="{-wide / 2:g}" '
        f'y="{radius + 2}" width="{wide}" height="{6 + 22 * len(lines)}" rx="14"/>{"".join(words)}</g>'
    )


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


def spots(scene: Scene) -> list[tuple[Scene, float, float]]:
    """Return each message with the place of its middle.

    While the world stands still, a message steps aside until its label covers no other: each can be read, and clicked.
    """
    nodes = {node["id"]: node for node in scene["nodes"]}
    taken: list[Spot] = []
    found = []
    for message in scene["messages"]:
        wide = 10 if message.get("quiet") else tag_width(label(message), BOLD)
        path = way(nodes[message["from"]], nodes[message["to"]], wide, scene["radius"])
        span = message["due"] - message["sent"]
        done = min(1.0, max(0.0, (scene["at"] - message["sent"]) / span)) if span > 0 else 1.0
        x, y = _along(path, done)
        if not scene["speed"] and not message.get("quiet"):
            x, y = _free_spot(path, done, wide, scene, taken)
            taken.append((x, y, wide / 2))
        found.append((message, x, y))
    return found


Spot: TypeAlias = tuple[float, float, float]
"""The middle of a label, and half of its width."""

SIDES = (
    (0, 0), (0, 28), (0, -28), (0, 56), (0, -56), (60, 0), (-60, 0), (60, 28), (-60, 28), (60, -28), (-60, -28),
    (0, 84), (0, -84), (90, 56), (-90, 56), (90, -56), (-90, -56), (0, 112), (0, -112),
)  # fmt: skip
ASIDE = tuple((side, sign * shift / 8) for side in SIDES for shift in range(9) for sign in (1, -1))
"""How far a message steps aside (to the right and downward), and along its way (a share of it): the nearest first."""


def _along(path: Sequence[float], done: float) -> tuple[float, float]:
    x1, y1, x2, y2 = path
    return x1 + done * (x2 - x1), y1 + done * (y2 - y1)


def _free_spot(path: Sequence[float], done: float, wide: float, scene: Scene, taken: list[Spot]) -> tuple[float, float]:
    """Return the nearest place where the label covers no other and no node; if there is none, no other."""
    free = []
    for (right, down), shift in ASIDE:
        x, y = _along(path, done + shift)
        x, y = x + right, y + down
        taken_here = any(abs(x - a) < wide / 2 + other and abs(y - b) < 27 for a, b, other in taken)
        if 0 <= done + shift <= 1 and not taken_here:
            if not _covers_a_node(x, y, wide / 2, scene):
                return x, y
            free.append((x, y))
    return free[0] if free else _along(path, done)


def _covers_a_node(x: float, y: float, half: float, scene: Scene) -> bool:
    """Say whether a label covers a node, or what stands below it, or leaves the picture."""
    if not 13 < y < HEIGHT - 13:
        return True
    for node in scene["nodes"]:
        dx, dy = max(0.0, abs(x - node["x"]) - half), max(0.0, abs(y - node["y"]) - 13)
        client = node["role"] == "client"
        if (dx < 46 and dy < scene["box"]) if client else dx * dx + dy * dy < scene["radius"] ** 2:
            return True
        if not client and _covers_its_tag(x - node["x"], y - node["y"], half, node, scene["radius"]):
            return True
    return False


def _covers_its_tag(right: float, down: float, half: float, node: Scene, radius: int) -> bool:
    """Say whether a label, so far to the right of a server and below it, covers what stands there in words."""
    lines = tag_lines(node, radius)
    wide, top = max(map(tag_width, lines)), radius + 2
    return bool(node["says"]) and abs(right) < half + wide / 2 and top - 13 < down < top + 6 + 22 * len(lines) + 13


def label(message: Scene) -> str:
    """Return what stands on a message: its name, with a mark if somebody holds it back."""
    return f"‖ {message['name']}" if message.get("held") else str(message["name"])


def _svg_message(message: Scene, spot: str) -> Iterator[str]:
    if message.get("quiet"):
        yield f'<circle class="quiet" r="5" transform="{spot}"/>'
        return
    wide = tag_width(label(message), BOLD)
    kind = "message held" if message.get("held") else "message"
    yield f'<g class="{kind}" transform="{spot}"><title>{escaped(message["says"])}</title>'
    yield f'<rect x="{-wide / 2:g}" y="-13" width="{wide}" height="26" rx="13"/>'
    yield f'<text y="6">{escaped(label(message))}</text></g>'


def owner_rows(servers: int) -> int:
    """Return in how many rows a block shows its servers' marks."""
    return -(-servers // MARKS)


def block_height(chain: Scene) -> int:
    """Return how high a block is drawn."""
    return BLOCK_HEIGHT + 30 * (owner_rows(chain["servers"]) - 1)


def chain_height(chain: Scene) -> int:
    """Return how high the picture of the chain is: as many rows as the widest fork has; nothing if nobody keeps one."""
    if chain.get("absent"):
        return 0
    rows = 1 + max((block["row"] for block in chain["blocks"]), default=0)
    return rows * (block_height(chain) + 18)


def _svg_chain(chain: Scene) -> Iterator[str]:
    blocks, high = chain["blocks"], block_height(chain)
    if chain.get("absent"):
        return
    if not blocks:
        yield f'<text class="note" x="{CHAIN_WIDTH // 2}" y="80">no block yet</text>'
        return
    rows = {block["id"]: block["row"] for block in blocks}
    lowest = blocks[0]["height"]
    for block in blocks:
        x, y = 26 + (BLOCK + GAP) * (block["height"] - lowest), 6 + (high + 18) * block["row"]
        says = escaped(block_says(block))
        yield f'<g class="{block_kind(block)}" transform="translate({x} {y})"><title>{says}</title>'
        if block["height"]:
            up = (high + 18) * (rows.get(block["previous"], 0) - block["row"])
            yield f'<path class="pointer" d="M0 66L-22 {66 + up}m8-6l-8 6l8 6"/>'
        yield f'<rect class="body" width="{BLOCK}" height="{high}" rx="10"/>'
        yield f'<text class="title" x="11" y="25">{block_title(block)}</text>'
        if badge := block_badge(block):
            wide = badge_width(badge)
            yield f'<g class="badge"><rect x="{BLOCK - 6 - wide}" y="7" width="{wide}" height="25" rx="6"/>'
            yield f'<text x="{BLOCK - 6 - wide / 2:g}" y="25">{badge}</text></g>'
        for number, line in enumerate([*block["lines"], *[""] * (2 - len(block["lines"]))]):
            yield f'<text class="mono" x="11" y="{50 + 22 * number}">{escaped(line)}</text>'
        yield f'<text class="mono" x="11" y="94">nonce {block["nonce"]}</text>'
        yield f'<text class="mono" x="11" y="116">hash …{escaped(block["id"])}</text>'
        yield from _svg_owners(block, chain["servers"])
        yield "</g>"


def block_kind(block: Scene) -> str:
    """Return the classes of a block: one of a fork, one that is only voted for, or neither."""
    return "block fork" if block.get("fork") else "block" if block["on"] else "block pending"


def block_title(block: Scene) -> str:
    """Return the heading of a block; a long number leaves no room for the word beside a badge."""
    return str(block["height"]) if block["height"] > 99 and block_badge(block) else f"block {block['height']}"


def badge_width(badge: str) -> int:
    """Return how wide a block's badge is drawn."""
    return round(10 * len(badge)) + 12


def block_badge(block: Scene) -> str:
    """Return the word that a block wears if it is no ordinary one: a part of a fork, or only voted for."""
    return "fork" if block.get("fork") else "" if block["on"] else "voted"


def _svg_owners(block: Scene, servers: int) -> Iterator[str]:
    """Draw a mark for each server: filled if it has the block, with a dashed rim if it has voted for it."""
    for server in range(1, servers + 1):
        x, y = 25 + 30 * ((server - 1) % MARKS), 137 + 30 * ((server - 1) // MARKS)
        yield f'<g class="{owner_kind(block, server)}" transform="translate({x} {y})">'
        yield f'<circle r="12"/><text y="6">{server}</text></g>'


def owner_kind(block: Scene, server: int) -> str:
    """Return the classes of a server's mark on a block."""
    return "owner" if server in block["on"] else "owner voted" if server in block.get("votes", ()) else "owner without"


def block_says(block: Scene) -> str:
    """Return what a block's label says."""
    badge = block_badge(block)
    parts = [f"block {block['height']}" + (f" {badge}" if badge else ""), *block["lines"]]
    parts += [f"on server {', '.join(map(str, block['on']))}"] if block["on"] else []
    parts += [f"with votes of server {', '.join(map(str, block['votes']))}"] if block.get("votes") else []
    return ", ".join(parts)
