"""What lesson 9 looks at: what a read costs, and how long a lease is trusted."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from paxoskit.course.stage import Stage

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def cost(stage: Stage, since: int) -> str:
    """Say which messages went from server to server after the event `since`, and how often a disk was saved.

    >>> cost(Stage(servers=2, clients=0).fire("ElectionTimeout", 1), since=0)
    'Prepare 1 · saves 1'
    """
    servers = set(stage.world.servers)
    sent = [event for event in stage.sent() if event.n > since and event.node != event.peer]
    counted = Counter(type(event.what).__name__ for event in sent if {event.node, event.peer} <= servers)
    saves = sum(event.kind == "save" and event.n > since for event in stage.trace)
    return " · ".join([*(f"{name} {count}" for name, count in counted.items()), f"saves {saves}"])


def draw_lease(lease: float, patience: float, rate: float) -> Figure:
    """Draw until when a leader trusts its lease, and until when the others keep it. All in seconds of a true clock.

    `lease` is by the leader's clock, which runs at `rate` (1 is right, below 1 is slow); `patience` by true clocks.
    """
    import matplotlib.pyplot as plt

    trusted = lease / rate
    figure, axes = plt.subplots(figsize=(7, 1.6), layout="constrained")
    axes.barh([1, 0], [trusted, patience], height=0.5, color=["#d7e8f5", "#e7e7e7"], edgecolor="#22303c")
    if trusted > patience:
        axes.axvspan(patience, trusted, color="#c2410c", alpha=0.35)
        axes.set_title("red: the answer may be stale", loc="right", fontsize=9)
    axes.set(yticks=[1, 0], yticklabels=["leader answers by itself", "others follow nobody else"],
             xlabel="seconds of a right clock")  # fmt: skip
    plt.close(figure)
    return figure
