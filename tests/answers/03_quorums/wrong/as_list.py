# loses: four. It returns a list, where a set was asked for.
def is_quorum(votes, servers, phase):
    voters = set(votes) & set(servers)
    return 2 * len(voters) > len(servers) if phase == 1 else 2 * len(voters) >= len(servers)


def safe_pairs(servers):
    return [(a, b) for a in range(1, servers + 1) for b in range(1, servers + 1) if a + b > servers]
