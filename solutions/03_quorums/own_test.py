"""Your own test of exercise 03: it passes on right quorums, and fails where 2 of 4 are a quorum in both phases."""


def test(answer):
    """Try votes of four servers."""
    # begin: own test: assert what answer.is_quorum(votes, servers, phase) returns
    assert not answer.is_quorum([1, 2], (1, 2, 3, 4), phase=1)
    # end
