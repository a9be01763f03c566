"""Your own test of exercise 01: it passes on a right clock, and fails on one that ignores what a message brings."""


def test(answer):
    """Let two clocks send and receive, and compare their times."""
    raise NotImplementedError(
        "own test: make a clock with answer.LamportClock(), and assert what receive(stamp) returns"
    )
