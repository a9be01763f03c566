"""The clients' book: what each asked, and what came of it, over all that time was turned and branched."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from paxoskit.pictures.chain import shortened
from paxoskit.trace import Event, asked
from paxoskit.worlds.moments import Moment
from paxoskit.worlds.stepper import Stepper
from paxoskit.worlds.world import World

MOST, LETTERS = 30, 300
"""How many calls are kept, and how many letters of each text."""


class Entry:
    """One call: who asked what in which session, at which event, and what came of it."""

    def __init__(self, event: Event, ask: Any) -> None:
        self.n = event.n
        self.at = event.at
        self.client = event.node
        self.session = getattr(ask, "session", "")
        self.asked = shortened(asked(ask), LETTERS)
        self.state = "waiting"
        self.answer = ""

    def as_json(self) -> dict[str, Any]:
        """The entry as the picture takes it."""
        return {"client": self.client, "asked": self.asked, "state": self.state, "answer": self.answer}


class Book:
    """The newest calls.

    >>> from paxoskit.worlds.world import World
    >>> from paxoskit.protocol.messages import Put
    >>> world, book = World(servers=1), Book()
    >>> world.ask("client 1", Put("'x'", "1"))
    >>> book.read(world.trace)
    >>> book.entries[0].as_json()
    {'client': 'client 1', 'asked': "put 'x' 1", 'state': 'waiting', 'answer': ''}
    """

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def read(self, events: Iterable[Event]) -> None:
        """Write down what was asked and what was answered."""
        for event in events:
            if event.kind == "ask":
                self.entries += [Entry(event, ask) for ask in getattr(event.what, "asks", (event.what,))]
                del self.entries[:-MOST]
            elif event.kind == "announce" and type(event.what).__name__ in ("Answered", "GaveUp"):
                self._close(event.what)

    def _close(self, fact: Any) -> None:
        for entry in reversed(self.entries):
            if entry.session == fact.session and entry.state == "waiting":
                entry.state = "answered" if type(fact).__name__ == "Answered" else "gave up"
                if entry.state == "answered" and entry.asked.startswith("get"):
                    entry.answer = "never put" if fact.answer is None else shortened(fact.answer, LETTERS)
                return

    def close_what_is_done(self, world: World) -> None:
        """Some events were not read: a call for which its client no longer waits was answered somehow."""
        for place, entry in enumerate(self.entries):
            waiting = getattr(world.nodes.get(entry.client), "waiting", {})
            later = any(other.session == entry.session for other in self.entries[place + 1 :])
            if entry.state == "waiting" and (later or entry.session not in waiting):
                entry.state = "answered"

    def begin_anew(self, stepper: Stepper) -> None:
        """Time was turned: write the book of the way to where the stepper stands. What was abandoned stays so."""
        gone = [entry for entry in self.entries if entry.state == "abandoned"]
        old = [entry for entry in self.entries if entry.n <= stepper.branch.moment(0).count]
        self.entries = [entry for entry in old if entry not in gone]
        for moment in stepper.way():
            if _concerns_a_client(moment):
                self.read(moment.events())
        self.entries = sorted([*gone, *self.entries], key=lambda entry: entry.at)[-MOST:]

    def leave(self, stepper: Stepper) -> None:
        """Time goes on in one branch: strike out what was asked in the others only."""
        self.begin_anew(stepper)
        for branch in stepper.branches:
            for moment in branch.moments:
                event = moment.event
                if event is not None and event.kind == "ask" and not stepper.on_the_way(moment):
                    for ask in getattr(event.what, "asks", (event.what,)):
                        entry = Entry(event, ask)
                        entry.state = "abandoned"
                        self.entries.append(entry)
        self.entries = sorted(self.entries, key=lambda entry: entry.at)[-MOST:]

    def as_json(self) -> list[dict[str, Any]]:
        """The calls as the picture takes them, the newest first."""
        return [entry.as_json() for entry in reversed(self.entries)]


def _concerns_a_client(moment: Moment) -> bool:
    return moment.event is not None and (moment.event.kind == "ask" or isinstance(moment.event.node, str))
