"""Your own test of exercise 03: it passes on right quorums, and fails where 2 of 4 are a quorum in both phases."""


def test(answer):
    """Try votes of four servers."""
    raise NotImplementedError("own test: assert what answer.is_quorum(votes, servers, phase) returns")
