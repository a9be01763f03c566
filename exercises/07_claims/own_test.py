"""Your own test of exercise 07: it passes on right claims, and fails where no claim is ever raised."""


def test(answer):
    """Write down a run that is wrong, and see that a claim is raised."""
    raise NotImplementedError(
        "own test: write a run in which a promise is broken, and assert what answer.promise_kept(run, 3) returns"
    )
