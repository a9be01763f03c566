# loses: own_order. After 999 comes 0.
class LamportClock:
    def __init__(self):
        self.time = 0

    def local(self):
        self.time = (self.time + 1) % 1000
        return self.time

    send = local

    def receive(self, stamp):
        self.time = max(self.time, stamp) + 1
        return self.time


def order(run, one, other):
    past = []
    for place, (process, kind, message) in enumerate(run):
        mine = set()
        for before in range(place):
            p, k, m = run[before]
            if p == process or (kind == "receive" and k == "send" and m == message):
                mine |= past[before] | {before}
        past.append(mine)
    if one in past[other]:
        return "before"
    if other in past[one]:
        return "after"
    return "concurrent"
