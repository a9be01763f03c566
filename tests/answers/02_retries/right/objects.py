# Own classes for session and cell; a table of tables; recursion over histories.
from dataclasses import dataclass, field

from paxoskit.protocol.messages import Put, Reply
from paxoskit.protocol.node import Node


@dataclass
class Cell:
    value: str | None = None

    def swap(self, value):
        self.value, old = value, self.value
        return old


@dataclass
class Session:
    replies: dict = field(default_factory=dict)


class KeyValueServer(Node):
    def on_start(self):
        self.cells = {}
        self.sessions = {}

    def on_request(self, sender, request):
        session = self.sessions.setdefault(request.session, Session())
        if request.number in session.replies:
            self.send(sender, session.replies[request.number])
            return
        cell = self.cells.setdefault(request.operation.key, Cell())
        match request.operation:
            case Put(value=value):
                answer = cell.swap(value)
            case _:
                answer = cell.value
        reply = Reply(request.session, request.number, answer)
        session.replies[request.number] = reply
        self.send(sender, reply)


def linearizable(history, value=None):
    if not history:
        return True
    limit = min(one[1] for one in history)
    for place, (asked, _, kind, argument, answer) in enumerate(history):
        if asked <= limit and answer == value:
            rest = history[:place] + history[place + 1 :]
            if linearizable(rest, argument if kind == "put" else value):
                return True
    return False
