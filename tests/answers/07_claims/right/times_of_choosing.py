# Beginner's loops, and for each value the time at which it was first chosen.
def promise_kept(run, acceptors):
    broken = []
    for acceptor in range(1, acceptors + 1):
        promised = None
        for place in range(len(run)):
            event = run[place]
            if event[0] != acceptor:
                continue
            if event[1] == "Promise" or event[1] == "Accepted":
                if promised is not None and event[2] < promised:
                    broken.append(place)
                    break
                if event[1] == "Promise":
                    promised = event[2]
    if broken == []:
        return None
    else:
        return min(broken)


def promise_complete(run, acceptors):
    places = [p for p in range(len(run)) if run[p][1] == "Promise" and run[p][3] != highest(run, p)]
    return min(places, default=None)


def highest(run, before):
    best = None
    for p in range(before):
        if run[p][1] == "Accepted" and run[p][0] == run[before][0]:
            if best is None or run[p][2] >= best[0]:
                best = (run[p][2], run[p][3])
    return best


def agreement(run, acceptors):
    """The time at which each value was first chosen; the second of them is the place."""
    times = {}
    ballots = {(e[2], e[3]) for e in run if e[1] == "Accepted"}
    for ballot, value in ballots:
        firsts = {}
        for place, event in enumerate(run):
            if event[1:] == ("Accepted", ballot, value):
                firsts.setdefault(event[0], place)
        order = sorted(firsts.values())
        need = acceptors // 2 + 1
        if len(order) >= need:
            times.setdefault(value, []).append(order[need - 1])
    earliest = sorted(min(when) for when in times.values())
    return earliest[1] if len(earliest) > 1 else None
