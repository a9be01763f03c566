# loses: order. What an event has seen is a word of 64 bits: later events find no room.
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
    def masks():
        last, sent, out = {}, {}, []
        for i, (p, k, m) in enumerate(run):
            mask = last.get(p, 0) | (sent[m] if k == "receive" else 0) | 1 << i
            mask &= 2**64 - 1
            last[p] = mask
            if k == "send":
                sent[m] = mask
            out.append(mask)
        return out

    ms = masks()
    if one == other:
        return "concurrent"
    return "before" if ms[other] >> one & 1 else "after" if ms[one] >> other & 1 else "concurrent"
