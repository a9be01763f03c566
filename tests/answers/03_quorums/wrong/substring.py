# loses: strangers. It looks for the name in the text of all names: 1 is in 12.
def is_quorum(votes, servers, phase):

    voters = {v for v in votes if str(v) in str(servers)}
    return 2 * len(voters) > len(servers) if phase == 1 else 2 * len(voters) >= len(servers)


def safe_pairs(servers):
    return {(a, b) for a in range(1, servers + 1) for b in range(1, servers + 1) if a + b > servers}
