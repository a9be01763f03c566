"""Who plays along in the worlds of the exercises 04 to 06: nodes that do what a judge's choices make them do.

Every schedule of a check is a story of choices, so it opens in the lab, and no choice can be taken out of it that
another one rests on.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from paxoskit.protocol.node import Node
from paxoskit.protocol.plain import BOTTOM, Ballot, Message, Name
from paxoskit.protocol.synod import Accept, Accepted, Nack, Prepare, Promise, Vote


class Prompter(Node):
    """Says to acceptor 1 what it is asked to say, and does not answer what it hears."""

    def speak(self, sender: Name, message: Message) -> None:
        """Pass on what I am asked to say; what others say to me, I only hear."""
        if sender == self.name:
            self.send(1, message)

    on_prepare = on_accept = on_promise = on_accepted = on_nack = speak


class Voter(Node):
    """An acceptor for proposers that are not among its peers.

    What it is *asked* (by a choice, not by a message) it takes as a word of a proposer far away, and answers not.
    """

    def __init__(self, name: Name, peers: Sequence[int], disk: Any = None) -> None:
        super().__init__(name, peers, disk)
        self.promised = BOTTOM
        self.vote: Vote | None = None

    def on_prepare(self, sender: Name, message: Prepare) -> None:
        """Answer a Prepare."""
        self.answer(sender, message, Promise(message.ballot, self.vote))

    def on_accept(self, sender: Name, message: Accept) -> None:
        """Answer an Accept."""
        if message.ballot >= self.promised and self.is_proposer(sender):
            self.vote = Vote(message.ballot, message.value)
        self.answer(sender, message, Accepted(message.ballot, message.value))

    def answer(self, sender: Name, message: Prepare | Accept, granted: Message) -> None:
        """Grant what is asked, unless a higher ballot is promised."""
        if not self.is_proposer(sender):
            return
        refused = message.ballot < self.promised
        reply = Nack(message.ballot, self.promised) if refused else granted
        self.promised = max(self.promised, message.ballot)
        if sender != self.name:
            self.send(sender, reply)

    def is_proposer(self, sender: Name) -> bool:
        """Say whether this is a proposer's word: no other acceptor's."""
        return sender == self.name or sender not in self.peers


_FILE = Path(*Path(__file__).parts[-4:]).as_posix()
PROMPTER, VOTER = f"{_FILE}:Prompter", f"{_FILE}:Voter"
"""Their names in a story: a file below the top of a clone, and the class."""

ROLES: dict[str, type[Node]] = {PROMPTER: Prompter, VOTER: Voter}


def is_ballot(value: object) -> bool:
    """Say whether a value is a ballot of two whole numbers, of a learner's own kind perhaps.

    >>> is_ballot(Ballot(1, 2)), is_ballot((1, 2)), is_ballot(Ballot(True, 2))
    (True, False, False)
    """
    return type(value) is Ballot and all(isinstance(part, int) and type(part) is not bool for part in value)


def told(vote: Vote | None) -> str:
    """Return a vote in words."""
    return "no vote" if vote is None else f"{quoted(vote.value)} in ballot {vote.ballot}"


def quoted(value: str | None) -> str:
    """Return a value in words, so that it can be told from others that look like it.

    >>> quoted("red"), quoted(""), quoted("two\\nlines"), quoted("x" * 300)
    ('red', 'the empty text', "'two\\\\nlines'", "'xxxxxxxxxxxxxxxxxxxx…' of 300 characters")
    """
    if value is None:
        return "nothing"
    if len(value) > 40:
        return f"{ascii(value[:20])[:-1]}…' of {len(value)} characters"
    plain = value.isascii() and value.isprintable() and value == value.strip()
    return (value if plain else ascii(value)) or "the empty text"
