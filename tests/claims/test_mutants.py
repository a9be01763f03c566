"""Every classic mistake is found, by the claims and not by luck; what only looks wrong is let be.

A mutant runs under seed after seed until a claim falls, or, at the end of a run, until something asked was
not answered. That run then goes on a little, to see which other claims fall: the table says.
"""

from dataclasses import replace
from functools import cache
from statistics import median
from typing import NamedTuple
from unittest import mock

import pytest

from paxoskit.claims.safety import SAFETY, safety_claims
from paxoskit.worlds import world
from tests.mutants import MUTANTS, SLOW, TRAPS, Mutant

SEEDS, STEPS, FURTHER = 200, 2_000, 600
LIVENESS, RAISES = "everything asked is answered", "its own code raises"
CLAIMS = [claim.name for claim in SAFETY]
HEADINGS = [*CLAIMS, LIVENESS, RAISES]

WITNESSES = {
    "P2c": ("M9", "all"),
    "a promise is kept": ("M3", "all"),
    "a promise is complete": ("first", "all"),
    "one value per ballot and slot": ("M7", "all"),
    "only chosen blocks are applied": ("eager", "loss"),
    "chains are prefixes of one another": ("M24", "all"),
    "links and nonces hold": ("nonce", "all"),
    "store = fold(chain)": ("fold", "none"),
    "each request takes effect once": ("old", SLOW),
    "only asked values": ("tidy", "all"),
    "linearizable per key": ("M39", "all"),
    "no acknowledged write is lost": ("M40", "all"),
}
"""For each claim a mutant which only this claim finds, in some seed under this nemesis."""

FOLLOWS = {
    "agreement": "from P2b (for two ballots) and one value per ballot and slot (for one ballot)",
    "P2b": "from P2c, a promise is kept and a promise is complete, by induction over the ballots",
}
"""Where no mutant breaks a claim alone, those that it follows from (test_safety.py breaks it by hand)."""


class Death(NamedTuple):
    """What became of a mutant: the seed, the steps until the first claim fell, and all that fell."""

    seed: int
    steps: int
    claims: tuple[str, ...]


@cache
def death(mutant: Mutant) -> Death | None:
    """Run a mutant under seed after seed until a claim falls."""
    steps = 0
    for seed in range(SEEDS):
        fallen, taken = run(mutant, seed)
        steps += taken
        if fallen:
            return Death(seed, steps, tuple(fallen))
    return None


def run(
    mutant: Mutant, seed: int, steps: int = STEPS, further: int = FURTHER, without: tuple[str, ...] = ()
) -> tuple[list[str], int]:
    """Run a mutant once; return the claims that fell, in order, and the steps until the first did."""
    with mock.patch.object(world, "Client", mutant.client):
        simulator = mutant.simulator(
            seed, mutant.classes, nemesis=mutant.nemesis, claims=safety_claims(without=without)
        )
        first, last, fallen = 0, steps, list[str]()
        try:
            while simulator.agenda and simulator.steps < last:
                simulator.step()
                if simulator.world.violations:
                    first = first or simulator.steps
                    last = min(steps, first + further)
                    fallen += [violation.claim for violation in simulator.world.violations]
                    simulator.world.violations.clear()
            if not fallen:
                simulator.calm()
                fallen += [violation.claim for violation in simulator.violations]
        except (KeyError, TypeError) as error:
            assert mutant.id in ("M40e", "M56"), error
            fallen.append(RAISES)
        return list(dict.fromkeys(fallen)), first or simulator.steps


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.id)
def test_a_mutant_is_killed(mutant):
    assert death(mutant) is not None, f"{mutant.id} survives: {mutant.says}"


@pytest.mark.parametrize("mutant", TRAPS, ids=lambda mutant: mutant.id)
def test_what_looks_wrong_and_is_right_is_not_flagged_in_200_seeds(mutant):
    assert [(seed, fallen) for seed in range(200) if (fallen := run(mutant, seed, 700)[0])] == []


@pytest.mark.parametrize("claim", WITNESSES)
def test_with_a_claim_switched_off_its_mutant_survives(claim):
    name, nemesis = WITNESSES[claim]
    mutant = next(mutant for mutant in MUTANTS if mutant.id == name)
    mutant = replace(mutant, nemesis=nemesis, restless=False)
    assert any(
        run(mutant, seed, further=STEPS)[0] == [claim] and run(mutant, seed, without=(claim,))[0] == []
        for seed in range(120)
    )


def test_each_claim_has_a_witness_or_follows_from_others():
    assert sorted([*WITNESSES, *FOLLOWS]) == sorted(CLAIMS)


def test_the_table_of_mutants_and_claims(capsys):
    deaths = {mutant: death(mutant) for mutant in MUTANTS}
    with capsys.disabled():
        print("\n" + table(deaths))
    assert None not in deaths.values()
    assert median(found.steps for found in deaths.values()) <= 3_000


def table(deaths: dict[Mutant, Death | None]) -> str:
    """Return the mutants, the steps each took to kill, and the claims that killed it: X first, x after it."""
    lines = [f"{'|' * index:<{len(HEADINGS)}}  {claim}" for index, claim in enumerate(HEADINGS)]
    lines = [" " * 14 + line for line in lines]
    for mutant, found in deaths.items():
        if found is None:
            lines.append(f"{mutant.id:<7}survives {mutant.says}")
            continue
        marks = "".join(
            "X" if name == found.claims[0] else "x" if name in found.claims else "." for name in HEADINGS
        )
        lines.append(f"{mutant.id:<7}{found.steps:>6} {marks}  {mutant.says}")
    steps = sorted(found.steps for found in deaths.values() if found is not None)
    lines.append(f"{len(steps)} of {len(deaths)} mutants killed, in {median(steps):,.0f} steps at the median")
    lines += [f"only {claim!r} finds {name} in some seed" for claim, (name, _) in WITNESSES.items()]
    lines += [f"{claim!r} follows {why}" for claim, why in FOLLOWS.items()]
    return "\n".join(lines)
