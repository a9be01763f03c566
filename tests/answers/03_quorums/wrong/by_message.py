# loses: by_server. It counts messages (M13).
def is_quorum(votes, servers, phase):
    count = len([vote for vote in votes if vote in servers])
    return 2 * count > len(servers) if phase == 1 else 2 * count >= len(servers)


def safe_pairs(servers):
    return {(a, b) for a in range(1, servers + 1) for b in range(1, servers + 1) if a + b > servers}
