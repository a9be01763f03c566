# loses: histories. Each get fits somewhere among the puts, and so does each pair of gets; three need not.
from itertools import permutations
from paxoskit.protocol.messages import Get, Put, Reply, Request
from paxoskit.protocol.node import Node
from paxoskit.protocol.plain import Message


class KeyValueServer(Node):
    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.data, self.done = {}, {}

    def on_request(self, sender, r):
        name = r.session, r.number
        if name not in self.done:
            self.done[name] = self.data.get(r.operation.key)
            if isinstance(r.operation, Put):
                self.data[r.operation.key] = r.operation.value
        self.send(sender, Reply(*name, self.done[name]))


def linearizable(history):
    puts = [o for o in history if o[2] == "put"]
    gets = [o for o in history if o[2] == "get"]
    for order in permutations(puts):
        if any(order[j][1] < order[i][0] for i in range(len(order)) for j in range(i + 1, len(order))):
            continue
        v, ok = None, True
        for o in order:
            ok = ok and o[4] == v
            v = o[3]
        if not ok:
            continue

        def places(g):
            return [
                at
                for at in range(len(order) + 1)
                if (order[at - 1][3] if at else None) == g[4]
                and not any(p[0] > g[1] for p in order[:at])
                and not any(p[1] < g[0] for p in order[at:])
            ]

        if all(places(g) for g in gets) and all(
            min(places(g)) <= max(places(h)) for g in gets for h in gets if g[1] < h[0]
        ):
            return True
    return False
