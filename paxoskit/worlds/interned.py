"""Who runs the nodes' code for a search: each distinct state is kept once, under a number.

A node is a function of its state and of what it hears. So a search needs its code once for each distinct pair; all
else is looking up numbers. What a runner promises is small, and a grader may keep it in another process:

* `first(name)`: the state in which the search begins;
* `receive(state, sender, message)`: the turn that a message (or a timer: the sender is the node itself) causes;
* `reborn(state, disk)`: the turn with which the node's next life begins, with that disk.

`Nodes` is the runner for classes of this process. It relies on nothing but `node.state()` for what a state is, and
`node.copy()`, `node.receive()`, `node.start()` for running it, so a class whose instances only stand for nodes that
live elsewhere will do as well.
"""

from __future__ import annotations

import copy
import dis
import io
import sys
import threading
from collections.abc import Callable, Collection, Mapping
from functools import cache
from random import Random
from types import CodeType, FrameType
from typing import Any, NamedTuple, Protocol

from paxoskit.protocol.node import Effect, Node, NodeError, freeze, snapshot, title
from paxoskit.protocol.plain import Message, Name

MOST_LINES = 200_000
"""A turn that runs more lines of a learner's code than this counts as one that never ends."""

MANY_SIZES = 7
"""A field that never shrinks and has had so many sizes is taken to grow for ever."""

MOST_PRINTED = 2_000
"""So many characters of what a turn prints are kept."""

OWN_CODE = "its own code fails"
"""The claim that falls when a node's code raises, does not end, or says what cannot be said."""

_OURS = (__file__.rpartition("worlds")[0], copy.__file__.rpartition("copy")[0])  # the kit, and Python's own modules


class Turn(NamedTuple):
    """What a turn came to: the state after it, its effects, the disk after it, what it printed, how it failed."""

    state: int
    effects: tuple[Effect, ...] = ()
    disk: int = 0
    printed: str = ""
    error: str = ""


class Runner(Protocol):
    """Runs nodes' code, and hands out numbers for their states."""

    calls: int
    """How often a node's own code ran."""

    def first(self, name: Name) -> Turn:
        """Return the state (and the disk) in which a node begins, with no effects."""

    def receive(self, state: int, sender: Name, message: Message) -> Turn:
        """Return the turn that `message` of `sender` causes in a node of this state."""

    def reborn(self, state: int, disk: int | None) -> Turn:
        """Return the first turn of the next life of a node, with this disk; None: with one that may not vote."""

    def node(self, state: int) -> Node:
        """Return a node in this state, to be looked at."""

    def impure(self, most: int) -> str:
        """Run again some of the turns, at most `most`; say in a sentence what came out otherwise, "" if nothing did."""


class TurnError(BaseException):
    """A turn failed in a way that is no exception of the node's own code. `except Exception` lets it pass."""


class Nodes:
    """The runner for nodes of this process: of each distinct state it keeps one node, and never changes it.

    `rebirth(name)` gives the disk of a node that lost its own. Fields `aside` are taken to tell states apart for no
    reason, a log for instance: that is put to the test by `impure`.
    """

    def __init__(
        self, nodes: Mapping[Name, Node | None], rebirth: Callable[[Name], Any] | None = None,
        aside: Collection[str] = (),
    ) -> None:  # fmt: skip
        self.begin = nodes
        self.rebirth = rebirth
        self.aside = frozenset(aside)
        self.calls = 0
        self.numbers: dict[Any, int] = {}
        self.kept: list[Node] = []
        self.others: dict[int, Node] = {}  # the latest node in the same state, but for the fields aside
        self.disk_numbers: dict[Any, int] = {}
        self.disks: list[Any] = []
        self.turns: dict[tuple[int, Name, Message], Turn] = {}
        self.shared = _shared(nodes.values())

    def first(self, name: Name) -> Turn:
        """Return the state (and the disk) in which a node begins, with no effects."""
        node = self.begin[name]
        assert node is not None
        return self._turn(type(node).copy(node), [], "", "")

    def receive(self, state: int, sender: Name, message: Message) -> Turn:
        """Return the turn that `message` of `sender` causes in a node of this state."""
        key = (state, sender, message)
        if key not in self.turns:
            self.turns[key] = self._run(self.kept[state], *key)
        return self.turns[key]

    def reborn(self, state: int, disk: int | None) -> Turn:
        """Return the first turn of the next life of a node, with this disk; None: with one that may not vote."""
        old = self.kept[state]
        effects: list[Effect] = []
        with watched() as watch:
            self.calls += 1
            if disk is None and self.rebirth is None:
                raise NodeError(f"{title(old.name)} has lost its disk, and stays down")
            left = self.rebirth(old.name) if disk is None and self.rebirth else snapshot(self.disks[disk or 0])
            node = type(old)(old.name, old.peers, left)
            effects = type(node).start(node)
        return self._failed(state, watch) if watch.error else self._turn(node, effects, watch.printed, "")

    def node(self, state: int) -> Node:
        """Return the node that is kept for this state, to be looked at."""
        return self.kept[state]

    def impure(self, most: int) -> str:
        """Run again some of the turns, at most `most`; say in a sentence what came out otherwise, "" if nothing did."""
        for name, before in self.shared.items():
            if _frozen(before[0]) != before[1]:
                return (
                    f"{name} changed: it belongs to the class, so all nodes share it, and a crash keeps it; "
                    "write self.… = … in __init__"
                )
        turns = list(self.turns.items())
        Random(len(turns)).shuffle(turns)
        for (state, sender, message), turn in turns[:most]:
            again = self._run(self.kept[state], state, sender, message)
            if again[:3] != turn[:3] or bool(again.error) != bool(turn.error):
                node = self.kept[state]
                differs = "" if again[:2] != turn[:2] else " on its disk"
                return (
                    f"{type(node).__name__} is not a function of its state and of what it hears: {message} in the "
                    f"same state gave {_effects(turn)}, and then {_effects(again)}, or another state{differs}; does it "
                    "read a clock, dice, or a variable outside of self?"
                )
        return ""

    def aside_matters(self, most: int) -> bool:
        """Say whether, in some of the turns (at most `most`), the fields aside made a difference."""
        turns = [turn for turn in self.turns.items() if turn[0][0] in self.others]
        Random(len(turns)).shuffle(turns)
        return any(
            self._run(self.others[state], state, sender, message)[:3] != turn[:3]
            for (state, sender, message), turn in turns[:most]
        )

    def growing(self) -> str:
        """Return a field that only ever grows (a log, a counter), and has taken many values; "" if there is none."""
        own = {"disk", "_effects", "name", "peers", *self.aside}
        sizes = [{key: _size(value) for key, value in vars(node).items() if key not in own} for node in self.kept]
        shrinks: set[str] = set()
        tops: dict[str, set[float]] = {}
        for (state, _, _), turn in self.turns.items():
            for field, before in sizes[state].items():
                after = sizes[turn.state].get(field)
                if before is None or after is None or after < before:
                    shrinks.add(field)
                else:
                    tops.setdefault(field, set()).add(after)
        grown = {key: len(found) for key, found in tops.items() if key not in shrinks and len(found) >= MANY_SIZES}
        return max(grown, key=lambda field: grown[field], default="")

    def _run(self, kept: Node, state: int, sender: Name, message: Message) -> Turn:
        effects: list[Effect] = []
        with watched() as watch:
            node = type(kept).copy(kept)
            self.calls += 1
            effects = node.receive(sender, message)
        return self._failed(state, watch) if watch.error else self._turn(node, effects, watch.printed, "")

    def _failed(self, state: int, watch: Watch) -> Turn:
        return Turn(state, (), 0, watch.printed, watch.error)

    def _turn(self, node: Node, effects: list[Effect], printed: str, error: str) -> Turn:
        state = 0
        try:
            key = (node.name, *type(node).state(node))  # its own attributes may be called state, copy, start
            if self.aside:
                key = (*key[:2], tuple(pair for pair in key[2] if pair[0] not in self.aside))
            for effect in effects:
                hash(effect)
            state = self.numbers.setdefault(key, len(self.kept))
            if state == len(self.kept):
                node._effects = []  # else they would be copied with it, each time
                self.kept.append(node)
            elif self.aside:
                self.others[state] = node
            disk = self.disk_numbers.setdefault(key[1], len(self.disks))
            if disk == len(self.disks):
                self.disks.append(snapshot(node.disk))
        except (NodeError, TypeError) as problem:
            return Turn(state, (), 0, printed, str(problem))
        return Turn(state, tuple(effects), disk, printed, error)


def _effects(turn: Turn) -> str:
    if turn.error:
        return f"the error {turn.error}"
    return ", ".join(map(str, turn.effects)) if turn.effects else "nothing to send"


def _shared(nodes: Any) -> dict[str, tuple[Any, Any]]:
    """Return the changeable attributes that learners' classes themselves have, as they are and frozen."""
    found = {}
    for cls in {cls for node in nodes if node is not None for cls in type(node).__mro__}:
        if not cls.__module__.startswith(("paxoskit.", "builtins")):
            for key, value in vars(cls).items():
                if isinstance(value, (list, dict, set)) and not key.startswith("__"):
                    found[f"{cls.__name__}.{key}"] = (value, _frozen(value))
    return found


def _size(value: Any) -> float | None:
    """Return what can be seen to grow: a number, a length."""
    if type(value) in (int, float):
        return float(value)
    return float(len(value)) if isinstance(value, (list, tuple, set, dict, str)) and not _is_ballot(value) else None


def _is_ballot(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) == 2


def _frozen(value: Any) -> Any:
    try:
        return freeze(value)
    except NodeError:
        return repr(value)


# Turns that print, fail, or never end ------------------------------------------------------------------------


class Watch:
    """What came of a turn that is watched."""

    def __init__(self) -> None:
        self.printed = ""
        self.error = ""
        self.lines = 0

    def trace(self, frame: FrameType, event: str, argument: Any) -> Any:
        """Count the lines of code that is not the kit's own."""
        if frame.f_code.co_filename.startswith(_OURS):
            return None
        frame.f_trace_opcodes = _spins(frame.f_code)
        return self.count

    def count(self, frame: FrameType, event: str, argument: Any) -> Any:
        """Count a line, and end a turn that has run too many."""
        self.lines += 1
        if self.lines > MOST_LINES:
            raise TurnError(f"its turn does not end: it ran {MOST_LINES:,} lines, the last in {where(frame)}")
        return self.count


@cache
def _spins(code: CodeType) -> bool:
    """Say whether code holds a loop without a line of its own, as `while True: pass`: Python tells of no line there."""
    return any(
        instruction.opcode in dis.hasjrel and instruction.argval == instruction.offset
        for instruction in dis.get_instructions(code)
    )


class _Printed(io.StringIO):
    def write(self, text: str) -> int:
        if self.tell() < MOST_PRINTED:
            super().write(text[:MOST_PRINTED])
        return len(text)


class _Own(threading.local):
    """What belongs to a thread: where it prints to (None: where it did before), and whether it is held."""

    printed: Any = None
    held = False


_own = _Own()


class _Outlet(io.TextIOBase):
    """What stands for `sys.stdout` while turns are watched: each thread may print somewhere else."""

    def __init__(self, rest: Any) -> None:
        self.rest = rest

    def write(self, text: str) -> int:
        """Write the text where this thread prints to."""
        return int((self.rest if _own.printed is None else _own.printed).write(text) or 0)

    def flush(self) -> None:
        """Flush where this thread prints to."""
        (self.rest if _own.printed is None else _own.printed).flush()

    def close(self) -> None:
        """Close nothing, and flush nothing when nobody needs this any more: the streams are others'."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self.rest, name)


class kept_prints:
    """While this lasts, in one thread or in many, what watched turns print is kept for them, and nobody shows it.

    `sys.stdout` is one for all threads: it is exchanged by the first who enters, and put back by the last who leaves.
    However it ends, an interrupt in the middle of a turn included, this thread prints and is traced as before.
    """

    lock = threading.Lock()
    inside = 0
    outlet = _Outlet(None)

    def __enter__(self) -> Any:
        self.outer, self.held, self.traced = _own.printed, _own.held, sys.gettrace()
        with self.lock:
            if not kept_prints.inside:
                sys.stdout = kept_prints.outlet = _Outlet(sys.stdout)
            kept_prints.inside += 1
        _own.held = True
        return self

    def __exit__(self, *error: Any) -> Any:
        sys.settrace(self.traced)
        _own.printed, _own.held = self.outer, self.held
        with self.lock:
            kept_prints.inside -= 1
            if not kept_prints.inside and sys.stdout is kept_prints.outlet:
                sys.stdout = kept_prints.outlet.rest


class prints_to(kept_prints):
    """While this lasts, what this thread prints goes to `stream`; other threads print where they did."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream

    def __enter__(self) -> Any:
        super().__enter__()
        _own.printed = self.stream
        return self


class watched:
    """Run a turn of a node: keep what it prints, say how it fails, end it if it does not end by itself."""

    def __enter__(self) -> Watch:
        self.hold = None if _own.held else kept_prints()
        if self.hold is not None:
            self.hold.__enter__()
        self.watch, self.traced, self.out, self.outer = Watch(), sys.gettrace(), sys.stdout, _own.printed
        self.printed = _own.printed = _Printed()
        sys.settrace(self.watch.trace)
        return self.watch

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> bool:
        sys.settrace(self.traced)
        _own.printed = self.outer
        if sys.stdout is not self.out:
            sys.stdout = self.out  # a learner's code put something else there
        if self.hold is not None:
            self.hold.__exit__()
        self.watch.printed = self.printed.getvalue()
        if isinstance(error, (Exception, SystemExit, TurnError)):
            self.watch.error = _says(error)
            return True
        return False


def _says(error: BaseException) -> str:
    """Return an error as one line, with the line of the learner's code where it came up."""
    if isinstance(error, (NodeError, TurnError)):
        return " ".join(str(error).split())
    says = " ".join(str(error).split())
    frames, trace = [], error.__traceback__
    while trace is not None:
        if not trace.tb_frame.f_code.co_filename.startswith((*_OURS, "<")):  # "<": what a dataclass wrote for itself
            frames.append(f"{trace.tb_frame.f_code.co_filename.rpartition('/')[2]}, line {trace.tb_lineno}, "
                          f"in {trace.tb_frame.f_code.co_name}")  # fmt: skip
        trace = trace.tb_next
    place = f" ({frames[-1]})" if frames else ""
    return f"{type(error).__name__}: {says}{place}" if says else f"{type(error).__name__}{place}"


def where(frame: FrameType) -> str:
    """Return where in a learner's code a frame is."""
    return f"{frame.f_code.co_filename.rpartition('/')[2]}, line {frame.f_lineno}, in {frame.f_code.co_name}"
