"""Exercise 01: a Lamport clock, and what happened before what. README.md, beside this file, says what to build."""


class LamportClock:
    """The clock of one process. Each method is one event of the process, and returns the time of that event."""

    def __init__(self):
        self.time = 0

    def local(self):
        """Something happens that nobody else hears of."""
        # begin: local: an event of the process is later than the one before it
        self.time += 1
        return self.time
        # end

    def send(self):
        """A message leaves: the time that is returned travels with it."""
        # begin: send: sending is an event too
        return self.local()
        # end

    def receive(self, stamp):
        """A message comes that was sent at the time `stamp`."""
        # begin: receive: this event is later than the sending, and later than the last event here
        self.time = max(self.time, stamp)
        return self.local()
        # end


def order(run, one, other):
    """Return "before", "after" or "concurrent": how event `one` of a run stands to event `other`.

    `run` is a list of events `(process, kind, message)`; `one` and `other` are places in it, from 0.
    """
    # begin: order: first find every event that an event comes after, directly or by way of others
    if one > other:
        return {"before": "after", "concurrent": "concurrent"}[order(run, other, one)]
    later = {one}
    for index in range(one + 1, len(run)):
        process, kind, message = run[index]
        for cause in list(later):
            sent_here = kind == "receive" and run[cause][1:] == ("send", message)
            if run[cause][0] == process or sent_here:
                later.add(index)
    return "before" if other in later else "concurrent"
    # end
