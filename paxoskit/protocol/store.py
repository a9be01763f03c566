"""The key-value store: what the chain's requests, done one after the other, leave behind.

The store is a fold over the chain, so equal chains give equal stores, and it never has to be saved. Each request
takes effect once: a client that asks again (its answer was lost) gets the answer of the first time.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from paxoskit.protocol.messages import Block, Get, Operation, Request

DONE = "done"
"""The answer to a put."""


class Done(NamedTuple):
    """The last request of a session that took effect, and its answer."""

    number: int
    answer: str | None


NOTHING_DONE = Done(0, None)


class Store:
    """Keys and values (canonical text), and for each session its last request and answer.

    >>> from paxoskit.protocol.messages import Put
    >>> store = Store()
    >>> store.apply(Request("client 1/1.1", 1, Put("'x'", "7")))
    Done(number=1, answer='done')
    >>> store.apply(Request("client 1/1.1", 2, Get("'x'")))
    Done(number=2, answer='7')
    """

    def __init__(self) -> None:
        self.data: dict[str, str] = {}
        self.sessions: dict[str, Done] = {}

    @classmethod
    def fold(cls, blocks: Iterable[Block]) -> Store:
        """Return the store that these blocks imply."""
        store = cls()
        for block in blocks:
            for request in block.operations:
                store.apply(request)
        return store

    def last(self, session: str) -> Done:
        """Return the session's last request that took effect; number 0 if none did."""
        return self.sessions.get(session, NOTHING_DONE)

    def apply(self, request: Request) -> Done:
        """Let a request take effect, unless it has before; return what its session now has done last."""
        last = self.last(request.session)
        if request.number <= last.number:
            return last
        done = self.sessions[request.session] = Done(request.number, self.perform(request.operation))
        return done

    def perform(self, operation: Operation) -> str | None:
        """Do one operation and return its answer: a value's text, None for a key never put, "done" for a put."""
        if isinstance(operation, Get):
            return self.data.get(operation.key)
        self.data[operation.key] = operation.value
        return DONE

    def __deepcopy__(self, memo: object) -> Store:
        twin = Store.__new__(type(self))
        twin.__dict__.update(self.__dict__, data=self.data.copy(), sessions=self.sessions.copy())
        return twin

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Store) and self.data == other.data and self.sessions == other.sessions

    __hash__ = None  # type: ignore[assignment]
