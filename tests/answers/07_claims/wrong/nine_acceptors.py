# loses: promise_kept. Acceptors of two digits are not looked at.

def promise_kept(run, acceptors):
    broken = []
    for acceptor in range(1, 10):
        promised = (0, 0)
        for place, (server, word, ballot, about) in enumerate(run):
            if server == acceptor and word in ("Promise", "Accepted"):
                if ballot < promised:
                    broken.append(place)
                    break
                if word == "Promise":
                    promised = ballot
    return min(broken, default=None)

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
