# loses: order. It looks for the kind in the whole event: a received message called "send" is taken for sent.
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


def steps(run):
    sent = {}
    last = {}
    edges = [[] for _ in run]
    for place, event in enumerate(run):
        if event[0] in last:
            edges[last[event[0]]].append(place)
        last[event[0]] = place
        if "send" in event:
            sent[event[2]] = place
        elif "receive" in event:
            edges[sent[event[2]]].append(place)
    return edges


def reach(edges, one, other):
    return one == other or any(reach(edges, step, other) for step in edges[one] if step <= other)


def order(run, one, other):
    edges = steps(run)
    if reach(edges, one, other):
        return "before"
    return "after" if reach(edges, other, one) else "concurrent"
