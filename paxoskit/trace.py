"""What happened: events with their causes, in order, savable as JSON lines.

Every world writes one, every picture and every verdict reads one. Events of these kinds are *choices*, what somebody
chose to let happen:

    ask      a client (node) is asked something          deliver  a message (what) of peer reaches node
    fire     a timer of node rings                       drop     a message of peer to node is lost
    crash    node stops, with a choice of disk           duplicate  a second copy of a message goes on its way
    restart  node begins a new life                      cut, mend  the link from peer to node, one direction
    start    node is born (nobody chose that)

and of these kinds *consequences*, which follow from the choice before them, numbered by `cause`:

    send     node lets a message (what) go to peer       lost     it went onto a link that is cut
    save     node's disk (what) is written               announce a fact (what) that node tells

The cause of a deliver, a drop or a duplicate is the number of the send (or duplicate) that put the message in flight.
"""

from __future__ import annotations

import copy
import hashlib
import json
import os
import secrets
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, get_type_hints

from paxoskit import __version__
from paxoskit.protocol.messages import Asks, Block
from paxoskit.protocol.node import Announce, Effect, Send, title
from paxoskit.protocol.plain import Message, Name, fits, from_json, to_json

SCHEMA = 1
CHOICES = frozenset({"ask", "deliver", "fire", "drop", "crash", "duplicate", "restart", "cut", "mend"})
KINDS = CHOICES | {"start", "send", "lost", "save", "announce"}


class Event(NamedTuple):
    """One thing that happened: number, world time in milliseconds, kind, where, with whom, what, because of which."""

    n: int
    at: float
    kind: str
    node: Name
    peer: Name | None = None
    what: Any = None
    cause: int = 0

    def as_json(self) -> dict[str, Any]:
        """The event as one flat object."""
        return {
            "n": self.n, "at": round(self.at, 3), "kind": self.kind, "node": self.node, "peer": self.peer,
            "what": to_json(self.what), "cause": self.cause,
        }  # fmt: skip

    def __str__(self) -> str:
        return f"{self.at / 1000:8.3f} s  {sentence(self)}"

    def __deepcopy__(self, memo: object) -> Event:
        return self


Record = tuple[int, float, str, Name, Name | None, Any, int, Any, Sequence[Effect], Sequence[int]]
"""A choice (the fields of its event) with what followed: the saved disk, the effects, which of them a cut link lost."""


class Trace:
    """Events in order. It keeps one record a choice, and unfolds it into events when it is read.

    The consequences of choice n are numbered after it: the save, then each effect, then the losses.

    >>> trace = Trace()
    >>> trace.add("crash", 2, what="kept")
    1
    >>> print(trace[0])
       0.000 s  server 2 crashes (disk kept)
    """

    def __init__(self, servers: int = 0, seed: int | None = None) -> None:
        self.servers = servers
        self.seed = seed
        self.records: deque[Record] = deque()
        self.count = 0
        self.now = 0.0

    def add(
        self, kind: str, node: Name, peer: Name | None = None, what: Any = None, cause: int = 0, saved: Any = None,
        effects: Sequence[Effect] = (), lost: Sequence[int] = (),
    ) -> int:  # fmt: skip
        """Write down a choice that is made now, with what follows from it; return its number."""
        n = self.count + 1
        self.records.append((n, self.now, kind, node, peer, what, cause, saved, effects, lost))
        self.count = n + (saved is not None) + len(effects) + len(lost)
        return n

    def forget(self, n: int) -> None:
        """Forget the records that end before event `n`."""
        while len(self.records) > 1 and self.records[1][0] <= n:
            self.records.popleft()

    def since(self, n: int, most: int = 1_000) -> list[Event]:
        """Return the events after number `n`, oldest first: the newest `most` of them."""
        found: list[Event] = []
        for record in reversed(self.records):
            if record[0] + len(record[8]) + len(record[9]) + 1 <= n or len(found) >= most:
                break
            found += reversed([event for event in _unfold(record) if event.n > n])
        return found[:most][::-1]

    def __iter__(self) -> Iterator[Event]:
        for record in self.records:
            yield from _unfold(record)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __getitem__(self, index: int) -> Event:
        return list(self)[index]

    def fork(self) -> Trace:
        """Return a trace that begins with the same events and goes its own way."""
        twin = copy.copy(self)
        twin.records = self.records.copy()
        return twin

    def choices(self) -> list[Event]:
        """Return the events that somebody chose; all others follow from them."""
        return [tuple.__new__(Event, record[:7]) for record in self.records if record[2] in CHOICES]

    def digest(self) -> str:
        """Return a SHA-256 over all choices of the trace, with times and messages: equal digests, equal stories."""
        digest, texts = hashlib.sha256(), dict[Any, str]()
        for n, at, kind, node, peer, what, cause in self.choices():
            if what not in texts:
                texts[what] = _dump(to_json(what))
            digest.update(f"{n} {at:.3f} {kind} {node} {peer} {texts[what]} {cause}\n".encode())
        return digest.hexdigest()

    def lines(self, kit: str) -> Iterator[str]:
        """Yield the trace as JSON lines: a header, then one object an event."""
        yield _dump({"schema": SCHEMA, "kit": kit, "servers": self.servers, "seed": self.seed})
        for event in self:
            yield _dump(event.as_json())

    def save(self, path: str | Path) -> None:
        """Write the trace to a file, which is there whole or not at all."""
        write_whole(path, "".join(line + "\n" for line in self.lines(__version__)))

    @classmethod
    def load(cls, path: str | Path) -> Trace:
        """Read a trace from a file. Raises ValueError, naming the line, for what is no trace."""
        text = Path(path).read_text(encoding="utf-8").removesuffix("\n").split("\n")
        header, *rest = [_object(line, number, path) for number, line in enumerate(text, 1)]
        servers, seed = header.get("servers"), header.get("seed")
        if header.get("schema") != SCHEMA or not fits(servers, int) or not fits(seed, int | None):
            raise ValueError(f"{path}, line 1: expected the header of a trace, {{\"schema\": {SCHEMA}, …}}")
        trace = cls(header["servers"], header["seed"])
        for number, data in enumerate(rest, 2):
            try:
                trace.records.append((*_event(data), None, (), ()))
            except ValueError as error:
                raise ValueError(f"{path}, line {number}: {error}") from None
        trace.count = trace.records[-1][0] if trace.records else 0
        return trace


def _unfold(record: Record) -> Iterator[Event]:
    cause, at, node, saved, effects, lost = record[0], record[1], record[3], record[7], record[8], record[9]
    yield tuple.__new__(Event, record[:7])
    n = cause
    if saved is not None:
        n += 1
        yield Event(n, at, "save", node, None, saved, cause)
    for index, effect in enumerate(effects, n + 1):
        if type(effect) is Send:
            yield Event(index, at, "send", node, effect.to, effect.message, cause)
        elif type(effect) is Announce:
            yield Event(index, at, "announce", node, None, effect.fact, cause)
    for index, number in enumerate(lost, n + 1 + len(effects)):
        send = effects[number - n - 1]
        assert type(send) is Send
        yield Event(index, at, "lost", node, send.to, send.message, number)


@dataclass(frozen=True)
class Plain(Message):
    """Something of a loaded trace that is no message: a disk as it was saved, a chain's key."""

    kind: str
    text: str

    def as_json(self) -> dict[str, Any]:
        """What was loaded, unchanged."""
        return {self.kind: json.loads(self.text)}


def _event(data: dict[str, Any]) -> Event:
    kinds = get_type_hints(Event)
    if set(data) != set(kinds) or not all(fits(data[field], kinds[field]) for field in kinds if field != "at"):
        raise ValueError(f"expected an event with the fields {', '.join(kinds)}, got {str(data)[:60]}")
    if data["kind"] not in KINDS or type(data["at"]) not in (int, float):
        raise ValueError(f"expected a kind ({', '.join(sorted(KINDS))}) at a time, got {data['kind']} at {data['at']}")
    what = data["what"]
    if data["kind"] == "save":
        if not isinstance(what, dict) or len(what) != 1:
            raise ValueError(f"expected a disk as an object with one key, its class, got {str(what)[:60]}")
        ((kind, content),) = what.items()
        return Event(**{**data, "what": Plain(kind, _dump(content))})
    return Event(**{**data, "what": from_json(what)})


def _object(line: str, number: int, path: str | Path) -> dict[str, Any]:
    try:
        data = json.loads(line)
    except ValueError:
        data = None
    if not isinstance(data, dict):
        raise ValueError(f"{path}, line {number}: expected a JSON object, got {line[:40]!r}")
    return data


_dump: Callable[[Any], str] = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


def write_whole(path: str | Path, content: str | bytes) -> None:
    """Write a file (a text in UTF-8) so that a reader finds the old one or the new one, never a half."""
    target = Path(path)
    data = content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content
    name = f"{target}.{secrets.token_hex(4)}"
    handle = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, target)
    except BaseException:
        os.unlink(name)
        raise


# In plain words ----------------------------------------------------------------------------------------------


def sentence(event: Event) -> str:
    """Say in a plain sentence what happened."""
    node, peer, what = title(event.node), "" if event.peer is None else title(event.peer), event.what
    match event.kind:
        case "ask":
            return f"{node} is asked to {asked(what)}"
        case "deliver":
            return f"{node} gets {say(what)} from {peer}"
        case "send":
            return f"{node} sends {say(what)} to {peer}"
        case "drop":
            return f"{say(what)} from {peer} to {node} is lost"
        case "lost":
            return f"{say(what)} from {node} to {peer} is lost: the link is cut"
        case "duplicate":
            return f"{say(what)} from {peer} to {node} is duplicated"
        case "fire":
            return f"{node} hears its own timer {say(what)}"
        case "crash":
            return f"{node} crashes (disk {what})"
        case "restart" | "start":
            return f"{node} {event.kind}s"
        case "cut" | "mend":
            return f"the link from {peer} to {node} is {'cut' if event.kind == 'cut' else 'mended'}"
        case "save":
            return f"{node} saves its disk"
        case _:
            return f"{node}: {say(what)}"


def asked(what: Any) -> str:
    """Return in words what an Ask, or Asks, is about; of another message, the message in words."""
    asks = what.asks if isinstance(what, Asks) else (what,)
    if not hasattr(asks[0], "operation"):
        return " ".join([type(what).__name__.lower(), *map(str, vars(what).values())])
    first = " ".join(asks[0].operation.words)
    return first if len(asks) == 1 else f"{first}, and {len(asks) - 1} more"


def say(what: Any) -> str:
    """Return a message in a few words: its name, and what tells it from others of that name."""
    if not hasattr(what, "__dict__"):
        return str(what)
    parts = [_part(value) for key, value in vars(what).items() if key != "text"]
    return " ".join([type(what).__name__, *[part for part in parts if part]])


def _part(value: Any) -> str:
    if isinstance(value, Block):
        return f"block {value.height} ({_short(value.hash)})"
    if isinstance(value, tuple) and not hasattr(value, "_fields"):
        return f"({len(value)})" if value else ""
    if hasattr(value, "words"):
        return " ".join(value.words)
    if isinstance(value, Message):
        return f"[{say(value)}]"
    text = "nothing" if value is None else str(value)
    return _short(text) if len(text) == 64 else text


def _short(digest: str) -> str:
    """Return both ends of a hash: the reasons of claims show its beginning, pictures its end."""
    return f"{digest[:6]}…{digest[-4:]}"


def story(events: Iterable[Event]) -> str:
    """Return events as text, one sentence a line."""
    return "\n".join(str(event) for event in events)
