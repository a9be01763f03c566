# loses: order. It follows a chain of four steps at most.
from itertools import count

class LamportClock:
    def __init__(self):
        self.log = [0]

    def event(self, *floor):
        self.log.append(1 + max(*floor, *self.log))
        return self.log[-1]

    def local(self):
        return self.event(0)

    def send(self):
        return self.event(0)

    def receive(self, stamp):
        return self.event(stamp)


def steps(run, place):
    process, kind, message = run[place]
    for later in range(place + 1, len(run)):
        if run[later][0] == process:
            yield later
        if kind == "send" and run[later][1:] == ("receive", message):
            yield later


def reaches(run, start, goal, deep=4):
    return deep > 0 and any(later == goal or reaches(run, later, goal, deep - 1) for later in steps(run, start))


def order(run, one, other):
    return "before" if reaches(run, one, other) else "after" if reaches(run, other, one) else "concurrent"
