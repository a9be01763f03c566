"""Data between judge and worker: JSON from which exact built-in types can be told, and blocks that cross only once.

`pack` and `unpack` are used at both ends. A block, and each link of a chain, crosses once, as a *part*; from then on
either end names it by a digest of its content. So a chain is as short a text with a thousand blocks as with none, and
equal chains are one object.
"""

from __future__ import annotations

import dataclasses
import json
import math
import re
import sys
from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import Any

from paxoskit.protocol.messages import Block
from paxoskit.protocol.plain import OURS, Ballot, Message

DEEPEST = 60
"""Data nested deeper than this does not cross."""

MOST_REMEMBERED = 50_000
"""So many texts of objects are remembered before all are forgotten and written anew."""

_SCALARS = (bool, int, str, type(None))
_NAMED = re.compile(r'part\\*":\\*"([0-9a-f]{32})')

Find = Callable[[str, bool], Any]
Odd = Callable[[str], Any]


def pack(value: Any, parts: Parts | None = None, depth: int = DEEPEST) -> Any:
    """Return `value` as JSON from which its exact types can be told; `parts` takes the blocks and chains in it.

    >>> pack((1, {2}, Ballot(3, 1)))
    {'tuple': [1, {'set': [2]}, {'Ballot': [3, 1]}]}
    >>> pack(object())
    {'odd': 'object'}
    """
    kind = type(value)
    if kind in _SCALARS:
        return value
    if depth == 0:
        return {"odd": f"{kind.__name__} too deep"}
    if kind is float:
        return value if math.isfinite(value) else {"float": repr(value)}
    if kind is bytes:
        return {"bytes": value.hex()}
    if kind is Ballot:
        return {"Ballot": [pack(_whole(part), parts, depth - 1) for part in value]}
    if kind is list:
        return [pack(item, parts, depth - 1) for item in value]
    if kind is tuple:
        return {"tuple": [pack(item, parts, depth - 1) for item in value]}
    if kind in (set, frozenset):
        return {kind.__name__: sorted((pack(item, parts, depth - 1) for item in value), key=canonical_text)}
    if kind is dict:
        return {
            "dict": [[pack(key, parts, depth - 1), pack(item, parts, depth - 1)] for key, item in value.items()]
        }  # fmt: skip
    if issubclass(kind, tuple) and hasattr(kind, "_fields"):
        return {"named": [kind.__name__, [pack(item, parts, depth - 1) for item in value]]}
    if parts is not None and (kind is Block or is_chain(kind)):
        return {"part": parts.digest(value)}
    if dataclasses.is_dataclass(kind):
        return _pack_object(kind, object.__getattribute__(value, "__dict__"), parts, depth)
    return {"odd": kind.__name__}


def _whole(part: Any) -> Any:
    """Return a part of a ballot; one of a learner's own class of whole numbers as the number that it is."""
    return int.__int__(part) if isinstance(part, int) and type(part) is not bool else part


def _pack_object(kind: Any, held: dict[str, Any], parts: Parts | None, depth: int) -> Any:
    if is_ours(kind):  # its declared fields only: what it computes from them and keeps does not cross
        names = [name for name in vars(kind)["__dataclass_fields__"] if name in held]
        return {"ours": [vars(kind)["known_as"], {name: pack(held[name], parts, depth - 1) for name in names}]}
    return {"object": [kind.__name__, {name: pack(item, parts, depth - 1) for name, item in held.items()}]}


def unpack(data: Any, find: Find, odd: Odd, parts: Parts | None = None) -> Any:
    """Return what was packed. `find(name, ours)` makes an object's class known; `odd(name)` stands for what is none.

    >>> unpack({"tuple": [1, {"set": [2]}]}, find=lambda name, ours: None, odd=str)
    (1, {2})

    Raises KeyError for a part that never came.
    """
    if type(data) is list:
        return [unpack(item, find, odd, parts) for item in data]
    if type(data) is not dict:
        return data
    ((kind, content),) = data.items()
    if kind == "odd":
        return odd(content)
    if kind == "part":
        if parts is None:
            raise KeyError(content)
        return parts.object(content, find, odd)
    if kind in ("ours", "object", "named"):
        return _made(kind, content, find, odd, parts)
    if kind in ("bytes", "float"):
        return bytes.fromhex(content) if kind == "bytes" else float(content)
    if kind == "dict":
        return {unpack(key, find, odd, parts): unpack(item, find, odd, parts) for key, item in content}
    items = [unpack(item, find, odd, parts) for item in content]
    makers: dict[str, Any] = {"tuple": tuple, "set": set, "frozenset": frozenset, "Ballot": lambda two: Ballot(*two)}
    return makers[kind](items)


def _made(kind: str, content: Any, find: Find, odd: Odd, parts: Parts | None) -> Any:
    name, held = content
    cls = find(name, kind == "ours")
    if cls is None:
        return odd(name)
    if kind == "named":
        return cls(*(unpack(item, find, odd, parts) for item in held))
    fields = {key: unpack(item, find, odd, parts) for key, item in held.items()}
    if kind == "ours":
        return cls(**fields)
    made = object.__new__(cls)
    made.__dict__.update(fields)
    return made


def is_ours(kind: Any) -> bool:
    """Say whether a class is a message of the kit's, and not a learner's of the same name."""
    return kind.__module__.startswith("paxoskit.") and Message.known.get(getattr(kind, "known_as", "")) is kind


def is_chain(kind: type) -> bool:
    """Say whether a class is the kit's own chain; without its module, which not every worker has."""
    return kind.__name__ == "Chain" and kind is getattr(sys.modules.get("paxoskit.protocol.chain"), "Chain", None)


def canonical_text(data: Any) -> str:
    """Return packed data as text; equal data, equal text."""
    return _canonical(data)


_canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode
_quoted = json.encoder.encode_basestring_ascii
_fields: dict[Any, tuple[str, ...]] = {}
"""Of each of the kit's classes of messages that was written, its fields, sorted."""


def written(value: Any, parts: Parts | None = None, depth: int = DEEPEST) -> str:
    """Return a value packed, as text, in a third of the time: what messages are mostly made of is written at once.

    >>> written(Ballot(3, 1)) == canonical_text(pack(Ballot(3, 1)))
    True
    """
    kind = type(value)
    if kind is str:
        return _quoted(value)
    if kind is int:
        return str(value)
    if value is None:
        return "null"
    if kind is Ballot and len(value) == 2 and type(value[0]) is type(value[1]) is int and depth > 0:
        return f'{{"Ballot":[{value[0]},{value[1]}]}}'
    if depth > 0 and (kind in _fields or (kind is not Block and isinstance(value, Message) and is_ours(kind))):
        names = _fields.get(kind) or _fields.setdefault(kind, tuple(sorted(vars(kind)["__dataclass_fields__"])))
        held = object.__getattribute__(value, "__dict__")
        fields = [f'"{name}":{written(held[name], parts, depth - 1)}' for name in names if name in held]
        return f'{{"ours":["{kind.known_as}",{{{",".join(fields)}}}]}}'
    return canonical_text(pack(value, parts, depth))


def afresh(message: Message) -> Message:
    """Return one of the kit's messages as a network would bring it: equal, made anew, its ballots and texts too.

    Whoever hears it can tell nothing from `is`. Blocks and requests in it stay what they are: much is computed of
    them once. A learner's own message is returned itself.

    >>> from paxoskit.protocol.synod import Prepare
    >>> heard = Prepare(Ballot(1, 4))
    >>> again = afresh(heard)
    >>> again == heard, again is heard, again.ballot is heard.ballot
    (True, False, False)
    """
    kind = type(message)
    if kind not in OURS:
        return message
    twin: Message = object.__new__(kind)
    fields = twin.__dict__
    for field, value in message.__dict__.items():
        kind = type(value)
        if kind is Ballot:
            value = tuple.__new__(Ballot, [part + 0 if type(part) is int else part for part in value])
        elif kind is str:
            value = value[:1] + value[1:]
        elif kind in OURS and "ballot" in value.__dict__:
            value = afresh(value)
        fields[field] = value
    return twin


class Parts:
    """The blocks and chains that one end knows, by the digests of their content, and what it has still to tell.

    A block is packed as the message that it is. A chain is packed as a link: the chain below it and its newest block.
    """

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.objects: dict[str, Any] = {}
        self.written: dict[int, tuple[Any, str]] = {}
        """Text of an object, by its `id`: the object stands beside it, so no other takes its place."""
        self.bytes = 0

    def text(self, value: Any) -> str:
        """Return a value packed as canonical text. It must not change: what was written once is remembered."""
        if type(value) is Block:
            return canonical_text(pack(value, self))  # by its digest, which is what is remembered of a block
        known = self.written.get(id(value))
        if known is None:
            known = self._remember(value, written(value, self))
        return known[1]

    def _remember(self, value: Any, text: str) -> tuple[Any, str]:
        if len(self.written) > MOST_REMEMBERED:
            self.written.clear()
        known = self.written[id(value)] = (value, text)
        return known

    def digest(self, value: Any) -> str:
        """Return the digest of a block or a chain, and know it from now on."""
        known = self.written.get(id(value))
        if known is not None:
            return known[1]
        if type(value) is Block:
            held = object.__getattribute__(value, "__dict__")
            return self._keep(value, _pack_object(Block, held, self, DEEPEST))
        links: list[Any] = []
        while value is not None and id(value) not in self.written:  # from the newest link down to one that is known
            links.append(value)
            value = value.parent
        below = None if value is None else self.written[id(value)][1]
        for link in reversed(links):
            content = [link.difficulty] if below is None else [{"part": below}, pack(link.tip, self)]
            below = self._keep(link, {"chain": content})
        assert below is not None
        return below

    def _keep(self, value: Any, data: Any) -> str:
        text = canonical_text(data)
        digest = self.learn(text)
        self.objects.setdefault(digest, value)
        self._remember(value, digest)
        return digest

    def learn(self, text: str) -> str:
        """Take a part that the other end told; return its digest."""
        digest = sha256(text.encode()).hexdigest()[:32]
        if digest not in self.texts:
            self.bytes += len(text)
            self.texts[digest] = text
        return digest

    def object(self, digest: str, find: Find, odd: Odd) -> Any:
        """Return the block or chain of a digest. Raises KeyError for one that never came."""
        waiting = [digest]
        while waiting and digest not in self.objects:  # a chain is made from its first link up, without recursion
            newest = waiting[-1]
            data = json.loads(self.texts[newest])
            content = data.get("chain")
            if content is None:
                self._made(newest, unpack(data, find, odd, self))
            elif len(content) == 1:
                self._made(newest, sys.modules["paxoskit.protocol.chain"].Chain(*content))
            elif (below := content[0]["part"]) not in self.objects:
                waiting.append(below)
                continue
            else:
                block = unpack(content[1], find, odd, self)
                if type(block) is not Block:
                    raise ValueError("a chain holds blocks")
                self._made(newest, self.objects[below].append_unverified(block))
            waiting.pop()
        return self.objects[digest]

    def _made(self, digest: str, value: Any) -> None:
        value = self.objects.setdefault(digest, value)
        if type(value) is Block or is_chain(type(value)):
            self._remember(value, digest)

    def missing(self, text: str, known: set[str]) -> list[str]:
        """Return the texts of the parts that a text names and that are not `known`, which they then are."""
        found: list[str] = []
        waiting = _NAMED.findall(text) if "part" in text else []
        while waiting:
            digest = waiting.pop()
            if digest not in known and digest in self.texts:
                known.add(digest)
                found.append(self.texts[digest])
                waiting += _NAMED.findall(self.texts[digest])
        return found

    def tell(self, texts: Iterable[str], known: set[str]) -> None:
        """Take what the other end told, which it knows."""
        known.update(self.learn(text) for text in texts)
