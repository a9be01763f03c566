"""What a node is: it hears, speaks, waits, remembers and tells; it never looks around.

A node says what it wants. The world knows what may happen next. Someone chooses. So a node has no clock, no dice
and no network: `receive(sender, message)` runs one handler and returns the effects that it asks for, and the same
state with the same input gives the same effects, in a thread, a simulator, a search or a unit test.

* hear: a method `on_<message_name>(self, sender, message)`, one a message; handlers run one at a time, to the end;
* speak: `self.send(to, message)` and `self.broadcast(message)`; a message to oneself goes through the same handler,
  as soon as the running one ends and before anything leaves;
* wait: `self.after((low, high), message)`, in milliseconds: the world picks when, and the message then comes to the
  node itself. Asking again for the same message moves its timer. An old timer is known by its content;
* remember: `self.disk.x = …` survives a crash, and nothing else does. The world saves the disk when the handler
  ends, *before* it lets a message go. A crash asks the node nothing: the next life is `type(node)(name, peers, disk)`;
* tell: `self.announce(fact)` for the trace; no node hears it.
"""

from __future__ import annotations

import copy
import dataclasses
import difflib
import enum
import re
from collections.abc import Callable, Sequence
from types import MemberDescriptorType
from typing import Any, ClassVar, NamedTuple, Protocol

from paxoskit.protocol.plain import FROZEN, OURS, Message, Name


class Send(NamedTuple):
    """An effect: let this message go to that node."""

    to: Name
    message: Message


class After(NamedTuple):
    """An effect: bring me this message again after between `low` and `high` milliseconds."""

    low: float
    high: float
    message: Message


class Announce(NamedTuple):
    """An effect: write this fact into the trace."""

    fact: Message


Effect = Send | After | Announce

_new: Any = tuple.__new__  # makes a named tuple in half the time that its own constructor takes


class NodeError(Exception):
    """A node's own code is wrong, in a way that one line can say."""


class _Disk(Protocol):
    __dataclass_fields__: ClassVar[dict[str, Any]]


class Node:
    """A node named `name` (1 to N for a server, `"client 1"` for a client) among the servers `peers`.

    >>> @dataclasses.dataclass(frozen=True)
    ... class Hello(Message):
    ...     text: str
    >>> class Echo(Node):
    ...     def on_hello(self, sender, message):
    ...         self.send(sender, message)
    >>> Echo(1, [1, 2]).receive(2, Hello("there"))
    [Send(to=2, message=Hello(text='there'))]
    """

    @dataclasses.dataclass
    class Disk:
        """What survives a crash. A subclass declares its own."""

    derived: ClassVar[frozenset[str]] = frozenset()
    """Attributes that follow from the rest of the state, and so are left out of `state()`."""

    LONGEST_TURN = 10_000
    """A handler and its messages to itself may ask for this many effects before it counts as a loop."""

    def __init_subclass__(cls) -> None:
        if "Disk" in cls.__dict__:
            if not dataclasses.is_dataclass(cls.Disk):
                raise NodeError(f"{cls.__name__}.Disk is not a dataclass: write @dataclass above `class Disk:`")
            if "__slots__" in vars(cls.Disk):
                raise NodeError(f"{cls.__name__}.Disk has slots, of which no copy is made: leave them out")
            cls.Disk.__setattr__ = _declared_fields_only  # type: ignore[method-assign,assignment]
        for attribute, value in [*vars(cls).items()]:
            if isinstance(value, MemberDescriptorType):  # a slot hides what it holds from state() and copy()
                delattr(cls, attribute)

    def __init__(self, name: Name, peers: Sequence[int], disk: Any = None) -> None:
        self.name = name
        self.peers = tuple(peers)
        self.disk: Any = self.Disk() if disk is None else disk
        self._effects: list[Effect] = []

    # What a node's own code calls --------------------------------------------------------------------------

    def send(self, to: Name, message: Message) -> None:
        """Ask for `message` to be sent to `to`. Raises NodeError for what is no frozen message."""
        if type(message) not in OURS:
            _check_message(self, message)
        self._effects.append(_new(Send, (to, message)))

    def broadcast(self, message: Message) -> None:
        """Send `message` to every server, oneself included."""
        if type(message) not in OURS:
            _check_message(self, message)
        self._effects += [_new(Send, (peer, message)) for peer in self.peers]

    def after(self, wait: tuple[float, float], message: Message) -> None:
        """Ask to hear `message` from oneself after a time within `wait`, (low, high) in milliseconds."""
        if type(message) not in OURS:
            _check_message(self, message)
        low, high = wait
        if not 0 <= low <= high:
            raise NodeError(f"{title(self.name)} waits ({low}, {high}): expected 0 <= low <= high, in milliseconds")
        self._effects.append(After(low, high, message))

    def announce(self, fact: Message) -> None:
        """Write `fact` into the trace."""
        self._effects.append(Announce(fact))

    def on_start(self) -> None:
        """Run after birth and after each restart: the place to set timers."""

    # What the world calls ----------------------------------------------------------------------------------

    def start(self) -> list[Effect]:
        """Run `on_start`, and return the effects it asks for."""
        self._effects = []
        self.on_start()
        return self._finish_turn()

    def receive(self, sender: Name, message: Message) -> list[Effect]:
        """Run the handler of `message`, then those of the messages to oneself; return all effects in order.

        Raises NodeError if the node has no handler for it.
        """
        self._effects = []
        self._handler(sender, message)(sender, message)
        return self._finish_turn()

    def _finish_turn(self) -> list[Effect]:
        effects, name = self._effects, self.name
        for effect in effects:  # grows while it is walked: a handler may send to itself again
            if effect[0] == name and type(effect) is Send:
                self._handler(name, effect[1])(name, effect[1])
                if len(effects) > self.LONGEST_TURN:
                    raise NodeError(f"{title(name)} sends messages to itself without end: {effect.message!r}")
        return effects

    def _handler(self, sender: Name, message: Message) -> Callable[[Name, Message], None]:
        method = _handler_names.get(type(message)) or _handler_name(type(message))
        handler: Callable[[Name, Message], None] | None = getattr(self, method, None)
        if handler is None:
            raise NodeError(
                f"{title(self.name)} got {message!r} from {title(sender)} "
                f"but has no method {method}(self, sender, message)"
            )
        return handler

    def state(self) -> tuple[Any, ...]:
        """Return disk and ordinary attributes as plain, hashable, canonical data: equal states, equal nodes.

        Raises NodeError, naming the field, for a value that is not plain data.
        """
        attributes = {
            key: value
            for key, value in vars(self).items()
            if key not in ("disk", "_effects") and key not in self.derived
        }
        try:
            return freeze(vars(self.disk), "disk."), freeze(attributes, "")
        except RecursionError:
            raise NodeError("its state holds itself, or is nested too deeply") from None

    def copy(self) -> Node:
        """Return a node in the same state that shares nothing changeable with this one."""
        twin = object.__new__(type(self))
        memo = {id(self): twin}  # two names for one list stay so, and a part that knows its node knows the copy
        disk = snapshot(self.disk, memo)
        twin.__dict__.update({key: duplicate(value, memo) for key, value in vars(self).items() if key != "disk"})
        twin.disk, twin._effects = disk, []
        return twin


def title(name: Name) -> str:
    """Return a node's name as one says it.

    >>> title(2), title("client 1")
    ('server 2', 'client 1')
    """
    return f"server {name}" if isinstance(name, int) else name


def duplicate(value: Any, memo: dict[int, Any] | None = None) -> Any:
    """Return a copy of `value` that shares nothing changeable with it; frozen things are shared.

    `memo` is that of `copy.deepcopy`: copies that were made already, by the `id` of what they are copies of.
    """
    kind = type(value)
    if kind in FROZEN:
        return value
    memo = {} if memo is None else memo
    if id(value) in memo:
        return memo[id(value)]
    if kind in (list, set, tuple) and FROZEN.issuperset(map(type, value)):
        twin = kind(value)
    elif kind is dict and FROZEN.issuperset(map(type, value.values())) and FROZEN.issuperset(map(type, value)):
        twin = value.copy()
    else:
        return copy.deepcopy(value, memo)
    memo[id(value)] = twin
    return twin


def snapshot(disk: Any, memo: dict[int, Any] | None = None) -> Any:
    """Return the disk as it is now, safe from later changes. `memo`: see `duplicate`."""
    saved = object.__new__(type(disk))
    if memo is not None:
        memo[id(disk)] = saved
    fields = saved.__dict__
    fields.update(disk.__dict__)
    if not FROZEN.issuperset(map(type, fields.values())):
        memo = {} if memo is None else memo
        fields.update({key: duplicate(value, memo) for key, value in fields.items()})
    return saved


def freeze(value: Any, where: str = "") -> Any:
    """Return plain data as something hashable; equal data gives equal results, in whatever order it was built.

    >>> freeze({"b": [1, 2], "a": {3}})
    (('a', frozenset({3})), ('b', (1, 2)))
    """
    if type(value) in FROZEN:
        return value
    if isinstance(value, (list, tuple)):
        return tuple(freeze(item, where) for item in value)
    if isinstance(value, (set, frozenset)):
        return frozenset(freeze(item, where) for item in value)
    if isinstance(value, dict):
        pairs = ((freeze(key, where), freeze(item, f"{where}{key}")) for key, item in value.items())
        return tuple(sorted(pairs, key=lambda pair: repr(pair[0])))
    if isinstance(value, enum.Enum):
        return type(value).__name__, value.name
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: getattr(value, field.name, None) for field in dataclasses.fields(value)}
        return type(value).__name__, freeze(fields | getattr(value, "__dict__", {}), f"{where}.")
    if _is_learners(value):
        return type(value).__name__, freeze(vars(value), f"{where}.")
    raise NodeError(f"{where}: expected plain data (numbers, text, list, dict, set, dataclass), got {value!r}")


def _is_learners(value: object) -> bool:
    """Say whether a value is an object of a class of a learner's own, which has its attributes and nothing else."""
    kind = type(value)
    ours = kind.__module__.partition(".")[0] == "paxoskit"
    return hasattr(value, "__dict__") and kind.__mro__[-2:] == (kind, object) and not ours and not callable(value)


_handler_names: dict[type, str] = {}


def _handler_name(kind: type) -> str:
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", kind.__name__)
    return _handler_names.setdefault(kind, f"on_{words.lower()}")


def _check_message(node: Node, message: object) -> None:
    if not (dataclasses.is_dataclass(message) and not isinstance(message, type)):
        raise NodeError(f"{title(node.name)} sends {message!r}: expected a message, a frozen dataclass")
    for field in dataclasses.fields(message):
        try:
            hash(getattr(message, field.name))
        except TypeError:
            raise NodeError(
                f"{type(message).__name__}.{field.name} can change after it was sent: use a tuple or frozenset"
            ) from None
    if not message.__dataclass_params__.frozen:  # type: ignore[attr-defined]
        raise NodeError(f"{type(message).__name__} is not frozen: write @dataclass(frozen=True)")


def _declared_fields_only(disk: _Disk, field: str, value: object) -> None:
    if field not in disk.__dataclass_fields__:
        near = difflib.get_close_matches(field, disk.__dataclass_fields__, n=1, cutoff=0)
        hint = f": did you mean {near[0]}?" if near else ""
        raise NodeError(f"the disk has no field {field}{hint} (fields are declared in class Disk, with a type)")
    disk.__dict__[field] = value
