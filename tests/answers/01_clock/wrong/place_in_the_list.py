# loses: six_pairs. What the observer saw first is taken for what happened first.
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
    return "before" if one < other else "after"
