"""A world's servers, clients, links and messages as a networkx graph, and a drawing of it.

The graph is the one source of every picture of a cluster: the drawing here, the SVG of the lab, your own.
It knows no protocol: what a server is (leader, candidate, follower) is read from two attributes that a node may have,
`leading` and `ballot`, and what it has promised from its disk. An acceptor or a proposer, told by its handlers, shows
what it promised and accepted, or what it proposes; any other node shows its name alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import networkx as nx
import numpy  # noqa: F401 (networkx asks for it at its first layout, which is a bad moment for a second of importing)

from paxoskit.protocol.node import title
from paxoskit.protocol.plain import BOTTOM, Ballot, Name
from paxoskit.trace import say
from paxoskit.worlds.synod import ACCEPTOR, SERVER, role_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from paxoskit.worlds.world import World

QUIET = frozenset({"Heartbeat", "HeartbeatHeard", "HeartbeatTimeout", "ElectionTimeout", "RetryTimeout"})
"""Names of messages that only say that time goes by: drawn faint, and no reason for a new picture."""

MOST_CLIENTS = 20
"""So many clients are drawn; a picture of more would show none of them."""

INK, PAPER, LINE, BLUE, AMBER, RED, GREY = "#1f2d3a", "#ffffff", "#b4c0cb", "#d7e8f5", "#f4bd4a", "#c2410c", "#eceff2"
FILLS = {"leader": AMBER, "candidate": PAPER, "follower": BLUE, "down": GREY, "client": PAPER, "acceptor": BLUE,
         "proposer": PAPER, "server": BLUE}  # fmt: skip


def cluster_graph(world: World) -> nx.MultiDiGraph:
    """Return the servers, clients, links and messages in flight of a world, as they are now.

    A node has `kind` ("server" or "client"), `title` and `pos` (x and y from about -1.65 to 1.65, y upward); a server
    also has `role` ("leader", "candidate", "follower"; "acceptor", "proposer"; "server" for another class; "down"),
    `ballot`, `height`, `voter`, and `says` and `short`, what stands below it. An edge with the key "link" has `cut`
    (True or False); an edge whose key is a number is a message in flight: `message`, `name`, `says`, `quiet`.

    >>> from paxoskit.worlds.world import World
    >>> graph = cluster_graph(World(servers=3, clients=1))
    >>> graph.nodes[2]["role"], graph.nodes[2]["height"]
    ('follower', 0)
    >>> graph.edges[1, 3, "link"]["cut"]
    False
    """
    graph = nx.MultiDiGraph()
    clients = world.clients[:MOST_CLIENTS]
    places = positions(world.servers, clients)
    for server in world.servers:
        graph.add_node(server, kind="server", title=title(server), pos=places[server], **server_facts(world, server))
    for client in clients:
        graph.add_node(client, kind="client", title=title(client), pos=places[client])
    for a in graph.nodes:
        for b in graph.nodes:
            if a != b and (isinstance(a, int) or isinstance(b, int)):
                graph.add_edge(a, b, key="link", cut=(a, b) in world.cut)
    for number, sender, receiver, message in list(world.flying.values()):
        if sender in graph and receiver in graph:
            name = type(message).__name__
            graph.add_edge(
                sender, receiver, key=number, message=message, name=name, says=say(message), quiet=name in QUIET
            )
    return graph


def server_facts(world: World, server: int) -> dict[str, Any]:
    """Return what a picture says of a server: its role, ballot, height, whether it may vote, and that in words.

    A handler may be running on another thread: only attributes are read, and each only once.
    """
    node, disk = world.nodes[server], world.disks[server]
    cls: Any = world.classes[server]
    part = _part(cls)
    stands = getattr(node, "ballot", BOTTOM)
    promised = _first(world, server, "promised")
    if node is None:
        role = "down"
    elif part != FULL:
        role = part
    elif getattr(node, "leading", False):
        role = "leader"
    else:
        role = "candidate" if isinstance(stands, Ballot) and stands > BOTTOM else "follower"
    ballot = stands if role in ("leader", "candidate", "proposer") else promised
    facts: dict[str, Any] = {
        "role": role,
        "ballot": ballot if isinstance(ballot, Ballot) else BOTTOM,
        "height": world.chain(server).height,
        "voter": bool(getattr(disk, "voter", disk is not None)),
    }
    match part:
        case "acceptor" if node is None or (_has(world, server, "promised") and _has(world, server, *VOTES)):
            says = _acceptor_says(facts["ballot"], _first(world, server, *VOTES))
        case "proposer":
            says = _proposer_says(facts, node)
        case "acceptor" | "server":  # an acceptor that has other names for what it knows: nothing can be said of it
            says = ("", "")
        case _:
            short = str(facts["ballot"]) if facts["voter"] else "no vote"
            says = (f"{ballot_says(facts)} · {height_says(facts['height'])}", f"{short} · {facts['height']}")
    return facts | dict(zip(("says", "short"), says))


FULL = "full"
"""The part of a server of the whole protocol: it leads or follows, and has a chain."""


@lru_cache(maxsize=256)
def _part(cls: type) -> str:
    """Return the part that a class plays: "full", "acceptor", "proposer", or "server" if none of them can be told."""
    if "chain" in getattr(getattr(cls, "Disk", None), "__dataclass_fields__", ()):
        return FULL
    try:
        role = role_of(cls)
    except ValueError:
        return "server"
    if role == ACCEPTOR and callable(getattr(cls, "on_promise", None)):
        return "server"  # it hears what a proposer hears as well
    return FULL if role == SERVER else role


VOTES = ("vote", "accepted")
"""What an acceptor may call its vote."""


def _has(world: World, server: int, *names: str) -> bool:
    """Say whether a server has something of one of these names, on its disk or in its memory."""
    return any(hasattr(holder, name) for holder in (world.disks[server], world.nodes[server]) for name in names)


def _first(world: World, server: int, *names: str) -> Any:
    """Return the first thing of these names that a server has on its disk, or else in its memory; None if none."""
    holders = (world.disks[server], world.nodes[server])
    values = (getattr(holder, name, None) for holder in holders for name in names)
    return next((value for value in values if value is not None), None)


def _acceptor_says(promised: Ballot, vote: Any) -> tuple[str, str]:
    """Return what stands below an acceptor, and the same in short.

    >>> _acceptor_says(Ballot(2, 5), (Ballot(1, 4), "red"))
    ('promised 2.5 · accepted red in 1.4', '2.5 · red in 1.4')
    """
    ballot, value = vote if isinstance(vote, tuple) and len(vote) == 2 else _fields(vote)
    accepted = "" if vote is None else f"{value!s:.8} in {ballot}"
    words = [f"promised {promised}" if promised > BOTTOM else "no promise", f"accepted {accepted}"]
    return (" · ".join(words) if accepted else f"{words[0]} · nothing accepted", f"{promised} · {accepted or '–'}")


def _fields(vote: Any) -> tuple[Any, Any]:
    return getattr(vote, "ballot", "?"), getattr(vote, "value", vote)


def _proposer_says(facts: Mapping[str, Any], node: Any) -> tuple[str, str]:
    """Return what stands below a proposer, and the same in short: its ballot, and its value as far as that has got."""
    wish, proposed = getattr(node, "wish", None), getattr(node, "proposed", None)
    shown = wish if proposed is None else proposed
    value = "" if shown is None else f"{shown!s:.8}"
    if value and getattr(node, "decided", False):
        words = f"{value} is chosen"
    else:
        words = f"{'wants' if proposed is None else 'proposes'} {value}" if value else ""
    ballot = f"ballot {facts['ballot']}" if facts["ballot"] > BOTTOM else "no ballot"
    return " · ".join(filter(None, (ballot, words))), f"{facts['ballot']} · {value or '–'}"


@lru_cache(maxsize=32)
def positions(servers: tuple[int, ...], clients: tuple[str, ...] = ()) -> Mapping[Name, tuple[float, float]]:
    """Return where each node is drawn: servers on a circle, clockwise from the top; clients to its left and right.

    >>> places = positions((1, 2, 3, 4), ("client 1", "client 2"))
    >>> places[1], places[2], places["client 1"], places["client 2"]
    ((0.0, 1.0), (1.0, 0.0), (-1.65, 0.0), (1.65, 0.0))
    """
    circle = nx.circular_layout(servers) if len(servers) > 1 else {server: (0.0, 0.0) for server in servers}
    places: dict[Name, tuple[float, float]] = {
        server: (_rounded(y), _rounded(x)) for server, (x, y) in circle.items()
    }
    for side, column in ((-1.65, clients[::2]), (1.65, clients[1::2])):
        for number, client in enumerate(column):
            places[client] = (side, _rounded(1 - 2 * (number + 0.5) / len(column)))
    return places


def _rounded(value: float) -> float:
    return round(float(value), 3) + 0.0  # + 0.0: no -0.0


def links(graph: nx.MultiDiGraph) -> Iterable[tuple[Name, Name, bool, bool]]:
    """Yield each pair of linked nodes once: a, b, is a to b cut, is b to a cut."""
    order = {name: place for place, name in enumerate(graph.nodes)}
    for a, b, key, cut in graph.edges(keys=True, data="cut"):
        if key == "link" and order[a] < order[b]:
            yield a, b, cut, graph.edges[b, a, "link"]["cut"]


def height_says(height: int) -> str:
    """Return a number of blocks in words.

    >>> height_says(1), height_says(4)
    ('1 block', '4 blocks')
    """
    return f"{height} block" if height == 1 else f"{height} blocks"


def ballot_says(facts: Mapping[str, Any]) -> str:
    """Return what stands below a server: its ballot, or that it has none or no vote."""
    if not facts["voter"] and facts["role"] != "down":
        return "no vote"
    return f"ballot {facts['ballot']}" if facts["ballot"] > BOTTOM else "no ballot"


def draw_cluster(graph: nx.MultiDiGraph, ax: Axes | None = None) -> Figure:
    """Draw a cluster's graph (see `cluster_graph`) with matplotlib and return the figure.

    A leader has a double rim, a candidate a dashed one, a server that is down a cross; a cut direction is dashed and
    crossed next to the node that it would reach.
    """
    figure, ax = _canvas(ax, (10, 6))
    ax.set_xlim(-2.05, 2.05)
    ax.set_ylim(-1.45, 1.35)
    places = nx.get_node_attributes(graph, "pos")
    for a, b, cut, cut_back in links(graph):
        if graph.nodes[a]["kind"] == graph.nodes[b]["kind"] or cut or cut_back:
            _draw_link(ax, places[a], places[b], cut, cut_back)
    for sender, receiver, key, data in graph.edges(keys=True, data=True):
        if key != "link":
            _draw_message(ax, places[sender], places[receiver], data)
    for _, facts in graph.nodes(data=True):
        _draw_node(ax, facts)
    return figure


def _canvas(ax: Axes | None, size: tuple[float, float]) -> tuple[Figure, Axes]:
    """Return a figure and its bare axes. pyplot is asked, so that a notebook shows the figure, and then forgets it."""
    if ax is None:
        import matplotlib.pyplot as plt

        figure, ax = plt.subplots(figsize=size, layout="constrained")
        plt.close(figure)
    ax.set_axis_off()
    ax.set_aspect("equal")
    drawn = ax.get_figure(root=True)
    assert drawn is not None
    return drawn, ax


def _draw_link(ax: Axes, a: tuple[float, float], b: tuple[float, float], cut: bool, cut_back: bool) -> None:
    middle = ((a[0] + b[0]) / 2, (a[1] + b[1]) / 2)
    for end, is_cut in ((b, cut), (a, cut_back)):
        style = {"color": RED, "linestyle": (0, (2, 3))} if is_cut else {"color": LINE, "linestyle": "-"}
        ax.plot([middle[0], end[0]], [middle[1], end[1]], linewidth=2, zorder=1, **style)
        if is_cut:
            spot = [middle[i] + 0.35 * (end[i] - middle[i]) for i in (0, 1)]
            ax.plot(*[[value] for value in spot], marker="x", markersize=11, markeredgewidth=3, color=RED, zorder=2)


def _draw_message(ax: Axes, a: tuple[float, float], b: tuple[float, float], data: Mapping[str, Any]) -> None:
    """Draw a message at three fifths of its way, unless its edge has `done`: how much lies behind it, 0 to 1."""
    done = 0.25 + 0.5 * data["done"] if "done" in data else 0.6  # its label stays clear of the nodes
    x, y = (a[i] + done * (b[i] - a[i]) for i in (0, 1))
    if data["quiet"]:
        ax.plot([x], [y], marker="o", markersize=5, color=LINE, zorder=3)
        return
    box = {"boxstyle": "round,pad=0.3", "facecolor": INK, "edgecolor": PAPER}
    ax.text(x, y, data["name"], color=PAPER, fontsize=11, ha="center", va="center", bbox=box, zorder=7)


def _draw_node(ax: Axes, facts: Mapping[str, Any]) -> None:
    from matplotlib.patches import Circle, FancyBboxPatch

    (x, y), role = facts["pos"], facts.get("role", "client")
    common: dict[str, Any] = {"facecolor": FILLS[role], "edgecolor": INK, "linewidth": 1.8, "zorder": 4}
    if role == "client":
        ax.add_patch(FancyBboxPatch((x - 0.2, y - 0.09), 0.4, 0.18, boxstyle="round,pad=0.03", **common))
        ax.text(x, y, facts["title"], ha="center", va="center", fontsize=12, zorder=6)
        return
    ax.add_patch(Circle((x, y), 0.25, linestyle="--" if role in ("candidate", "down") else "-", **common))
    if role == "leader":
        ax.add_patch(Circle((x, y), 0.285, fill=False, edgecolor=INK, linewidth=1.8, zorder=4))
    if role == "down":
        for slope in (-1, 1):
            ax.plot([x - 0.17, x + 0.17], [y - 0.17 * slope, y + 0.17 * slope], color=RED, linewidth=2, zorder=4)
    ax.text(x, y + 0.05, facts["title"].split()[-1], ha="center", va="center", fontsize=17, weight="bold", zorder=6)
    ax.text(x, y - 0.11, role, ha="center", va="center", fontsize=11, zorder=6)
    under = facts["says"].replace(" · ", "\n") if len(facts["says"]) > 24 else facts["says"]
    low = 0.41 if "\n" in under else 0.36
    ax.text(x, y - low, under, ha="center", va="center", fontsize=11, zorder=6, parse_math=False,
            bbox={"boxstyle": "round,pad=0.2", "facecolor": PAPER, "edgecolor": "none", "alpha": 0.85})  # fmt: skip
