"""PrairieLearn: `results.json` of an external grader.

Format: docs/externalGrading.md of PrairieLearn. `points` and `max_points` stand on every test or count for none; a
submission that could not be run is not gradable, so that it costs no attempt; the file is at most 1 MB.
"""

from __future__ import annotations

import json
from typing import Any

from paxoskit.grading.marks import Mark
from paxoskit.grading.writers.words import feedback, headline, parts, remarks

MOST_BYTES = 1_000_000


def results(mark: Mark) -> dict[str, Any]:
    """Return the content of `results.json` for one submission."""
    report = mark.report
    if mark.problem:
        return {"gradable": False, "format_errors": remarks(mark)}
    for longest in (100_000, 20_000, 2_000, 200):
        tests = [
            {
                "name": result.title, "description": result.part, "points": result.points, "max_points": result.of,
                "message": result.status, "output": feedback(result)[:longest],
            }
            for result in report.properties
        ]  # fmt: skip
        data = {
            "gradable": True, "score": round(report.points / report.of, 4) if report.of else 0.0,
            "message": headline(mark), "output": "\n".join([parts(mark), *remarks(mark)]), "tests": tests,
        }  # fmt: skip
        if len(json.dumps(data)) < MOST_BYTES:
            break
    return data
