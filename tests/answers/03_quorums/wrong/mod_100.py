# loses: strangers. Names are compared by their last two digits.
def is_quorum(votes, servers, phase):

    voters = {v % 100 for v in votes} & {s % 100 for s in servers}
    return 2 * len(voters) > len(servers) if phase == 1 else 2 * len(voters) >= len(servers)


def safe_pairs(servers):
    return {(a, b) for a in range(1, servers + 1) for b in range(1, servers + 1) if a + b > servers}
