# A mask has a bit for each place in the tuple of servers.
def is_quorum(votes, servers, phase):
    mask = 0
    for vote in votes:
        if vote in servers:
            mask |= 1 << servers.index(vote)
    return (mask.bit_count() * 2 - len(servers)) >= (1 if phase == 1 else 0)


def safe_pairs(servers):
    return {(a, b) for a in range(1, servers + 1) for b in range(1, servers + 1) if a + b > servers}
