# loses: quiet. Once it promised, an acceptor is bound by its votes too.
def promise_kept(run, acceptors):
    last = {}
    for place, (server, word, ballot, about) in enumerate(run):
        if word in ("Promise", "Accepted") and ballot < last.get(server, (0, 0)):
            return place
        if word == "Promise" or (word == "Accepted" and server in last):
            last[server] = max(ballot, last.get(server, ballot))
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
            if 2 * len(voters) > acceptors:
                chosen.add(about)
                if len(chosen) > 1:
                    return place
    return None
