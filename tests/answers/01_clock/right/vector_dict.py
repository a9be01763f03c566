# Vector clocks in dictionaries, of which one component is compared.
class LamportClock:
    def __init__(self):
        self.time = 0

    def local(self):
        self.time += 1
        return self.time

    def send(self):
        return self.local()

    def receive(self, stamp):
        self.time = max(self.time, stamp) + 1
        return self.time


def order(run, one, other):
    """Vector clocks in dictionaries, compared by the component of the earlier event's process only."""
    now, travelling, stamps = {}, {}, []
    for process, kind, message in run:
        clock = dict(now.get(process, {}))
        if kind == "receive":
            for name, time in travelling[message].items():
                clock[name] = max(clock.get(name, 0), time)
        clock[process] = clock.get(process, 0) + 1
        now[process] = clock
        if kind == "send":
            travelling[message] = clock
        stamps.append((process, clock))
    (p, a), (q, b) = stamps[one], stamps[other]
    if a[p] <= b.get(p, 0):
        return "before"
    if b[q] <= a.get(q, 0):
        return "after"
    return "concurrent"
