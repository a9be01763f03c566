# loses: message_order. The clock ignores the time that comes with a message.
class LamportClock:
    def __init__(self):
        self.time = 0

    def local(self):
        self.time += 1
        return self.time

    send = local

    def receive(self, stamp):
        return self.local()


def order(run, one, other):
    before = []
    for i, (who, kind, message) in enumerate(run):
        causes = {j for j in range(i) if run[j][0] == who or (kind == "receive" and run[j][1:] == ("send", message))}
        before.append(causes.union(*(before[j] for j in causes)))
    return "before" if one in before[other] else "after" if other in before[one] else "concurrent"
