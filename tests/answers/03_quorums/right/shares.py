from fractions import Fraction

SHARE = {1: lambda share: share > Fraction(1, 2), 2: lambda share: share >= Fraction(1, 2)}


def is_quorum(votes, servers, phase):
    return SHARE[phase](Fraction(sum(server in votes for server in servers), len(servers)))


def safe_pairs(servers):
    return {(servers - two + more, two) for two in range(1, servers + 1) for more in range(1, two + 1)}
