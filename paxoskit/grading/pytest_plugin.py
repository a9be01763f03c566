"""What `pytest exercises/04_acceptor` needs: where the answers are, the seed, and a way to judge one property.

The tests of an exercise list its properties by name. Each runs in this process, so `breakpoint()` works; a property
that is lost fails with words and its story, and with no frame of the kit.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the exercises."""
    group = parser.getgroup("paxoskit")
    group.addoption("--answers", metavar="DIR", help="judge the answers in this folder, such as solutions")
    group.addoption("--seed", type=int, default=0, metavar="N", help="try other schedules (0)")


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave a learner's own tests to the property that judges them: they are for an answer, not for pytest."""
    return True if collection_path.name == "own_test.py" else None


@pytest.fixture
def holds(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Return a function that judges one property of the exercise in whose folder the test lies."""
    from paxoskit.grading.check import check_property

    folder = Path(str(request.node.path)).parent
    answers = request.config.getoption("--answers")
    seed = request.config.getoption("--seed")

    def judged(property_id: str) -> None:
        __tracebackhide__ = True
        result = check_property(folder.name, property_id, Path(answers) / folder.name if answers else folder, seed)
        if result.printed:
            print(result.printed, end="")
        if result.points < result.of:
            pytest.fail(f"{result.title}\n\n{result.says}", pytrace=False)

    return judged
