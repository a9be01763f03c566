# loses: quiet. A vote is taken for a copy only if it comes right after the first: others count once more.
def promise_kept(run, acceptors):
    promised = {}
    for place, (server, word, ballot, _) in enumerate(run):
        if word in ("Promise", "Accepted") and ballot < promised.get(server, (0, 0)):
            return place
        if word == "Promise":
            promised[server] = ballot
    return None


def promise_complete(run, acceptors):
    highest = {}
    for place, (server, word, ballot, about) in enumerate(run):
        if word == "Promise" and about != highest.get(server):
            return place
        if word == "Accepted" and ballot >= highest.get(server, ((0, 0), None))[0]:
            highest[server] = ballot, about
    return None


def agreement(run, acceptors):
    voters, chosen = {}, None
    for place, (server, word, ballot, about) in enumerate(run):
        if word == "Accepted" and (server, word, ballot, about) != run[place - 1]:
            voters.setdefault((ballot, about), []).append(server)
            if len(voters[ballot, about]) > acceptors / 2:
                if chosen not in (None, about):
                    return place
                chosen = about
    return None
