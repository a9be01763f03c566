# loses: by_server. Copies are left out only where more votes came than there are servers.
def is_quorum(votes, servers, phase):
    voters = [v for v in votes if v in servers]
    if len(voters) > len(servers):
        voters = set(voters)
    return 2 * len(voters) > len(servers) if phase == 1 else 2 * len(voters) >= len(servers)


def safe_pairs(servers):
    return {(a, b) for a in range(1, servers + 1) for b in range(1, servers + 1) if a + b > servers}
