# loses: quiet. Two proposals are taken for two decisions.
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
    first = None
    for place, (server, word, ballot, about) in enumerate(run):
        if word == "Accept":
            if first not in (None, about):
                return place
            first = about
    return None
