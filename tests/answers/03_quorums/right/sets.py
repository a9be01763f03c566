from itertools import combinations


def is_quorum(votes, servers, phase):
    absent = set(servers).difference(votes)
    present = len(servers) - len(absent)
    return present > len(absent) if phase == 1 else present >= len(absent)


def safe_pairs(servers):
    """Tried on real sets of servers, not computed."""
    names = range(servers)
    return {
        (one, two)
        for one in range(1, servers + 1)
        for two in range(1, servers + 1)
        if all(set(first) & set(second) for first in [tuple(range(one))] for second in combinations(names, two))
    }
