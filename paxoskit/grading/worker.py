"""The worker: where a submission runs, alone. It is asked over one pipe and answers over another.

It keeps the states of the learner's nodes and hands out their numbers: `receive(state, sender, message)` gives the
number of the next state, the effects, and the disk if it changed. So her sets, tuples and classes never leave it, and
the judge needs no trust in what it never sees. What does cross is JSON in the form that `packed.pack` writes: exact
built-in types, ballots and messages by name; anything else crosses as a word that says what it was.

Two states are one when their disks and attributes hold equal data, told by exact type, in dicts of the same order (a
node may send in that order): a learner's own `__eq__` and `__hash__` are never asked.

This module runs in a process that holds only the kit's `protocol` modules that a statement names: it imports
no other.
"""

from __future__ import annotations

import copy
import dataclasses
import difflib
import enum
import gc
import io
import json
import operator
import os
import re
import struct
import sys
import traceback
from collections.abc import Callable
from functools import partial
from time import monotonic, process_time
from types import ModuleType, SimpleNamespace
from typing import Any, NamedTuple

from paxoskit.grading.packed import Parts, afresh, canonical_text, is_chain, pack, unpack
from paxoskit.protocol.messages import Block
from paxoskit.protocol.node import After, Announce, Node, NodeError, Send
from paxoskit.protocol.plain import FROZEN, OURS, Ballot, Message

MOST_BYTES = 1 << 20
"""A message between judge and worker is at most so long."""

MOST_PRINTED = 10_000
AHEAD = 0.2
"""So many seconds of CPU a worker works ahead before it answers."""

MOST_SHOWN = 1_000
"""A store with more keys is not shown to the judge."""

NOT_WRITTEN, MISSING, RAISED = "not written", "missing", "raised"


# When are two states one? ------------------------------------------------------------------------------------


def canonical(value: Any, parts: Parts | None = None, order: bool = False, whole: object = None) -> Any:
    """Return plain data as something hashable that is equal for equal data of equal types, in whatever order built.

    With `order`, it is equal only if dicts have the same order, too. What `parts` knows how to write, the kit's own
    messages and chains, is told by its text. `whole`: the node whose data this is; a part of it may know it.

    Raises NodeError, naming the field, for what is no data: a function, a generator, an open file.
    """
    return _told(value, _How(parts, tuple if order else frozenset, whole, []))


def _told(value: Any, how: _How) -> Any:
    try:
        return _canonical(value, how)
    except _NoData as found:
        where = re.sub(r"^\['(\w+)'\]", r"\1", "".join(reversed(found.path)))  # what is told is a node's attributes
        raise NodeError(
            f"{where}: expected data (numbers, text, list, dict, set, dataclass), got a {found.kind}"
        ) from None


class _NoData(Exception):
    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.path: list[str] = []
        """Where it was found, the innermost name first."""


class _How(NamedTuple):
    """How data is told: by which parts, what keeps the pairs of a dict, whose data it is; and the dicts in it."""

    parts: Parts | None
    pairs: type
    whole: object
    dicts: list[int]
    """The sizes of dicts that have an order: those of two entries and more."""


_ITSELF = frozenset({int, str, type(None)})
"""Types of values that are canonical as they are."""


def _canonical(value: Any, how: _How) -> Any:
    kind = type(value)
    if kind in _ITSELF:
        return value
    if kind is tuple or kind is list:
        return kind.__name__, tuple([item if type(item) in _ITSELF else _canonical(item, how) for item in value])
    if kind is dict:
        return _canonical_dict(value, kind, how)
    if kind is Ballot and type(value[0]) is type(value[1]) is int:
        return kind.__name__, value[0], value[1]
    if kind in (bool, float, bytes, complex):
        return kind.__name__, repr(value)
    if isinstance(value, enum.Enum) and is_member(value):
        return "member", kind.__qualname__, value.name  # of one class there is one: the name tells it
    parts = how.parts
    if parts is not None and (kind in OURS or is_chain(kind)):
        text = parts.digest(value) if kind is Block or is_chain(kind) else parts.text(value)
        if '"odd"' not in text:
            return kind.__name__, text
    if value is how.whole:
        return "itself", kind.__name__
    if is_ordinary(kind):
        return _canonical_object(value, kind, vars(value), how)
    if isinstance(value, (tuple, list)):
        return kind.__name__, tuple([
            item if type(item) in _ITSELF else _canonical(item, how) for item in tuple.__iter__(tuple(value))
        ])  # fmt: skip
    if isinstance(value, (set, frozenset)):
        return kind.__name__, frozenset(_canonical(item, how) for item in value)
    if isinstance(value, dict):
        return _canonical_dict(value, kind, how)
    if is_dice(kind):
        return kind.__name__, value.getstate()
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
            return _canonical_object(value, kind, made_of, how)
    raise _NoData(kind.__name__)


def _canonical_dict(value: Any, kind: type, how: _How) -> Any:
    pairs = []
    for key, item in value.items():
        try:
            pairs.append((
                key if type(key) in _ITSELF else _canonical(key, how),
                item if type(item) in _ITSELF else _canonical(item, how),
            ))  # fmt: skip
        except _NoData as found:
            found.path.append(f"[{key!r}]" if type(key) in (str, int) else f" {kind.__name__} item")
            raise
    if len(pairs) > 1:
        how.dicts.append(len(pairs))
    return kind.__name__, how.pairs(pairs)


def attributes_told(held: dict[str, Any], parts: Parts, whole: object) -> tuple[Any, Callable[[], Any]]:
    """Return a node's attributes told with the order of dicts, as `canonical` does, and how to tell them without it."""
    how = _How(parts, tuple, whole, [])
    told = _told(held, how)
    if len(how.dicts) == (len(held) > 1):  # there is but one dict: that of the attributes
        return told, lambda: (told[0], frozenset(told[1]))
    return told, lambda: _told(held, how._replace(pairs=frozenset))


def _canonical_object(value: Any, kind: type, made_of: Any, how: _How) -> Any:
    try:
        return kind.__name__, _canonical(made_of, how)
    except _NoData as found:
        if found.path:  # its attributes, that were told as a dict
            found.path[-1] = re.sub(r"^\['(\w+)'\]$", r".\1", found.path[-1])
        raise


_OF_ITS_OWN = frozenset({
    "__new__", "__reduce__", "__reduce_ex__", "__getstate__", "__setstate__", "__getnewargs__", "__getnewargs_ex__",
    "__deepcopy__", "__getattribute__", "__slots__", "__call__",
})  # fmt: skip
"""A class that says any of this is more, or other, than the attributes of its objects."""

_WRITTEN_IN_PYTHON = 1 << 9
"""The flag of a type on the heap, such as every class that was written in Python."""


_ordinary: dict[type, bool] = {}
"""What was found out of classes."""


def is_ordinary(kind: type) -> bool:
    """Say whether an object of a class is its attributes and nothing else.

    >>> class Queue: pass
    >>> is_ordinary(Queue), is_ordinary(list), is_ordinary(type("Mine", (list,), {}))
    (True, False, False)
    """
    known = _ordinary.get(kind)
    if known is None:
        classes = kind.__mro__[:-1]
        known = _ordinary[kind] = bool(classes) and all(
            cls.__flags__ & _WRITTEN_IN_PYTHON and _OF_ITS_OWN.isdisjoint(vars(cls))
            and (cls.__bases__ != (object,) or "__dict__" in vars(cls))
            for cls in classes
        )  # fmt: skip
    return known


def is_member(value: enum.Enum) -> bool:
    """Say whether a value is the member that its enumeration has by its name: a combination of flags is none."""
    return type(value).__members__.get(str(value.name)) is value


def duplicate(value: Any, memo: dict[int, Any]) -> Any:
    """Return a copy that shares nothing changeable with `value`: as `copy.deepcopy` does, with its memo, and faster.

    >>> queue = [1, {2: [3]}]
    >>> twin = duplicate(queue, {})
    >>> twin == queue, twin[1] is queue[1]
    (True, False)
    """
    kind = type(value)
    if kind in FROZEN:
        return value
    known = memo.get(id(value))
    if known is not None:
        return known
    twin: Any
    if kind is dict:
        twin = memo[id(value)] = {}
        for key, item in value.items():
            twin[key if type(key) in FROZEN else duplicate(key, memo)] = (
                item if type(item) in FROZEN else duplicate(item, memo)
            )
        return twin
    if kind in (tuple, list, set) and FROZEN.issuperset(map(type, value)):
        twin = value if kind is tuple else value.copy()
    elif kind is tuple:
        items = [duplicate(item, memo) for item in value]
        known = memo.get(id(value))  # it holds itself, and was copied on the way
        if known is not None:
            return known
        twin = value if all(map(operator.is_, items, value)) else tuple(items)
    elif kind is list:
        twin = memo[id(value)] = []
        twin += [duplicate(item, memo) for item in value]
    elif is_ordinary(kind):
        twin = memo[id(value)] = object.__new__(kind)
        held = {key: duplicate(item, memo) for key, item in vars(value).items()}
        vars(twin).update(held)
    elif issubclass(kind, tuple) and is_named(kind):
        items = [item if type(item) in FROZEN else duplicate(item, memo) for item in value]
        twin = value if all(map(operator.is_, items, value)) else tuple.__new__(kind, items)
    elif is_dice(kind):
        twin = value.__class__()
        twin.setstate(value.getstate())
    else:
        return copy.deepcopy(value, memo)
    memo[id(value)] = twin
    return twin


def pickled(value: Any) -> str:
    """Return a value as text; the same for equal values, whatever they share.

    >>> from collections import deque
    >>> unpickled(pickled(deque([1, 2])))
    deque([1, 2])
    """
    import pickle  # not in every worker: few keep such things

    written = io.BytesIO()
    pickler = pickle.Pickler(written, 4)
    pickler.fast = True
    pickler.dump(value)
    return written.getvalue().hex()


def unpickled(text: str) -> Any:
    """Return what was pickled, by this submission itself: the judge never reads it."""
    import pickle

    return pickle.loads(bytes.fromhex(text))


def is_dice(kind: type) -> bool:
    """Say whether objects of a class are Python's own dice, whose state is told and copied at once."""
    return kind is getattr(sys.modules.get("random"), "Random", None)


def is_named(kind: type) -> bool:
    """Say whether a class is a named tuple, and its objects are their items and nothing else."""
    return (
        hasattr(kind, "_fields") and kind.__dictoffset__ == 0 and not hasattr(kind, "__deepcopy__")
        and all(getattr(kind, name) is getattr(object, name) for name in ("__reduce_ex__", "__getstate__"))
    )  # fmt: skip


# What is asked -----------------------------------------------------------------------------------------------


class Worker:
    """A submission, its module loaded when it is first asked for, and the states of its nodes."""

    def __init__(self) -> None:
        self.file = ""
        self.names: dict[str, Any] = {}
        self.sources: dict[str, list[str]] = {}
        self.states: list[Node] = []
        self.came: list[tuple[Any, ...]] = []
        """For each state how a node came to it: from which state (None if it was born), by which turn."""
        self.gone: set[int] = set()
        """The states that cannot be copied whose node has gone on already."""
        self.numbers: dict[Any, int] = {}
        self.like: list[int] = []
        """For each state the first one of equal data, whatever the order of its dicts."""
        self.firsts: dict[Any, int] = {}
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
        self.now: dict[int, int] = {}
        """The states here, by the numbers that they had in the worker whose turns are taken again."""
        self.draws = False
        """Does the submission know Python's dice?"""

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
        if not self.draws and any(map(_names_dice, os.listdir())):
            self.draws = True
            throw_seeded_dice()
            self._seed("is loaded")
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
        if type(data) is dict and "pickled" in data:
            return unpickled(data["pickled"][1])
        return unpack(data, self._class, lambda name: None, self.parts)

    # Functions and objects

    def call(self, name: str, arguments: list[Any]) -> Any:
        """Call a function of the submission."""
        function = self._find(name)
        return pack(function(*(self._value(argument) for argument in arguments)), self.parts)

    def make(self, name: str, arguments: list[Any]) -> int:
        """Make an object of a class of the submission; return its number."""
        cls = self._find(name)
        self._seed(name, *arguments, "is made")
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
        return self._take(None, "born", name, called, peers, disk, changed)

    def start(self, state: int) -> Any:
        """Run a node's `on_start`."""
        return self._take(state, "start")

    def receive(self, state: int, sender: Any, message: str) -> Any:
        """Let a node in a state receive a message; return the state after that, the effects, and a changed disk."""
        return self._take(state, "receive", sender, message)

    def _take(self, before: int | None, what: str, *arguments: Any) -> dict[str, Any]:
        node, effects = self._turn(None if before is None else self._copy(before), what, *arguments)
        return self._remember(node, effects, (before, what, *arguments))

    def _turn(self, node: Any, what: str, *arguments: Any) -> tuple[Node, list[Any]]:
        """Let a node be born, start or receive; return it with its effects."""
        if what == "born":
            name, called, peers, disk, changed = arguments
            cls = self._find(name)
            self._seed(called, "is born")
            kept = cls.Disk() if disk is None else self._disk_from(cls, disk)
            for field, data in changed.items():
                setattr(kept, field, self._value(data))
            return cls(called, tuple(peers), kept), []
        self._seed(node.name, *(arguments or ["starts"]))
        if what == "start":
            return node, type(node).start(node)
        sender, message = arguments
        return node, node.receive(sender, self._message(message))

    def _seed(self, *words: Any) -> None:
        """Let the dice fall as these words say: a node that draws is still a function of state and message."""
        if self.draws:
            sys.modules["random"].seed(" ".join(map(str, words)))

    def forget(self) -> None:
        """Forget which states have which numbers in another worker: the next turns `again` are of another node."""
        self.now.clear()

    def again(self, turns: list[list[Any]]) -> list[Any]:
        """Take turns that were taken in another worker; return what each came to, as the ways to ask for one do.

        A turn: which of them it is (`born`, `start`, `receive`), the numbers that the states before and after it had
        in the other worker, and what else is asked.
        """
        taken = []
        for what, before, after, *arguments in turns:
            told = getattr(self, what)(*([] if before is None else [self.now[before]]), *arguments)
            self.now.setdefault(after, told["state"])
            taken.append(told)
        return taken

    def ahead(self, paths: list[list[Any]]) -> list[list[Any]]:
        """Let nodes hear what somebody will ask for later; a path is a state and what is heard from it on.

        A path ends with a turn that raises. After `AHEAD` seconds of CPU all end: what is left is asked for one by one,
        so that no call is without a limit.
        """
        taken: list[list[Any]] = []
        once: dict[tuple[Any, ...], Any] = {}
        end, soon = process_time() + AHEAD, monotonic() + AHEAD
        for state, path in paths:
            taken.append([])
            for sender, message in path:
                if (told := once.get((state, sender, message))) is None:
                    if monotonic() > soon and process_time() > end:  # the clock of this process is slow to read
                        return taken
                    try:
                        told = once[state, sender, message] = self.receive(state, sender, message)
                    except Exception:  # it is told when somebody asks
                        break
                taken[-1].append(told)
                state = told["state"]
        return taken

    def _copy(self, state: int) -> Node:
        if state in self.odd:
            return self._itself(state)
        node = self.states[state]
        twin = object.__new__(type(node))
        # All attributes at once, so that two names for one list are still two names for one list.
        memo: dict[int, Any] = {id(node): twin}  # and a part of it that knows it knows the copy
        try:
            held = {key: duplicate(value, memo) for key, value in vars(node).items() if key != "_effects"}
        except Exception:
            return self._itself(state)
        vars(twin).update(held)
        twin._effects = []
        return twin

    def _itself(self, state: int) -> Node:
        """Return the node of a state that holds what cannot be copied: a lock, a generator, a function's own variables.

        The first who asks gets the node itself, which then goes on; for all others it lives its life once more.
        """
        if state not in self.gone:
            self.gone.add(state)
            return self.states[state]
        life, before = list[list[Any]](), state
        while before is not None:
            before, *turn = self.came[before]
            life.append(turn)
        node, out = None, sys.stdout
        sys.stdout = Printed()
        try:
            for turn in reversed(life):
                node, _ = self._turn(node, *turn)
        finally:
            sys.stdout = out
        return node

    def _remember(self, node: Node, effects: list[Any], came: tuple[Any, ...]) -> dict[str, Any]:
        """Return the number of a node's state, its effects, and its disk and what it shows if they changed.

        `came`: the state that it was in before (None if it was just born), and the turn that it took.
        """
        derived = _derived(type(node))
        kept = {
            key: value for key, value in vars(node).items()
            if key != "_effects" and not (key in derived and type(value).__module__.startswith("paxoskit."))
        }  # fmt: skip
        key: Any
        try:
            told, unordered = attributes_told(kept, self.parts, node)
            key = type(node).__name__, told
        except (NodeError, RecursionError) as error:
            key = self.odd[len(self.states)] = str(error) or "the node holds data that contains itself"
        number = self.numbers.get(key)
        if number is None or type(key) is str:
            number = self.numbers[key] = len(self.states)
            self.states.append(node)
            self.came.append(came)
            self.disks.append(self._disk(node.disk))
            self.shown.append(self._shown(vars(node)))
            like = key if type(key) is str else (type(node).__name__, unordered())
            self.like.append(self.firsts.setdefault(like, number))
        before, disk, shown = came[0], self.disks[number], self.shown[number]
        disk_before, shown_before = ("", "") if before is None else (self.disks[before], self.shown[before])
        return {
            "state": number, "effects": [self._effect(effect) for effect in effects],
            **({"disk": disk} if disk != disk_before else {}),
            **({"shown": shown} if shown != shown_before else {}),
            **({"odd": self.odd[number]} if number in self.odd else {}),
            **({"like": self.like[number]} if self.like[number] != number else {}),
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
        return afresh(self.messages[text])

    def _disk(self, disk: Any) -> str:
        return canonical_text({field: self._kept(value) for field, value in vars(disk).items()})

    def _kept(self, value: Any) -> Any:
        data = pack(value, self.parts)
        if type(data) in (dict, list) and '"odd":' in canonical_text(data):  # a deque, for instance
            try:
                return {"pickled": [type(value).__name__, pickled(value)]}
            except Exception:
                return data
        return data

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


def throw_seeded_dice(wanted: Callable[[], bool] = lambda: True) -> Callable[[], None]:
    """Let dice that are given no seed fall as those of the module do, whenever it is wanted; return what ends that.

    Those of the module are seeded for every turn here. In practice they fall again as they did when a turn is taken
    twice.
    """
    import random

    seed = random.Random.seed

    def seeded(dice: Any, a: Any = None, version: int = 2) -> None:
        seed(dice, random.getrandbits(64) if a is None and wanted() else a, version)

    random.Random.seed = seeded  # type: ignore[assignment,method-assign]
    return partial(setattr, random.Random, "seed", seed)


def _names_dice(file: str) -> bool:
    """Say whether a file beside the submission names Python's dice. Whoever hides that draws unseeded."""
    try:
        with open(file, "rb") as opened:
            return b"random" in opened.read()
    except OSError:
        return False


def _derived(kind: type[Node]) -> frozenset[str]:
    """Return the attributes that the kit's own base of a class calls derived; a learner's word is not taken."""
    for cls in kind.__mro__:
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
    freeze = gc.freeze
    sys.stdout = printed
    sys.setrecursionlimit(1_000)
    tell(answers, dump({"force": force}), write)
    waiting = bytearray()
    while True:
        asked = hear(asks, waiting, read)
        if asked is None:
            exactly(0)
        number, what, parts, *arguments = load(asked)
        worker.parts.tell(parts, worker.known)
        printed.text = ""
        freeze()  # what is kept so far: collectors, and those who hunt through all objects, leave it alone
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


def hear(descriptor: int, waiting: bytearray, read: Callable[[int, int], bytes] = os.read) -> str | None:
    """Read a text that was written by `tell`; None at the end. `waiting`: what was read of the next one already."""
    while len(waiting) < 4 or len(waiting) < 4 + struct.unpack_from(">I", waiting)[0]:
        some = read(descriptor, 1 << 16)
        if not some:
            return None
        waiting += some
    end = 4 + struct.unpack_from(">I", waiting)[0]
    text = waiting[4:end].decode()
    del waiting[:end]
    return text
