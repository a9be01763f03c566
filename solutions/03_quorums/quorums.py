"""Exercise 03: when are there enough votes? README.md, beside this file, says what to build."""


def is_quorum(votes, servers, phase):
    """Say whether these votes are enough in this phase, 1 or 2: True or False.

    `votes` lists who voted, in the order in which the votes came; `servers` are all servers of the cluster.
    """
    # begin: is_quorum: first find out how many servers of this cluster voted
    voters = {name for name in votes if name in servers}
    if phase == 1:
        return 2 * len(voters) > len(servers)
    return 2 * len(voters) >= len(servers)
    # end


def safe_pairs(servers):
    """Return the set of all safe pairs (quorum of phase 1, quorum of phase 2), in numbers of servers.

    `servers` is how many servers there are. A pair is safe if any two such quorums share a server.
    """
    # begin: safe_pairs: when do any `one` and any `two` of the servers have one in common?
    sizes = range(1, servers + 1)
    return {(one, two) for one in sizes for two in sizes if one + two > servers}
    # end
