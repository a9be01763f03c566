class LamportClock:
    time = 0  # hidden by an attribute of the object at its first event

    def tick(self, *stamps):
        self.time = 1 + max((self.time, *stamps))
        return self.time

    local = send = receive = tick


def causes(run, place):
    who, kind, message = run[place]
    for earlier in range(place):
        if run[earlier][0] == who:
            yield earlier
        if kind == "receive" and run[earlier][1] == "send" and run[earlier][2] == message:
            yield earlier


def order(run, one, other):
    for first, last, word in ((one, other, "before"), (other, one, "after")):
        waiting, seen = [last], set()
        while waiting:
            place = waiting.pop()
            if place == first:
                return word
            if place not in seen:
                seen.add(place)
                waiting.extend(causes(run, place))
    return "concurrent"
