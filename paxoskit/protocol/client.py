"""A client: it asks a server, asks the next one when no answer comes, and never counts an answer twice.

What a client asks goes out as requests of sessions. A session has one request outstanding and numbers them from 1,
so that every server can tell a repeated request from a new one. Who wants many in flight holds many sessions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from paxoskit.protocol.messages import Answered, Ask, Asks, GaveUp, Replies, Reply, Request, Requests, RetryTimeout
from paxoskit.protocol.node import Node
from paxoskit.protocol.plain import Name


class Client(Node):
    """A client of the servers `peers`; it knows no leader, only who answered last."""

    LOOK = (200.0, 300.0)
    """How often a client with open requests looks who has waited too long, in milliseconds."""

    LOOKS_BEFORE_RETRY = 2
    """A request is sent again, to the next server, after this many looks without an answer."""

    def __init__(self, name: Name, peers: Sequence[int], disk: Any = None) -> None:
        super().__init__(name, peers, disk)
        self.favourite = self.peers[0]
        self.last_number: dict[str, int] = {}  # of each session
        self.waiting: dict[str, Request] = {}
        self.patience: dict[str, int] = {}  # looks left before giving up; 0: never
        self.looks: dict[str, int] = {}  # since the request was last sent
        self.looking = False  # does the timer run?

    def on_ask(self, sender: Name, ask: Ask) -> None:
        """Send a new request of this session."""
        self.send(self.favourite, self.new_request(ask))

    def on_asks(self, sender: Name, many: Asks) -> None:
        """Send many new requests in one message."""
        self.send(self.favourite, Requests(tuple([self.new_request(ask) for ask in many.asks])))

    def new_request(self, ask: Ask) -> Request:
        """Return the session's next request, and wait for its answer from now on."""
        session = ask.session
        number = self.last_number[session] = self.last_number.get(session, 0) + 1
        if not self.looking:
            self.after(self.LOOK, RetryTimeout())
            self.looking = True
        request = self.waiting[session] = Request(session, number, ask.operation)
        self.patience[session] = ask.patience
        self.looks[session] = 0
        return request

    def on_reply(self, sender: Name, reply: Reply) -> None:
        """Take the answer to what I asked; every other reply is an old copy."""
        request = self.waiting.get(reply.session)
        if request is None or request.number != reply.number:
            return
        self.forget(reply.session)
        if sender in self.peers:
            self.favourite = int(sender)
        self.announce(Answered(reply.session, reply.number, reply.answer))

    def on_replies(self, sender: Name, many: Replies) -> None:
        """Take many answers that came at once."""
        for reply in many.replies:
            self.on_reply(sender, reply)

    def on_retry_timeout(self, sender: Name, message: RetryTimeout) -> None:
        """Give up what has waited too long; ask again, elsewhere, what has waited long."""
        for session in list(self.waiting):
            self.looks[session] += 1
            if self.patience[session] == 1:
                self.announce(GaveUp(session, self.waiting[session].number))
                self.forget(session)
            elif self.patience[session]:
                self.patience[session] -= 1
        late = [session for session in self.waiting if self.looks[session] >= self.LOOKS_BEFORE_RETRY]
        if late:
            self.favourite = self.peers[(self.peers.index(self.favourite) + 1) % len(self.peers)]
        for session in late:
            self.looks[session] = 0
            self.send(self.favourite, self.waiting[session])
        self.looking = bool(self.waiting)
        if self.looking:
            self.after(self.LOOK, message)

    def forget(self, session: str) -> None:
        """The session's request is no longer outstanding."""
        del self.waiting[session], self.patience[session], self.looks[session]
