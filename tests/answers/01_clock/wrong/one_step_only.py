# loses: order. It follows one message and forgets that a chain may have several.
class LamportClock:
    def __init__(self):
        self.time = 0

    def local(self):
        self.time += 1
        return self.time

    send = local

    def receive(self, stamp):
        self.time = max(self.time, stamp) + 1
        return self.time


def order(run, one, other):
    def leads(a, b):
        if a >= b:
            return False
        if run[a][0] == run[b][0]:
            return True
        for i in range(a, len(run)):
            for j in range(i, b + 1):
                if run[i][:2] == (run[a][0], "send") and run[j] == (run[b][0], "receive", run[i][2]):
                    return True
        return False

    return "before" if leads(one, other) else "after" if leads(other, one) else "concurrent"
