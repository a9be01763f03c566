# loses: agreement. Four votes are never a majority.
def promise_kept(run, acceptors):
    last = {}
    for place, (server, word, ballot, about) in enumerate(run):
        if word in ("Promise", "Accepted") and ballot < last.get(server, (0, 0)):
            return place
        if word == "Promise":
            last[server] = ballot
    return None


def promise_complete(run, acceptors):
    top = {}
    for place, (server, word, ballot, about) in enumerate(run):
        if word == "Promise" and about != top.get(server):
            return place
        if word == "Accepted":
            top[server] = max(top.get(server, ((0, 0), "")), (ballot, about), key=lambda vote: vote[0])
    return None


def agreement(run, acceptors):
    votes, chosen = {}, set()
    for place, (server, word, ballot, about) in enumerate(run):
        if word == "Accepted":
            voters = votes.setdefault((ballot, about), set())
            voters.add(server)
            if len(voters) == acceptors // 2 + 1 and len(voters) < 4:
                chosen.add(about)
                if len(chosen) > 1:
                    return place
    return None
