# loses: enough. A server whose name is 0 is not counted.
def is_quorum(votes, servers, phase):

    voters = {v for v in votes if v and v in servers}
    return 2 * len(voters) > len(servers) if phase == 1 else 2 * len(voters) >= len(servers)


def safe_pairs(servers):
    return {(a, b) for a in range(1, servers + 1) for b in range(1, servers + 1) if a + b > servers}
