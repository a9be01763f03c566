"""The worker: where a submission runs, alone. It is asked over one pipe and answers over another.

It keeps the states of the learner's nodes and hands out their numbers: `receive(state, sender, message)` gives the
number of the next state, the effects, and the disk if it changed. So her sets, tuples and classes never leave it, and
the judge needs no trust in what it never sees. What does cross is JSON in the form that `packed.pack` writes: exact
built-in types, ballots and messages by name; anything else crosses as a word that says what it was.

Two states are one when their disks and attributes hold equal data, told by exact type: a learner's own `__eq__` and
`__hash__` are never asked.

This module runs in a process that holds only the kit's `protocol` modules that a statement names: it imports
no other.
"""

from __future__ import annotations

import copy
import dataclasses
import difflib
import io
import json
import os
import struct
import sys
import traceback
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

from paxoskit.grading.packed import Parts, canonical_text, is_chain, pack, unpack
from paxoskit.protocol.node import After, Announce, Node, NodeError, Send
from paxoskit.protocol.plain import OURS, Ballot, Message

MOST_BYTES = 1 << 20
"""A message between judge and worker is at most so long."""

MOST_PRINTED = 10_000
MOST_SHOWN = 1_000
"""A store with more keys is not shown to the judge."""

NOT_WRITTEN, MISSING, RAISED = "not written", "missing", "raised"


# When are two states one? ------------------------------------------------------------------------------------


def canonical(value: Any, where: str = "", parts: Parts | None = None) -> Any:
    """Return plain data as something hashable that is equal for equal data of equal types, in whatever order built.

    What `parts` knows how to write, the kit's own messages and chains, is told by its text.

    Raises NodeError, naming the field, for what is no data: a function, a generator, an open file.
    """
    kind = type(value)
    if kind in (int, str, type(None)):
        return value
    if kind in (bool, float, bytes, complex):
        return kind.__name__, repr(value)
    if parts is not None and (kind in OURS or is_chain(kind)):
        text = parts.digest(value) if is_chain(kind) else parts.text(value)
        if '"odd"' not in text:
            return kind.__name__, text
    if kind is Ballot and type(value[0]) is type(value[1]) is int:
        return kind.__name__, value[0], value[1]
    if isinstance(value, (tuple, list)):
        return kind.__name__, tuple(canonical(item, where, parts) for item in tuple.__iter__(tuple(value)))
    if isinstance(value, (set, frozenset)):
        return kind.__name__, frozenset(canonical(item, where, parts) for item in value)
    if isinstance(value, dict):
        pairs = [
            (
                canonical(key, where, parts),
                canonical(item, where + (key if type(key) is str else f"{kind.__name__} item"), parts),
            )
            for key, item in value.items()
        ]
        return kind.__name__, frozenset(pairs)
    if isinstance(value, (str, int)):
        return kind.__name__, str.__str__(value) if isinstance(value, str) else int.__int__(value)
    if isinstance(value, type):
        return "class", value.__module__, value.__qualname__
    if not callable(value) and not isinstance(value, ModuleType):
        try:
            reduced: Any = object.__reduce_ex__(value, 2)  # as a copy is made: what it is made of
        except (TypeError, ValueError):
            reduced = ""
        if type(reduced) is tuple and len(reduced) > 1:
            arguments, state, lists = reduced[1], reduced[2:3], reduced[3:]
            made_of = [arguments, state, *(list(part) for part in lists if part is not None)]
            return kind.__name__, canonical(made_of, f"{where}.", parts)
    raise NodeError(f"{where}: expected data (numbers, text, list, dict, set, dataclass), got a {kind.__name__}")


# What is asked -----------------------------------------------------------------------------------------------


class Worker:
    """A submission, its module loaded when it is first asked for, and the states of its nodes."""

    def __init__(self) -> None:
        self.file = ""
        self.names: dict[str, Any] = {}
        self.sources: dict[str, list[str]] = {}
        self.states: list[Node] = []
        self.numbers: dict[Any, int] = {}
        self.disks: list[str] = []
        self.shown: list[str] = []
        """What every onlooker may see of each state: does it lead, in which ballot, what is in its store."""
        self.parts = Parts()
        self.known: set[str] = set()
        """The parts that the judge knows, and those that it will with the next answer."""
        self.messages: dict[str, Any] = {}
        self.things: list[Any] = []
        self.modules: dict[str, ModuleType] = {}
        self.odd: dict[int, str] = {}
        """States that cannot be compared with others, and why."""

    # Names

    def load(self, file: str) -> dict[str, Any]:
        """Run the submission's module; say what it defines."""
        self.file = file
        self.names = vars(self._module(file))
        return {}

    def _module(self, file: str) -> ModuleType:
        name = file.removesuffix(".py")
        with open(file, "rb") as opened:
            source = opened.read()
        self.sources[file] = source.decode("utf-8", "replace").splitlines()
        module = ModuleType(name)
        module.__file__ = file
        sys.modules[name] = self.modules[name] = module
        if "" not in sys.path and os.getcwd() not in sys.path:
            sys.path.append(os.getcwd())  # last, or a learner's queue.py would hide Python's own
        exec(compile(source, file, "exec"), module.__dict__)
        return module

    def _find(self, name: str) -> Any:
        if name not in self.names:
            there = [key for key in self.names if not key.startswith("_")]
            near = difflib.get_close_matches(name, there, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise _Told(f"there is no {name} in {self.file}{hint}", MISSING)
        return self.names[name]

    def _class(self, name: str, ours: bool) -> Any:
        if ours:
            return Message.known.get(name)
        for module in self.modules.values():
            found = vars(module).get(name)
            if isinstance(found, type):
                return found
        known = Message.known.get(name)
        return known if known is not None else self._nested(name)

    def _nested(self, name: str) -> Any:
        for outer in self.names.values():
            if isinstance(outer, type) and isinstance(vars(outer).get(name), type):
                return vars(outer)[name]
        return None

    def _value(self, data: Any) -> Any:
        return unpack(data, self._class, lambda name: None, self.parts)

    # Functions and objects

    def call(self, name: str, arguments: list[Any]) -> Any:
        """Call a function of the submission."""
        function = self._find(name)
        return pack(function(*(self._value(argument) for argument in arguments)), self.parts)

    def make(self, name: str, arguments: list[Any]) -> int:
        """Make an object of a class of the submission; return its number."""
        cls = self._find(name)
        self.things.append(cls(*(self._value(argument) for argument in arguments)))
        return len(self.things) - 1

    def method(self, thing: int, name: str, arguments: list[Any]) -> Any:
        """Call a method of an object that was made."""
        found = getattr(self.things[thing], name, None)
        if found is None:
            raise _Told(f"{type(self.things[thing]).__name__} has no method {name}", MISSING)
        return pack(found(*(self._value(argument) for argument in arguments)), self.parts)

    def own_test(self, file: str, plant: str) -> list[str]:
        """Run the learner's own test on the submission, with a bug planted in it if `plant` has one."""
        if not os.path.isfile(file):
            return ["missing", "there is no file own_test.py beside your answer"]
        answer = SimpleNamespace(**self.names)
        if plant:
            planted: dict[str, Any] = {}
            exec(compile(plant, "<a planted bug>", "exec"), planted)
            answer = planted["plant"](answer)
        try:
            module = self._module(file)
            tests = [test for name, test in vars(module).items() if name.startswith("test") and callable(test)]
            for test in tests:
                test(answer)
        except AssertionError as error:
            return ["failed", self.in_words(error)[0]]
        except (Exception, SystemExit) as error:
            return ["error", self.in_words(error)[0]]
        return ["passed", ""] if tests else ["missing", "own_test.py has no function test(answer)"]

    # Nodes

    def describe(self, name: str) -> dict[str, Any]:
        """Return what a class's disk is at birth, and its fields. Raises for what is no node."""
        cls = self._find(name)
        if not (isinstance(cls, type) and issubclass(cls, Node)):
            raise _Told(f"{name} is not a Node: write `class {name}(Node):`", MISSING)
        fields = [field.name for field in dataclasses.fields(cls.Disk)]
        return {"fields": fields, "disk": self._disk(cls.Disk()), "handlers": [n for n in dir(cls) if n[:3] == "on_"]}

    def born(self, name: str, called: Any, peers: list[int], disk: str | None, changed: dict[str, Any]) -> Any:
        """Make a node of the class `name`, with a disk (None: a first one) of which some fields are `changed`."""
        cls = self._find(name)
        kept = cls.Disk() if disk is None else self._disk_from(cls, disk)
        for field, data in changed.items():
            setattr(kept, field, self._value(data))
        return self._remember(cls(called, tuple(peers), kept), [], "", "")

    def start(self, state: int) -> Any:
        """Run a node's `on_start`."""
        node = self._copy(state)
        return self._remember(node, node.start(), self.disks[state], self.shown[state])

    def receive(self, state: int, sender: Any, message: str) -> Any:
        """Let a node in a state receive a message; return the state after that, the effects, and a changed disk."""
        node = self._copy(state)
        if dice := sys.modules.get("random"):
            dice.seed(f"{state} {sender} {message}")  # a node that draws is still a function of state and message
        return self._remember(
            node, node.receive(sender, self._message(message)), self.disks[state], self.shown[state]
        )

    def _copy(self, state: int) -> Node:
        node = self.states[state]
        twin = object.__new__(type(node))
        # All attributes at once, so that two names for one list are still two names for one list.
        try:
            twin.__dict__.update(copy.deepcopy({key: value for key, value in vars(node).items() if key != "_effects"}))
        except Exception:
            return node  # it holds what cannot be copied, a lock for instance, so its life has one branch only
        twin._effects = []
        return twin

    def _remember(self, node: Node, effects: list[Any], disk_before: str, shown_before: str) -> dict[str, Any]:
        """Return the number of a node's state, its effects, and its disk and what it shows if they changed."""
        derived = _derived(node)
        kept = {
            key: value for key, value in vars(node).items()
            if key != "_effects" and not (key in derived and type(value).__module__.startswith("paxoskit."))
        }  # fmt: skip
        key: Any
        try:
            key = type(node).__name__, canonical(kept, parts=self.parts)
        except (NodeError, RecursionError) as error:
            key = self.odd[len(self.states)] = str(error) or "the node holds data that contains itself"
        number = self.numbers.get(key)
        if number is None or type(key) is str:
            number = self.numbers[key] = len(self.states)
            self.states.append(node)
            self.disks.append(self._disk(node.disk))
            self.shown.append(self._shown(vars(node)))
        disk, shown = self.disks[number], self.shown[number]
        told = [self._effect(effect) for effect in effects]
        return {
            "state": number, "effects": told, **({"disk": disk} if disk != disk_before else {}),
            **({"shown": shown} if shown != shown_before else {}),
            **({"odd": self.odd[number]} if number in self.odd else {}),
        }  # fmt: skip

    def _shown(self, held: dict[str, Any]) -> str:
        """Return what a world's onlookers look at in a node (`World.leaders`, the claim on its store), as text."""
        leading, ballot, store = held.get("leading"), held.get("ballot"), held.get("store")
        data = vars(store).get("data") if hasattr(store, "__dict__") else None
        shown = {
            **({"leading": leading} if type(leading) is bool else {}),
            **({"ballot": pack(ballot)} if type(ballot) is Ballot else {}),
            **({"store": pack(data)} if type(data) is dict and len(data) <= MOST_SHOWN else {}),
        }
        return canonical_text(shown) if shown else ""

    def _effect(self, effect: Any) -> list[Any]:
        kind = type(effect)
        if kind is Send:
            return ["send", self._name(effect.to), self._said(effect.message)]
        if kind is After:
            return ["after", float(effect.low), float(effect.high), self._said(effect.message)]
        if kind is Announce:
            return ["announce", self._said(effect.fact)]
        raise NodeError(f"expected the effects of a node (send, after, announce), got a {kind.__name__}")

    def _name(self, to: Any) -> Any:
        if type(to) not in (int, str):
            raise NodeError(f"sends to {to!r}: expected a server's number or a client's name")
        return to

    def _said(self, message: Any) -> str:
        text = self.parts.text(message) if type(message) in OURS else canonical_text(pack(message, self.parts))
        self.messages.setdefault(text, message)
        return text

    def _message(self, text: str) -> Any:
        if text not in self.messages:
            self.messages[text] = self._value(json.loads(text))
        return self.messages[text]

    def _disk(self, disk: Any) -> str:
        return canonical_text({field: pack(value, self.parts) for field, value in vars(disk).items()})

    def _disk_from(self, cls: type[Node], text: str) -> Any:
        disk = object.__new__(cls.Disk)
        disk.__dict__.update({field: self._value(data) for field, data in json.loads(text).items()})
        return disk

    # Words

    def in_words(self, error: BaseException) -> tuple[str, str]:
        """Return an exception in words, the learner's own line first, and why there is no answer."""
        if isinstance(error, _Told):
            return error.says, error.why
        says = " ".join(_text(error).split())[:2_000]
        if isinstance(error, NotImplementedError):
            return says or "this part is not written yet", NOT_WRITTEN
        kind = type(error).__name__
        what = f"{kind}: {says}" if says else kind
        if isinstance(error, SyntaxError) and error.filename in self.sources:
            line = (error.text or "").strip()
            return f"{error.filename}, line {error.lineno}:\n    {line}\n{kind}: {error.msg}", RAISED
        for frame in reversed(traceback.extract_tb(error.__traceback__)):
            if frame.filename in self.sources:
                where = "" if frame.name == "<module>" else f", in {frame.name}"
                lines, number = self.sources[frame.filename], frame.lineno or 0
                line = lines[number - 1].strip() if 0 < number <= len(lines) else ""
                return f"{frame.filename}, line {number}{where}:\n    {line}\n{what}", RAISED
        return what, RAISED


class _Told(Exception):
    def __init__(self, says: str, why: str) -> None:
        self.says, self.why = says, why


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:
        return ""


def _derived(node: Node) -> frozenset[str]:
    """Return the attributes that the kit's own base of this class calls derived; a learner's word is not taken."""
    for cls in type(node).__mro__:
        if cls.__module__.startswith("paxoskit."):
            return cls.derived  # type: ignore[attr-defined,no-any-return]
    return frozenset()


# Being asked -------------------------------------------------------------------------------------------------


class Printed(io.TextIOBase):
    """Keeps what is printed, up to a bound."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> int:
        """Keep a text while there is room."""
        self.text += str(text)[: MOST_PRINTED - len(self.text)]
        return len(text)


def serve(asks: int, answers: int, force: list[str]) -> None:
    """Say what is in force; then answer until nobody asks."""
    worker, printed = Worker(), Printed()
    exactly, dump, load, read, write = os._exit, canonical_text, json.loads, os.read, os.write
    sys.stdout = printed
    sys.setrecursionlimit(1_000)
    tell(answers, dump({"force": force}), write)
    while True:
        asked = hear(asks, read)
        if asked is None:
            exactly(0)
        number, what, parts, *arguments = load(asked)
        worker.parts.tell(parts, worker.known)
        printed.text = ""
        try:
            answer = {"answer": getattr(worker, what)(*arguments)}
        except (Exception, SystemExit, KeyboardInterrupt) as error:
            answer = {"error": worker.in_words(error)}
        try:
            text = dump({"n": number, "printed": printed.text, **answer})
            if parts := worker.parts.missing(text, worker.known):
                text = dump({"n": number, "printed": printed.text, "parts": parts, **answer})
        except (ValueError, RecursionError, MemoryError) as error:
            text = dump({"n": number, "error": [f"the answer cannot be written down: {type(error).__name__}", RAISED]})
        if len(text) > MOST_BYTES:
            text = dump({"n": number, "error": [f"the answer is longer than {MOST_BYTES:,} bytes", RAISED]})
        tell(answers, text, write)


def tell(descriptor: int, text: str, write: Callable[[int, bytes], int] = os.write) -> None:
    """Write a text with its length in front."""
    data = text.encode()
    data = struct.pack(">I", len(data)) + data
    while data:
        data = data[write(descriptor, data) :]


def hear(descriptor: int, read: Callable[[int, int], bytes] = os.read) -> str | None:
    """Read a text that was written by `tell`; None at the end."""
    head = _exactly(descriptor, 4, read)
    if head is None:
        return None
    body = _exactly(descriptor, struct.unpack(">I", head)[0], read)
    return None if body is None else body.decode()


def _exactly(descriptor: int, count: int, read: Callable[[int, int], bytes]) -> bytes | None:
    data = b""
    while len(data) < count:
        some = read(descriptor, count - len(data))
        if not some:
            return None
        data += some
    return data
