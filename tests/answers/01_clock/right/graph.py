# A graph of steps, made once a call; reachability by depth first.
class LamportClock:
    """Keeps the whole list of its times."""

    def __init__(self):
        self.times = [0]

    def _add(self, floor):
        self.times.append(max(self.times[-1], floor) + 1)
        return self.times[-1]

    def local(self):
        return self._add(0)

    def send(self):
        return self._add(0)

    def receive(self, stamp):
        return self._add(stamp)


def reaches(graph, start, end):
    return start == end or any(reaches(graph, following, end) for following in graph[start])


def order(run, one, other):
    graph = {place: [] for place in range(len(run))}
    last, sends = {}, {}
    for place, (who, kind, message) in enumerate(run):
        if who in last:
            graph[last[who]].append(place)
        last[who] = place
        if kind == "send":
            sends[message] = place
        if kind == "receive":
            graph[sends[message]].append(place)
    if reaches(graph, one, other):
        return "before"
    return "after" if reaches(graph, other, one) else "concurrent"
