# order by vector clocks; the Lamport clock with the next time instead of the last.
class LamportClock:
    def __init__(self):
        self.next = 1

    def local(self):
        now, self.next = self.next, self.next + 1
        return now

    def send(self):
        return self.local()

    def receive(self, stamp):
        if stamp >= self.next:
            self.next = stamp + 1
        return self.local()


def order(run, one, other):
    vectors, sent, stamps = {}, {}, []
    for process, kind, message in run:
        vector = dict(vectors.get(process, {}))
        if kind == "receive":
            for name, count in sent[message].items():
                vector[name] = max(vector.get(name, 0), count)
        vector[process] = vector.get(process, 0) + 1
        vectors[process] = vector
        stamps.append(vector)
        if kind == "send":
            sent[message] = vector

    def below(a, b):
        return all(count <= stamps[b].get(name, 0) for name, count in stamps[a].items())

    if below(one, other):
        return "before"
    return "after" if below(other, one) else "concurrent"
