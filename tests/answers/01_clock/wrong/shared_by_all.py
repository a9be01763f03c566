# loses: no_faster. One counter for all clocks: shared memory, which processes do not have.
class LamportClock:
    time = 0

    def local(self):
        LamportClock.time += 1
        return LamportClock.time

    def send(self):
        return self.local()

    def receive(self, stamp):
        LamportClock.time = max(LamportClock.time, stamp)
        return self.local()


def order(run, one, other):
    before = []
    for i, (who, kind, message) in enumerate(run):
        causes = {j for j in range(i) if run[j][0] == who or (kind == "receive" and run[j][1:] == ("send", message))}
        before.append(causes.union(*(before[j] for j in causes)))
    return "before" if one in before[other] else "after" if other in before[one] else "concurrent"
