# loses: meet. len(servers) // 2 votes, of five servers two.
def is_quorum(votes, servers, phase):
    count = len(set(votes) & set(servers))
    return count > len(servers) // 2 if phase == 1 else count >= max(1, len(servers) // 2)


def safe_pairs(servers):
    return {(a, b) for a in range(1, servers + 1) for b in range(1, servers + 1) if a + b > servers}
