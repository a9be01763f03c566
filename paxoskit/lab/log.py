"""The lab's log: what of the trace is worth a line, in plain sentences, newest first.

The lab has words for a few facts, by their names; whatever else a node announces gets the trace's own sentence.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from itertools import groupby

from paxoskit.pictures.chain import shortened
from paxoskit.protocol.node import title
from paxoskit.trace import Event, sentence

LINES, LETTERS = 12, 200


class Log:
    """The newest lines, newest first.

    >>> from paxoskit.trace import Trace
    >>> trace, log = Trace(), Log()
    >>> _ = trace.add("crash", 2, what="kept")
    >>> log.read(trace)
    >>> log.lines
    ['server 2 crashes (disk kept)']
    """

    def __init__(self, most: int = LINES) -> None:
        self.kept: deque[str] = deque(maxlen=most)
        self.count = 0
        self.asked: dict[str, str] = {}  # of each session that waits: what it asked
        self.top = -1  # the highest block that anybody has applied

    @property
    def lines(self) -> list[str]:
        """The lines, newest first."""
        return list(self.kept)

    def say(self, text: str) -> None:
        """Add one line; a long one is cut, and says how long it was."""
        line = " ".join(text.splitlines())
        if len(line) > LETTERS:
            line = f"{shortened(line, LETTERS)} ({len(line):,} characters)"
        self.kept.appendleft(line)
        self.count += 1

    def turn_back(self, moment: str, blocks: int) -> None:
        """Say that time was turned to another moment, at which the longest chain has so many blocks."""
        self.top = blocks - 1
        self.say(f"time stands after: {moment}")

    def read(self, events: Iterable[Event]) -> None:
        """Add what is worth a line among these events; links that change together share one."""
        for kind, group in groupby(events, key=lambda event: event.kind):
            if kind in ("cut", "mend"):
                self.say(links_say(kind, [(event.peer, event.node) for event in group]))
            else:
                for event in group:
                    line = self.line(event)
                    if line:
                        self.say(line)

    def line(self, event: Event) -> str | None:
        """Return the line for one event, or None if it is not worth one."""
        if event.kind == "ask":
            for ask in getattr(event.what, "asks", (event.what,)):
                if not hasattr(ask, "operation"):
                    return sentence(event)  # a proposer is asked for a value, and answers nobody
                self.asked[ask.session] = " ".join(ask.operation.words)
            return None
        if event.kind in ("crash", "restart"):
            return sentence(event)
        if event.kind != "announce":
            return None
        words = WORDS.get(type(event.what).__name__)
        return words(self, event) if words else sentence(event)

    def answered(self, event: Event) -> str:
        """Say what a client asked, and what it was answered."""
        asked = self.asked.pop(event.what.session, "its request")
        answer = "never put" if event.what.answer is None else event.what.answer
        return f"{title(event.node)}: {asked} → {answer}"

    def gave_up(self, event: Event) -> str:
        """Say what a client asked, and that nobody answered."""
        asked = self.asked.pop(event.what.session, "its request")
        return f"{title(event.node)}: {asked} → no answer in time; whether it takes effect is unknown"

    def applied(self, event: Event) -> str | None:
        """Say that a block is new to everybody: whoever applies it first gets the line."""
        if event.what.height <= self.top:
            return None
        self.top = event.what.height
        return f"block {self.top} is decided at {title(event.node)}"


WORDS: dict[str, Callable[[Log, Event], str | None]] = {
    "Answered": Log.answered,
    "GaveUp": Log.gave_up,
    "Applied": Log.applied,
    "Elected": lambda _, event: f"{title(event.node)} is elected in ballot {event.what.ballot}",
    "SteppedDown": lambda _, event: f"{title(event.node)} no longer leads in ballot {event.what.ballot}",
    "Rejected": lambda _, event: f"{title(event.node)} rejects block {event.what.height}: {event.what.says}",
}


def links_say(kind: str, pairs: list[tuple[object, object]]) -> str:
    """Say which links were cut or mended together; both directions of one count once.

    >>> links_say("cut", [(1, 2), (2, 1)])
    'the link between server 1 and server 2 is cut'
    >>> links_say("mend", [(1, 2)])
    'the link from server 1 to server 2 is mended'
    >>> links_say("cut", [(1, 3), (3, 1), (2, 3)])
    'links cut: 1–3, 2→3'
    """
    done = "cut" if kind == "cut" else "mended"
    both = [(a, b) for place, (a, b) in enumerate(pairs) if (b, a) in pairs[place + 1 :]]
    single = [(a, b) for a, b in pairs if (b, a) not in pairs]
    if len(both) + len(single) > 1:
        return f"links {done}: " + ", ".join([f"{a}–{b}" for a, b in both] + [f"{a}→{b}" for a, b in single])
    words, (a, b) = ("between {} and {}", both[0]) if both else ("from {} to {}", single[0])
    return f"the link {words.format(title(a), title(b))} is {done}"  # type: ignore[arg-type]
