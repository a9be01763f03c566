# loses: own_order. Its time begins anew at two to the power of 31.
class LamportClock:
    def __init__(self):
        self.time = 0

    def local(self):
        self.time += 1
        return self.time

    def send(self):
        return self.local()

    def receive(self, stamp):
        self.time = (max(self.time, stamp) + 1) & 0x7FFFFFFF
        return self.time


def order(run, one, other):
    past, last, sent = [], {}, {}
    for place, (process, kind, message) in enumerate(run):
        mine = {place} | last.get(process, set())
        if kind == "receive":
            mine |= sent[message]
        last[process] = mine
        if kind == "send":
            sent[message] = mine
        past.append(mine)
    return "before" if one in past[other] else "after" if other in past[one] else "concurrent"
