class Quorum:
    def __init__(self, servers):
        self.left = list(servers)
        self.count = 0

    def vote(self, name):
        if name in self.left:
            self.left.remove(name)
            self.count += 1


def is_quorum(votes, servers, phase):
    quorum = Quorum(servers)
    for name in votes:
        quorum.vote(name)
    needed = {1: len(servers) // 2 + 1, 2: -(-len(servers) // 2)}[phase]
    return quorum.count >= needed


def safe_pairs(servers):
    pairs = []
    for one in range(servers, 0, -1):
        for two in range(servers - one + 1, servers + 1):
            pairs.append((one, two))
    return frozenset(pairs)
