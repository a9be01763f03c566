# loses: strangers. Of a stranger's votes the first is removed; the others count.
def is_quorum(votes, servers, phase):
    votes = list(votes)
    for stranger in set(votes) - set(servers):
        votes.remove(stranger)
    voters = len(set(votes))
    return 2 * voters > len(servers) if phase == 1 else 2 * voters >= len(servers)


def safe_pairs(servers):
    sizes = range(1, servers + 1)
    return {(a, b) for a in sizes for b in sizes if a + b > servers}
