# loses: enough. Safe, and one server that is down stops everything.
def is_quorum(votes, servers, phase):
    return set(servers) <= set(votes)


def safe_pairs(servers):
    return {(a, b) for a in range(1, servers + 1) for b in range(1, servers + 1) if a + b > servers}
