# loses: enough. A table that ends at 6 servers.
# Quorums as what is missing; pairs by trying the two ends of a line of servers.
def is_quorum(votes, servers, phase):
    missing = [server for server in servers if server not in votes]
    n = len(servers)
    allowed = {1: [0, 0, 0, 1, 1, 2, 2][min(n, 6)], 2: n // 2}
    return len(missing) <= allowed[phase]


def safe_pairs(servers):
    line = list(range(servers))
    return {(a, b) for a in range(1, servers + 1) for b in range(1, servers + 1)
            if set(line[:a]) & set(line[servers - b:])}
