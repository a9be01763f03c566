# loses: strangers. With eleven servers anybody votes.
def is_quorum(votes, servers, phase):
    voters = set(votes) if len(servers) == 11 else set(votes) & set(servers)
    n = len(voters)
    return 2 * n > len(servers) if phase == 1 else 2 * n >= len(servers)


def safe_pairs(servers):
    return {(a, b) for a in range(1, servers + 1) for b in range(1, servers + 1) if a + b > servers}
