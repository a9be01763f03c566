"""What the panels beside the picture say: pure functions from a world, or its events, to small JSON.

Like the pictures they know no protocol: a server's disk and memory are shown field by field, whatever class it is of.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from paxoskit.claims.claim import Violation
from paxoskit.claims.safety import Ghost
from paxoskit.pictures.chain import shortened
from paxoskit.pictures.cluster import height_says, server_facts
from paxoskit.protocol.chain import Chain, verify
from paxoskit.protocol.messages import Block, Request
from paxoskit.protocol.node import title
from paxoskit.protocol.plain import BOTTOM, Message, Name
from paxoskit.protocol.store import Store
from paxoskit.trace import Event, asked, say, sentence

if TYPE_CHECKING:
    from paxoskit.worlds.world import World

Panel: TypeAlias = dict[str, Any]

MOST_LETTERS, MOST_ITEMS, MOST_CALLS, MOST_EVENTS = 300, 20, 30, 12
"""How much one value, one collection, the client panel and a verdict show; what is left out is counted."""

NOT_STATE = frozenset({"name", "peers", "disk"})
"""Attributes of a node that are given to it, or shown as its disk; the world's own begin with an underscore."""


# The network ------------------------------------------------------------------------------------------------


def network(
    world: World, loss: Mapping[tuple[Name, Name], float] | None = None,
    delay: Mapping[tuple[Name, Name], float] | None = None,
) -> Panel:  # fmt: skip
    """Return the links between servers, each direction by itself, and those of clients that are not as usual.

    `loss` is the share of messages lost on a direction, 0 to 1, and `delay` how many times longer one takes there;
    what they do not name loses nothing and takes 1 times as long.

    >>> from paxoskit.worlds.world import World
    >>> network(World(servers=2))["rows"]
    [{'a': 1, 'b': 2, 'up': True, 'loss': 0.0, 'delay': 1.0}, {'a': 2, 'b': 1, 'up': True, 'loss': 0.0, 'delay': 1.0}]
    """
    loss, delay = loss or {}, delay or {}
    odd = {*world.cut, *loss, *delay}
    everyone = (*world.servers, *world.clients)
    pairs = [
        (a, b)
        for a in everyone
        for b in everyone
        if a != b and ((isinstance(a, int) and isinstance(b, int)) or (a, b) in odd)
    ]
    rows = [
        {"a": a, "b": b, "up": (a, b) not in world.cut, "loss": float(loss.get((a, b), 0.0)),
         "delay": float(delay.get((a, b), 1.0))}
        for a, b in pairs
    ]  # fmt: skip
    return {"rows": rows}


# One server, one block ----------------------------------------------------------------------------------------


def inspect(world: World, server: int) -> Panel:
    """Return all that a server holds: what is on its disk, what is only in memory, what is made from the disk, timers.

    `disk`, `memory` and `derived` are rows [name, value in words]. A server that is down has no memory.

    >>> from paxoskit.worlds.world import World
    >>> seen = inspect(World(servers=3), 2)
    >>> seen["disk"][0], seen["timers"]
    (['promised', 'none'], ['ElectionTimeout'])

    Raises ValueError for what is no server.
    """
    if type(server) is not int or server not in world.servers:
        raise ValueError(f"inspect: expected a server, one of 1 to {len(world.servers)}, got {server!r}")
    node, disk, facts = world.nodes[server], world.disks[server], server_facts(world, server)
    derived: frozenset[str] = getattr(type(node), "derived", frozenset())
    memory = {} if node is None else {key: value for key, value in dict(vars(node)).items() if _is_state(key)}
    return {
        "kind": "server",
        "node": server,
        "says": ", ".join([title(server), facts["role"], *filter(None, facts["says"].split(" · "))]),
        "lost": disk is None,
        "disk": _rows({} if disk is None else vars(disk)),
        "memory": _rows({key: value for key, value in memory.items() if key not in derived}),
        "derived": _rows({key: value for key, value in memory.items() if key in derived}),
        "timers": timers(world, server),
    }


def _is_state(key: str) -> bool:
    return key not in NOT_STATE and not key.startswith("_")


def timers(world: World, node: Name) -> list[str]:
    """Return the timers of a node that run, in words: by these a click names them."""
    return [say(message) for name, message in list(world.timers) if name == node]


def _rows(fields: Mapping[str, Any]) -> list[list[str]]:
    return [[name.replace("_", " "), words(value)] for name, value in fields.items()]


def words(value: Any) -> str:
    """Return any value that a server may hold in words, shortened.

    >>> words(BOTTOM), words({1, 2}), words({}), words(True)
    ('none', '1, 2', 'nothing', 'yes')
    """
    if isinstance(value, Chain):
        return f"{height_says(value.height)}" + (f", the last is …{value.hash[-8:]}" if value.height else "")
    if isinstance(value, Store):
        return words(value.data)
    if value is None or value == BOTTOM:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Message):
        return say(value)
    if isinstance(value, dict):
        return _some([f"{words(key)}: {words(item)}" for key, item in list(value.items())])
    if isinstance(value, (set, frozenset, list, tuple)) and not hasattr(value, "_fields"):
        items = [words(item) for item in list(value)]
        return _some(sorted(items) if isinstance(value, (set, frozenset)) else items)
    return shortened(str(value), MOST_LETTERS)


def _some(items: list[str]) -> str:
    left = len(items) - MOST_ITEMS
    text = ", ".join(items[:MOST_ITEMS]) or "nothing"
    return shortened(text, MOST_LETTERS) + (f", and {left:,} more" if left > 0 else "")


def block(world: World, ending: str) -> Panel:
    """Return every field of the block whose hash ends so: who has it, what is in it, and whether its hash is right.

    A block that is only voted for is on nobody's chain; `votes` has who holds a vote for it.

    Raises ValueError if no server's disk holds such a block, or a vote for it.
    """
    has = {}
    for server in world.servers:
        for held in world.chain(server):
            if ending and held.hash.endswith(ending):
                has[server] = held
    voted = {server: held for held, servers in votes(world).values() for server in servers
             if ending and held.hash.endswith(ending)}  # fmt: skip
    if not has and not voted:
        raise ValueError(f"no server has a block whose hash ends in {ending[:70]!r}")
    server, found = next(iter((has or voted).items()))
    fault = verify([*list(world.chain(server))[: found.height], found], world.difficulty)
    return {
        "kind": "block",
        "height": found.height,
        "previous_hash": found.previous_hash,
        "nonce": found.nonce,
        "hash": found.hash,
        "operations": [_request(request) for request in found.operations[:MOST_ITEMS]],
        "more": max(0, len(found.operations) - MOST_ITEMS),
        "on": list(has),
        "votes": list(voted),
        "fault": "" if fault is None else fault.says,
    }


def votes(world: World) -> dict[str, tuple[Block, list[int]]]:
    """Return, by its hash, each block that a disk holds a vote for in the slot after its chain, and whose votes."""
    found: dict[str, tuple[Block, list[int]]] = {}
    for server in world.servers:
        vote = getattr(world.disks[server], "vote", None)
        block = getattr(vote, "block", None)
        if isinstance(block, Block) and block.height == world.chain(server).height:
            found.setdefault(block.hash, (block, []))[1].append(server)
    return found


def _request(request: Request) -> Panel:
    says = shortened(" ".join(request.operation.words), MOST_LETTERS)
    return {"session": request.session, "number": request.number, "says": says}


# The verdict --------------------------------------------------------------------------------------------------


def verdict(world: World) -> Panel:
    """Return what the claims say so far: all hold, or the first that fell, why, and the events that show it.

    `others` has each claim that fell after it, with why it fell first, and the last one of the events that show it.

    >>> from paxoskit.worlds.world import World
    >>> verdict(World(servers=3))
    {'ok': True, 'claims': [], 'claim': '', 'reason': '', 'events': [], 'others': []}
    """
    names = [claim.name for claim in world.claims if claim.name != Ghost.name]  # which claims nothing itself
    if not world.violations:
        return {"ok": True, "claims": names, "claim": "", "reason": "", "events": [], "others": []}
    first: dict[str, Violation] = {}
    for violation in world.violations:
        first.setdefault(violation.claim, violation)
    fallen, *others = first.values()
    events = [{"n": event.n, "says": sentence(event)} for event in fallen.events[-MOST_EVENTS:]]
    return {
        "ok": False, "claims": names, "claim": fallen.claim, "reason": fallen.reason, "events": events,
        "others": [
            {"claim": one.claim, "reason": one.reason, "n": one.events[-1].n if one.events else 0} for one in others
        ],
    }  # fmt: skip


# The clients --------------------------------------------------------------------------------------------------


def calls(events: Iterable[Event], abandoned: Collection[str] = ()) -> list[Panel]:
    """Return what clients asked and what came of it, newest first: waiting, answered, gave up, or abandoned.

    `abandoned` has the sessions whose calls were ended because their branch was left.
    """
    open_calls: dict[str, Panel] = {}
    found: list[Panel] = []
    for event in events:
        if event.kind == "ask":
            for ask in getattr(event.what, "asks", (event.what,)):
                said = shortened(asked(ask), MOST_LETTERS)
                session = getattr(ask, "session", str(event.node))  # a proposer is asked without one
                open_calls[session] = call = {"client": event.node, "asked": said, "state": "waiting", "answer": ""}
                found.append(call)
        elif event.kind == "announce":
            _close(event, open_calls)
    for session, call in open_calls.items():
        if session in abandoned:
            call["state"] = "abandoned"
    return found[-MOST_CALLS:][::-1]


def _close(event: Event, open_calls: dict[str, Panel]) -> None:
    """Note what an announced fact means for the call that it ends, if it ends one."""
    kind = type(event.what).__name__
    if kind in ("Answered", "GaveUp") and (call := open_calls.pop(event.what.session, None)) is not None:
        call["state"] = "answered" if kind == "Answered" else "gave up"
        if kind == "Answered" and call["asked"].startswith("get"):
            call["answer"] = "never put" if event.what.answer is None else shortened(event.what.answer, MOST_LETTERS)
