# loses: meet. It takes the servers to be 1 to N, whatever their names are: then no votes are ever enough.
def is_quorum(votes, servers, phase):
    count = len({vote for vote in votes if 1 <= vote <= len(servers)})
    return 2 * count > len(servers) if phase == 1 else 2 * count >= len(servers)


def safe_pairs(servers):
    return {(a, b) for a in range(1, servers + 1) for b in range(1, servers + 1) if a + b > servers}
