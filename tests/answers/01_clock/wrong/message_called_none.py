# loses: order. A message called None is taken for no message.
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
    run = [(p, k if str(m) != "None" else "local", m) for p, k, m in run]
    if one > other:
        return {"before": "after", "concurrent": "concurrent"}[order(run, other, one)]
    ps, ms = {run[one][0]}, {run[one][2]} if run[one][1] == "send" else set()
    for i in range(one + 1, other + 1):
        p, k, m = run[i]
        if k == "receive" and m in ms:
            ps.add(p)
        if p in ps and k == "send":
            ms.add(m)
    return "before" if run[other][0] in ps else "concurrent"
