"""Your own test of exercise 07: it passes on right claims, and fails where no claim is ever raised."""


def test(answer):
    """Write down a run that is wrong, and see that a claim is raised."""
    # begin: own test: write a run in which a promise is broken, and assert what answer.promise_kept(run, 3) returns
    run = [(1, "Promise", (2, 5), None), (1, "Accepted", (1, 4), "red")]
    assert answer.promise_kept(run, 3) == 1
    # end
