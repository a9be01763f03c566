# loses: by_server. It reads the newest votes only, twice as many as there are servers.
def is_quorum(votes, servers, phase):
    return 2 * len(set(votes[-2 * len(servers) :]) & set(servers)) > len(servers) - (phase == 2)


def safe_pairs(servers):
    sizes = range(1, servers + 1)
    return {(one, two) for one in sizes for two in sizes if one + two > servers}
