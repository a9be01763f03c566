# loses: promise_kept. A vote above the promise ends it: what comes after may be as low as it likes.

def promise_kept(run, acceptors):
    promised = {}
    for place, (server, word, ballot, about) in enumerate(run):
        if word in ("Promise", "Accepted") and ballot < promised.get(server, (0, 0)):
            return place
        if word == "Accepted" and ballot > promised.get(server, (0, 0)):
            promised.pop(server, None)
        if word == "Promise":
            promised[server] = ballot
    return None

def promise_complete(run, acceptors):
    best = {}
    for place, (server, word, ballot, about) in enumerate(run):
        if word == "Accepted" and (server not in best or ballot >= best[server][0]):
            best[server] = (ballot, about)
        if word == "Promise" and about != best.get(server):
            return place
    return None

def agreement(run, acceptors):
    voters, chosen = {}, set()
    for place, (server, word, ballot, about) in enumerate(run):
        if word == "Accepted":
            voters.setdefault((ballot, about), set()).add(server)
            if len(voters[ballot, about]) > acceptors // 2:
                chosen.add(about)
                if len(chosen) > 1:
                    return place
    return None
