# loses: order. A receive takes the past of the sender as it is now, not when it sent.
# A clock that is a generator; an order by the set of all that an event has seen.
from dataclasses import dataclass, field


def counting():
    now, heard = 0, 0
    while True:
        heard = (yield now) or 0
        now = 1 + (heard if heard > now else now)


@dataclass
class Base:
    ticks: object = field(default_factory=counting)

    def __post_init__(self):
        next(self.ticks)


class LamportClock(Base):
    def local(self):
        return self.ticks.send(None)

    send = local

    def receive(self, stamp):
        return self.ticks.send(stamp)


def order(run, one, other):
    latest, flying, seen = {}, {}, []
    for place, (process, kind, message) in enumerate(run):
        past = latest.get(process, frozenset()) | {place}
        if kind == "receive":
            past |= latest[flying[message]]
        elif kind == "send":
            flying[message] = process
        latest[process] = past
        seen.append(past)
    return {(True, False): "before", (False, True): "after"}.get((one in seen[other], other in seen[one]), "concurrent")
