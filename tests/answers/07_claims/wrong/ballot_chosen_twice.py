# loses: quiet. The same value in two ballots breaks it.
# Claims as small machines, all driven by one loop.
from collections import defaultdict


def first(machine, run):
    next(machine)
    for place, event in enumerate(run):
        if machine.send(event):
            return place
    return None


def keeping():
    floor, broken = {}, False
    while True:
        who, what, ballot, _ = yield broken
        if what in ("Promise", "Accepted"):
            broken = ballot < floor.get(who, (0, 0))
            if what == "Promise":
                floor[who] = max(ballot, floor.get(who, (0, 0)))
        else:
            broken = False


def completing():
    votes, broken = {}, False
    while True:
        who, what, ballot, about = yield broken
        broken = what == "Promise" and about != votes.get(who)
        if what == "Accepted" and (who not in votes or votes[who][0] <= ballot):
            votes[who] = (ballot, about)


def agreeing(acceptors):
    ballots, values = defaultdict(set), []
    broken = False
    while True:
        who, what, ballot, about = yield broken
        broken = False
        if what == "Accepted":
            ballots[ballot, about].add(who)
            if len(ballots[ballot, about]) >= acceptors // 2 + 1 and (ballot, about) not in values:
                values.append((ballot, about))
                broken = len(values) > 1


def promise_kept(run, acceptors):
    return first(keeping(), run)


def promise_complete(run, acceptors):
    return first(completing(), run)


def agreement(run, acceptors):
    return first(agreeing(acceptors), run)
