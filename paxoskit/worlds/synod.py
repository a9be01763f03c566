"""A synod world: acceptors 1 to A, proposers A + 1 to A + P, each proposer asked for a value of its own."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

from paxoskit.loading import LoadError, load_node
from paxoskit.protocol import synod  # noqa: F401  (a story that is loaded may name its messages)
from paxoskit.protocol.node import Node
from paxoskit.protocol.server import Server

TOP = Path(__file__).parents[2]

ACCEPTOR, PROPOSER, SERVER = "acceptor", "proposer", "server"

FILES = {ACCEPTOR: "solutions/04_acceptor/acceptor.py:Acceptor", PROPOSER: "solutions/05_proposer/proposer.py:Proposer"}
"""Where the kit's own acceptor and proposer are, in a clone: a class is checked against the other one of these."""

REFERENCES = {"paxoskit:Acceptor": ACCEPTOR, "paxoskit:Proposer": PROPOSER}
"""Their names in a story, and their roles."""

HEARS = {ACCEPTOR: ("on_prepare", "on_accept"), PROPOSER: ("on_propose", "on_promise"), SERVER: ("on_request",)}
"""What tells a class's role: the handlers that it must have."""

VALUES = ("red", "blue", "green", "yellow", "white", "black", "orange", "purple", "brown")
"""What the proposers are asked to propose, one each."""


@cache
def reference(role: str) -> type[Node]:
    """Return the kit's own class for a role, "acceptor" or "proposer". Raises LoadError where the clone is not."""
    try:
        return load_node(f"{TOP}/{FILES[role]}")
    except LoadError as error:
        raise LoadError(f"the kit's own {role} is not here ({error}); give a class for both roles") from None


def role_of(cls: object) -> str:
    """Return the role that a class can play, told by its handlers: a server, a proposer or an acceptor.

    Raises ValueError, in one line, for a class that can play none.
    """
    if not (isinstance(cls, type) and issubclass(cls, Node)):
        raise ValueError(f"expected a class that inherits from Node, got {cls!r:.60}")
    for role in (SERVER, PROPOSER, ACCEPTOR):
        if all(callable(getattr(cls, handler, None)) for handler in HEARS[role]):
            return role
    for role in (PROPOSER, ACCEPTOR):
        missing = [handler for handler in HEARS[role] if not callable(getattr(cls, handler, None))]
        if len(missing) < len(HEARS[role]):
            article = "an" if role == ACCEPTOR else "a"
            lacks = f"{missing[0]}(self, sender, message)"
            raise ValueError(f"{cls.__name__} is nearly {article} {role}, but lacks {lacks}")
    raise ValueError(
        f"{cls.__name__} plays no role: an acceptor has on_prepare and on_accept, a proposer has on_propose and "
        "on_promise, a server has on_request"
    )


def place(cls: type[Node]) -> str:
    """Return the name that a class has in a story: "paxoskit:Server", or "file.py:Class"."""
    for name, role in REFERENCES.items():
        try:
            if cls is reference(role):
                return name
        except ValueError:
            pass  # no clone here
    if cls is Server:
        return "paxoskit:Server"
    file = getattr(sys.modules.get(cls.__module__), "__file__", None) or cls.__module__
    return f"{file}:{cls.__qualname__}"
