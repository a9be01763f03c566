# loses: no_faster. A message from far ahead raises the clock by one too much.
class LamportClock:
    pass

    def __init__(self):
        self.time = 0

    def local(self):
        self.time += 1
        return self.time

    def send(self):
        return self.local()

    def receive(self, stamp):
        self.time = stamp + 2 if stamp > self.time + 50 else max(self.time, stamp) + 1
        return self.time


def order(run, one, other):
    def past(i):
        found, edge = set(), [i]
        while edge:
            at = edge.pop()
            p, k, m = run[at]
            new = {
                j for j in range(at) if run[j][0] == p or (k == "receive" and run[j][1] == "send" and run[j][2] == m)
            } - found
            found |= new
            edge += new
        return found

    return "before" if one in past(other) else "after" if other in past(one) else "concurrent"
