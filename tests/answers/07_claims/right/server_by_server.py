# It takes one acceptor after the other, and keeps the smallest place.
def of(run, server, *words):
    return [(place, word, ballot, about) for place, (who, word, ballot, about) in enumerate(run)
            if who == server and word in words]


def smallest(places):
    return min(places, default=None)


def promise_kept(run, acceptors):
    broken = []
    for server in range(1, acceptors + 1):
        events = of(run, server, "Promise", "Accepted")
        for index, (place, _, ballot, _) in enumerate(events):
            if any(word == "Promise" and other > ballot for _, word, other, _ in events[:index]):
                broken.append(place)
    return smallest(broken)


def promise_complete(run, acceptors):
    broken = []
    for server in range(1, acceptors + 1):
        best = None
        for place, word, ballot, about in of(run, server, "Promise", "Accepted"):
            if word == "Accepted" and (best is None or best[0] < ballot):
                best = (ballot, about)
            elif word == "Promise" and best != about:
                broken.append(place)
    return smallest(broken)


def agreement(run, acceptors):
    when = {}
    for ballot, value in {(event[2], event[3]) for event in run if event[1] == "Accepted"}:
        firsts = {}
        for place, event in enumerate(run):
            if event[1:] == ("Accepted", ballot, value):
                firsts.setdefault(event[0], place)
        places = sorted(firsts.values())
        if len(places) > acceptors // 2:
            moment = places[acceptors // 2]
            when[value] = min(moment, when.get(value, moment))
    return sorted(when.values())[1] if len(when) > 1 else None
