# Coroutines that are sent one event after the other.
def feed(watcher, run):
    next(watcher)
    for place, event in enumerate(run):
        if watcher.send(event):
            return place
    return None


def keeper():
    promised, bad = {}, False
    while True:
        server, word, ballot, _ = yield bad
        bad = word in ("Promise", "Accepted") and ballot < promised.get(server, ballot)
        if word == "Promise":
            promised[server] = ballot


def promise_kept(run, acceptors):
    return feed(keeper(), run)


def promise_complete(run, acceptors):
    best = {}
    for place, (server, word, ballot, about) in enumerate(run):
        if word == "Promise" and about != best.get(server):
            return place
        if word == "Accepted" and (server not in best or ballot > best[server][0]):
            best[server] = (ballot, about)
    return None


def counter(acceptors):
    tally, winners, bad = {}, [], False
    while True:
        server, word, ballot, value = yield bad
        if word != "Accepted":
            bad = False
            continue
        tally.setdefault(ballot, {}).setdefault(value, set()).add(server)
        if len(tally[ballot][value]) * 2 > acceptors and value not in winners:
            winners.append(value)
        bad = len(winners) > 1


def agreement(run, acceptors):
    return feed(counter(acceptors), run)
