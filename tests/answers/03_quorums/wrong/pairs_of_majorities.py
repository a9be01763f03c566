# loses: all_sizes. Only pairs of majorities: a small quorum and a large one meet too.
def is_quorum(votes, servers, phase):
    count = len(set(votes) & set(servers))
    return 2 * count > len(servers) if phase == 1 else 2 * count >= len(servers)


def safe_pairs(servers):
    return {(a, b) for a in range(1, servers + 1) for b in range(1, servers + 1) if 2 * a > servers and 2 * b > servers}
