"""World time: it runs at a speed of its own, stands still when told to, and wakes what is due.

One thread waits for what is due next; a world whose clock is stretched waits longer for everything alike.
"""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Callable
from typing import Any


class Clock:
    """World milliseconds, and an agenda. `ring(item)` is called, on the clock's thread, for each item that is due."""

    def __init__(self, ring: Callable[[Any], None], speed: float = 1.0) -> None:
        self.ring = ring
        self.speed = speed  # world milliseconds per real millisecond
        self.base_world = 0.0
        self.base_real = time.monotonic()
        self.still = False
        self.ended = False
        self.agenda: list[tuple[float, int, Any]] = []
        self.entries = 0
        self.changed = threading.Condition()
        self.thread = threading.Thread(target=self._run, name="paxoskit clock", daemon=True)

    def now(self) -> float:
        """World time in milliseconds."""
        if self.still:
            return self.base_world
        return self.base_world + (time.monotonic() - self.base_real) * 1000.0 * self.speed

    def add(self, due: float, item: Any) -> None:
        """Ring for `item` at the world time `due`."""
        with self.changed:
            self.entries += 1
            heapq.heappush(self.agenda, (due, self.entries, item))
            if self.agenda[0][1] == self.entries:
                self.changed.notify()

    def set(self, *, speed: float | None = None, still: bool | None = None) -> None:
        """Change the speed, stop the clock, or let it go on, from this moment."""
        with self.changed:
            self.base_world, self.base_real = self.now(), time.monotonic()
            self.speed = self.speed if speed is None else speed
            self.still = self.still if still is None else still
            self.changed.notify()

    def begin_anew(self, now: float) -> None:
        """Forget the agenda, and let it be `now`: the world goes on from another moment."""
        with self.changed:
            self.agenda.clear()
            self.base_world, self.base_real = now, time.monotonic()
            self.changed.notify()

    def due(self) -> dict[int, float]:
        """Return when each item of the agenda that has a number is due."""
        with self.changed:
            return {item.number: due for due, _, item in self.agenda if item is not None}

    def end(self) -> None:
        """End the clock's thread."""
        with self.changed:
            self.ended = True
            self.changed.notify()

    def _run(self) -> None:
        while True:
            with self.changed:
                while not self.ended and (self.still or not self.agenda or self.agenda[0][0] > self.now()):
                    self.changed.wait(self._seconds_left())
                if self.ended:
                    return
                item = heapq.heappop(self.agenda)[2]
            self.ring(item)

    def _seconds_left(self) -> float | None:
        if self.still or not self.agenda:
            return None
        return max(0.0, (self.agenda[0][0] - self.now()) / 1000.0 / self.speed)
