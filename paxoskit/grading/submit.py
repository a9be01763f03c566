"""`submit`: the one zip that a learner hands in, and that `grade` reads.

    answer/           the module of the exercise, and what lies beside it
    own_test.py       her own test
    stories/*.json    the stories in which she broke the given servers
    predictions.json  what she predicted, this lesson's part only

Only what the exercise and its lesson made goes in: nothing else of her folder leaves her machine.
"""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

from paxoskit.grading.check import place
from paxoskit.grading.properties import MODULES, Exercise, exercise
from paxoskit.options import Options

STAMP = (2026, 1, 1, 0, 0, 0)
"""The time of each entry: the same answer gives the same zip, byte for byte."""


class SubmitError(ValueError):
    """There is nothing to hand in; the message is one line."""


def main(arguments: list[str]) -> int:
    """Run `python3 -m paxoskit submit`: 0 if the zip was written, 2 if there is nothing to hand in."""
    options = Options("submit", f"ID is one of {', '.join(MODULES)}, or its number. Hand in the zip as it is.")
    options.add_argument("id", metavar="ID", help="the exercise, such as 04_acceptor or 04")
    options.add_argument("--file", metavar="FILE", help="hand in this file (exercises/ID has yours)")
    options.add_argument("--out", metavar="DIR", default=".", help="where the zip is written (here)")
    options.add_argument("--json", action="store_true", help="print one object as the last line")
    chosen = options.parse_args(arguments)
    try:
        one = exercise(chosen.id)
        entries = gathered(one, Path(chosen.file) if chosen.file else place(one))
    except ValueError as error:
        options.error(str(error))
    target = Path(chosen.out) / f"{one.id}.zip"
    try:
        write_zip(target, entries)
    except OSError as error:
        options.error(f"--out: cannot write {target}: {error.strerror}")
    for name in entries:
        print(f"  {name}")
    for name, missing in absent(entries):
        print(f"  no {name}: {missing}")
    print(f"written: {target}")
    if chosen.json:
        print(json.dumps({"zip": str(target), "entries": list(entries)}))
    return 0


def gathered(one: Exercise, file: Path) -> dict[str, bytes]:
    """Return what is handed in for an exercise whose answer is `file`: contents by name.

    Raises SubmitError if there is no answer.
    """
    if not file.is_file():
        raise SubmitError(f"there is no {file}: write your answer there, or name it with --file")
    entries = {f"answer/{one.file}": file.read_bytes()}
    for helper in sorted(file.parent.glob("*.py")):
        if helper != file and helper.name != "own_test.py" and not helper.name.startswith("test_"):
            entries[f"answer/{helper.name}"] = helper.read_bytes()
    own_test = file.parent / "own_test.py"
    if own_test.is_file():
        entries["own_test.py"] = own_test.read_bytes()
    return {**entries, **from_the_lesson(one.id)}


def from_the_lesson(id: str) -> dict[str, bytes]:
    """Return the stories and predictions that lie beside the lesson's notebook."""
    from paxoskit.course.keeping import kept, read  # the course draws on widgets, which only this needs
    from paxoskit.course.lessons import LESSONS, PREDICTIONS, lesson_path

    lesson = next((one for one in LESSONS if one.exercise == id), None)
    if lesson is None:
        return {}
    beside = lesson_path(lesson).parent
    entries = {}
    for story in sorted(kept("stories", beside).glob(f"{lesson.id}-*.json")):
        entries[f"stories/{story.name}"] = story.read_bytes()
    data = read(PREDICTIONS, beside)
    answers: Any = data.get("answers")
    if isinstance(answers, dict) and lesson.id in answers:
        own = {**data, "answers": {lesson.id: answers[lesson.id]}}
        entries["predictions.json"] = (json.dumps(own, ensure_ascii=False, indent=1) + "\n").encode()
    return entries


def absent(entries: dict[str, bytes]) -> list[tuple[str, str]]:
    """Return what is not handed in, and what would bring it."""
    found = []
    if "own_test.py" not in entries:
        found.append(("own_test.py", "write your own test beside your answer"))
    if not any(name.startswith("stories/") for name in entries):
        found.append(("stories", "do the lesson's \"break it\" if it has one"))
    if "predictions.json" not in entries:
        found.append(("predictions.json", "answer the lesson's questions if it has some"))
    return found


def write_zip(target: Path, entries: dict[str, bytes]) -> None:
    """Write the zip, whole or not at all; the same entries give the same bytes. Raises OSError."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in sorted(entries.items()):
            entry = zipfile.ZipInfo(name, STAMP)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, data)
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f"{target.name}.new")
    try:
        draft.write_bytes(packed.getvalue())  # not by `write_whole`: whoever collects zips must be able to read it
        draft.replace(target)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
