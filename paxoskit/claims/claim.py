"""What a claim is: it sees each event, and says when one breaks it, in words and with the events that show it."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple, Protocol

from paxoskit.protocol.node import Node
from paxoskit.protocol.plain import FROZEN, Name
from paxoskit.trace import Event

SHARED: set[type] = {Event}
"""Types of what claims remember whose values never change, besides those in FROZEN: copies of a claim share them."""


class Watched(Protocol):
    """What a claim may see of a world, besides its events."""

    @property
    def servers(self) -> tuple[int, ...]:
        """The servers' names."""

    @property
    def nodes(self) -> Mapping[Name, Node | None]:
        """The nodes, None for one that is down."""

    @property
    def disks(self) -> Mapping[Name, Any]:
        """What was saved last on each disk, None for one that is lost."""


class Violation(NamedTuple):
    """A claim that fell: its name, why, and the events that show it."""

    claim: str
    reason: str
    events: tuple[Event, ...]

    def __str__(self) -> str:
        return f"{self.claim}: {self.reason}"


class Claim:
    """Base of all claims. A subclass has a `name`, says which kinds it `sees`, and defines `see`."""

    name: ClassVar[str] = ""
    sees: ClassVar[dict[str, tuple[type, ...]]] = {}
    """For each kind of event that matters, the classes of `what` that do; () for all of them.

    "append" is a save that changes the chain. A message sent to many in one turn is seen once.
    """

    def start(self, world: Watched) -> None:
        """Begin to watch a world."""
        self.world = world
        self.checks = 0

    def hears(self, kind: str, what: type) -> bool:
        """Say whether events of this kind about this class matter to the claim."""
        return kind in self.sees and (self.sees[kind] == () or issubclass(what, self.sees[kind]))

    def see(self, event: Event) -> Violation | None:
        """Return the violation that `event` makes of the claim, or None."""
        raise TypeError(f"{type(self).__name__} is a claim without a method see(self, event)")

    def finish(self) -> Violation | None:
        """Return what is broken at the end of a run in which every server is up and everything was answered."""
        return None

    def broken(self, reason: str, *events: Event) -> Violation:
        """Return a violation of this claim."""
        return Violation(self.name, reason, events)

    def __deepcopy__(self, memo: dict[int, Any]) -> Claim:
        twin = object.__new__(type(self))
        memo[id(self)] = twin
        for key, value in vars(self).items():
            twin.__dict__[key] = value if key == "world" else _copied(value, memo)
        return twin


def _copied(value: Any, memo: dict[int, Any]) -> Any:
    """Return a copy of what a claim remembers: thousands of names and events, which deepcopy would ask one by one."""
    if _never_changes(value):
        return value
    if type(value) is not dict:
        return copy.deepcopy(value, memo)
    if id(value) not in memo:
        twin = memo[id(value)] = {}
        twin.update((key, _copied(part, memo)) for key, part in value.items())
    return memo[id(value)]


def _never_changes(value: Any) -> bool:
    kind = type(value)
    return kind in FROZEN or kind in SHARED or (kind is tuple and all(map(_never_changes, value)))
