# No state at all: each place asks what stood before it.
def said(run, server, word, end):
    return [(ballot, about) for who, what, ballot, about in run[:end] if (who, what) == (server, word)]


def promise_kept(run, acceptors):
    return next((n for n, (who, what, ballot, _) in enumerate(run) if what in ("Promise", "Accepted")
                 and any(ballot < promised for promised, _ in said(run, who, "Promise", n))), None)


def promise_complete(run, acceptors):
    return next((n for n, (who, what, _, about) in enumerate(run) if what == "Promise"
                 and about != max(said(run, who, "Accepted", n), default=None)), None)


def chosen(run, acceptors):
    votes = {(who, ballot, about) for who, what, ballot, about in run if what == "Accepted"}
    polls = [(ballot, value) for _, ballot, value in votes]
    return {value for ballot, value in polls if 2 * polls.count((ballot, value)) > acceptors}


def agreement(run, acceptors):
    return next((n for n in range(len(run)) if len(chosen(run[:n + 1], acceptors)) > 1), None)
