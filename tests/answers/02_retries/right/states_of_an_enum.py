# What it did is a member of an enumeration, in a named tuple.
import enum
from typing import NamedTuple, Optional

from paxoskit.protocol.messages import Get, Put, Reply, Request
from paxoskit.protocol.node import Node


def linearizable(history):
    def search(left, value):
        if not left:
            return True
        for op in left:
            if all(op[0] < o[1] for o in left if o is not op) and op[4] == value:
                if search([o for o in left if o is not op], op[3] if op[2] == "put" else value):
                    return True
        return False
    return search(list(history), None)


class Did(enum.Enum):
    READ = 1
    WROTE = 2


class Entry(NamedTuple):
    did: Did
    answer: Optional[str]


class KeyValueServer(Node):
    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.data, self.table, self.log = {}, {}, []
    def on_request(self, sender, request):
        entry = self.table.get((request.session, request.number))
        if entry is None:
            answer = self.data.get(request.operation.key)
            if isinstance(request.operation, Put):
                self.data[request.operation.key] = request.operation.value
                entry = Entry(Did.WROTE, answer)
            else:
                entry = Entry(Did.READ, answer)
            self.table[request.session, request.number] = entry
            self.log.append(entry)
        self.send(sender, Reply(request.session, request.number, entry.answer))
