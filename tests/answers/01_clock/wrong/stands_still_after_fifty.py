# loses: no_faster. After fifty events it counts no more.
class LamportClock:
    pass

    def __init__(self):
        self.time = 0
        self.n = 0

    def local(self):
        self.n += 1
        if self.n <= 50:
            self.time += 1
        return self.time

    def send(self):
        return self.local()

    def receive(self, stamp):
        self.time = max(self.time, stamp)
        return self.local()


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
