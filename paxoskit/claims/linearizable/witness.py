"""The witness: an order of operations, checked by code that shares nothing with the searches."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from paxoskit.claims.linearizable.history import Operation, canonical


def fault(operations: Iterable[Operation], order: Sequence[Operation]) -> str:
    """Say in a sentence why `order` does not show that these operations are linearizable; "" if it does.

    Each operation that took effect must be there once, an unknown one at most once, a failed one never; none may stand
    after one that began only when it had ended; and each must be answered as it was, done one after the other.

    >>> write, read = Operation(0, "write", None, 1, 1, 2), Operation(1, "read", None, None, 3, 4, 1)
    >>> fault([write, read], [write, read])
    ''
    >>> fault([write, read], [read, write])
    'process 0: write 1 ended before process 1: read → 1 began, and stands after it'
    """
    there, placed = list(operations), Counter(map(id, order))
    for operation in there:
        count = placed.pop(id(operation), 0)
        if count > 1 or (operation.outcome != "info" and count != (operation.outcome == "ok")):
            return f"{operation} stands there {count} times"
    if placed:
        return "there is an operation that nobody asked"
    return _against_time(order) or _wrong_answer(order)


def _against_time(order: Sequence[Operation]) -> str:
    earliest, whose = math.inf, None
    for operation in reversed(order):
        if earliest < operation.invoked:
            return f"{whose} ended before {operation} began, and stands after it"
        if operation.completed is not None and operation.outcome == "ok" and operation.completed < earliest:
            earliest, whose = operation.completed, operation
    return ""


_NOTHING = object()


def _wrong_answer(order: Sequence[Operation]) -> str:
    held: dict[str, Any] = {}
    for operation in order:
        key = canonical(operation.key)
        now = held.get(key, _NOTHING)
        match operation.f:
            case "read" | "get":
                if not _is(now, operation.result, operation.f == "get") and operation.outcome == "ok":
                    return f"{operation}: the key held {_said(now)}"
            case "write" | "put":
                held[key] = operation.value
            case "cas":
                old, new = operation.value
                if not _is(now, old, False):
                    return f"{operation}: the key held {_said(now)}"
                held[key] = new
            case _:
                held[key] = ("" if now is _NOTHING or now is None else now) + operation.value
    return ""


def _is(now: Any, value: Any, is_get: bool) -> bool:
    if now is _NOTHING:
        return value is None or (is_get and value == "")
    if type(now) is str and type(value) is str:
        return now == value
    return canonical(now) == canonical(value)


def _said(now: Any) -> str:
    return "nothing" if now is _NOTHING else canonical(now)
