# All that is on the disk is text; phases are an Enum.
import json
from dataclasses import dataclass
from enum import Enum, auto
from functools import partial
from paxoskit.protocol.node import Node
from paxoskit.protocol.plain import BOTTOM, Ballot, from_json, to_json
from paxoskit.protocol.synod import Accept, Accepted, Decided, Nack, Prepare, Promise, TryAgain, Vote


def saved(name):
    """A property whose value lies on the disk as a text."""
    return property(lambda self: from_json(json.loads(getattr(self.disk, name))),
                    lambda self, value: setattr(self.disk, name, json.dumps(to_json(value))))


class Acceptor(Node):
    @dataclass
    class Disk:
        promised_text: str = json.dumps(to_json(BOTTOM))
        vote_text: str = "null"

    promised, vote = saved("promised_text"), saved("vote_text")

    def on_prepare(self, sender, m):
        self.answer(sender, m, lambda: Promise(m.ballot, self.vote))

    def on_accept(self, sender, m):
        def cast():
            self.vote = Vote(m.ballot, m.value)
            return Accepted(m.ballot, m.value)
        self.answer(sender, m, cast)

    def answer(self, sender, m, yes):
        if m.ballot < self.promised:
            reply = Nack(m.ballot, self.promised)
        else:
            self.promised = m.ballot
            reply = yes()
        self.send(sender, reply)


class Phase(Enum):
    IDLE = auto()
    ASKING = auto()
    PROPOSING = auto()
    DONE = auto()


class Proposer(Node):
    @dataclass
    class Disk:
        last: str = json.dumps(to_json(BOTTOM))

    last = saved("last")

    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.phase, self.wish, self.heard = Phase.IDLE, None, {}
        self.patience = 100.0

    def on_propose(self, sender, m):
        self.wish = m.value
        self.ask()

    def ask(self):
        self.phase, self.heard = Phase.ASKING, {}
        self.last = Ballot(self.last.round + 1, self.name)
        self.broadcast(Prepare(self.last))
        self.wait()

    def wait(self):
        self.after((self.patience, 4 * self.patience), TryAgain(self.last))

    def enough(self, sender, what):
        self.heard[sender] = what
        return len(self.heard) * 2 > len(self.peers)

    def on_promise(self, sender, m):
        if self.phase is Phase.ASKING and m.ballot == self.last and self.enough(sender, m.vote):
            value = max([(v.ballot, v.value) for v in self.heard.values() if v] or [(BOTTOM, self.wish)])[1]
            self.phase, self.heard = Phase.PROPOSING, {}
            self.broadcast(Accept(m.ballot, value))

    def on_accepted(self, sender, m):
        if self.phase is Phase.PROPOSING and m.ballot == self.last and self.enough(sender, None):
            self.phase = Phase.DONE
            self.announce(Decided(m.value))

    def on_nack(self, sender, m):
        if m.promised > self.last:
            self.last = m.promised

    def on_try_again(self, sender, m):
        if self.phase in (Phase.ASKING, Phase.PROPOSING):
            self.ask()
