# loses: order. Two equal events of one process, both local, are taken for one.
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
    reached = [run[one]]
    for event in run[one + 1 :]:
        for cause in reached:
            if cause[0] == event[0] or (cause[1] == "send" and event[1] == "receive" and cause[2] == event[2]):
                reached.append(event)
                break
    return "before" if run[other] in reached else "concurrent"
