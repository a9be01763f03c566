"""What comes back from a worker, made into messages, values and turns of the judge's own, or refused.

Nothing that a worker says is trusted to be more than what some node might do.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple, NoReturn

from paxoskit.grading.packed import Parts, unpack
from paxoskit.grading.subject import RAISED, LearnerError, Odd
from paxoskit.grading.workshop import WROTE
from paxoskit.protocol.node import After, Announce, Effect, Send
from paxoskit.protocol.plain import Ballot, Message, field_types, fits

# Messages and values -------------------------------------------------------------------------------------------


class Foreign(Message):
    """A message of a learner's own class: the judge knows its name and its content, and hands it back unchanged."""

    packed: str

    def __init__(self, packed: str) -> None:  # that of each subclass is made by dataclass
        raise TypeError("make a subclass with foreign_class")

    def __init_subclass__(cls) -> None:
        """Keep its name out of the messages that the kit knows."""

    def as_json(self) -> Any:
        """The message as the learner's own class would have it."""
        return plain_json(json.loads(self.packed))


@lru_cache(1_000)
def foreign_class(name: str) -> type[Foreign]:
    """Return the class that stands for a learner's class of messages."""
    return dataclasses.make_dataclass(name, [("packed", str)], bases=(Foreign,), frozen=True)


def plain_json(data: Any) -> Any:
    """Return packed data as `to_json` would have written it.

    >>> plain_json({"object": ["Hello", {"to": {"tuple": [1, 2]}}]})
    {'Hello': {'to': [1, 2]}}
    """
    if type(data) is list:
        return [plain_json(item) for item in data]
    if type(data) is not dict:
        return data
    ((kind, content),) = data.items()
    if kind in ("object", "ours"):
        return {content[0]: {field: plain_json(value) for field, value in content[1].items()}}
    if kind == "named":
        return plain_json(content[1])
    if kind in ("tuple", "Ballot"):
        parts = [plain_json(item) for item in content]
        return {"Ballot": parts} if kind == "Ballot" else parts
    if kind in ("set", "frozenset"):
        return {"set": [plain_json(item) for item in content]}
    return {kind: plain_json(content)}


class _NotOurs(Exception):
    """What was packed holds something that only the learner's own process knows."""


def _ours_only(name: str, ours: bool) -> Any:
    if not ours or name not in Message.known:
        raise _NotOurs
    return _checked_maker(Message.known[name])  # type: ignore[arg-type,no-any-return,unused-ignore]


@lru_cache(1_000)
def _checked_maker(cls: Any) -> Any:
    hints = field_types(cls)

    def make(**fields: Any) -> Message:
        if set(fields) != set(hints):
            raise LearnerError(f"{cls.__name__} has the fields {', '.join(hints)}, and got {', '.join(fields)}")
        for field, kind in hints.items():
            value = fields[field]
            if type(value) is tuple and len(value) == 2 and fits(Ballot(*value), kind) and are_ints(value):
                fields[field] = Ballot(*value)  # a learner may write a ballot as a plain tuple
        made: Message = cls(**fields)
        try:
            hash(made)
        except TypeError:
            raise LearnerError(f"{cls.__name__} holds what can change after it was sent") from None
        return made  # a field of another type than its class says is for the check to judge

    return make


def are_ints(values: tuple[Any, ...]) -> bool:
    """Say whether all values are whole numbers, and none is a bool."""
    return all(type(value) is int for value in values)


def read_message(text: str, parts: Parts) -> Message:
    """Return a message that a worker sent: the kit's own, or one that stands for the learner's."""
    data = json.loads(text)
    try:
        message = unpack(data, _ours_only, _no_odd, parts)
        if isinstance(message, Message):
            return message
    except _NotOurs:
        pass
    except (TypeError, ValueError, KeyError, AttributeError, IndexError):
        raise LearnerError(f"sends what is no message: {text[:60]}") from None
    if type(data) is dict and type(content := data.get("object")) is list and type(content[0]) is str:
        return foreign_class(content[0])(text)
    if type(data) is dict and "ours" in data:
        return foreign_class(str(data["ours"][0]))(text)
    raise LearnerError(f"sends what is no message: {text[:60]}")


def _no_odd(name: str) -> NoReturn:
    raise _NotOurs


def read_value(data: Any, parts: Parts | None = None) -> Any:
    """Return a value that a worker answered: exact built-in types, ballots, messages; `Odd` for all else."""
    def find(name: str, ours: bool) -> Any:
        return _checked_maker(Message.known[name]) if ours and name in Message.known else None  # type: ignore[arg-type]

    try:
        return unpack(data, find, Odd, parts)
    except (TypeError, ValueError, KeyError, AttributeError, IndexError, RecursionError):
        return Odd("value that cannot be written down")


# Turns ---------------------------------------------------------------------------------------------------------


class Turn(NamedTuple):
    """What a node did: the number of its state afterwards, its effects, its disk if that changed.

    `shown`: what an onlooker sees of it, if that changed. `odd`: why its state cannot be compared with others; empty
    if it can. `raw`: effects, disk and what is shown, as they came. `like`: the number of the first state of equal
    data, whatever the order of its dicts.
    """

    state: int
    effects: tuple[Effect, ...]
    disk: str | None
    shown: str | None
    odd: str
    raw: tuple[Any, ...]
    like: int

    @property
    def size(self) -> int:
        """About so many characters tell of it."""
        return sum(len(part) for effect in (*self.raw[:-2], self.raw[-2:]) for part in effect if type(part) is str)


def read_turn(told: Any, read: Callable[[str], Message]) -> Turn:
    """Return a turn as a worker tells it, its messages read by `read`. Raises LearnerError for what is none."""
    try:
        disk, shown, odd = told.get("disk"), told.get("shown"), told.get("odd", "")
        like = told.get("like", told["state"])
        texts = type(disk) in (str, type(None)) and type(shown) in (str, type(None)) and type(odd) is str
        if type(told["state"]) is type(like) is int and texts:
            effects = tuple(_effect(read, *effect) for effect in told["effects"])
            raw = (*map(tuple, told["effects"]), disk, shown)
            hash(raw)  # flat: whatever is more than a turn is refused
            return Turn(told["state"], effects, disk, shown, odd, raw, like)
    except LearnerError:
        raise
    except (TypeError, ValueError, KeyError, AttributeError, RecursionError):
        pass
    raise LearnerError(WROTE, RAISED)


def state_after(told: Any, turn: Turn) -> int | None:
    """Return the number of the state after a turn that was taken again; None if it did something else this time."""
    try:
        raw = (*map(tuple, told["effects"]), told.get("disk"), told.get("shown"))
        return told["state"] if raw == turn.raw and type(told["state"]) is int else None
    except (TypeError, ValueError, KeyError, AttributeError, RecursionError):
        raise LearnerError(WROTE, RAISED) from None


def _effect(read: Callable[[str], Message], kind: str, *parts: Any) -> Effect:
    if kind == "send":
        to, text = parts
        if type(to) not in (int, str):
            raise ValueError
        return Send(to, read(text))
    if kind == "after":
        low, high, text = parts
        if not (type(low) in (int, float) and type(high) in (int, float) and 0 <= low <= high):
            raise ValueError
        return After(low, high, read(text))
    (text,) = parts
    return Announce(read(text))
