"""What may happen next, named so that a story with one choice taken out still means the others.

A message is named by sender, receiver, content and copy number (0 is the oldest of those in flight that are equal), a
timer by its server and content: never by a counter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from paxoskit.protocol.node import title
from paxoskit.protocol.plain import Message, Name, field_types, fits, from_json, to_json
from paxoskit.trace import asked, say

KEPT, LAST_SAVE_LOST, LOST = "kept", "last save lost", "lost"
DISKS = (KEPT, LAST_SAVE_LOST, LOST)
"""What a crash may leave of a disk: all of it; all but the last turn's save; nothing."""

BEFORE, AFTER = "before", "after"
"""A delivery may crash its server before the save (nothing happened), or after it (nothing was sent)."""


class CannotHappen(ValueError):
    """What was asked for cannot happen as things stand; a notebook shows the one line, and no traceback.

    Most often somebody has run the same cell twice.
    """

    def _render_traceback_(self) -> list[str]:
        """Return what IPython shows in the place of a traceback."""
        return [str(self)]


@dataclass(frozen=True)
class Choice:
    """One thing that may happen: a `kind`, and what that kind needs.

    deliver, drop, duplicate: `what` of `peer` on its way to `node`, `copy`; deliver with `crash` before or after.
    fire: timer `what` of `node`. crash: `node`, `disk`. restart: `node`. cut, mend: the link `peer` to `node`.
    ask: the client `node`, `what` (an Ask, or Asks); or a proposer, `what` a Propose.
    """

    kind: str
    node: Name
    peer: Name | None = None
    what: Message | None = None
    copy: int = 0
    crash: str | None = None
    disk: str = KEPT

    def as_json(self) -> dict[str, Any]:
        """The choice as one flat object, without what it does not need."""
        data = {"kind": self.kind, "node": self.node, "peer": self.peer, "what": to_json(self.what), "copy": self.copy}
        data |= {"crash": self.crash, "disk": self.disk if self.kind == "crash" else None}
        return {key: value for key, value in data.items() if value not in (None, 0)}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Choice:
        """Read back what `as_json` wrote. Raises ValueError for what is no choice."""
        try:
            choice = cls(**{**data, "what": from_json(data.get("what"))})
            if all(fits(getattr(choice, field), kind) for field, kind in field_types(cls).items()):
                return choice
        except (TypeError, AttributeError):
            pass
        raise ValueError(f"expected a choice (kind, node, peer, what, copy, crash, disk), got {data}")

    def __str__(self) -> str:
        peer = "" if self.peer is None else title(self.peer)
        node = title(self.node)
        match self.kind:
            case "deliver" | "drop" | "duplicate":
                ending = f", which crashes {self.crash} its save" if self.crash else ""
                return f"{self.kind} {say(self.what)} from {peer} to {node}{ending}"
            case "fire":
                return f"fire {say(self.what)} of {node}"
            case "crash":
                return f"crash {node} (disk {self.disk})"
            case "cut" | "mend":
                return f"{self.kind} the link from {peer} to {node}"
            case "ask":
                return f"ask {node} to {asked(self.what)}"
            case _:
                return f"{self.kind} {node}"
