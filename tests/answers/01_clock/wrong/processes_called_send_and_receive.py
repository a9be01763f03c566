# loses: order. It looks for the kind in the whole event: a process called "send" always sends.
class LamportClock:
    def __init__(self):
        self.time = 0

    def local(self):
        self.time += 1
        return self.time

    def send(self):
        return self.local()

    def receive(self, stamp):
        self.time = max(self.time, stamp)
        return self.local()


def order(run, one, other):
    if one > other:
        return "after" if order(run, other, one) == "before" else "concurrent"
    later = {one}
    for j in range(one + 1, len(run)):
        for i in list(later):
            if run[i][0] == run[j][0]:
                later.add(j)
            elif "send" in run[i] and "receive" in run[j] and run[i][2] == run[j][2]:
                later.add(j)
    return "before" if other in later else "concurrent"
