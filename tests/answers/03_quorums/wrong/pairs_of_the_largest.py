# loses: all_sizes. It keeps the largest number of servers that it was asked for.
def is_quorum(votes, servers, phase):
    n, s = len(set(votes) & set(servers)), len(servers)
    return 2 * n > s if phase == 1 else 2 * n >= s


MOST = [0]


def safe_pairs(n):
    n = MOST[0] = max(n, MOST[0])
    return {(a, b) for a in range(1, n + 1) for b in range(1, n + 1) if a + b > n}
