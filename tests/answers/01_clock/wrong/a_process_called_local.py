# loses: order. It looks for the kind in the whole event: a process called "local" sends nothing.
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
    def leads(a, b):
        todo, seen = [a], {a}
        while todo:
            i = todo.pop()
            for j in range(i + 1, len(run)):
                same = run[i][0] == run[j][0]
                mail = "local" not in run[i] and "local" not in run[j] and run[i][2] == run[j][2]
                if (same or mail) and j not in seen:
                    seen.add(j)
                    todo.append(j)
        return b in seen

    return "before" if leads(one, other) else "after" if leads(other, one) else "concurrent"
