# loses: order. It compares Lamport times: concurrent events look ordered.
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
    clocks, stamps, times = {}, {}, []
    for who, kind, message in run:
        clock = clocks.setdefault(who, LamportClock())
        times.append(clock.receive(stamps[message]) if kind == "receive" else clock.local())
        if kind == "send":
            stamps[message] = times[-1]
    if times[one] == times[other]:
        return "concurrent"
    return "before" if times[one] < times[other] else "after"
