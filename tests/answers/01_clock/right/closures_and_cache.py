# The clock's methods are made when the clock is made; an event's past is remembered.
from functools import lru_cache


class LamportClock:
    def __init__(self):
        time = 0

        def tick(stamp=0):
            nonlocal time
            time = max(time, stamp) + 1
            return time

        self.local = self.send = tick
        self.receive = tick


@lru_cache(maxsize=None)
def past(run, place):
    process, kind, message = run[place]
    found = frozenset([place])
    for earlier in range(place):
        if run[earlier][0] == process or (kind == "receive" and run[earlier][1:] == ("send", message)):
            found |= past(run, earlier)
    return found


def order(run, one, other):
    run = tuple(tuple(event) for event in run)
    if one in past(run, other):
        return "before"
    if other in past(run, one):
        return "after"
    return "concurrent"
