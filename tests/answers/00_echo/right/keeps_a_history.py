# It keeps a history on its disk, of named tuples and members of an enumeration.
import enum
from collections import Counter, OrderedDict, defaultdict
from dataclasses import dataclass, field
from typing import NamedTuple

from paxoskit.protocol.messages import Get, Put, Reply, Request
from paxoskit.protocol.node import Node


class Kind(enum.Enum):
    GET = enum.auto()
    PUT = enum.auto()


class Entry(NamedTuple):
    who: str
    kind: Kind


class Echo(Node):
    @dataclass
    class Disk:
        history: list = field(default_factory=list)
        counts: dict = field(default_factory=dict)
    def on_start(self):
        self.by_client = defaultdict(list)
        self.counter = Counter()
        self.order = OrderedDict()
    def on_request(self, sender, request):
        kind = Kind.PUT if isinstance(request.operation, Put) else Kind.GET
        entry = Entry(sender, kind)
        self.disk.history.append(entry)
        self.disk.counts[sender] = self.disk.counts.get(sender, 0) + 1
        self.by_client[sender].append(entry)
        self.counter[kind] += 1
        self.order[request] = True
        text = request.operation.value if kind is Kind.PUT else request.operation.key
        self.send(sender, Reply(request.session, request.number, text))
