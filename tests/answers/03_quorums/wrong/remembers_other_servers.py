# loses: strangers. What it remembers of votes goes by the number of servers, not by who they are.
CACHE = {}


def is_quorum(votes, servers, phase):
    key = (frozenset(votes), len(servers), phase)
    if key not in CACHE:
        n, s = len(set(votes) & set(servers)), len(servers)
        CACHE[key] = 2 * n > s if phase == 1 else 2 * n >= s
    return CACHE[key]


def safe_pairs(servers):
    return {(a, b) for a in range(1, servers + 1) for b in range(1, servers + 1) if a + b > servers}
