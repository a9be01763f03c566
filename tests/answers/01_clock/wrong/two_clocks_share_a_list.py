# loses: no_faster. The past is a default argument: all clocks count together.
# A clock that is a closure over a counter; an order by the transitive closure of a matrix.
from itertools import product


class LamportClock:
    def __init__(self, past=[0]):

        def tick(*others):
            past.append(max([past[-1], *others]) + 1)
            return past[-1]

        self.local = self.send = tick
        self.receive = tick


def order(run, one, other):
    n = len(run)
    reach = [[False] * n for _ in run]
    for i, j in product(range(n), repeat=2):
        same = run[i][0] == run[j][0] and i < j
        carried = run[i][1] == "send" and run[j][1] == "receive" and run[i][2] == run[j][2]
        reach[i][j] = same or carried
    for k, i, j in product(range(n), repeat=3):
        reach[i][j] = reach[i][j] or (reach[i][k] and reach[k][j])
    if reach[one][other]:
        return "before"
    return "after" if reach[other][one] else "concurrent"
