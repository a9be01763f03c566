"""Gradescope: `results.json`, and the zip with `setup.sh` and `run_autograder` that Gradescope runs.

Format: gradescope-autograders.readthedocs.io, "Output format". The sum of the tests is the score.
"""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import paxoskit
from paxoskit.bootstrap import checkout
from paxoskit.grading.marks import Mark
from paxoskit.grading.report import PASSED
from paxoskit.grading.writers.words import feedback, headline, parts, remarks

SUBMISSION, RESULTS = "/autograder/submission", "/autograder/results/results.json"


def results(mark: Mark) -> dict[str, Any]:
    """Return the content of `results.json` for one submission."""
    report = mark.report
    tests = [
        {
            "name": result.title, "number": f"{number}", "score": result.points, "max_score": result.of,
            "status": "passed" if result.status == PASSED else "failed", "output": feedback(result),
            "output_format": "text", "tags": [result.part],
            "visibility": "after_published" if result.hidden else "visible",
        }
        for number, result in enumerate(report.properties, 1)
    ]  # fmt: skip
    return {
        "score": report.points, "execution_time": report.seconds,
        "output": "\n".join([headline(mark), parts(mark), *remarks(mark), f"isolation: {report.isolation}"]),
        "output_format": "text", "visibility": "visible", "stdout_visibility": "hidden", "tests": tests,
    }  # fmt: skip


SETUP = """#!/usr/bin/env bash
# Runs once, when Gradescope builds the image: a Python that is new enough.
set -e
apt-get update
apt-get install -y --no-install-recommends python3.11 || apt-get install -y --no-install-recommends python3
"""

RUN = """#!/usr/bin/env bash
# Runs for each submission. The submission runs in processes of its own; only this one writes the results.
cd /autograder/source
PYTHON=$(command -v python3.13 || command -v python3.12 || command -v python3.11 || command -v python3)
exec "$PYTHON" -c 'from paxoskit.grading.writers.gradescope import main; main("{id}")'
"""


def write_autograder(id: str, target: Path) -> None:
    """Write the zip that is uploaded to Gradescope: the kit, the scripts, and the lesson with its questions."""
    package = Path(paxoskit.__file__).parent
    top = checkout()
    files = {f"paxoskit/{file.relative_to(package).as_posix()}": file for file in sorted(package.rglob("*"))
             if file.suffix in (".py", ".js", ".css") and "__pycache__" not in file.parts}  # fmt: skip
    if top:
        files["pyproject.toml"] = top / "pyproject.toml"
        lessons = sorted((top / "notebooks" / "lessons").glob(f"{id[:2]}_*.ipynb"))
        files |= {f"notebooks/lessons/{file.name}": file for file in lessons}
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, file in files.items():
            archive.write(file, name)
        for name, text in (("setup.sh", SETUP), ("run_autograder", RUN.format(id=id))):
            entry = zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0))
            entry.external_attr = 0o100755 << 16
            archive.writestr(entry, text)


def main(id: str, submission: str = SUBMISSION, target: str = RESULTS) -> None:
    """Judge the one submission in Gradescope's folder, and write its results. A missing result is no mark."""
    from paxoskit.grading.grade import mark_folder  # above this module: it imports the writers

    found = mark_folder(id, Path(submission))
    path = Path(target)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(results(found), ensure_ascii=False), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
