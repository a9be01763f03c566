"""Every mistake that the kit knows, what finds it, and how soon: writes docs/mutants.md.

    python3 benchmarks/mutants.py [--json FILE]

Acceptors and proposers (tests/checker/synods.py) are searched by `explore`; whole servers, stores and clients
(tests/mutants.py) run in the simulator, seed after seed, until a claim falls; some of the servers are searched as
well. What looks wrong and is right must be let be. It takes a few minutes; CI runs the same lists as tests.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

TOP = Path(__file__).parents[1]
sys.path.insert(0, str(TOP))

from paxoskit.worlds.checker import PROGRESS, PURE, explore  # noqa: E402
from tests.checker.synods import RIGHT, WRONG  # noqa: E402
from tests.checker.test_search import CRASH, PLANTED  # noqa: E402
from tests.checker.test_stories import SHORTEST, length  # noqa: E402
from tests.claims.test_mutants import death, run  # noqa: E402
from tests.mutants import MUTANTS, TRAPS  # noqa: E402

EQUIVALENT: dict[str, str] = {}
"""Mutants that nobody can tell from the original, with the reason; none is known."""


def searched() -> list[dict[str, Any]]:
    """Search each wrong acceptor and proposer."""
    rows = []
    for case in WRONG:
        result = explore(case.cls, **dict(case.bounds))
        claim = result.violation.claim if result.violation else "SURVIVES"
        how = {PURE: "turns run again", PROGRESS: "one run without trouble"}.get(claim, "search")
        rows.append({
            "id": case.id, "class": case.cls.__name__, "says": case.says, "claim": claim, "how": how,
            "steps": result.transitions, "story": len(result.story.choices) if result.story else 0,
            "events": length(result), "fewest": SHORTEST.get(case.id, 0),
        })  # fmt: skip
    return rows


def servers() -> list[dict[str, Any]]:
    """Search the wrong servers that two candidacies over one slot show."""
    rows = []
    for name in PLANTED:
        mutant = next(mutant for mutant in MUTANTS if mutant.id == name)
        acceptors, crashes = 4 if name == "M15" else 3, int(name in CRASH)
        result = explore(mutant.wrong, acceptors=acceptors, ballots=2, timers=2, crashes=crashes, states=6_000)
        rows.append({
            "id": name, "class": mutant.wrong.__name__, "says": mutant.says,
            "claim": result.violation.claim if result.violation else "SURVIVES", "how": "search",
            "steps": result.transitions, "story": len(result.story.choices) if result.story else 0,
        })  # fmt: skip
    return rows


def simulated() -> list[dict[str, Any]]:
    """Run each wrong server, store and client with dice."""
    rows = []
    for mutant in MUTANTS:
        found = death(mutant)
        rows.append({
            "id": mutant.id, "class": mutant.wrong.__name__, "says": mutant.says,
            "claim": found.claims[0] if found else "SURVIVES", "how": f"seed {found.seed}" if found else "",
            "steps": found.steps if found else 0, "story": 0,
        })  # fmt: skip
    return rows


def let_be() -> list[tuple[str, str, bool]]:
    """Return what looks wrong and is right, and whether it was let be."""
    rows = [(case.id, case.says, explore(case.cls, ballots=2, **dict(case.bounds)).ok) for case in RIGHT]
    rows += [(trap.id, trap.says, not any(run(trap, seed, 700)[0] for seed in range(20))) for trap in TRAPS]
    return rows


def page(
    first: list[dict[str, Any]], second: list[dict[str, Any]], third: list[dict[str, Any]],
    right: list[tuple[str, str, bool]],
) -> str:  # fmt: skip
    """Return the table as Markdown."""
    killed = sum(row["claim"] != "SURVIVES" for row in first + second)
    lines = [
        "# Mutants: known mistakes, and what finds them",
        "",
        "Written by `python3 benchmarks/mutants.py`; the same lists are tests. Steps count what was tried until",
        "the claim fell: transitions of a search, steps of the simulator over all seeds up to the one named.",
        "",
        f"{len(first) + len(second)} mutants, {killed} killed; equivalent: {len(EQUIVALENT) or 'none known'}.",
        "",
        f"## Acceptors and proposers, by search ({len(first)})",
        "",
        "Events are promises, proposals, votes and restarts; where the fewest that break agreement are known from an",
        "exhaustive search, they stand beside.",
        "",
        "| id | mistake | the claim that falls | found by | steps | choices in the story | events | fewest |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row['id']} | {row['says']} | {row['claim']} | {row['how']} | {row['steps']:,} | {row['story'] or '–'} "
        f"| {row['events'] or '–'} | {row['fewest'] or ''} |"
        for row in first
    ]
    lines += ["", f"## Whole servers, by search ({len(third)} of those below)", ""]
    lines += ["One request, at most two ballots and two timers (four servers for M15, a restart for M28 and M29)."]
    lines += ["", "| id | mistake | the claim that falls | steps | choices in the story |", "|---|---|---|---|---|"]
    lines += [
        f"| {row['id']} | {row['says']} | {row['claim']} | {row['steps']:,} | {row['story'] or '–'} |" for row in third
    ]
    lines += ["", f"## Servers, stores, clients and chains, by dice ({len(second)})", ""]
    lines += ["| id | mistake | the claim that falls first | found at | steps |", "|---|---|---|---|---|"]
    lines += [
        f"| {row['id']} | {row['says']} | {row['claim']} | {row['how']} | {row['steps']:,} |" for row in second
    ]
    lines += ["", "## What looks wrong, or odd, and is right", "", "| id | what it does | let be |", "|---|---|---|"]
    lines += [f"| {name} | {says} | {'yes' if good else 'NO'} |" for name, says, good in right]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write the page; return 1 if a mutant survives or a right class does not."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--json", type=Path, metavar="FILE")
    chosen = options.parse_args()
    first, second, third, right = searched(), simulated(), servers(), let_be()
    (TOP / "docs/mutants.md").write_text(page(first, second, third, right), encoding="utf-8")
    if chosen.json:
        chosen.json.write_text(json.dumps([*first, *second, *third], indent=1) + "\n", encoding="utf-8")
    alive = [row["id"] for row in first + second + third if row["claim"] == "SURVIVES"]
    wrong = [name for name, _, good in right if not good]
    print(f"{len(first) + len(second)} mutants, alive: {alive or 'none'}; right and flagged: {wrong or 'none'}")
    return 1 if alive or wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
