# loses: strangers. Whoever has a name between those of two servers is taken for a server.
def is_quorum(votes, servers, phase):

    voters = {v for v in votes if min(servers) <= v <= max(servers)}
    return 2 * len(voters) > len(servers) if phase == 1 else 2 * len(voters) >= len(servers)


def safe_pairs(servers):
    return {(a, b) for a in range(1, servers + 1) for b in range(1, servers + 1) if a + b > servers}
