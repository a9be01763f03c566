# Each claim is an object that sees one event after the other.
from collections import Counter, defaultdict
from dataclasses import dataclass, field


@dataclass
class Kept:
    high: dict = field(default_factory=lambda: defaultdict(lambda: (0, 0)))

    def see(self, server, word, ballot, about):
        low = word in {"Promise", "Accepted"} and self.high[server] > ballot
        if word == "Promise" and not low:
            self.high[server] = ballot
        return low


class Complete:
    def __init__(self):
        self.best = {}

    def see(self, server, word, ballot, about):
        match word:
            case "Promise":
                return self.best.get(server) != about
            case "Accepted":
                self.best[server] = max(self.best.get(server, ((0, 0), "")), (ballot, about))
        return False


class Agreement:
    def __init__(self, acceptors):
        self.need = acceptors // 2 + 1
        self.seen = set()
        self.count = Counter()

    def see(self, *event):
        server, word, ballot, about = event
        if word == "Accepted" and event not in self.seen:
            self.seen.add(event)
            self.count[ballot, about] += 1
        return len({value for (_, value), number in self.count.items() if number >= self.need}) > 1


def first(claim, run):
    return next((place for place, event in enumerate(run) if claim.see(*event)), None)


def promise_kept(run, acceptors):
    return first(Kept(), run)


def promise_complete(run, acceptors):
    return first(Complete(), run)


def agreement(run, acceptors):
    return first(Agreement(acceptors), run)
