"""A search in a notebook: a bar that fills while every choice is tried, and what was found so far if it is interrupted.

The search runs in the cell. A button would not be heard before the cell ends, so it is stopped as any cell is: by ■, or
Kernel, Interrupt. The cell then ends with the result of what was tried until then.
"""

from __future__ import annotations

import time
from typing import Any

import ipywidgets
from IPython import display as ipython

from paxoskit.worlds import checker
from paxoskit.worlds.checker import Result
from paxoskit.worlds.search import Counts

QUICK = 0.5
"""So many seconds a search may take before a bar is shown."""

display: Any = ipython.display  # typed in some versions of IPython only

OFTEN = 0.2
"""So many seconds lie between two looks at the bar: a page has better to do."""

STEPS = 1_000


class Bar:
    """Shows how much of its time a search has used, and how far it is: `explore(Mine, progress=Bar(60))`.

    A search may end long before its time does: how many states there are is known at the end only.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds, self.begun = seconds, time.perf_counter()
        self.shown, self.next = False, self.begun + QUICK
        self.bar = ipywidgets.IntProgress(0, min=0, max=STEPS)
        self.label = ipywidgets.Label("", layout={"width": "auto"})
        self.root = ipywidgets.HBox([self.bar, self.label])

    def __call__(self, counts: Counts) -> None:
        """Show what was counted so far, if it is time to."""
        now = time.perf_counter()
        if now < self.next:
            return
        self.next, used = now + OFTEN, now - self.begun
        self.bar.value = min(STEPS, round(STEPS * used / self.seconds))
        self.label.value = (
            f"{used:.0f} of {self.seconds:g} s · {counts.states:,} states, {counts.transitions:,} transitions · "
            "■ (interrupt) ends it"
        )
        if not self.shown:
            self.shown = True
            display(self.root)

    def close(self) -> None:
        """Take the bar off the page."""
        self.root.close()


def explore(what: Any = None, *, seconds: float = 60.0, **bounds: Any) -> Result:
    """Do what `paxoskit.worlds.checker.explore` does, and show a bar under the cell when it takes a while.

    >>> explore(ballots=1).complete
    True
    """
    bar = Bar(seconds)
    try:
        return checker.explore(what, seconds=seconds, progress=bar, **bounds)
    finally:
        bar.close()
