# loses: agreement. Majorities of 1, 3, 4, 5 and 7 acceptors are written down; of others there is none.
def promise_kept(run, acceptors):
    promised = {}
    for place, (server, word, ballot, about) in enumerate(run):
        if word in ("Promise", "Accepted") and ballot < promised.get(server, (0, 0)):
            return place
        if word == "Promise":
            promised[server] = ballot
    return None


def promise_complete(run, acceptors):
    best = {}
    for place, (server, word, ballot, about) in enumerate(run):
        if word == "Promise" and about != best.get(server):
            return place
        if word == "Accepted" and (server not in best or ballot > best[server][0]):
            best[server] = (ballot, about)
    return None


def agreement(run, acceptors):
    voters, chosen = {}, set()
    for place, (server, word, ballot, about) in enumerate(run):
        if word == "Accepted":
            who = voters.setdefault((ballot, about), set())
            who.add(server)
            if len(who) >= {1: 1, 3: 2, 4: 3, 5: 3, 7: 4}[acceptors]:
                chosen.add(about)
                if len(chosen) > 1:
                    return place
    return None
