"""What is new in a space-time diagram makes of the old one the new one, in Python and in the browser's language."""

import json
from collections.abc import Iterator
from itertools import pairwise
from random import Random

import pytest

from paxoskit.lab.news import news, patched
from paxoskit.pictures.spacetime import Diagram, spacetime
from paxoskit.worlds.simulator import Simulator
from paxoskit.worlds.stepper import Stepper
from paxoskit.worlds.steppers import stepper_of_simulator
from tests.lab.stage import in_node

WINDOWS = [{}, {"quiet": True}, {"kinds": ["Accept", "crash"]}, {"servers": [1, 3]}]


def walk(seed: int, **window: object) -> Iterator[Diagram]:
    """The diagram at each step of somebody who goes to and fro through a run with faults, and branches."""
    stepper, dice = stepper_of_simulator(Simulator(seed, 3, nemesis="all")), Random(seed)
    for _ in range(80):
        stepper.step()
    for number in range(60):
        yield json.loads(json.dumps({**spacetime(stepper.newest(2_000), most=20, **window), "version": number}))
        _move(stepper, dice)


def _move(stepper: Stepper, dice: Random) -> None:
    match dice.randrange(6):
        case 0 | 1 | 2:
            stepper.step()
        case 3:
            stepper.back()
        case 4:
            stepper.goto(dice.randrange(max(1, stepper.moment.number - 5), stepper.moment.number + 1))
        case _:
            stepper.choose(dice.choice(stepper.choices()))


@pytest.mark.parametrize("window", WINDOWS, ids=["plain", "quiet", "kinds", "servers"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_old_diagram_and_what_is_new_are_the_new_one(seed, window):
    told = 0
    diagrams = list(walk(seed, **window))
    for old, new in pairwise(diagrams):
        fresh = news(old, new)
        if fresh is not None:
            assert patched(old, fresh) == new
            told += 1
    assert told > 30


def test_the_browser_makes_the_same_of_it():
    diagrams = list(walk(4))
    pairs = [(old, fresh, new) for old, new in pairwise(diagrams) if (fresh := news(old, new))][::6]
    given = json.dumps([[old, fresh] for old, fresh, _ in pairs])
    found = in_node(f"{given}.map(([old, fresh]) => patched(old, fresh))")
    assert found == [new for _, _, new in pairs]
    assert len(pairs) > 5


def test_one_step_is_a_small_part_of_the_diagram():
    stepper = stepper_of_simulator(Simulator(1, 5))
    for _ in range(300):
        stepper.step()
    old = {**spacetime(stepper.newest(2_000)), "version": 1}
    for number in range(2, 30):
        stepper.step()
        new = {**spacetime(stepper.newest(2_000)), "version": number}
        fresh = news(old, new)
        assert fresh is not None and len(json.dumps(fresh)) < 0.15 * len(json.dumps(new))
        old = new


def test_other_lines_are_sent_whole():
    run = Simulator(1, 3)
    run.run(3_000)
    old, new = ({**spacetime(run.trace, servers=servers), "version": 1} for servers in ([1, 2], [1, 3]))
    assert news(old, new) is None
