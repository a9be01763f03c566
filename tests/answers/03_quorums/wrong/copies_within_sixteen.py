# loses: by_server. A copy is found among the sixteen votes before it.
def is_quorum(votes, servers, phase):
    known = [v for v in votes if v in servers]
    voters = [v for i, v in enumerate(known) if v not in known[max(0, i - 16) : i]]
    n = len(voters)
    return 2 * n > len(servers) if phase == 1 else 2 * n >= len(servers)


def safe_pairs(servers):
    return {(a, b) for a in range(1, servers + 1) for b in range(1, servers + 1) if a + b > servers}
