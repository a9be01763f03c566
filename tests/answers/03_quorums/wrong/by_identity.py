# loses: enough. Names are compared with `is`: great numbers that are equal need not be one object.
def is_quorum(votes, servers, phase):
    n = sum(any(v is s for v in votes) for s in servers)
    return 2 * n > len(servers) - (phase == 2)


def safe_pairs(servers):
    sizes = range(1, servers + 1)
    return {(one, two) for one in sizes for two in sizes if one + two > servers}
