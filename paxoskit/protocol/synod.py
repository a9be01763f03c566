"""What proposers and acceptors say when they agree on one value: the *synod* of The Part-Time Parliament.

Single-decree Paxos, in the words of Paxos Made Simple, section 2.2. A proposer is asked to `Propose` a value; it sends
`Prepare` to all acceptors, hears a `Promise` from a majority, sends `Accept` to all, and hears `Accepted` from a
majority: then its value is chosen, and it announces `Decided`. An acceptor that has promised a higher ballot answers
`Nack`. A value is a text.

In a synod world, acceptors are the servers 1 to A and proposers the servers A + 1 to A + P, so that
`Ballot(round, self.name)` is nobody else's; the `peers` of every node are the acceptors, and only they.

These classes have the names of their like in `paxoskit.protocol.messages`, which speak of blocks and heights; in JSON
they are called "synod Prepare" and so on. Handlers go by the class alone: `on_prepare`, `on_promise`, `on_try_again`.
"""

from __future__ import annotations

from dataclasses import dataclass

from paxoskit.protocol.plain import Ballot, Message

# What is asked ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Propose(Message, known_as="synod Propose"):
    """To a proposer: get this value chosen, or find out which value is."""

    value: str


# Phase 1: may I propose, and what? -------------------------------------------------------------------------


class _InBallots(Message):
    """A plain tuple in the place of a ballot (or of a vote) becomes one, so that equal messages are equal in JSON.

    >>> Prepare(1)
    Traceback (most recent call last):
    TypeError: Prepare.ballot: expected a ballot, (round, server), got 1
    """

    def __post_init__(self) -> None:
        fields = vars(self)
        for field in ("ballot", "promised"):
            if field in fields and not isinstance(fields[field], Ballot):
                object.__setattr__(self, field, self._ballot(field, fields[field]))
        vote = fields.get("vote")
        if type(vote) is tuple and len(vote) == 2:
            object.__setattr__(self, "vote", Vote(*vote))
        elif vote is not None and not (hasattr(vote, "ballot") and hasattr(vote, "value")):
            raise TypeError(f"{type(self).__name__}.vote: expected a Vote or None, got {vote!r:.60}")

    def _ballot(self, field: str, value: object) -> Ballot:
        if isinstance(value, tuple) and len(value) == 2 and all(isinstance(part, int) for part in value):
            return Ballot(*value)
        raise TypeError(f"{type(self).__name__}.{field}: expected a ballot, (round, server), got {value!r:.60}")


@dataclass(frozen=True)
class Vote(_InBallots, known_as="synod Vote"):
    """I voted for this value in this ballot."""

    ballot: Ballot
    value: str


@dataclass(frozen=True)
class Prepare(_InBallots, known_as="synod Prepare"):
    """Will you promise this ballot?"""

    ballot: Ballot


@dataclass(frozen=True)
class Promise(_InBallots, known_as="synod Promise"):
    """From now on I vote in no ballot below this one. `vote` is mine in the highest ballot so far, None if none is.

    >>> Promise((1, 4), None) == Promise(Ballot(1, 4), None)
    True
    """

    ballot: Ballot
    vote: Vote | None


@dataclass(frozen=True)
class Nack(_InBallots, known_as="synod Nack"):
    """Not in your ballot, be it your Prepare or your Accept: I have promised a higher one."""

    ballot: Ballot
    promised: Ballot


# Phase 2: will you vote for it? ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Accept(_InBallots, known_as="synod Accept"):
    """Will you vote for this value in my ballot?"""

    ballot: Ballot
    value: str


@dataclass(frozen=True)
class Accepted(_InBallots, known_as="synod Accepted"):
    """I voted for this value in this ballot."""

    ballot: Ballot
    value: str


# To oneself, and to the trace ------------------------------------------------------------------------------


@dataclass(frozen=True)
class TryAgain(_InBallots, known_as="synod TryAgain"):
    """A proposer's timer: if this ballot came to nothing, stand in a higher one."""

    ballot: Ballot


@dataclass(frozen=True)
class Decided(Message, known_as="synod Decided"):
    """A fact, told to the trace: I know that this value is chosen."""

    value: str
