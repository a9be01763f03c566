"""Ready scenes for a lecture: each begins somewhere, and one key a step tells it, in words, to its point.

A scene is a script: a function that chooses what happens in a small world and yields, after each step of the lecture,
the sentence that belongs to it. The whole script runs when the scene is opened, and the lab then stands at its start:
every step is there, forward and back, and whoever chooses something else at any point is on a branch of her own.

Nothing is left to dice: a scene is the same each time.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from typing import NamedTuple

from paxoskit.claims.safety import safety_claims
from paxoskit.protocol.literals import show
from paxoskit.protocol.messages import Ask, Put
from paxoskit.protocol.plain import Name
from paxoskit.worlds.choice import Choice
from paxoskit.worlds.stepper import Stepper, named
from paxoskit.worlds.world import Flight, World

BEAT = 40.0
"""World milliseconds between two choices of a scene."""


class Director:
    """Who lets the players play. It chooses by what a message is called, and from whom to whom it goes."""

    def __init__(self, servers: int, clients: int = 1) -> None:
        self.stepper = Stepper(World(servers, clients=clients, claims=safety_claims()))
        self.servers = self.stepper.world.servers

    def choose(self, choice: Choice) -> None:
        """Let a choice happen, one beat later."""
        self.stepper.choose(choice, self.stepper.world.trace.now + BEAT)

    def flights(self, kind: str, to: Name | None = None, by: Name | None = None) -> list[Flight]:
        """Return the messages of a kind that fly, the oldest first."""
        return [
            flight
            for flight in self.stepper.world.flying.values()
            if type(flight.message).__name__ == kind and to in (None, flight.receiver) and by in (None, flight.sender)
        ]

    def deliver(self, kind: str, *to: Name, by: Name | None = None) -> None:
        """Bring each of these its oldest message of a kind (to all who have one, if nobody is named)."""
        for receiver in to or tuple(dict.fromkeys(flight.receiver for flight in self.flights(kind, by=by))):
            flight = self.flights(kind, receiver, by)[0]
            self.choose(named(self.stepper.world, "deliver", flight))

    def drop(self, kind: str, *to: Name, by: Name | None = None) -> None:
        """Lose messages of a kind: one to each of these, or all."""
        found = [self.flights(kind, receiver, by)[0] for receiver in to] if to else self.flights(kind, by=by)
        for flight in found:
            self.choose(named(self.stepper.world, "drop", flight))

    def clear(self, *kinds: str) -> None:
        """Bring what is left of these kinds to whoever is up; the rest is lost."""
        for kind in kinds:
            while found := self.flights(kind):
                up = self.stepper.world.is_up(found[0].receiver)
                self.choose(named(self.stepper.world, "deliver" if up else "drop", found[0]))

    def ring(self, node: Name, timer: str) -> None:
        """Let a timer of a node ring."""
        for name, message in self.stepper.world.timers:
            if name == node and type(message).__name__ == timer:
                self.choose(Choice("fire", node, what=message))
                return
        raise ValueError(f"{node} has no timer {timer}")

    def miss_their_leader(self, *servers: int) -> None:
        """Let the election timers of these ring once: they note that they heard their leader, and listen anew."""
        for server in servers:
            if getattr(self.stepper.world.nodes[server], "heard", False):
                self.ring(server, "ElectionTimeout")

    def ask(self, value: object, client: int = 1, key: str = "colour") -> None:
        """Let a client ask for a put."""
        session = self.stepper.world.sessions(f"client {client}")[0]
        self.choose(Choice("ask", f"client {client}", what=Ask(session, Put(show(key), show(value)))))

    def clear_of_ballot(self, round: int, server: int) -> None:
        """Bring the promises of one ballot to their candidate, and what is left of its questions to nobody."""
        for kind in ("Promise", "Prepare", "Nack"):
            for flight in self.flights(kind):
                if flight.message.ballot == (round, server):  # type: ignore[attr-defined]
                    self.choose(named(self.stepper.world, "drop" if kind == "Prepare" else "deliver", flight))

    def retry(self, client: int) -> None:
        """Let a client that waits look at its clock until it asks the next server, and that one has the request."""
        name = f"client {client}"
        for _ in range(12):
            if self.flights("Accept"):
                return
            self.ring(name, "RetryTimeout")
            self.clear("Request")

    def cut(self, *links: tuple[Name, Name]) -> None:
        """Cut links, both directions each."""
        for a, b in links:
            self.choose(Choice("cut", b, a))
            self.choose(Choice("cut", a, b))

    def mend(self) -> None:
        """Mend all links."""
        for a, b in sorted(self.stepper.world.cut, key=repr):
            self.choose(Choice("mend", b, a))

    def elect(self, server: int, *voters: int) -> None:
        """Let a server become leader by the promises of these, and everybody who can hear its first heartbeat."""
        self.ring(server, "ElectionTimeout")
        self.deliver("Prepare", *voters, by=server)
        for voter in voters:
            self.deliver("Promise", server, by=voter)
        self.clear("Prepare", "Promise", "Nack", "Heartbeat", "HeartbeatHeard")


class Scene(NamedTuple):
    """A ready scene: how many servers and clients play, and the script."""

    servers: int
    clients: int
    script: Callable[[Director], Iterator[str]]


def begin(name: str) -> tuple[Stepper, dict[int, str]]:
    """Return a scene at its start, and the words that belong to its moments.

    >>> stepper, beats = begin("duel")
    >>> stepper.moment.number, len(beats) > 5
    (0, True)

    Raises ValueError for a name that is no scene's.
    """
    if name not in SCENES:
        near = difflib.get_close_matches(str(name), SCENES, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"scene: expected one of {', '.join(map(repr, SCENES))}, got {name!r:.60}{hint}")
    scene = SCENES[name]
    director = Director(scene.servers, scene.clients)
    stepper = director.stepper
    beats = {}
    for words in scene.script(director):
        beats[stepper.moment.number] = words
    stepper.trunk.name = name
    stepper.goto(0)
    stepper.origin = stepper.moment
    return stepper, beats


# The scripts ------------------------------------------------------------------------------------------------


def dead_leader(play: Director) -> Iterator[str]:
    """A leader dies after its Accept was heard by some: the next one must finish its block."""
    play.elect(1, 2, 3)
    yield "Server 1 leads in ballot 1.1: a majority has promised to follow it."
    play.ask("blue")
    play.deliver("Request", 1)
    yield "A client puts colour = blue. The leader mines a block and sends an Accept to everybody."
    play.deliver("Accept", 2, 3)
    yield "Servers 2 and 3 vote. With the leader's own vote that is a majority: it is chosen, and nobody knows it."
    play.choose(Choice("crash", 1))
    yield "The leader dies. It never heard the votes; servers 4 and 5 never heard of the block."
    play.clear("Accepted")
    play.drop("Accept")
    yield "The votes reach nobody, and the last Accepts are lost."
    play.miss_their_leader(2, 3, 4, 5)
    play.ring(5, "ElectionTimeout")
    yield "No heartbeat comes. Server 5 stands for election, in ballot 2.5; it has never heard of blue."
    play.clear("Prepare")
    yield "Everybody who is up promises; 2 and 3 add what they voted for."
    play.deliver("Promise", 5, by=3)
    play.deliver("Promise", 5, by=4)
    yield "With its own that is a majority. One brought the vote for blue: server 5 must propose that very block."
    play.clear("Promise")
    play.clear("Heartbeat", "Accept")
    yield "It does, in its own ballot: the same block, the same nonce, the same hash."
    play.clear("HeartbeatHeard", "Accepted")
    yield "A majority votes: the block is decided, and server 5 applies it."
    play.clear("Decide", "Reply")
    yield "Servers 2, 3 and 4 learn it, and the client has its answer from a leader that it never asked."
    play.choose(Choice("restart", 1))
    yield "Server 1 comes back. Its disk still has its promise and its vote."
    play.ring(5, "HeartbeatTimeout")
    play.clear("Heartbeat", "HeartbeatHeard", "WantBlocks", "Blocks")
    yield "A heartbeat tells it that a block is missing; it asks for it, and has caught up. Nothing was lost."


def duel(play: Director) -> Iterator[str]:
    """Two servers stand for election again and again, each above the other: nobody is wrong, and nothing is decided."""
    play.ring(1, "ElectionTimeout")
    yield "Server 1 hears no leader and stands for election in ballot 1.1."
    play.deliver("Prepare", 2, by=1)
    yield "Server 2 promises ballot 1.1. That would be a majority, but its promise is still on its way."
    play.ring(3, "ElectionTimeout")
    yield "Server 3 hears no leader either, and stands in ballot 1.3: the same round, a higher server."
    play.deliver("Prepare", 2, by=3)
    play.deliver("Prepare", 1, by=3)
    yield "Servers 2 and 1 promise 1.3, which is higher. Server 1 has given up its own candidacy by that."
    play.deliver("Promise", 1, by=2)
    play.clear_of_ballot(1, 1)
    yield "The promise for 1.1 arrives too late: server 1 no longer stands in that ballot."
    play.ring(1, "ElectionTimeout")
    play.deliver("Prepare", 2, by=1)
    play.deliver("Prepare", 3, by=1)
    yield "Before server 3 hears its promises, server 1 stands again, in ballot 2.1. Servers 2 and 3 promise."
    play.clear_of_ballot(1, 3)
    yield "The promises for 1.3 arrive too late: server 3 has promised 2.1."
    play.ring(3, "ElectionTimeout")
    play.deliver("Prepare", 2, by=3)
    play.deliver("Prepare", 1, by=3)
    yield "And again: server 3 stands in ballot 3.3, and takes the promises away from server 1."
    play.clear_of_ballot(2, 1)
    yield "The promises for 2.1 come too late. This could go on for ever; nothing wrong is decided, and nothing right."
    play.clear_of_ballot(3, 3)
    play.clear("Heartbeat", "HeartbeatHeard")
    yield "What ends it is chance: election timers wait a random time. Nobody disturbs server 3 now, and it leads."
    play.ask("green")
    play.deliver("Request")
    play.clear("Request", "Accept", "Accepted", "Decide", "Reply")
    yield "A client puts colour = green, and it is decided at once."


def split(play: Director) -> Iterator[str]:
    """Five servers in two rooms: the two decide nothing, the three go on, and all is one chain afterwards."""
    play.elect(1, 2, 3)
    play.ask("white")
    play.clear("Request", "Accept", "Accepted", "Decide", "Reply")
    yield "Server 1 leads five servers; colour = white is decided, and everybody has the block."
    play.cut(*[(a, b) for a in (1, 2) for b in (3, 4, 5)], *[("client 2", a) for a in (1, 2)],
             *[("client 1", b) for b in (3, 4, 5)])  # fmt: skip
    yield "The network splits: servers 1 and 2 with client 1 here, servers 3, 4 and 5 with client 2 there."
    play.ask("red", 1)
    play.clear("Request", "Accept", "Accepted")
    yield "On the small side, client 1 puts red. The leader has two votes of five: no majority, no decision, no answer."
    for _ in range(4):
        play.ring(1, "HeartbeatTimeout")
        play.clear("Heartbeat", "HeartbeatHeard", "Accept", "Accepted")
    yield "Four heartbeats, and only server 2 answers. The leader hears no majority."
    play.ring(1, "HeartbeatTimeout")
    play.clear("Heartbeat", "HeartbeatHeard", "Accept", "Accepted")
    yield "So it steps down and falls silent: better no answer than a wrong one."
    play.miss_their_leader(3, 4, 5)
    play.ring(3, "ElectionTimeout")
    yield "On the large side nobody heard a leader: server 3 stands for election."
    play.clear("Prepare", "Promise", "Heartbeat", "HeartbeatHeard")
    yield "Three promises of five are a majority: server 3 leads."
    play.ask("green", 2)
    play.deliver("Request")
    yield "Client 2 puts green. It asks server 1, as it did in the beginning; that is across the cut, and lost."
    play.retry(2)
    play.clear("Request", "Accept", "Accepted", "Decide", "Reply")
    yield "Three servers vote: green is decided, and client 2 has its answer. The small side still has white."
    play.mend()
    yield "The network is whole again."
    play.ring(3, "HeartbeatTimeout")
    play.clear("Heartbeat", "HeartbeatHeard", "WantBlocks", "Blocks", "Nack")
    yield "The leader's heartbeat reaches servers 1 and 2, and they get the block they lack. One chain: white, green."
    play.retry(1)
    play.clear("Request", "Accept", "Accepted", "Decide", "Reply")
    yield "Client 1 asks again, elsewhere, and red is decided too: late, once, after green. No answer was ever wrong."


def bridge(play: Director) -> Iterator[str]:
    """One server sees all others, and they see only it: it alone can lead, and it does."""
    play.elect(1, 2, 3)
    play.ask("white")
    play.clear("Request", "Accept", "Accepted", "Decide", "Reply")
    yield "Server 1 leads; colour = white is decided."
    pairs = [(a, b) for a in (1, 2, 4, 5) for b in (1, 2, 4, 5) if a < b]
    play.cut(*pairs)
    yield "Every link is cut but those of server 3. All can talk to server 3, and to nobody else."
    for _ in range(5):
        play.ring(1, "HeartbeatTimeout")
        play.clear("Heartbeat", "HeartbeatHeard")
    play.miss_their_leader(1, 2, 3, 4, 5)
    yield "Server 1 hears only server 3. That is no majority: it steps down."
    play.ring(2, "ElectionTimeout")
    play.clear("Prepare", "Promise")
    yield "Server 2 stands for election. Only server 3 hears it; two promises of five elect nobody."
    play.ring(3, "ElectionTimeout")
    yield "Now the bridge itself, server 3, stands for election, in ballot 3.3. Everybody hears it."
    play.clear("Prepare")
    yield "All four promise: nobody has a leader, and 3.3 is above every ballot that they know."
    play.clear("Promise", "Heartbeat", "HeartbeatHeard", "Accept", "Accepted")
    yield "A majority of promises: server 3 leads, and every server is one link away from it."
    play.ask("green")
    play.clear("Request", "Accept", "Accepted", "Decide", "Reply")
    yield "A client puts green: decided by votes that all crossed the bridge. Six of ten links are cut; nothing waits."


def stale(play: Director) -> Iterator[str]:
    """A leader that was cut off still believes that it leads: its word counts for nothing, by ballots alone."""
    play.elect(1, 2, 3)
    yield "Server 1 leads three servers in ballot 1.1."
    play.cut((1, 2), (1, 3))
    yield "It is cut off from the others, and does not know it."
    play.miss_their_leader(2, 3)
    play.ring(2, "ElectionTimeout")
    play.clear("Prepare", "Promise", "Heartbeat", "HeartbeatHeard")
    yield "Server 2 hears no leader, stands in ballot 2.2, and wins with server 3. Now two servers believe they lead."
    play.ask("red", 1)
    play.deliver("Request", 1)
    yield "Client 1 asks the old leader to put red. It mines a block and votes for it, and its Accepts go nowhere."
    play.cut(("client 2", 1))
    play.ask("green", 2)
    yield "Client 2 puts green. It cannot reach the old leader either."
    play.retry(2)
    play.clear("Request", "Accept", "Accepted", "Decide", "Reply")
    yield "The new leader has two votes of three: green is decided, in the slot in which red was proposed."
    play.mend()
    yield "The links are mended. The old leader still believes that it leads…"
    play.ring(1, "HeartbeatTimeout")
    play.clear("Heartbeat")
    yield "…and says so. The others have promised ballot 2.2, which is above 1.1: they answer with a Nack."
    play.clear("Nack")
    yield "A Nack with a higher ballot ends its office. Its block with red had one vote of three: it was never chosen."
    play.ring(2, "HeartbeatTimeout")
    play.clear("Heartbeat", "HeartbeatHeard", "WantBlocks", "Blocks")
    yield "The new leader's heartbeat makes it a follower, and it gets the block that it lacks."
    play.retry(1)
    play.clear("Request", "Accept", "Accepted", "Decide", "Reply")
    yield "Client 1 hears nothing, asks again elsewhere, and red is decided: after green, once, in a block of its own."


SCENES = {
    "dead leader after Accept": Scene(5, 1, dead_leader),
    "duel": Scene(3, 1, duel),
    "split 2 and 3": Scene(5, 2, split),
    "bridge": Scene(5, 1, bridge),
    "stale leader": Scene(3, 2, stale),
}
