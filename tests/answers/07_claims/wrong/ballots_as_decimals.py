# loses: promise_kept. Ballots are compared as floating-point numbers: of seventeen digits the last is lost.
"""Exercise 07: three claims about what servers said. README.md, beside this file, says what to build.

A run is a list of events `(server, word, ballot, about)`. Each claim returns None where it holds, and where it does
not, the place of the first event that breaks it.
"""


def promise_kept(run, acceptors):
    """After it promised a ballot, an acceptor promises and votes in no lower one."""
    promised = {}
    for place, (server, word, ballot, _) in enumerate(run):
        ballot = (float(ballot[0]), float(ballot[1]))
        if word in ("Promise", "Accepted") and ballot < promised.get(server, (0, 0)):
            return place
        if word == "Promise":
            promised[server] = ballot
    return None


def promise_complete(run, acceptors):
    """A promise reports the vote in the highest ballot that its acceptor has cast, None if it cast none."""
    highest = {}
    for place, (server, word, ballot, about) in enumerate(run):
        if word == "Promise" and about != highest.get(server):
            return place
        if word == "Accepted" and ballot >= highest.get(server, ((0, 0), None))[0]:
            highest[server] = ballot, about
    return None


def agreement(run, acceptors):
    """At most one value is chosen: has the votes of more than half of the acceptors in one ballot."""
    voters, chosen = {}, None
    for place, (server, word, ballot, about) in enumerate(run):
        if word == "Accepted":
            voters.setdefault((ballot, about), set()).add(server)
            if len(voters[ballot, about]) > acceptors / 2:
                if chosen not in (None, about):
                    return place
                chosen = about
    return None

