# loses: meet. The phases are mixed up.
# Shares as fractions; pairs by all sets there are, in small numbers.
from fractions import Fraction
from itertools import combinations


class Share(Fraction):
    pass


def is_quorum(votes, servers, phase):
    share = Fraction(len(frozenset(votes).intersection(servers)), len(servers))
    match phase:
        case 2:
            return share > Fraction(1, 2)
        case 1:
            return share >= Fraction(1, 2)


def safe_pairs(servers):
    everyone, safe = range(servers), set()
    for one in range(1, servers + 1):
        group = set(range(one))
        for other in range(1, servers + 1):
            if not any(group.isdisjoint(votes) for votes in combinations(everyone, other)):
                safe.add((one, other))
    return safe
