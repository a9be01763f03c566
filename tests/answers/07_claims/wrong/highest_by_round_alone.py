# loses: promise_complete. Of two votes in one round the later counts as the higher one.
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
        if word == "Accepted" and ballot[0] >= highest.get(server, ((0, 0), None))[0][0]:
            highest[server] = ballot, about
    return None


def agreement(run, acceptors):
    voters, chosen = {}, None
    for place, (server, word, ballot, about) in enumerate(run):
        if word == "Accepted":
            voters.setdefault((ballot, about), set()).add(server)
            if len(voters[ballot, about]) > acceptors / 2:
                if chosen not in (None, about):
                    return place
                chosen = about
    return None
