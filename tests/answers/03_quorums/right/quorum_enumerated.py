# It asks whether any group of the least size has voted.
from itertools import combinations


def is_quorum(votes, servers, phase):
    size = next(k for k in range(len(servers) + 1) if (2 * k > len(servers), 2 * k >= len(servers))[phase - 1])
    return any(set(group) <= set(votes) for group in combinations(servers, size))


def safe_pairs(servers):
    return {(a, b) for a in range(1, servers + 1) for b in range(1, servers + 1) if a + b > servers}
