# loses: meet. n // 2 in both phases (M15).
def is_quorum(votes, servers, phase):
    return len(set(votes) & set(servers)) >= len(servers) / 2


def safe_pairs(servers):
    return {(a, b) for a in range(1, servers + 1) for b in range(1, servers + 1) if a + b > servers}
