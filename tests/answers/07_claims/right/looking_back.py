# No memory: at each event it looks back at all before.
def words_of(run, place, server, word):
    return [(ballot, about) for who, said, ballot, about in run[:place] if who == server and said == word]


def promise_kept(run, acceptors):
    for place, (server, word, ballot, about) in enumerate(run):
        if word == "Promise" or word == "Accepted":
            if any(ballot < promised for promised, _ in words_of(run, place, server, "Promise")):
                return place


def promise_complete(run, acceptors):
    for place, (server, word, ballot, about) in enumerate(run):
        if word == "Promise":
            votes = words_of(run, place, server, "Accepted")
            if about != (max(votes) if votes else None):
                return place


def agreement(run, acceptors):
    for place in range(len(run)):
        if len(chosen(run[: place + 1], acceptors)) > 1:
            return place


def chosen(run, acceptors):
    votes = {(ballot, about, server) for server, word, ballot, about in run if word == "Accepted"}
    pairs = [(ballot, about) for ballot, about, _ in votes]
    return {about for ballot, about in pairs if pairs.count((ballot, about)) > acceptors // 2}
