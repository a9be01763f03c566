def promise_kept(run, acceptors):
    """Looks back from each event."""
    for place, event in enumerate(run):
        if event[1] not in {"Promise", "Accepted"}:
            continue
        bounds = [b for s, w, b, _ in run[:place] if s == event[0] and w == "Promise"]
        if bounds and event[2] < max(bounds):
            return place


def promise_complete(run, acceptors):
    for place, (server, word, ballot, about) in enumerate(run):
        cast = sorted({(b, v) for s, w, b, v in run[:place] if (s, w) == (server, "Accepted")})
        if word == "Promise" and about != (cast[-1] if cast else None):
            return place


def agreement(run, acceptors):
    def chosen(upto):
        said = {(b, v, s) for s, w, b, v in run[:upto] if w == "Accepted"}
        return {v for b, v, _ in said if sum((b, v) == (x, y) for x, y, _ in said) > acceptors // 2}
    for place in range(len(run)):
        if len(chosen(place + 1)) > 1:
            return place
