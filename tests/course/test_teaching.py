"""What the page for instructors says of the course is so: sections, exercises, minutes, commands."""

import json
import re
from pathlib import Path

from paxoskit.cli import COMMANDS
from paxoskit.course.lessons import LESSONS, lesson_path

TOP = Path(__file__).parents[2]
PAGE = (TOP / "docs" / "teaching.md").read_text(encoding="utf-8")


def prose(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")


def headings(lesson):
    return [line.lower() for line in prose(lesson_path(lesson, TOP)).splitlines() if line.startswith("## ")]


def test_every_section_that_cures_a_misconception_is_in_its_lesson():
    named = re.findall(r"lesson (\d+), (?:under )?\*(.+?)\*", PAGE)
    assert len(named) > 20
    missing = [(number, section) for number, section in named
               if not any(section.lower() in heading for heading in headings(LESSONS[int(number)]))]  # fmt: skip
    assert missing == []


def test_each_lesson_has_a_row_with_its_exercise_and_what_it_builds_on():
    rows = dict(re.findall(r"^\| (\d+) \| \[.+?\]\(\S+\) \| (.+) \|$", PAGE, flags=re.M))
    assert list(map(int, rows)) == [lesson.number for lesson in LESSONS]
    for lesson in LESSONS:
        _, exercise, needs = rows[str(lesson.number)].split(" | ")
        assert exercise.startswith(lesson.exercise)
        said = re.search(r"\*\*Builds on\*\* ((?:.|\n)+?)\. \*\*Takes", prose(lesson_path(lesson, TOP)))
        wanted = set(re.findall(r"lessons? (\d+)", said[1])) if said else set()
        assert wanted <= every(needs), (lesson.number, wanted, needs)


def every(needs):
    """Return the numbers that a row names: of `4 to 6` all three."""
    spans = [range(int(first), int(last) + 1) for first, last in re.findall(r"(\d+) to (\d+)", needs)]
    return set(re.findall(r"\d+", needs)) | {str(number) for span in spans for number in span}


def test_each_demo_is_linked_with_the_minutes_that_it_says_itself():
    rows = dict(re.findall(r"^\| \[.+?\]\(\.\./(notebooks/demos/\w+\.ipynb)\) \| (\d+) \|", PAGE, flags=re.M))
    demos = sorted((TOP / "notebooks" / "demos").glob("*.ipynb"))
    assert sorted(rows) == [path.relative_to(TOP).as_posix() for path in demos]
    for name, minutes in rows.items():
        said = re.search(r"\*\*Takes\*\*\s+(\d+)\s+minutes", prose(TOP / name))
        assert said is not None and said[1] == minutes, name


def test_every_command_that_is_named_is_one():
    named = set(re.findall(r"python3 -m paxoskit (\w+)", PAGE))
    assert named >= {"release", "submit", "grade", "test"} and named <= set(COMMANDS)
