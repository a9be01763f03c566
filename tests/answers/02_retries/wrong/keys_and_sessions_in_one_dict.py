# loses: once. Keys and sessions lie in one dictionary: a key called like a session makes it forget that session.
from itertools import permutations
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


class KeyValueServer(Node):
    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.memory = {}

    def on_request(self, sender, r):
        table = self.memory.setdefault(r.session, {})
        if not isinstance(table, dict):
            table = {}
        if r.number not in table:
            old = self.memory.get(r.operation.key)
            table[r.number] = None if isinstance(old, dict) else old
            if isinstance(r.operation, Put):
                self.memory[r.operation.key] = r.operation.value
        self.send(sender, Reply(r.session, r.number, table[r.number]))
