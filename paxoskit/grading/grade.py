"""`grade`: a class's submissions in, marks out, in the files that learning platforms read.

Each submission is judged in workers of its own (see `remote`) and its mark is written as it lands, so a run that is
stopped goes on where it was: what is already marked, with the same files, seed and kit, is not judged again. The same
files of several students, a group's or a starter as it was, are judged once. In DIR:

    answers/KEY/      the answer as it was taken from the submission
    marks/KEY.json    the mark: the report, notes, and what a person should look at
    overrides.csv     a teacher's own: student, property, points, comment; kept and applied whenever one grades again
    and the formats that were asked for: marks.csv, pages/…, gradescope/…, …
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from functools import lru_cache
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

import paxoskit
from paxoskit.grading.collect import Collected, CollectError, Picked, Reader, all_files, collect, pick, write_answer
from paxoskit.grading.handed_in import judge_predictions, judge_stories
from paxoskit.grading.marks import COLUMNS, Mark, OverrideError, read_overrides, same_files, with_overrides
from paxoskit.grading.properties import MODULES, Exercise, exercise, judge_property
from paxoskit.grading.remote import IsolationError, WorkerSubject
from paxoskit.grading.report import NOT_JUDGED, NOT_RUN, Report, Result, number
from paxoskit.grading.roster import Roster, RosterError, Student
from paxoskit.grading.subject import LearnerError
from paxoskit.grading.telling import told
from paxoskit.grading.workshop import Limits
from paxoskit.grading.writers import FORMATS, check_formats, write_formats
from paxoskit.options import Options, whole
from paxoskit.trace import write_whole
from paxoskit.worlds.story import Story

MOST_JOBS = 32


@dataclass(frozen=True)
class Task:
    """One submission to judge, as plain data: any executor can take it elsewhere, if `folder` is there too."""

    exercise: str
    folder: str
    student: dict[str, str]
    digest: str
    problem: str
    notes: tuple[str, ...]
    seed: int
    required: bool


# One submission --------------------------------------------------------------------------------------------------


def mark(task: Task) -> dict[str, Any]:
    """Judge one submission; return its mark as JSON. Raises IsolationError if what is required cannot be had."""
    one = exercise(task.exercise)
    pictures: dict[str, str] = {}
    try:
        report = nothing_to_run(one, task) if task.problem else judge_answer(one, task, pictures)
    except IsolationError:
        raise
    except Exception:  # a fault of the kit costs one mark a look, and never the batch
        report = not_judged(one, task, traceback.format_exc())
    return Mark(Student.from_json(task.student), report, task.digest, task.problem, task.notes, pictures).as_json()


def mark_folder(exercise_id: str, folder: Path, seed: int = 0) -> Mark:
    """Judge the one submission that lies in a folder, however it is packed; return its mark."""
    one = exercise(exercise_id)
    reader = Reader()
    picked = pick(one.module, one.names, reader.folder(folder))
    with tempfile.TemporaryDirectory() as answer:
        write_answer(picked, Path(answer))
        notes = tuple(dict.fromkeys((*reader.notes, *picked.notes)))
        task = Task(one.id, answer, Student(folder.name).as_json(), "", picked.problem, notes, seed, False)
        return Mark.from_json(mark(task))


def nothing_to_run(one: Exercise, task: Task) -> Report:
    """Return the report of a submission in which there is nothing to run: no property is judged, and it says why."""
    results = tuple(
        Result(prop.id, prop.title, 0, prop.points, NOT_RUN, task.problem, part=prop.part) for prop in one.all()
    )
    others = (*judge_stories(one.id, Path(task.folder)), *judge_predictions(one.id, Path(task.folder)))
    return Report(one.id, (*results, *others), "nothing was run", seed=task.seed, notes=task.notes)


def not_judged(one: Exercise, task: Task, staff: str) -> Report:
    """Return the report of a submission on which the judge itself failed: a person has to look."""
    says = "the judge itself failed: show this to whoever teaches"
    results = tuple(
        Result(prop.id, prop.title, 0, prop.points, NOT_JUDGED, says, staff, part=prop.part) for prop in one.all()
    )
    return Report(one.id, results, "not known", seed=task.seed, notes=task.notes)


def judge_answer(one: Exercise, task: Task, pictures: dict[str, str], limits: Limits | None = None) -> Report:
    """Judge the answer in a folder: its properties in workers, its stories and predictions here; draw what it lost."""
    folder = Path(task.folder)
    limits = limits or Limits(**one.limits)  # type: ignore[arg-type]
    subject = WorkerSubject(folder / "answer" / one.file, one.given, limits, task.required)
    subject.check_isolation()
    try:
        results = [judge_property(prop, subject, task.seed, one.roles) for prop in one.all()]
        isolation = subject.isolation
        for result in results:
            if result.story is not None and (picture := drawn(result.story, one, subject)):
                pictures[result.id] = picture
    finally:
        subject.close()
    others = (*judge_stories(one.id, folder), *judge_predictions(one.id, folder))
    return Report(one.id, (*results, *others), isolation, seed=task.seed, notes=task.notes)


def drawn(data: dict[str, Any], one: Exercise, subject: WorkerSubject) -> str:
    """Return a story, told again with the submission's own nodes, as SVG; nothing where it cannot be told or drawn.

    A story in which a timer of the learner's own rings, for instance, can be read only where her classes are.
    """
    from paxoskit.pictures.spacetime import spacetime, spacetime_svg

    try:
        subject.renew()
        trace = told(Story.from_json(data), subject, one.roles).trace
        return spacetime_svg(spacetime(trace), legend=False) if trace.choices() else ""
    except (LearnerError, ValueError):
        return ""


# All of them -----------------------------------------------------------------------------------------------------


@dataclass
class Grading:
    """A class's submissions to one exercise, and where their marks go.

    `judged` is called with each mark as it lands, and with how many are still to come.
    """

    exercise: Exercise
    out: Path
    seed: int = 0
    required: bool = False
    again: bool = False
    judged: Callable[[Mark, int], None] = lambda mark, left: None

    def prepare(self, collected: Collected) -> list[Task]:
        """Take the answers out of the submissions, into the folder `answers`; return what is to be judged."""
        for name in ("answers", "marks"):
            (self.out / name).mkdir(parents=True, exist_ok=True)
        return [self._task(one.student, pick(self.exercise.module, self.exercise.names, one.files), one.notes)
                for one in collected.submissions]  # fmt: skip

    def _task(self, student: Student, picked: Picked, notes: Sequence[str]) -> Task:
        folder = self.out / "answers" / student.key
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        write_answer(picked, folder)
        said = (*dict.fromkeys((*notes, *picked.notes)),)
        return Task(
            self.exercise.id, str(folder), student.as_json(), self._digest(picked), picked.problem, said, self.seed,
            self.required,
        )  # fmt: skip

    def _digest(self, picked: Picked) -> str:
        digest = hashlib.sha256(f"{self.exercise.id} {self.seed} {picked.problem} {kit_digest()}".encode())
        for name, data in all_files(picked):
            digest.update(f"\0{name}\0{len(data)}\0".encode() + data)
        return digest.hexdigest()

    def run(self, tasks: Sequence[Task], executor: Executor) -> list[Mark]:
        """Judge what is not judged yet; return all marks, in the order of the tasks."""
        marks = {task.student["key"]: self._known(task) for task in tasks}
        waiting: dict[str, list[Task]] = {}
        for task in tasks:
            if marks[task.student["key"]] is None:
                waiting.setdefault(task.digest, []).append(task)
        left = sum(map(len, waiting.values()))
        futures: dict[Future[dict[str, Any]], list[Task]] = {
            executor.submit(mark, equal[0]): equal for equal in waiting.values()
        }
        try:
            for future in as_completed(futures):
                judged = Mark.from_json(future.result())
                for task in futures[future]:
                    landed = _for(task, judged)
                    landed.save(self.out / "marks")
                    marks[landed.student.key] = landed
                    left -= 1
                    self.judged(landed, left)
        finally:
            for future in futures:
                future.cancel()
        return [found for found in marks.values() if found is not None]

    def _known(self, task: Task) -> Mark | None:
        """Return the mark of an earlier run, if it was of the same files with the same seed and kit."""
        known = None if self.again else Mark.load(self.out / "marks", task.student["key"])
        return None if known is None or known.digest != task.digest else _for(task, known)


def _for(task: Task, mark: Mark) -> Mark:
    """Return the mark of a submission that has the same files as the one that was judged."""
    report = replace(mark.report, notes=task.notes)
    return replace(mark, student=Student.from_json(task.student), notes=task.notes, report=report)


@lru_cache
def kit_digest() -> str:
    """Return a digest of the kit's code that judges: marks of an older kit are not taken for its own."""
    digest, top = hashlib.sha256(paxoskit.__version__.encode()), Path(paxoskit.__file__).parent
    for room in ("protocol", "claims", "worlds", "grading"):
        for file in sorted((top / room).rglob("*.py")):
            digest.update(file.read_bytes())
    return digest.hexdigest()


def grade(
    place: str | Path, exercise_id: str, out: str | Path, *, roster: Roster | None = None, seed: int = 0, jobs: int = 2,
    executor: Executor | None = None, required: bool = False, again: bool = False,
    judged: Callable[[Mark, int], None] = lambda mark, left: None,
) -> tuple[list[Mark], Collected]:  # fmt: skip
    """Judge all submissions in a folder or a zip; return the marks, and what was collected.

    `executor` is any `concurrent.futures.Executor` whose workers see the same files: Dask's `Client.get_executor()`,
    for instance; otherwise `jobs` processes are used. Raises CollectError, OverrideError, IsolationError, ValueError.
    """
    collected = collect(place, roster)
    grading = Grading(exercise(exercise_id), Path(out), seed, required, again, judged)
    tasks = grading.prepare(collected)
    if executor is not None:
        return grading.run(tasks, executor), collected
    for attempt in range(3):
        with own_executor(jobs) as own:
            try:
                return grading.run(tasks, own), collected
            except BrokenProcessPool:  # a judge's process ended; what landed is kept, the rest is done anew
                if attempt == 2:
                    raise
    raise AssertionError("unreachable")


def own_executor(jobs: int) -> Executor:
    """Return an executor of so many processes; one job runs in a thread of this process."""
    if jobs == 1:
        return ThreadPoolExecutor(1)
    return ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=end_with_parent)


def end_with_parent() -> None:
    """Let this process end as soon as the one that started it is gone, which may have been killed without a word."""
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=(parent.sentinel,), daemon=True).start()


def _end_after(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)


# The command -----------------------------------------------------------------------------------------------------


def main(arguments: list[str]) -> int:
    """Run `python3 -m paxoskit grade`: 0 if every submission has a mark that nobody need look at, 1 if not."""
    options = _options()
    chosen = options.parse_args(arguments)
    try:
        if chosen.gradescope_zip:
            return _gradescope_zip(chosen.gradescope_zip, Path(chosen.out or "."))
        if not chosen.submissions or not chosen.exercise:
            options.error("expected SUBMISSIONS and --exercise ID, such as `grade downloads --exercise 04_acceptor`")
        return _grade(chosen)
    except (CollectError, OverrideError, RosterError, IsolationError, ValueError, OSError) as error:
        options.error(" ".join(str(error).split()))
    except KeyboardInterrupt:
        print("\npaxoskit: stopped; the same command goes on where this one was", file=sys.stderr)
        return 130


def _options() -> Options:
    options = Options("grade", "A second run goes on where the first was stopped. Exit code 1 if somebody has to look.")
    options.add_argument("submissions", metavar="SUBMISSIONS", nargs="?", help="a folder or a zip: one part a student, "
                         "or a download of Gradescope, Canvas or Moodle")  # fmt: skip
    options.add_argument("--exercise", metavar="ID", help=f"one of {', '.join(MODULES)}")
    options.add_argument("--out", metavar="DIR", help="where the marks go (grades-ID)")
    options.add_argument("--roster", metavar="FILE", help="a class list in CSV, such as Canvas's exported gradebook")
    options.add_argument("--overrides", metavar="FILE", help="points set by hand (DIR/overrides.csv)")
    options.add_argument("--dry-run", action="store_true", help="say what would be judged and who was not found")
    options.add_argument("--jobs", type=whole(1, MOST_JOBS), default=cores(), metavar="N", help="processes (cores)")
    options.add_argument("--seed", type=whole(0, 10**9), default=0, metavar="N", help="other schedules (0)")
    options.add_argument("--format", default="csv,html", metavar="LIST", help=f"some of {','.join(FORMATS)} (csv,html)")
    options.add_argument("--isolation", choices=("best", "required"), default="best", help="required: refuse to run "
                         "a submission where files and network cannot be closed to it")  # fmt: skip
    options.add_argument("--again", action="store_true", help="judge again what has a mark already")
    options.add_argument("--gradescope-zip", metavar="ID", help="write an autograder for Gradescope, and end")
    options.add_argument("--json", action="store_true", help="print one object as the last line")
    return options


def cores() -> int:
    """Return how many processes can run at once."""
    found = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(found, MOST_JOBS)


def _grade(chosen: Any) -> int:
    began = time.perf_counter()
    one = exercise(chosen.exercise)
    formats = [name.strip() for name in chosen.format.split(",") if name.strip()]
    out = Path(chosen.out or f"grades-{one.id}")
    roster = Roster.load(chosen.roster) if chosen.roster else None
    check_formats(formats, roster)
    if chosen.dry_run:
        return _dry_run(collect(chosen.submissions, roster), one, chosen.json)
    overrides_file = Path(chosen.overrides) if chosen.overrides else out / "overrides.csv"
    overrides = read_overrides(overrides_file)
    landed: list[Mark] = []
    progress = Progress(landed)
    marks, collected = grade(
        chosen.submissions, one.id, out, roster=roster, seed=chosen.seed, jobs=chosen.jobs,
        required=chosen.isolation == "required", again=chosen.again, judged=progress,
    )  # fmt: skip
    progress.end()
    if not chosen.overrides and not overrides_file.exists():
        write_whole(overrides_file, ",".join(COLUMNS) + "\n")
    marks = with_overrides(marks, overrides)
    files = write_formats(formats, marks, one, out, roster, collected)
    return _say(chosen, one, marks, len(landed), collected, files, time.perf_counter() - began)


class Progress:
    """Counts marks on a terminal as they land."""

    def __init__(self, landed: list[Mark]) -> None:
        self.landed = landed
        self.shows = sys.stderr.isatty()

    def __call__(self, mark: Mark, left: int) -> None:
        self.landed.append(mark)
        if self.shows:
            done, all = len(self.landed), len(self.landed) + left
            bar = ("█" * (30 * done // all)).ljust(30, "·")
            print(f"\r{bar} {done} of {all}", end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        """End the line."""
        if self.shows and self.landed:
            print(file=sys.stderr)


def _dry_run(collected: Collected, one: Exercise, as_json: bool) -> int:
    """Say what would be judged; return 1 if somebody or something was not found."""
    problems = 0
    for submission in collected.submissions:
        picked = pick(one.module, one.names, submission.files)
        problems += bool(picked.problem)
        print(f"  {submission.student.key:<30} {picked.problem or ', '.join(sorted(picked.files))}")
        for note in dict.fromkeys((*submission.notes, *picked.notes)):
            print(f"  {'':<30} note: {note}")
    print("\n".join(_not_found(collected)))
    if as_json:
        keys = [submission.student.key for submission in collected.submissions]
        print(json.dumps({"exercise": one.id, "submissions": keys, "unmatched": collected.unmatched,
                          "missing": [student.key for student in collected.missing]}))  # fmt: skip
    return 1 if collected.unmatched or collected.missing or problems else 0


def _not_found(collected: Collected) -> Iterator[str]:
    yield f"{len(collected.submissions)} submissions"
    if collected.unmatched:
        yield f"{len(collected.unmatched)} that belong to nobody I know:"
        yield from (f"  {name}" for name in collected.unmatched)
    if collected.missing:
        yield f"of the class list, {len(collected.missing)} without a submission:"
        yield from (f"  {student.name or student.key}" for student in collected.missing)


def _say(
    chosen: Any, one: Exercise, marks: list[Mark], judged: int, collected: Collected, files: list[Path], seconds: float
) -> int:
    look = [mark for mark in marks if mark.look]
    print("\n".join(_not_found(collected)))
    print(f"{judged} judged now, {len(marks) - judged} judged before, in {seconds:.1f} s")
    same = same_files(marks)
    if same:
        print(f"{sum(map(len, same))} handed in the same files as another, which are judged once:")
        print("\n".join(f"  {', '.join(mark.student.key for mark in equal)}" for equal in same))
    if look:
        print(f"{len(look)} to look at:")
        print("\n".join(f"  {mark.student.key:<30} {mark.look}" for mark in look))
    points = [mark.report.points for mark in marks]
    of = max((mark.report.of for mark in marks), default=one.of)
    if points:
        mean = sum(points) / len(points)
        print(f"points: {number(min(points))} to {number(max(points))} of {number(of)}, mean {mean:.2f}")
        print("isolation:", "; ".join(sorted({mark.report.isolation for mark in marks if not mark.problem})))
    print("written:", ", ".join(str(file) for file in files))
    if chosen.json:
        print(json.dumps({
            "exercise": one.id, "submissions": len(collected.submissions), "judged": judged, "of": of,
            "points": {mark.student.key: mark.report.points for mark in marks},
            "look": {mark.student.key: mark.look for mark in look},
            "same": [[mark.student.key for mark in equal] for equal in same], "unmatched": collected.unmatched,
            "missing": [student.key for student in collected.missing], "seconds": round(seconds, 2),
            "files": [str(file) for file in files],
        }, ensure_ascii=False))  # fmt: skip
    return 1 if look or collected.unmatched else 0


def _gradescope_zip(id: str, out: Path) -> int:
    from paxoskit.grading.writers.gradescope import write_autograder

    one = exercise(id)
    target = out if out.suffix == ".zip" else out / f"gradescope-{one.id}.zip"
    write_autograder(one.id, target)
    print(f"written: {target}; on Gradescope: Configure Autograder, Upload")
    return 0
