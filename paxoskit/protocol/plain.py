"""Plain data: what may travel in a message or lie on a disk, as JSON and back.

A message is a frozen dataclass, so sender and receiver can share it without fear. On paper it is one
JSON object named after its class, `{"Prepare": {"ballot": {"Ballot": [1, 2]}, "height": 0}}`: a reader sees
what it is, and no reader has to guess a type. Only data is read back, never code.
"""

from __future__ import annotations

import dataclasses
from types import NoneType, UnionType
from typing import Any, ClassVar, NamedTuple, Union, get_args, get_origin, get_type_hints

Name = int | str
"""A node's name: servers are 1 to N, clients `"client 1"` and so on."""


class Ballot(NamedTuple):
    """A ballot: a round, and the server whose ballot it is. Ballots are compared round first.

    >>> Ballot(2, 1) > Ballot(1, 3) > BOTTOM
    True
    >>> str(Ballot(2, 1))
    '2.1'
    """

    round: int
    server: int

    def __str__(self) -> str:
        return f"{self.round}.{self.server}"


BOTTOM = Ballot(0, 0)
"""Lower than every ballot that a server can start: the ballot of one who has promised nothing."""

FROZEN: set[type] = {int, str, bool, float, bytes, NoneType, Ballot}
"""Types whose values never change: they are shared where others are copied."""

OURS: set[type] = set()
"""The kit's own messages: frozen, and holding frozen things. A learner's are looked at when they are sent."""

RESERVED = frozenset({"Ballot", "set", "dict"})
"""Names that mean something else in JSON."""


class Message:
    """Base of all that is said: a subclass is a frozen dataclass of plain data.

    >>> @dataclasses.dataclass(frozen=True)
    ... class Hello(Message):
    ...     name: str
    >>> to_json(Hello("world"))
    {'Hello': {'name': 'world'}}
    """

    known: ClassVar[dict[str, type[Message]]] = {}
    known_as: ClassVar[str] = ""
    """The name in JSON: the class's own, unless it says otherwise, or the kit has a message of that name already."""

    def __init_subclass__(cls, known_as: str = "") -> None:
        ours = cls.__module__.startswith("paxoskit.")
        name = known_as or cls.__name__
        if not ours and (name in RESERVED or Message.known.get(name) in OURS):
            name = f"{cls.__module__}.{name}"  # a learner's own Prepare never takes the place of the kit's
        cls.known_as = name
        Message.known[name] = cls
        if ours:
            OURS.add(cls)
            FROZEN.add(cls)

    def __copy__(self) -> Message:
        return self

    def __deepcopy__(self, memo: object) -> Message:
        return self


def to_json(value: Any) -> Any:
    """Return `value` (a message, or what a message holds) as data that `json.dumps` takes.

    Raises TypeError for anything that is not plain data.
    """
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, Ballot):
        return {"Ballot": list(value)}
    if isinstance(value, (tuple, list)):
        return [to_json(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return {"set": sorted((to_json(item) for item in value), key=repr)}
    if isinstance(value, dict):
        return {"dict": [[to_json(key), to_json(item)] for key, item in value.items()]}
    if hasattr(value, "as_json"):
        return value.as_json()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: to_json(getattr(value, field.name)) for field in dataclasses.fields(value)}
        return {getattr(type(value), "known_as", type(value).__name__): fields}
    raise TypeError(f"expected plain data (numbers, text, tuples, messages), got {type(value).__name__}")


def from_json(data: Any) -> Any:
    """Return the value that `to_json` turned into `data`.

    Raises ValueError, in one line, for a message that does not exist, and for a field that is missing, not
    declared, or of another type than its class declares.

    >>> from_json({"Ballot": [1, 2]})
    Ballot(round=1, server=2)
    """
    if isinstance(data, list):
        return tuple(from_json(item) for item in data)
    if not isinstance(data, dict):
        return data
    if len(data) != 1:
        raise ValueError(f"expected an object with one key, the name of a message, got {_short(data)}")
    ((name, content),) = data.items()
    if name == "Ballot":
        return _ballot(content)
    if name in ("set", "dict"):
        return _collection(name, content)
    return _message(name, content)


def _ballot(content: Any) -> Ballot:
    if not (isinstance(content, list) and len(content) == 2 and all(type(part) is int for part in content)):
        raise ValueError(f"expected a ballot as [round, server], got {_short(content)}")
    return Ballot(*content)


def _collection(name: str, content: Any) -> Any:
    items = from_json(content)
    try:
        if type(items) is tuple:
            return frozenset(items) if name == "set" else dict(items)
    except (TypeError, ValueError):
        pass  # what is no pair, or cannot be a key
    raise ValueError(f"expected a {name} as a list of what it holds, got {_short(content)}")


def _message(name: str, content: Any) -> Message:
    cls = Message.known.get(name)
    if cls is None:
        raise ValueError(f"expected the name of a message, got {_short(name)}: no message is called that")
    hints = field_types(cls)
    if not isinstance(content, dict) or set(content) != set(hints):
        raise ValueError(f"expected {name} with the fields {', '.join(hints)}, got {_short(content)}")
    values = {field: from_json(value) for field, value in content.items()}
    for field, kind in hints.items():
        if not fits(values[field], kind):
            raise ValueError(f"expected {name}.{field} to be {_words(kind)}, got {_short(values[field])}")
    return cls(**values)


def field_types(cls: type) -> dict[str, Any]:
    """Return the declared type of each field of a dataclass, by name."""
    hints = get_type_hints(cls)
    return {field.name: hints[field.name] for field in dataclasses.fields(cls)}


def fits(value: Any, kind: Any) -> bool:
    """Say whether `value` is of the declared type `kind` (`int` means no bool; tuples are looked through).

    >>> fits((1, 2), tuple[int, ...]), fits(True, int)
    (True, False)
    """
    origin, parts = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return any(fits(value, part) for part in parts)
    if origin is tuple:
        return type(value) is tuple and all(fits(item, parts[0]) for item in value)
    if kind in (Any, object):
        return True
    return type(value) is kind or (kind not in (int, str) and isinstance(value, origin or kind))


def _words(kind: Any) -> str:
    return kind.__name__ if isinstance(kind, type) and not get_args(kind) else str(kind)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
