"""`check`, `reset`, `answer`, `replay` and pytest: the same properties, and words that help."""

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from paxoskit import cli
from paxoskit.course.progress import progress
from paxoskit.grading import subject as subject_module
from paxoskit.grading.check import answer, check, check_property, not_there, replay
from paxoskit.grading.properties import MODULES, Failed, Property, exercise, judge_property
from paxoskit.grading.report import ERROR, FAILED, NOT_JUDGED, NOT_RUN, TIMED_OUT, Report
from paxoskit.grading.subject import LearnerError, LocalSubject, Odd, plain
from paxoskit.protocol.messages import Reply
from paxoskit.protocol.node import Node
from paxoskit.worlds.story import Story

TOP = Path(__file__).parents[2]
WRONG = TOP / "tests" / "answers"


@pytest.fixture
def desk(tmp_path, monkeypatch):
    """A folder with the exercises and nothing written yet, in which one works."""
    left_out = shutil.ignore_patterns(".paxoskit", "__pycache__")
    for name in ("exercises", "solutions"):
        shutil.copytree(TOP / name, tmp_path / name, ignore=left_out)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(capsys, *arguments):
    """Run a command; return its exit code, what it said, what it complained about."""
    try:
        code = cli.run(list(arguments))
    except SystemExit as end:
        code = end.code
    said = capsys.readouterr()
    return code, said.out, said.err


# The three ways ---------------------------------------------------------------------------------------------


def test_the_command_gives_a_starter_nothing_and_advice(desk, capsys):
    code, said, complaint = run(capsys, "check", "04")
    assert (code, complaint) == (1, "")
    assert said.startswith("04_acceptor: 0 of 6 points")
    assert "what does an acceptor have to remember?" in said
    assert "Traceback" not in said


def test_the_command_and_the_notebook_and_pytest_agree(desk, capsys):
    wrong = WRONG / "04_acceptor" / "wrong" / "M5_reports_no_vote.py"
    shutil.copy(wrong, desk / "exercises" / "04_acceptor" / "acceptor.py")
    code, said, _ = run(capsys, "check", "04_acceptor", "--json")
    told = json.loads(said.splitlines()[-1])
    report = check("04_acceptor")
    names = [prop.id for prop in exercise("04").all()]
    one_by_one = [check_property("04_acceptor", name, desk / "exercises" / "04_acceptor").points for name in names]
    assert code == 1
    assert [one["points"] for one in told["properties"]] == [one.points for one in report.properties] == one_by_one
    assert report.points == 3.5 and report.practice


def test_the_command_is_content_with_a_solution(desk, capsys):
    code, said, _ = run(capsys, "check", "00", "--file", "solutions/00_echo/echo.py")
    assert (code, said.splitlines()[0]) == (0, "00_echo: 6 of 6 points (build 5/5, own test 1/1) — practice")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["check", "99"], "expected an exercise, one of 00_echo, "),
        (["check", "00", "--file", "no.py"], "there is no file 'no.py' to check"),
        (["check", "00", "--seed", "x"], "expected a whole number from 0 to"),
        (["reset", "echo"], "expected an exercise, one of 00_echo, "),
    ],
)
def test_bad_input_gets_one_line(desk, capsys, arguments, says):
    code, said, complaint = run(capsys, *arguments)
    assert (code, said, complaint.count("\n")) == (2, "", 1)
    assert says in complaint


def test_pytest_judges_another_folder_and_shows_no_frame_of_the_kit(desk):
    (desk / "conftest.py").write_text('pytest_plugins = ["paxoskit.grading.pytest_plugin"]\n')
    good = pytest_run(desk, "exercises/00_echo", "--answers", "solutions")
    assert good.returncode == 0, good.stdout
    bad = pytest_run(desk, "exercises/00_echo", "--seed", "3")
    assert bad.returncode == 1
    assert "on_request: send a Reply" in bad.stdout
    assert "paxoskit/" not in bad.stdout.replace("-m paxoskit", "")


def pytest_run(folder, *arguments, **options):
    """Run pytest in a folder of its own."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--import-mode=importlib", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, encoding="utf-8", **options)


def test_breakpoint_works_under_pytest(desk):
    (desk / "conftest.py").write_text('pytest_plugins = ["paxoskit.grading.pytest_plugin"]\n')
    text = (TOP / "solutions" / "00_echo" / "echo.py").read_text(encoding="utf-8")
    line = "        operation = request.operation\n"
    mine = text.replace(line, f"        breakpoint()\n{line}")
    (desk / "exercises" / "00_echo" / "echo.py").write_text(mine, encoding="utf-8")
    done = pytest_run(desk, "exercises/00_echo", "-k", "copy_of_it", input="p request.number\nimport os; os._exit(7)\n")
    here = "breakpoint()" if sys.version_info >= (3, 13) else "operation = request.operation"
    assert f"-> {here}" in done.stdout
    assert done.returncode == 7


# What a report says -----------------------------------------------------------------------------------------


def test_the_command_that_opens_a_story_stands_whole_on_a_line(desk, capsys):
    folder = desk / f"my {'long ' * 12}answers"
    folder.mkdir()
    shutil.copy(WRONG / "00_echo" / "wrong" / "puts_echo_their_key.py", folder / "echo.py")
    _, said, _ = run(capsys, "check", "00", "--file", str(folder / "echo.py"))
    commands = [shlex.split(line) for line in said.splitlines() if "lab --story" in line]
    assert [words[:5] for words in commands] == [["python3", "-m", "paxoskit", "lab", "--story"]] * len(commands)
    assert commands and all(len(words) == 6 and Path(words[5]).is_file() for words in commands)


def test_a_story_is_kept_beside_the_answer_and_can_be_told_again(desk, capsys):
    shutil.copy(WRONG / "00_echo" / "wrong" / "puts_echo_their_key.py", desk / "exercises" / "00_echo" / "echo.py")
    _, said, _ = run(capsys, "check", "00")
    kept = desk / "exercises" / "00_echo" / ".paxoskit" / "words_story.json"
    assert "  python3 -m paxoskit lab --story exercises/00_echo/.paxoskit/words_story.json\n" in said
    story = Story.load(kept)
    assert story.nodes == (f"{(desk / 'exercises/00_echo/echo.py').resolve()}:Echo",)
    assert len(story.choices) == 2
    replay(kept, Echo=answer("00").Echo)
    told = capsys.readouterr().out
    assert "server 1 gets" in told or "deliver" in told


def test_the_last_report_on_a_file_is_kept_for_the_map_of_the_course(desk, capsys):
    shutil.copy(WRONG / "00_echo" / "wrong" / "puts_echo_their_key.py", desk / "exercises" / "00_echo" / "echo.py")
    (desk / "notebooks").mkdir()
    run(capsys, "check", "00")
    kept = desk / "exercises" / "00_echo" / ".paxoskit" / "report.json"
    report = Report.from_json(json.loads(kept.read_text(encoding="utf-8")))
    assert 0 < report.points < report.of
    way = next(way for way in progress(desk).ways if way.lesson.exercise == "00_echo")
    assert way.built == (report.points, report.of)
    check("00_echo", Echo=Node)  # a class of a cell is practice: the map knows what the file is worth
    assert Report.from_json(json.loads(kept.read_text(encoding="utf-8"))) == report


def test_words_that_no_file_can_hold_are_written_as_escapes(desk):
    """An exception may hold half of a surrogate pair, which UTF-8 has no bytes for: nobody else's report may suffer."""
    path = desk / "exercises" / "04_acceptor" / "acceptor.py"
    true = (TOP / "solutions" / "04_acceptor" / "acceptor.py").read_text()
    raises = '        raise ValueError("half \\ud83d of it")\n        self.vote = Vote('
    path.write_text(true.replace("        self.vote = Vote(", raises))
    command = [sys.executable, "-m", "paxoskit", "check", "04"]
    done = subprocess.run(
        command, cwd=desk, env=os.environ | {"PYTHONPATH": str(TOP)}, capture_output=True, check=False
    )
    assert done.returncode == 1
    assert b"half \\ud83d of it" in done.stdout
    assert b"Traceback" not in done.stderr


def test_a_story_with_roles_of_the_kit_opens_wherever_one_is(desk, capsys, monkeypatch):
    shutil.copy(WRONG / "04_acceptor" / "wrong" / "M5_reports_no_vote.py", desk / "exercises/04_acceptor/acceptor.py")
    run(capsys, "check", "04")
    kept = desk / "exercises" / "04_acceptor" / ".paxoskit" / "report_story.json"
    monkeypatch.chdir(kept.parent)
    script = (
        "from paxoskit.loading import load_node\n"
        "from paxoskit.worlds.story import Story, resolver\n"
        "story = Story.load('report_story.json')\n"
        "print(story.replay(classes=resolver(load_node, story)).trace[-1])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, encoding="utf-8")
    assert done.stderr == ""
    assert "server 1 sends Promise" in done.stdout


def test_an_exception_shows_the_learners_line_and_what_was_printed_before():
    result = check_file("02_retries", '''
from paxoskit.protocol.node import Node

class KeyValueServer(Node):
    def on_request(self, sender, request):
        print("got", request.number)
        return self.tabel[request.session]

def linearizable(history):
    return history.legal
''')  # fmt: skip
    first = result[0]
    assert first.status == ERROR
    assert "line 7, in on_request:\n    return self.tabel[request.session]\nAttributeError: " in first.says
    assert "paxoskit/" not in first.says and "Traceback" not in first.says
    assert "| got 1\n" in first.says  # under the event that ran it
    assert result[-2].says.startswith("retries.py, line 10, in linearizable:")


def check_file(exercise_id, text):
    """Judge a text as an answer; return the results."""
    import tempfile

    one = exercise(exercise_id)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / one.file
        file.write_text(text, encoding="utf-8")
        subject = LocalSubject(file)
        return [judge_property(prop, subject, 0, one.roles) for prop in one.all()]


@pytest.mark.parametrize(
    ("text", "status", "says"),
    [
        ("def is_quorum(votes, servers, phase)\n", ERROR, "SyntaxError: expected ':'"),
        ("import nothing_of_this_name\n", ERROR, "ModuleNotFoundError"),
        ("", NOT_RUN, "there is no is_quorum in quorums.py"),
        ("raise SystemExit\n", ERROR, "SystemExit"),
        ("def is_quorum(votes, servers, phase):\n    return 1\n", FAILED, "returned 1; True or False was expected"),
        ("def is_quorum(*votes):\n    return is_quorum(*votes)\n", ERROR, "RecursionError"),
        ("class Odd:\n    __eq__ = lambda *a: True\ndef is_quorum(*a):\n    return Odd()\n", FAILED, "<a Odd>"),
    ],
)
def test_every_way_to_fail_has_words(text, status, says):
    first = check_file("03_quorums", text)[0]
    assert (first.status, first.points) == (status, 0)
    assert says in first.says


@pytest.mark.parametrize("wait", ["pass", "time.sleep(0.01)"])
def test_an_endless_loop_ends_and_is_not_waited_for_again(wait, monkeypatch):
    monkeypatch.setattr(subject_module, "LONGEST_CALL", 0.2)
    monkeypatch.setattr(subject_module, "LONGEST_WAIT", 1.0)
    source = f"import time\ndef is_quorum(votes, servers, phase):\n    while True:\n        {wait}\n"
    results = check_file("03_quorums", source)
    first, *others = [result for result in results if result.part == "build" and result.status != NOT_RUN]
    assert {result.status for result in (first, *others)} == {TIMED_OUT}
    assert first.says == "is_quorum: no answer came: look for a loop that never ends, or for a wait"
    assert len(others) > 1
    assert {result.says.partition(",")[0] for result in others} == {"is_quorum is not run again"}


def test_a_handler_without_an_end_costs_only_what_uses_it(monkeypatch):
    monkeypatch.setattr(subject_module, "LONGEST_CALL", 0.2)
    right = (TOP / "solutions" / "02_retries" / "retries.py").read_text(encoding="utf-8")
    source = right.replace("    def on_request(self, sender, request):", LOOPS)
    assert source != right
    results = {result.id: result for result in check_file("02_retries", source)}
    assert results["answered"].says.startswith("KeyValueServer hearing Request: no answer came")
    assert {id for id, result in results.items() if result.points} >= {"six_histories", "histories"}
    assert results["once"].says.startswith("KeyValueServer hearing Request is not run again")


LOOPS = "    def on_request(self, sender, request):\n        while True:\n            pass\n"


def test_a_loop_that_catches_everything_ends_too(monkeypatch):
    monkeypatch.setattr(subject_module, "LONGEST_CALL", 0.2)
    source = "def is_quorum(*_):\n    while True:\n        try:\n            pass\n        except:\n            pass\n"
    source += "        try:\n            _ = len(_)\n        except:\n            _ = ()\n"
    assert check_file("03_quorums", source)[0].status == TIMED_OUT


@pytest.mark.parametrize("wait", ["pass", "time.sleep(0.02)"])
def test_a_loop_within_what_catches_everything_ends_too(wait, monkeypatch):
    monkeypatch.setattr(subject_module, "LONGEST_CALL", 0.2)
    monkeypatch.setattr(subject_module, "LONGEST_WAIT", 0.5)
    source = "import time\ndef is_quorum(*_):\n    while True:\n        try:\n            while True:\n"
    source += f"                {wait}\n        except:\n            pass\n"
    results = check_file("03_quorums", source)
    assert results[0].says.startswith("is_quorum: no answer came")
    assert {result.status for result in results if result.part == "build" and result.status != NOT_RUN} == {TIMED_OUT}


def test_what_takes_long_in_all_has_a_bound(monkeypatch):
    monkeypatch.setattr(subject_module, "LONGEST", 0.3)
    monkeypatch.setattr(subject_module, "LONGEST_OF_ALL", 0.6)
    right = (TOP / "solutions" / "03_quorums" / "quorums.py").read_text(encoding="utf-8")
    slow = right + "\nquick = is_quorum\ndef is_quorum(*_):\n    sum(range(2_000_000))\n    return quick(*_)\n"
    results = check_file("03_quorums", slow)
    assert results[0].says == "your answer took too long in all: look for what runs long"
    assert "not run: other parts of your answer took too long already" in [result.says for result in results]


def test_a_fault_of_the_kit_costs_nobody_a_point_in_silence():
    def broken(subject, seed):
        raise ZeroDivisionError

    result = judge_property(Property("x", "a property", 1, broken), LocalSubject(names={}))
    assert result.status == NOT_JUDGED
    assert "ZeroDivisionError" in result.staff and "show this to whoever teaches" in result.says


def test_a_class_of_a_notebook_cell_can_be_practised(desk):
    class Mute(Node):
        def on_request(self, sender, request):
            pass

    report = check("00_echo", Echo=Mute)
    assert report.practice and report.points == 0
    assert report.notes == ("Echo is the one that you gave",)
    assert "<table>" in report._repr_html_()


def test_a_name_that_is_not_asked_for_is_named():
    with pytest.raises(ValueError, match=r"^00_echo asks for Echo, and you gave Ecko$"):
        check("00_echo", Ecko=Node)


def test_a_report_draws_its_stories(desk):
    class Stranger(Node):
        def on_request(self, sender, request):
            self.send("client 2", Reply(request.session, request.number, "?"))

    page = check("00_echo", Echo=Stranger)._repr_html_()
    assert "<svg" in page and "right_node: the story" in page


def test_a_button_opens_the_lab_on_the_story(desk):
    from paxoskit.lab.lab import Lab

    shutil.copy(WRONG / "04_acceptor" / "wrong" / "M5_reports_no_vote.py", desk / "exercises/04_acceptor/acceptor.py")
    report = check("04_acceptor")
    (lost, opened), *others = report.labs
    assert (lost, others) == ("report", [])
    lab = opened()
    try:
        assert isinstance(lab, Lab)
    finally:
        lab.close()


def test_the_answer_is_loaded_anew_each_time(desk):
    file = desk / "exercises" / "03_quorums" / "quorums.py"
    file.write_text("number = 1\n")
    assert answer("03_quorums").number == 1
    file.write_text("number = 2\n")
    assert answer("03").number == 2
    file.write_text("number = \n")
    with pytest.raises(LearnerError, match=r"quorums.py, line 1"):
        answer("03")


# Seeds, plain data ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("exercise_id", MODULES)
def test_another_seed_changes_no_verdict_of_a_solution(exercise_id):
    one = exercise(exercise_id)
    subject = LocalSubject(TOP / "solutions" / one.id / one.file)
    for seed in (1, 2):
        results = [judge_property(prop, subject, seed, one.roles) for prop in one.properties]
        assert [result.says for result in results if result.points != result.of] == []


def test_the_same_seed_gives_the_same_words():
    file = WRONG / "02_retries" / "wrong" / "last_of_any_client.py"
    prop = next(prop for prop in exercise("02").properties if prop.id == "once")
    one, other = (judge_property(prop, LocalSubject(file), 5) for _ in range(2))
    assert (one.says, one.story) == (other.says, other.story)


def test_what_is_no_plain_data_becomes_odd():
    class Always(int):
        def __eq__(self, other):
            return True

        __hash__ = int.__hash__

    assert type(plain(Always(3))) is Odd
    assert plain((1, [Always(3)]))[1][0] != 3
    assert Failed("words").says == "words"


# Reset ------------------------------------------------------------------------------------------------------


def test_reset_puts_the_starter_back_and_keeps_what_was_there(desk, capsys):
    file = desk / "exercises" / "01_clock" / "clock.py"
    starter = file.read_text(encoding="utf-8")
    file.write_text("my work\n")
    code, said, _ = run(capsys, "reset", "01")
    assert (code, said.count("\n")) == (0, 2)
    assert file.read_text(encoding="utf-8") == starter
    assert [backup.read_text() for backup in file.parent.glob("clock.py.*.bak")] == ["my work\n"]
    assert run(capsys, "reset", "01")[1] == "exercises/01_clock/clock.py is the starter already.\n"


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("from paxoskit.grading.checks.chaos import experiment", "paxoskit.grading.checks.chaos"),
        ("import paxoskit.trace", "paxoskit.trace"),
        ("from paxoskit import Cluster", "paxoskit.Cluster"),
        ("import numpy as np", "numpy"),
        ("from .helper import x", ".helper"),
        ("def later():\n    from paxoskit.protocol import server", "paxoskit.protocol.server"),
    ],
)
def test_what_cannot_be_imported_where_marks_are_given_is_noted(line, name, tmp_path):
    file = tmp_path / "echo.py"
    file.write_text(f"{line}\n", encoding="utf-8")
    number = len(line.splitlines())
    assert list(not_there(exercise("00_echo"), file)) == [
        f"line {number} imports {name}: it is not there where marks are given (README.md: imports)"
    ]


@pytest.mark.parametrize("exercise_id", MODULES)
def test_what_can_be_imported_where_marks_are_given_is_not_noted(exercise_id, tmp_path):
    one = exercise(exercise_id)
    for file in [TOP / "solutions" / one.id / one.file, *(TOP / "tests" / "answers" / one.id / "right").glob("*.py")]:
        assert (file, *not_there(one, file)) == (file,)
    ran = tmp_path / one.file
    ran.write_text("import json\nif __name__ == '__main__':\n    from paxoskit import Cluster\n", encoding="utf-8")
    assert list(not_there(one, ran)) == []
