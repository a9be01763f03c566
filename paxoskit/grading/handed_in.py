"""Stories and predictions that were handed in: stories are told again and never believed, predictions are on trust.

A story counts when the claim that its task names falls once more, among the task's own servers: only the choices are
taken from the file. What a learner predicted lies on her own disk, where she can change it, and the report says so.
"""

from __future__ import annotations

import json
from pathlib import Path

from paxoskit.bootstrap import checkout
from paxoskit.course.tasks import TASKS, Task
from paxoskit.grading.report import ERROR, FAILED, PASSED, PREDICTIONS, STORIES, Result
from paxoskit.worlds.story import Story, StoryError

STORY_POINTS = 2
MOST_CHOICES = 2_000
MOST_BYTES = 1 << 20


def judge_stories(exercise: str, folder: Path) -> tuple[Result, ...]:
    """Return a result for each "break it" task of the exercise's lesson; the points are shared among them."""
    tasks = [task for id, task in TASKS.items() if id.startswith(f"{exercise[:2]}/")]
    return tuple(_judge_story(task, folder, STORY_POINTS / len(tasks)) for task in tasks)


def _judge_story(task: Task, folder: Path, points: float) -> Result:
    id = f"story_{task.id.replace('/', '_')}"
    title = f"A story in which {task.server.__name__} breaks the claim {task.claim_name!r}"
    path = folder / "stories" / f"{task.id.replace('/', '-')}.json"

    def lost(status: str, says: str, staff: str = "") -> Result:
        return Result(id, title, 0, points, status, says, staff, part=STORIES)

    if not path.is_file():
        return lost(FAILED, f"there is no stories/{path.name}: break the server in the lesson, then hand in again")
    try:
        story = read_story(path)
        fell = task.replay(story)
    except StoryError as error:
        return lost(FAILED, f"the story cannot be told again: {error}")
    except Exception as error:  # a story may be anything; what it makes the kit's own servers do is not its teller's
        return lost(ERROR, "the story cannot be told again", f"{type(error).__name__}: {error}")
    if fell is None:
        return lost(FAILED, f"told again, the story does not break {task.claim_name!r}")
    return Result(id, title, points, points, PASSED, f"told again: {fell.reason}", story=story.as_json(), part=STORIES)


def read_story(path: Path) -> Story:
    """Return the story in a file. Raises StoryError for what is none, and for one that is too long to be told."""
    if path.stat().st_size > MOST_BYTES:
        raise StoryError(f"expected at most {MOST_BYTES:,} bytes, got more")
    story = Story.load(path)
    if len(story.choices) > MOST_CHOICES:
        raise StoryError(f"expected at most {MOST_CHOICES:,} choices, got {len(story.choices):,}")
    return story


def judge_predictions(exercise: str, folder: Path) -> tuple[Result, ...]:
    """Return the result of a lesson's questions: one point for every prediction locked, one for every reason found."""
    from paxoskit.course.lessons import LESSONS, answers, lesson_path, questions

    top = checkout()
    lesson = next((one for one in LESSONS if one.exercise == exercise), None)
    notebook = lesson_path(lesson, top) if lesson and top else None
    if notebook is None or not notebook.is_file() or not questions(notebook):
        return ()
    path = folder / "predictions.json"
    try:
        data = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except (OSError, ValueError, RecursionError):
        data = {}
    found = answers(notebook, data if isinstance(data, dict) else {})
    of = 2.0
    says = (
        f"{found.predicted} of {found.predictions} predictions locked, {found.explained} of {found.explanations} "
        "reasons found (on trust: the answers lie on your own disk)"
    )
    status = PASSED if found.points == of else FAILED
    title = "Predictions locked before the run, and reasons found"
    return (Result("predictions", title, round(found.points, 2), of, status, says, part=PREDICTIONS),)
