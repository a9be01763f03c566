"""A history: what clients asked a store to do, when, and what they were told; read from a log, or from a trace.

The words are Jepsen's. A log has one JSON object a line, in the order in which things happened:

    {"process": 0, "type": "invoke", "f": "write", "key": "x", "value": 1}
    {"process": 0, "type": "ok", "f": "write", "key": "x", "value": 1}

`type` is invoke, then ok (it took effect), fail (it did not, and never will) or info (nobody knows: it may take effect
at any later time, or never; so may an operation whose end the log does not have). After an info a process may go on.
`f` is read, write or cas (value [old, new]) on a register, or get, put or append (of text to text) on a key; get and
put differ from read and write only in this: of a key that was never written a read returns null, a get null or "".
Without `key` there is one register. Keys and values are any JSON, and compared with their types, as Clojure compares
them for Jepsen: 1, 1.0, true and "1" are four values; the order of an object's fields does not matter.

What real logs contain is taken: blank lines, more fields, `:ok` for `ok`, names or numbers of processes, null for a
key or value that an answer need not repeat, the lines of Jepsen's nemesis (which are skipped).
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

from paxoskit.protocol.messages import Answered, Ask, Asks, GaveUp, Put
from paxoskit.trace import Event, Trace, write_whole

READS = frozenset({"read", "get"})
BLIND = frozenset({"write", "put"})
FUNCTIONS = ("read", "write", "cas", "get", "put", "append")
OUTCOMES = ("ok", "fail", "info")
TYPES = ("invoke", *OUTCOMES)

LONGEST_LINE = 64 * 1024 * 1024
"""A line of a log has at most so many characters."""


class HistoryError(ValueError):
    """What is no history; the message is one line, and names the file and the line where there is one."""

    def __init__(self, message: str, place: float | None = None) -> None:
        super().__init__(message)
        self.place = place
        """Where the operation began that is wrong, where it is an operation among others."""


@dataclass(frozen=True)
class Operation:
    """One operation of a process: what was asked (`f`, `key`, `value`), when, and what came of it.

    `invoked` and `completed` are places in time: any numbers that grow (a log's line numbers, a trace's event numbers,
    seconds). `completed` is None if it never ended. `outcome` is "ok", "fail" or "info"; `result` is what a read or a
    get returned. `value` is what is written, put or appended, and (old, new) for cas.

    >>> print(Operation(0, "write", "x", 1, invoked=1, completed=2))
    process 0: write 1 to x
    >>> print(Operation("c", "cas", None, (1, 2), invoked=1, outcome="info"))
    process c: cas from 1 to 2 (outcome unknown)
    """

    process: Any
    f: str
    key: Any = None
    value: Any = None
    invoked: float = 0
    completed: float | None = None
    result: Any = None
    outcome: str = "ok"

    @property
    def words(self) -> str:
        """The operation as words, with what it returned."""
        where = "" if self.key is None else f" {show(self.key)}"
        if self.f in READS:
            told = f" → {shown(self.result)}" if self.outcome == "ok" else ""
            return f"{self.f}{where}{told}"
        if self.f == "cas":
            old, new = self.value
            return f"cas{where} from {shown(old)} to {shown(new)}"
        return f"{self.f} {shown(self.value)}{f' to{where}' if where else ''}"

    def __str__(self) -> str:
        ends = {"ok": "", "fail": " (failed)", "info": " (outcome unknown)"}
        return f"process {show(self.process)}: {self.words}{ends[self.outcome]}"


def show(value: Any, most: int = 40) -> str:
    """Return a name (a process, a key) as one short line; text without its quotes.

    >>> show("client 1/1.2"), show(7), show([1, "a"])
    ('client 1/1.2', '7', '[1, "a"]')
    """
    text = shown(value, most + 2)
    plain = isinstance(value, str) and text.endswith('"') and "\\" not in text and value == value.strip() and value
    return text[1:-1] if plain else text


def shown(value: Any, most: int = 40) -> str:
    """Return a value as JSON in one short line: what is left out is an ellipsis, what cannot be printed is escaped.

    >>> shown("a"), shown(None), shown("x" * 50, 10)
    ('"a"', 'null', '"xxxxxxxx…')
    """
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        text = repr(value)
    if not text.isprintable():
        text = json.dumps(text)[1:-1].replace('\\"', '"')
    return text if len(text) <= most else text[: most - 1] + "…"


def place(number: float) -> str:
    """Return a place in time as text: a line number in full, any other number in six digits.

    >>> place(1234567), place(0.5)
    ('1234567', '0.5')
    """
    return str(int(number)) if number == math.floor(number) else f"{number:g}"


_canonical = json.JSONEncoder(sort_keys=True, allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode


def canonical(value: Any) -> str:
    """Return the text that two values share exactly when they are equal as JSON, with their types.

    >>> canonical(1), canonical(1.0), canonical(True), canonical("1")
    ('1', '1.0', 'true', '"1"')
    >>> canonical({"b": 1, "a": [None]}) == canonical({"a": [None], "b": 1})
    True

    Raises HistoryError for what is not JSON.
    """
    if type(value) is int and -(1 << 63) < value < 1 << 63:
        return str(value)
    try:
        return _canonical(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise HistoryError(f"expected a value as in JSON, got {type(value).__name__}: {str(error)[:60]}") from None


class History:
    """Operations, in the order in which they were invoked.

    >>> history = History([Operation(0, "write", "x", 1, 1, 2), Operation(1, "read", "x", None, 3, 4, 1)])
    >>> len(history), history.processes
    (2, 2)

    Raises HistoryError, in one line, for operations that make no history: a function or outcome that does not exist,
    an end before the beginning, one process with two operations at once, text appended to what is no text.
    """

    def __init__(self, operations: Iterable[Operation], unit: str = "time", skipped: int = 0) -> None:
        self.unit = unit
        """What `invoked` and `completed` count: "line" of a log, "event" of a trace."""
        self.operations = tuple(sorted(operations, key=_invoked))
        self.skipped = skipped
        """Lines of a log that are none of a process: the nemesis."""
        self.by_key: dict[str, list[Operation]] = {}
        for operation in self.operations:
            _check(operation)
            self.by_key.setdefault(canonical(operation.key), []).append(operation)
        self._check_processes()
        for operations_of_key in self.by_key.values():
            _check_texts(operations_of_key)

    def __iter__(self) -> Iterator[Operation]:
        return iter(self.operations)

    def __len__(self) -> int:
        return len(self.operations)

    @property
    def processes(self) -> int:
        """How many processes asked something."""
        return len({canonical(operation.process) for operation in self.operations})

    def count(self, outcome: str) -> int:
        """Return how many operations had this outcome."""
        return sum(operation.outcome == outcome for operation in self.operations)

    def until(self, operation: Operation) -> History:
        """Return what had happened just before the operation ended; what would yet take effect is unknown then."""
        end = math.inf if operation.completed is None else operation.completed
        known = [each for each in self.operations if each.invoked <= end]
        return History((each if _ended(each) < end else _open(each) for each in known), self.unit)

    def _check_processes(self) -> None:
        busy: dict[str, Operation] = {}
        for operation in self.operations:
            process = canonical(operation.process)
            last = busy.get(process)
            if last is not None and last.outcome != "info" and _ended(last) > operation.invoked:
                raise HistoryError(f"{operation} begins while the same process waits for {last.words}")
            busy[process] = operation

    def lines(self) -> Iterator[str]:
        """Yield the history as lines of a log."""
        events = [(each.invoked, 0, each) for each in self.operations]
        events += [(each.completed, 1, each) for each in self.operations if each.completed is not None]
        for _, end, each in sorted(events, key=lambda event: event[:2]):
            answered = end and each.outcome == "ok" and each.f in READS
            line = {"process": each.process, "type": each.outcome if end else "invoke", "f": each.f}
            line |= {} if each.key is None else {"key": each.key}
            yield json.dumps(line | {"value": each.result if answered else each.value}, ensure_ascii=False)

    def save(self, path: str | Path) -> None:
        """Write the history as a log, which `read_history` reads: places in time become line numbers."""
        write_whole(path, "".join(line + "\n" for line in self.lines()))


def _invoked(operation: Operation) -> float:
    if type(operation.invoked) not in (int, float):
        raise HistoryError(f"invoked: expected a number, got {operation.invoked!r:.40}")
    return operation.invoked


def _ended(operation: Operation) -> float:
    return math.inf if operation.completed is None else operation.completed


def _open(operation: Operation) -> Operation:
    if operation.outcome != "ok":
        return operation
    return replace(operation, completed=None, result=None, outcome="info")


def _check(operation: Operation) -> None:
    """Raise HistoryError if an operation makes no sense by itself."""
    if operation.f not in FUNCTIONS:
        raise HistoryError(f"f: expected one of {', '.join(FUNCTIONS)}, got {operation.f!r:.40}")
    if operation.outcome not in OUTCOMES:
        raise HistoryError(f"outcome: expected one of {', '.join(OUTCOMES)}, got {operation.outcome!r:.40}")
    if operation.completed is None:
        if operation.outcome != "info":
            raise HistoryError(f"{operation}: an operation that never completed has the outcome info")
    elif type(operation.completed) not in (int, float) or operation.completed < operation.invoked:
        raise HistoryError(f"completed: expected a number not below {operation.invoked}, got {operation.completed!r}")
    _check_value(operation.f, operation.value)
    canonical([operation.process, operation.value, operation.result])


def _check_value(f: str, value: Any) -> None:
    if f == "cas" and not (isinstance(value, (list, tuple)) and len(value) == 2):
        raise HistoryError(f"value: expected [old, new] for cas, got {shown(value)}")
    if f == "append" and not isinstance(value, str):
        raise HistoryError(f"value: expected the text to append, got {shown(value)}")


def _check_texts(operations: list[Operation]) -> None:
    """Raise HistoryError if text is appended where something else than text is written."""
    if not any(operation.f == "append" for operation in operations):
        return
    for operation in operations:
        new = operation.value[1] if operation.f == "cas" else operation.value if operation.f in BLIND else ""
        if new is not None and not isinstance(new, str):
            raise HistoryError(f"{operation}: expected text, because other operations append text to this key",
                               operation.invoked)  # fmt: skip


# Logs --------------------------------------------------------------------------------------------------------


@dataclass
class _Reader:
    """Reads a log line by line; `open` are the operations that have begun, by process."""

    open: dict[str, Operation] = field(default_factory=dict)
    done: list[Operation] = field(default_factory=list)
    skipped: int = 0

    def line(self, number: int, text: str) -> None:
        """Take one line."""
        data = _object(text)
        process, kind = data.get("process"), _word(data, "type", TYPES)
        if isinstance(process, str) and process.removeprefix(":") == "nemesis":
            self.skipped += 1
            return
        if type(process) not in (int, str):
            raise HistoryError(f"process: expected a number or a name, got {_got(data, 'process')}")
        name = canonical(process)
        if kind == "invoke":
            self._begin(name, _operation(data, process, number))
        else:
            self._end(name, data, kind, number)

    def _begin(self, name: str, operation: Operation) -> None:
        if name in self.open:
            raise HistoryError(
                f"process {show(operation.process)} invokes {operation.f} while its {self.open[name].f} of line "
                f"{self.open[name].invoked} has not completed"
            )
        self.open[name] = operation

    def _end(self, name: str, data: dict[str, Any], kind: str, number: int) -> None:
        begun = self.open.pop(name, None)
        who = f"process {show(data['process'])}"
        if begun is None:
            raise HistoryError(f"{who} has {kind}, but no operation that it invoked is open")
        f = _word(data, "f", FUNCTIONS) if data.get("f") is not None else begun.f
        if f != begun.f:
            raise HistoryError(f"{who} has {kind} of {f}, but it invoked {begun.f} at line {begun.invoked}")
        key = data.get("key")
        if key is not None and canonical(key) != canonical(begun.key):
            raise HistoryError(
                f"{who} has {kind} for key {show(key)}, but it invoked key {show(begun.key)} at line {begun.invoked}"
            )
        result = data.get("value") if kind == "ok" and f in READS else None
        self.done.append(replace(begun, completed=number, result=result, outcome=kind))

    def history(self) -> History:
        """Return what was read; what never completed is unknown."""
        return History([*self.done, *self.open.values()], "line", self.skipped)


def _operation(data: dict[str, Any], process: Any, number: int) -> Operation:
    f = _word(data, "f", FUNCTIONS)
    value = None if f in READS else data.get("value")
    if f in BLIND and "value" not in data:
        raise HistoryError(f"value: expected what to {f}, got nothing")
    _check_value(f, value)
    return Operation(process, f, data.get("key"), value, number, outcome="info")


def _object(text: str) -> dict[str, Any]:
    try:
        data = _decode(text)
    except RecursionError:
        raise HistoryError("expected a JSON object, got one that is nested too deeply") from None
    except _Twice as error:
        raise HistoryError(f"the field {shown(error.args[0])} stands there twice") from None
    except ValueError as error:
        says = f": {error.msg}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else f": {error}"
        raise HistoryError(f"expected a JSON object, got {shown(text.strip())}{says[:80]}") from None
    if not isinstance(data, dict):
        raise HistoryError(f"expected a JSON object, got {shown(data)}")
    return data


class _Twice(ValueError):
    pass


def _fields(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise _Twice(next(name for name in names if names.count(name) > 1))
    return found


def _float(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"the number {text[:20]} is too large")
    return number


def _constant(text: str) -> Any:
    raise ValueError(f"{text} is not JSON")


_decode = json.JSONDecoder(object_pairs_hook=_fields, parse_float=_float, parse_constant=_constant).decode


def _word(data: dict[str, Any], name: str, words: tuple[str, ...]) -> str:
    word = data.get(name)
    found = word.removeprefix(":") if isinstance(word, str) else word
    if not isinstance(found, str) or found not in words:
        raise HistoryError(f"{name}: expected one of {', '.join(words)}, got {_got(data, name)}")
    return found


def _got(data: dict[str, Any], name: str) -> str:
    return shown(data[name]) if name in data else "nothing"


def read_history(path: str | Path) -> History:
    """Read a log. Raises HistoryError, naming the file and the line, for what is none."""
    try:
        with open(path, encoding="utf-8-sig", newline="\n") as file:
            return history_of_lines(file, str(path))
    except OSError as error:
        raise HistoryError(f"{path}: cannot read it: {error.strerror or error}") from None


def history_of_lines(file: IO[str] | Iterable[str], name: str = "history") -> History:
    """Read a log from lines; `name` stands before the number of a line that is wrong.

    >>> said = ['{"process": 0, "type": "invoke", "f": "read"}', '{"process": 0, "type": "ok", "f": "read"}']
    >>> [operation.result for operation in history_of_lines(said)]
    [None]
    """
    reader, number = _Reader(), 0
    try:
        for number, text in enumerate(_bounded(file), 1):
            if text.strip():
                reader.line(number, text)
    except UnicodeDecodeError:
        raise HistoryError(f"{name}, line {number + 1} or after: expected text in UTF-8, got other bytes") from None
    except HistoryError as error:
        raise HistoryError(f"{name}, line {number}: {error}") from None
    try:
        return reader.history()
    except HistoryError as error:
        where = name if error.place is None else f"{name}, line {place(error.place)}"
        raise HistoryError(f"{where}: {error}") from None


def _bounded(file: IO[str] | Iterable[str]) -> Iterator[str]:
    """Yield lines, none of them longer than is sensible: a file without line ends must not fill the memory."""
    read = getattr(file, "readline", None)
    if read is None:
        yield from file
        return
    while line := read(LONGEST_LINE + 1):
        yield line
        if len(line) > LONGEST_LINE:
            raise HistoryError(f"a line has more than {LONGEST_LINE:,} characters")


# Traces ------------------------------------------------------------------------------------------------------


def history_of(trace: Trace, held: Mapping[str, str] | None = None) -> History:
    """Return what the clients of a trace asked: each session is a process, times are numbers of events.

    `held` is what the servers held before the trace began (`Store.fold(chain).data`); without it, nothing. A request
    that its client gave up, or still waits for, has an unknown outcome.

    Raises HistoryError for a trace that has forgotten its beginning: what it read from there would look invented.
    """
    if trace.records and trace.records[0][0] > 1:
        raise HistoryError(f"the trace begins at event {trace.records[0][0]}: what was asked before is forgotten")
    operations = _held(held or {})
    asked: dict[str, Operation] = {}
    for event in trace:
        what = event.what
        if event.kind == "ask":
            for ask in what.asks if isinstance(what, Asks) else (what,):
                asked[ask.session] = _asked(ask, event.n)
        elif event.kind == "announce" and isinstance(what, (Answered, GaveUp)) and what.session in asked:
            operations.append(_told(asked.pop(what.session), what, event.n))
    return History([*operations, *asked.values()], "event")


def _held(held: Mapping[str, str]) -> list[Operation]:
    """Return what was there before event 1, as puts one after the other."""
    times = [place / (len(held) + 1) for place in range(1, len(held) + 1)]
    return [
        Operation("before the trace", "put", key, value, time, time)
        for time, (key, value) in zip(times, held.items())
    ]


def _asked(ask: Ask, n: int) -> Operation:
    operation = ask.operation
    if isinstance(operation, Put):
        return Operation(ask.session, "put", operation.key, operation.value, n, outcome="info")
    return Operation(ask.session, "get", operation.key, None, n, outcome="info")


def _told(operation: Operation, what: Answered | GaveUp, n: int) -> Operation:
    if isinstance(what, GaveUp):
        return replace(operation, completed=n)
    return replace(operation, completed=n, result=what.answer if operation.f == "get" else None, outcome="ok")


def caused(trace: Trace, operation: Operation) -> tuple[Event, ...]:
    """Return the events of a trace that led to an operation's end, oldest first, from the question on.

    Each is the cause of the next: what was sent and delivered on the way from the question to the answer. If the
    request was asked again, the way begins with the timer that rang, after the question. Of an operation that never
    ended, only the question is there.
    """
    first = operation.invoked
    last = first if operation.completed is None else operation.completed
    events = {event.n: event for event in trace if first <= event.n <= last}
    chain, n = [], int(last)
    while n in events:
        chain.append(events[n])
        if n == first:
            break
        n = events[n].cause
    if chain and chain[-1].n != first and first in events:
        chain.append(events[int(first)])
    return tuple(reversed(chain))
