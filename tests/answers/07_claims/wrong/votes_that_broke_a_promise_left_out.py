# loses: promise_complete. A vote below the promise is a vote all the same.
def promise_kept(run, acceptors):
    promised = {}
    for place, (server, word, ballot, about) in enumerate(run):
        if word in ("Promise", "Accepted") and ballot < promised.get(server, (0, 0)):
            return place
        if word == "Promise":
            promised[server] = ballot
    return None


def promise_complete(run, acceptors):
    best, promised = {}, {}
    for place, (server, word, ballot, about) in enumerate(run):
        if word == "Promise" and about != best.get(server):
            return place
        if word == "Promise":
            promised[server] = ballot
        if word == "Accepted" and ballot >= promised.get(server, (0, 0)) and (server not in best or ballot > best[server][0]):
            best[server] = (ballot, about)
    return None


def agreement(run, acceptors):
    voters, chosen = {}, set()
    for place, (server, word, ballot, about) in enumerate(run):
        if word == "Accepted":
            who = voters.setdefault((ballot, about), set())
            who.add(server)
            if 2 * len(who) > acceptors:
                chosen.add(about)
                if len(chosen) > 1:
                    return place
    return None
