"""`grade`, from a folder of submissions to marks: whole runs, runs that are stopped, and what a teacher changes."""

import json
import os
import pickle
import shlex
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from paxoskit import cli
from paxoskit.grading import grade as grading
from paxoskit.grading.grade import grade, mark_folder
from paxoskit.grading.launcher import children
from paxoskit.grading.marks import Mark, OverrideError, read_overrides, with_overrides
from paxoskit.grading.properties import exercise
from paxoskit.grading.report import BUILD, FAILED, Report, Result
from paxoskit.grading.roster import Student
from tests.grading.test_collect import written, zipped

TOP = Path(__file__).parents[2]
ID = "00_echo"
RIGHT = (TOP / "solutions" / ID / "echo.py").read_text(encoding="utf-8")
STARTER = (TOP / "exercises" / ID / "echo.py").read_text(encoding="utf-8")
LOST = RIGHT.replace("self.send(", "None and self.send(")
EXITS = "import os\nos._exit(0)\n"

CLASS = {
    "ann/echo.py": RIGHT,
    "bob/echo.py": STARTER,
    "carl/echo (1).py": LOST,
    "dora/echo.py": EXITS + RIGHT,
    "eve/echo.ipynb": "{}",
    "fred/echo.py": "class Echo(\n",
    "gil/echo.py": RIGHT.replace("class Echo", "class Ecko"),
    "hal/echo.py": "\ufeff" + RIGHT,
    "ida.zip": zipped({"answer/echo.py": RIGHT, "own_test.py": "def test(answer): pass\n"}),
}


@pytest.fixture(scope="module")
def handed_in(tmp_path_factory):
    return written(tmp_path_factory.mktemp("class"), CLASS)


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    """Four of the class: right, a starter, wrong, and a notebook."""
    return written(tmp_path_factory.mktemp("few"), {name: CLASS[name] for name in [*list(CLASS)[:3], "eve/echo.ipynb"]})


@pytest.fixture(scope="module")
def graded(handed_in, tmp_path_factory):
    """A whole run with one job: the folder of marks."""
    out = tmp_path_factory.mktemp("out")
    grade(handed_in, ID, out, jobs=1)
    return out


def build(mark):
    return mark.report.parts["build"][0]


def marks_in(out):
    """Return all marks in a folder, by student."""
    return {path.stem: Mark.load(out / "marks", path.stem) for path in sorted((out / "marks").glob("*.json"))}


def without_seconds(out):
    """Return the points and statuses of every mark."""
    return {key: [(one.id, one.points, one.status) for one in mark.report.properties]
            for key, mark in marks_in(out).items()}  # fmt: skip


def test_each_submission_has_the_mark_it_deserves_and_a_row_that_says_why(graded):
    marks = marks_in(graded)
    built = {key: build(mark) for key, mark in marks.items()}
    assert built == {"ann": 5, "bob": 0, "carl": built["carl"], "dora": 0, "eve": 0, "fred": 0, "gil": 0, "hal": 5,
                     "ida": 5}  # fmt: skip
    assert built["carl"] < 5
    assert {key: mark.look for key, mark in marks.items() if mark.look} == {
        "dora": "your code ended its own process: look for exit(), or for what crashes Python itself",
        "eve": "a notebook (echo.ipynb) instead of a module: there is no echo.py to run",
        "fred": "echo.py, line 1: class Echo( SyntaxError: '(' was never closed",
        "gil": "there is no Echo in echo.py; did you mean Ecko?",
    }
    assert marks["carl"].notes == ("echo (1).py was taken for echo.py",)
    assert marks["hal"].notes == ("echo.py began with a byte-order mark (utf-8), which was taken off",)
    assert marks["ann"].report.practice is False


def test_marks_are_the_same_with_two_processes_and_with_any_executor(few, graded, tmp_path):
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as executor:
        grade(few, ID, tmp_path / "processes", executor=executor)
    with ThreadPoolExecutor(3) as executor:
        grade(few, ID, tmp_path / "threads", executor=executor)
    with Elsewhere() as executor:
        grade(few, ID, tmp_path / "elsewhere", executor=executor)
    expected = {key: rows for key, rows in without_seconds(graded).items() if key in ("ann", "bob", "carl", "eve")}
    assert without_seconds(tmp_path / "processes") == expected
    assert without_seconds(tmp_path / "threads") == expected
    assert without_seconds(tmp_path / "elsewhere") == expected


class Elsewhere(Executor):
    """Does at once what it is given, as if on another machine, as Dask does: what goes there and back is bytes."""

    def submit(self, function, *arguments):
        future = Future()
        function, arguments = pickle.loads(pickle.dumps((function, arguments)))
        future.set_result(pickle.loads(pickle.dumps(function(*arguments))))
        return future


def test_a_second_run_judges_only_what_is_new(handed_in, graded, tmp_path):
    out, place = tmp_path / "out", tmp_path / "in"
    shutil.copytree(graded, out)
    shutil.copytree(handed_in, place)
    written(place, {"bob/echo.py": LOST, "zoe/echo.py": RIGHT})
    judged = []
    marks, _ = grade(place, ID, out, jobs=1, judged=lambda mark, left: judged.append((mark.student.key, left)))
    assert sorted(key for key, _ in judged) == ["bob", "zoe"]
    assert sorted(left for _, left in judged) == [0, 1]
    assert len(marks) == len(CLASS) + 1
    tasks = [grading.Grading(grading.exercise(ID), out, seed).prepare(grading.collect(place)) for seed in (0, 1)]
    assert not {task.digest for task in tasks[0]} & {task.digest for task in tasks[1]}


def test_the_same_files_are_judged_once_and_that_is_said(tmp_path, monkeypatch, capsys):
    place, out, judged = tmp_path / "in", tmp_path / "out", []
    written(place, {"ann/echo.py": RIGHT, "bob/echo.py": LOST, "carl/echo.py": RIGHT, "dora/Echo (1).py": RIGHT,
                    "eve/echo.py": RIGHT, "eve/own_test.py": "def test(answer):\n    pass\n",
                    "fay/notes.txt": "", "gil/notes.txt": ""})  # fmt: skip
    once = grading.mark
    monkeypatch.setattr(grading, "mark", lambda task: judged.append(task.student["key"]) or once(task))
    assert cli.run(["grade", str(place), "--exercise", "00", "--out", str(out), "--jobs", "1", "--json"]) in (0, 1)
    assert judged == ["ann", "bob", "eve", "fay"]
    marks, said = marks_in(out), capsys.readouterr().out
    assert marks["ann"].report.properties == marks["carl"].report.properties
    assert [mark.student.key for mark in marks.values()] == list(marks)
    assert list(marks) == ["ann", "bob", "carl", "dora", "eve", "fay", "gil"] and marks["gil"].problem
    assert marks["ann"].notes == () != marks["dora"].notes == marks["dora"].report.notes
    assert "  ann, carl, dora\n" in said
    assert json.loads(said.splitlines()[-1])["same"] == [["ann", "carl", "dora"]]
    page = (out / "pages" / "index.html").read_text(encoding="utf-8")
    assert "<h2>The same files (3)</h2>" in page and page.count('href="carl.html"') == 2
    assert cli.run(["grade", str(place), "--exercise", "00", "--out", str(out), "--jobs", "1"]) in (0, 1)
    assert judged == ["ann", "bob", "eve", "fay"]


def test_a_mark_that_was_cut_short_is_made_again(handed_in, graded, tmp_path):
    out = tmp_path / "out"
    shutil.copytree(graded, out)
    file = out / "marks" / "ann.json"
    file.write_text(file.read_text(encoding="utf-8")[:100], encoding="utf-8")
    judged = []
    grade(handed_in, ID, out, jobs=1, judged=lambda mark, left: judged.append(mark.student.key))
    assert judged == ["ann"]
    assert without_seconds(out) == without_seconds(graded)


@pytest.mark.slow
def test_a_run_that_is_killed_goes_on_where_it_was(graded, handed_in, tmp_path):
    """Kill the command after its first mark, whatever it is doing; no process stays, and the next run ends the rest."""
    command = [sys.executable, "-m", "paxoskit", "grade", str(handed_in), "--exercise", ID, "--out", str(tmp_path)]
    running = subprocess.Popen([*command, "--jobs", "2"], cwd=TOP, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 120
    while not list((tmp_path / "marks").glob("*.json")) and time.monotonic() < until:
        time.sleep(0.01)
    started = below(running.pid)
    running.send_signal(signal.SIGKILL)
    running.wait()
    assert started != []
    first = len(marks_in(tmp_path))
    assert 0 < first < len(CLASS)
    judged = []
    grading.kit_digest.cache_clear()  # somebody may be at work on the kit while its tests run
    grade(handed_in, ID, tmp_path, jobs=1, judged=lambda mark, left: judged.append(mark))
    assert len(judged) == len(CLASS) - first
    assert without_seconds(tmp_path) == without_seconds(graded)
    until = time.monotonic() + 60
    while any(map(runs, started)) and time.monotonic() < until:
        time.sleep(0.05)
    assert [process for process in started if runs(process)] == []


def below(process):
    """Return the processes that a process started, and those that they started."""
    started = children(process)
    return started + [other for one in started for other in below(one)]


def runs(process):
    """Say whether a judge, launcher or worker of this number runs; the number may be somebody else's by now."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text()
        words = Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return False
    ours = b"paxoskit_launcher" in words or b"multiprocessing" in words
    return ours and stat.rpartition(")")[2].split()[0] != "Z"


# The command -----------------------------------------------------------------------------------------------------


def test_the_command_writes_every_format_and_its_last_line(handed_in, graded, tmp_path, capsys):
    out = tmp_path / "out"
    shutil.copytree(graded, out)
    formats = "json,csv,gradescope,prairielearn,nbgrader,moodle,junit,html"
    arguments = ["grade", str(handed_in), "--exercise", "00", "--out", str(out), "--format", formats, "--json"]
    assert cli.run([*arguments, "--jobs", "1"]) == 1
    said = capsys.readouterr().out.splitlines()
    last = json.loads(said[-1])
    assert (last["submissions"], last["judged"], sorted(last["look"])) == (9, 0, ["dora", "eve", "fred", "gil"])
    assert "0 judged now, 9 judged before" in "\n".join(said)
    for name in ("marks.json", "marks.csv", "nbgrader.csv", "moodle.csv", "junit.xml", "pages/index.html",
                 "pages/ann.html", "gradescope/ann.json", "prairielearn/ann.json", "overrides.csv"):  # fmt: skip
        assert (out / name).is_file(), name


def test_an_override_survives_grading_again(handed_in, graded, tmp_path, capsys):
    out = tmp_path / "out"
    shutil.copytree(graded, out)
    (out / "overrides.csv").write_text("student,property,points,comment\neve,answered,1,\"showed it, on paper\"\n")
    arguments = ["grade", str(handed_in), "--exercise", ID, "--out", str(out), "--jobs", "1", "--json"]
    for more in ([], ["--again"]):
        cli.run([*arguments, *more])
        assert json.loads(capsys.readouterr().out.splitlines()[-1])["points"]["eve"] == 1
    assert marks_in(out)["eve"].report.points == 0
    page = (out / "pages" / "eve.html").read_text(encoding="utf-8")
    assert "1 points, set by hand (before: 0): showed it, on paper" in page
    assert (out / "overrides.csv").read_text().count("\n") == 2


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("who,what\n", "line 1: expected the header student,property,points,comment"),
        ("student,property,points,comment\nann,p,x,\n", "line 2: expected points as a number, got 'x'"),
        ("student,property,points,comment\nzoe,p,1,\n", "line 2: 'zoe' is no student who handed in"),
        ("student,property,points,comment\nann,q,1,\n", "line 2: there is no property 'q'; there are p"),
        ("student,property,points,comment\nann,p,3,\n", "line 2: expected 0 to 2 points, got 3"),
    ],
)
def test_an_override_that_means_nothing_gets_one_line(text, says, tmp_path):
    file = tmp_path / "overrides.csv"
    file.write_text(text)
    mark = Mark(Student("ann"), Report("x", (Result("p", "t", 0, 2, "failed"),)))
    with pytest.raises(OverrideError) as refused:
        with_overrides([mark], read_overrides(file))
    assert says in str(refused.value)


def test_a_dry_run_judges_nothing_and_lists_whom_it_did_not_find(handed_in, tmp_path, capsys):
    roster = tmp_path / "list.csv"
    roster.write_text("name,id\nann,1\nNobody,2\n")
    out = tmp_path / "out"
    code = cli.run(["grade", str(handed_in), "--exercise", ID, "--out", str(out), "--roster", str(roster), "--dry-run"])
    said = capsys.readouterr().out
    assert code == 1 and not out.exists()
    assert "8 that belong to nobody I know:" in said and "carl (not in the class list)" in said
    assert "of the class list, 1 without a submission:\n  Nobody" in said


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "expected SUBMISSIONS and --exercise ID"),
        (["nowhere", "--exercise", "00"], "there is no 'nowhere'"),
        ([".", "--exercise", "77"], "expected an exercise, one of 00_echo"),
        ([".", "--exercise", "00", "--format", "pdf"], "--format: expected some of json,csv"),
        ([".", "--exercise", "00", "--format", "canvas"], "--format canvas fills in a gradebook"),
        ([".", "--exercise", "00", "--jobs", "0"], "--jobs: expected a whole number from 1"),
    ],
)
def test_bad_input_gets_one_line_and_code_2(arguments, says, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        cli.run(["grade", *arguments])
    told = capsys.readouterr().err
    assert ended.value.code == 2
    assert says in told and told.count("\n") == 1


def test_isolation_that_is_required_and_cannot_be_had_ends_with_code_2(handed_in, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("paxoskit.grading.remote.is_shut_in", lambda force: False)
    arguments = ["grade", str(handed_in), "--exercise", ID, "--out", str(tmp_path), "--jobs", "1"]
    with pytest.raises(SystemExit) as ended:
        cli.run([*arguments, "--isolation", "required"])
    assert ended.value.code == 2
    assert "--isolation=required: this system has no Landlock" in capsys.readouterr().err
    assert marks_in(tmp_path).keys() <= {"eve"}


def test_a_judge_that_ends_loses_no_submission(few, graded, tmp_path, monkeypatch):
    """The first two executors break; what is left is judged by the next."""
    broken = []

    class Breaks(ThreadPoolExecutor):
        def submit(self, function, task):
            if len(broken) < 2 and task.student["key"] in ("bob", "carl"):
                broken.append(task)
                return super().submit(end_of_a_process)
            return super().submit(function, task)

    monkeypatch.setattr(grading, "own_executor", lambda jobs: Breaks(1))
    marks, _ = grade(few, ID, tmp_path, jobs=2)
    assert len(broken) == 2 and len(marks) == 4
    assert without_seconds(tmp_path).items() <= without_seconds(graded).items()


def end_of_a_process():
    raise grading.BrokenProcessPool("a process ended")


def test_a_judge_that_fails_costs_one_mark_a_look_and_not_the_batch(few, graded, tmp_path, monkeypatch):
    def fail(exercise, folder):
        if folder.name in ("bob", "eve"):
            raise RuntimeError("a fault of the kit")
        return ()

    monkeypatch.setattr(grading, "judge_stories", fail)
    grade(few, ID, tmp_path, jobs=1)
    marks = marks_in(tmp_path)
    assert len(marks) == 4
    statuses = {result.status for key in ("bob", "eve") for result in marks[key].report.properties}
    assert statuses == {"not judged"}
    assert "a fault of the kit" in marks["bob"].report.properties[0].staff
    assert build(marks["ann"]) == 5


# Gradescope's own machine --------------------------------------------------------------------------------------


def test_the_autograder_for_gradescope_runs_where_nothing_is_installed(tmp_path):
    assert cli.run(["grade", "--gradescope-zip", ID, "--out", str(tmp_path)]) == 0
    archive = zipfile.ZipFile(tmp_path / f"gradescope-{ID}.zip")
    modes = {entry.filename: entry.external_attr >> 16 & 0o777 for entry in archive.infolist()}
    assert modes["setup.sh"] == modes["run_autograder"] == 0o755
    assert [name for name in modes if "solutions" in name or "answers" in name] == []
    source, results = tmp_path / "source", tmp_path / "results" / "results.json"
    archive.extractall(source)
    written(tmp_path / "submission", {"echo.py": RIGHT})
    *_, runs, program = shlex.split((source / "run_autograder").read_text(encoding="utf-8"), comments=True)
    assert runs == "-c" and program.endswith(f'main("{ID}")')
    here = program.replace(f'"{ID}"', f'"{ID}", {str(tmp_path / "submission")!r}, {str(results)!r}')
    command = [sys.executable, "-W", "error", "-c", here]
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run(command, cwd=source, env={**env, "PYTHONPATH": str(source)}, check=True)
    data = json.loads(results.read_text(encoding="utf-8"))
    assert [test["score"] for test in data["tests"] if test["tags"] == ["build"]] == [
        test["max_score"] for test in data["tests"] if test["tags"] == ["build"]
    ]


def test_one_folder_is_judged_as_gradescope_has_it(tmp_path):
    written(tmp_path, {"04/echo (3).py": RIGHT})
    mark = mark_folder(ID, tmp_path)
    assert (build(mark), mark.notes) == (5, ("echo (3).py was taken for echo.py",))


def test_a_story_in_which_a_timer_of_ones_own_rings_costs_its_property_and_no_other(tmp_path):
    """The judge cannot read such a story back without the learner's classes: it draws none, and that is all."""
    one = exercise("05")
    answer = TOP / "tests" / "answers" / one.id / "wrong" / "own_timer_and_the_same_ballot.py"
    shutil.copy(answer, tmp_path / one.file)
    results = mark_folder(one.id, tmp_path).report.properties
    build = {result.id: (result.points, result.status) for result in results if result.part == BUILD}
    assert [id for id, (points, _) in build.items() if not points] == ["ballots"]
    assert build["ballots"] == (0, FAILED)
