"""What lesson 10 does to block chains: change a block, mine an end anew, put it on a server's disk, draw it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from paxoskit.course.stage import Stage
from paxoskit.pictures.chain import chain_graph, draw_chain
from paxoskit.protocol.chain import Chain, Content, mine
from paxoskit.protocol.messages import Block, Put
from paxoskit.protocol.plain import Name
from paxoskit.protocol.server import Server
from paxoskit.worlds.world import World

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def with_value(block: Block, value: str) -> Block:
    """Return a block whose puts put this value (the text of a literal); all else, its hash too, is as it was.

    >>> from paxoskit.protocol.chain import NO_HASH, verify
    >>> from paxoskit.protocol.messages import Request
    >>> block = mine(Content(0, NO_HASH, (Request("client 1/1.1", 1, Put("'x'", "3")),)))
    >>> verify([with_value(block, "30")]).check
    'hash'
    """
    operations = tuple(
        replace(request, operation=replace(request.operation, value=value))
        if isinstance(request.operation, Put) else request
        for request in block.operations
    )  # fmt: skip
    return replace(block, operations=operations)


def remined(blocks: Sequence[Block], difficulty: int = 1) -> list[Block]:
    """Return the blocks with good nonces, links and hashes, all made anew from their operations.

    >>> from paxoskit.protocol.chain import NO_HASH, verify
    >>> broken = [Block(0, NO_HASH, (), 7, "nonsense"), Block(1, "nowhere", (), 7, "nonsense")]
    >>> verify(remined(broken)) is None
    True
    """
    chain = Chain(difficulty)
    for block in blocks:
        chain = chain.append(mine(Content(chain.height, chain.hash, block.operations), block.nonce, difficulty))
    return list(chain)


def tries(start: int, difficulty: int) -> int:
    """Return how many nonces a miner tries who begins at `start`, for a block of no requests.

    >>> tries(100, difficulty=1)
    2
    """
    return mine(Content(0, "0" * 64, ()), start, difficulty).nonce - start + 1


def tamper(stage: Stage, server: int, blocks: Sequence[Block]) -> Stage:
    """Put these blocks on the disk of a server that is down, whatever they are; no story can tell that.

    Raises ValueError if the server is up: its memory would go on as before.
    """
    if stage.world.nodes[server] is not None:
        raise ValueError(f"server {server} is up: crash it first")
    stage.world.disks[server] = replace(stage.world.disks[server], chain=chain_unverified(blocks))
    return stage


def chain_unverified(blocks: Sequence[Block]) -> Chain:
    """Return a chain of these blocks, whatever they are."""
    chain = Chain()
    for block in blocks:
        chain = chain.append_unverified(block)
    return chain


def draw_blocks(*chains: Sequence[Block]) -> Figure:
    """Draw chains of blocks, the first as server 1's, the second as server 2's; equal blocks are drawn once.

    A single chain is drawn as nobody's.
    """
    disks: dict[Name, Any] = {n: Server.Disk(chain=chain_unverified(blocks)) for n, blocks in enumerate(chains, 1)}
    graph = chain_graph(World(servers=len(chains), clients=0, disks=disks))
    if len(chains) == 1:
        graph.graph["servers"] = ()
    return draw_chain(graph)


def draw_tries(means: Mapping[int, float]) -> Figure:
    """Draw how many tries mining took on average, by difficulty, beside what chance says: (16/3)^d."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(5, 2.4), layout="constrained")
    axes.semilogy(list(means), [(16 / 3) ** difficulty for difficulty in means], "-", label="(16/3)^d")
    axes.semilogy(list(means), list(means.values()), "o", label="measured")
    axes.set(xlabel="d", ylabel="tries", xticks=list(means), ylim=(1, 3 * max(means.values())))
    axes.legend()
    plt.close(figure)
    return figure
