# loses: histories. It follows values from put to put, which works while each value is put once.
from itertools import permutations
from paxoskit.protocol.messages import Get, Put, Reply, Request
from paxoskit.protocol.node import Node


class KeyValueServer(Node):
    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.store = {}
        self.done = {}

    def on_request(self, sender, m):
        op = m.operation
        if (m.session, m.number) not in self.done:
            self.done[m.session, m.number] = self.store.get(op.key)
            if isinstance(op, Put):
                self.store[op.key] = op.value
        self.send(sender, Reply(m.session, m.number, self.done[m.session, m.number]))


def linearizable(history):
    """Follow the chain of puts: old -> value (values taken as all different), then look where each get is."""
    puts = {o[4]: o for o in history if o[2] == "put"}
    order, value = [], None
    for _ in range(len(puts)):
        if value not in puts:
            return False
        order.append(puts[value])
        value = puts[value][3]
    if len(order) != sum(o[2] == "put" for o in history):
        return False
    full = []
    values = [None] + [p[3] for p in order]
    slots = []
    for v in range(len(values)):
        if v:
            full.append(order[v - 1])
        full += sorted([g for g in history if g[2] == "get" and g[4] == values[v]])
    if len(full) != len(history):
        return False
    return not any(full[j][1] < full[i][0] for i in range(len(full)) for j in range(i + 1, len(full)))
