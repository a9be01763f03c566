# loses: meet. More than half of those who answered (M15): who is silent is not counted at all.
def is_quorum(votes, servers, phase):
    live = set(votes) & set(servers)
    return len(live) > len(live) // 2


def safe_pairs(servers):
    return {(a, b) for a in range(1, servers + 1) for b in range(1, servers + 1) if a + b > servers}
