"""Exercise 07: three claims about what servers said. README.md, beside this file, says what to build.

A run is a list of events `(server, word, ballot, about)`. Each claim returns None where it holds, and where it does
not, the place of the first event that breaks it.
"""


def promise_kept(run, acceptors):
    """After it promised a ballot, an acceptor promises and votes in no lower one."""
    raise NotImplementedError(
        "promise_kept: what do you have to remember of each acceptor, and which words change that?"
    )


def promise_complete(run, acceptors):
    """A promise reports the vote in the highest ballot that its acceptor has cast, None if it cast none."""
    raise NotImplementedError("promise_complete: which of an acceptor's votes is the one to report?")


def agreement(run, acceptors):
    """At most one value is chosen: has the votes of more than half of the acceptors in one ballot."""
    raise NotImplementedError("agreement: when is a value chosen? Count acceptors, not messages")
