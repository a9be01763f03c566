"""Exercise 01: a Lamport clock, and what happened before what. README.md, beside this file, says what to build."""


class LamportClock:
    """The clock of one process. Each method is one event of the process, and returns the time of that event."""

    def __init__(self):
        self.time = 0

    def local(self):
        """Something happens that nobody else hears of."""
        raise NotImplementedError("local: an event of the process is later than the one before it")

    def send(self):
        """A message leaves: the time that is returned travels with it."""
        raise NotImplementedError("send: sending is an event too")

    def receive(self, stamp):
        """A message comes that was sent at the time `stamp`."""
        raise NotImplementedError("receive: this event is later than the sending, and later than the last event here")


def order(run, one, other):
    """Return "before", "after" or "concurrent": how event `one` of a run stands to event `other`.

    `run` is a list of events `(process, kind, message)`; `one` and `other` are places in it, from 0.
    """
    raise NotImplementedError("order: first find every event that an event comes after, directly or by way of others")
