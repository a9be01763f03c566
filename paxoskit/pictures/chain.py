"""The block chains of all servers as one networkx graph, and a drawing of it.

Servers that agree share their blocks, so the graph of a right cluster is a path, however many servers there are; a fork
is two blocks of one height.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import networkx as nx

from paxoskit.pictures.cluster import AMBER, BLUE, GREY, INK, PAPER, RED, _canvas

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from paxoskit.worlds.world import World


def chain_graph(world: World, newest: int | None = None) -> nx.DiGraph:
    """Return the blocks that servers' disks hold; an edge leads from each block to the one before it.

    A node is a block's hash; it has `height`, `row` (0, or more for the later blocks of a fork), `previous_hash`,
    `nonce`, `operations` (each as words: name, key, value) and `servers`, who has it. The graph has `servers`.
    With `newest`, only the newest so many heights are there.

    >>> from paxoskit.worlds.world import World
    >>> chain_graph(World(servers=3)).number_of_nodes()
    0

    Raises ValueError if `newest` is not a number above 0.
    """
    if newest is not None and (type(newest) is not int or newest < 1):
        raise ValueError(f"newest: expected a number of heights above 0, got {newest!r}")
    graph = nx.DiGraph(servers=world.servers)
    chains = {server: world.chain(server) for server in world.servers}
    top = max((chain.height for chain in chains.values()), default=0)
    lowest = 0 if newest is None else max(0, top - newest)
    rows: dict[int, int] = {}
    for server, chain in chains.items():
        for block in chain.from_height(lowest):
            if block.hash not in graph:
                row = rows[block.height] = rows.get(block.height, -1) + 1
                words = tuple(request.operation.words for request in block.operations)
                graph.add_node(
                    block.hash, height=block.height, row=row, previous_hash=block.previous_hash, nonce=block.nonce,
                    operations=words, servers=(),
                )  # fmt: skip
            graph.nodes[block.hash]["servers"] += (server,)
    for name, facts in list(graph.nodes(data=True)):
        if facts["previous_hash"] in graph:
            graph.add_edge(name, facts["previous_hash"])
    return graph


def keeps_chains(world: World) -> bool:
    """Say whether any server keeps a chain on its disk; the acceptors of a synod, which agree on one value, keep none.

    >>> from paxoskit.worlds.world import World
    >>> keeps_chains(World(servers=3))
    True
    """
    return any("chain" in world.classes[server].Disk.__dataclass_fields__ for server in world.servers)


def short_hash(text: str) -> str:
    """Return the end of a hash that fits into a picture: its last digits, which the nonce was searched for.

    >>> short_hash("a1b2c3d4e5f60718")
    '…e5f60718'
    """
    return f"…{text[-8:]}" if len(text) > 8 else text


def draw_chain(graph: nx.DiGraph, ax: Axes | None = None) -> Figure:
    """Draw a chain's graph (see `chain_graph`) with matplotlib and return the figure: the oldest block to the left."""
    heights = sorted({height for _, height in graph.nodes(data="height")})
    rows = 1 + max((row for _, row in graph.nodes(data="row")), default=0)
    figure, ax = _canvas(ax, (max(4.0, 2.4 * len(heights)), 1.9 * rows))
    ax.set_xlim(-0.1, 1.25 * max(1, len(heights)))
    ax.set_ylim(-0.85 * rows + 0.1, 0.1)
    if not heights:
        ax.text(0.5, -0.4, "no block yet", ha="center", va="center", fontsize=12, color=INK)
    corners = {
        name: (1.25 * heights.index(facts["height"]), -0.85 * facts["row"]) for name, facts in graph.nodes(data=True)
    }
    for name, before in graph.edges:
        (x, y), (x_before, y_before) = corners[name], corners[before]
        ax.annotate("", (x_before + 1.0, y_before - 0.35), (x, y - 0.35),
                    arrowprops={"arrowstyle": "-|>", "color": INK, "linewidth": 1.6, "mutation_scale": 16})  # fmt: skip
    for name, facts in graph.nodes(data=True):
        _draw_block(ax, corners[name], name, facts, graph.graph["servers"])
    return figure


def _draw_block(
    ax: Axes, corner: tuple[float, float], name: str, facts: Mapping[str, Any], servers: tuple[int, ...]
) -> None:
    from matplotlib.patches import FancyBboxPatch

    x, y = corner
    forked = facts["row"] > 0
    ax.add_patch(FancyBboxPatch((x + 0.03, y - 0.67), 0.94, 0.64, boxstyle="round,pad=0.03", facecolor=PAPER,
                                edgecolor=RED if forked else INK, linewidth=2.4 if forked else 1.6))  # fmt: skip
    operations = [shortened(" ".join(words), 17) for words in facts["operations"]]
    more = f"+ {len(operations) - 1} more" if len(operations) > 1 else ""
    title = f"block {facts['height']}" + (" (fork)" if forked else "")
    lines = [operations[0] if operations else "nothing", more, f"nonce {facts['nonce']}", f"hash {short_hash(name)}"]
    ax.text(x + 0.06, y - 0.08, title, fontsize=11, weight="bold", va="center", color=INK)
    for number, line in enumerate(filter(None, lines)):
        ax.text(x + 0.06, y - 0.2 - 0.11 * number, line, fontsize=9, va="center", family="monospace", color=INK,
                parse_math=False)  # fmt: skip
    for number, server in enumerate(servers):
        has = server in facts["servers"]
        ax.text(x + 0.1 + 0.85 * number / len(servers), y - 0.63, str(server), fontsize=8, ha="center", va="center",
                color=INK if has else AMBER, bbox={"boxstyle": "circle,pad=0.2", "facecolor": BLUE if has else GREY,
                "edgecolor": INK if has else GREY, "linewidth": 0.8})  # fmt: skip


def shortened(text: str, most: int) -> str:
    """Return a text of at most `most` characters; what is left out is an ellipsis.

    >>> shortened("put 'colour' 'blue'", 12)
    "put 'colour…"
    """
    return text if len(text) <= most else text[: most - 1] + "…"
