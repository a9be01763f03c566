"""`submit` packs what `grade` reads; stories in it are told again and never believed."""

import json
import zipfile
from pathlib import Path

import pytest

from paxoskit import cli
from paxoskit.course.given import VotesAnyway
from paxoskit.course.stage import Stage
from paxoskit.course.tasks import TASKS
from paxoskit.grading.grade import grade
from paxoskit.grading.handed_in import judge_predictions, judge_stories
from paxoskit.grading.marks import Mark
from paxoskit.protocol.messages import Put
from paxoskit.worlds.choice import Choice
from paxoskit.worlds.story import Story
from tests.grading.test_collect import written

TOP = Path(__file__).parents[2]
ID = "04_acceptor"
TASK = TASKS["04/anyway"]
FILE = f"{TASK.id.replace('/', '-')}.json"


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A learner's copy: an answer, an own test, and what the lesson kept."""
    solution = TOP / "solutions" / ID
    kept = "notebooks/lessons/.paxoskit"
    answers = {"04": {"x": {"kind": "predict", "chosen": ["yes"]}}, "05": {"y": {"chosen": ["no"]}}}
    written(tmp_path, {
        f"exercises/{ID}/acceptor.py": (solution / "acceptor.py").read_bytes(),
        f"exercises/{ID}/own_test.py": (solution / "own_test.py").read_bytes(),
        f"exercises/{ID}/test_{ID}.py": "",
        f"exercises/{ID}/.paxoskit/promise.json": "{}",
        f"{kept}/predictions.json": json.dumps({"schema": 1, "answers": answers}),
        f"{kept}/stories/{FILE}": json.dumps(TASK.beginning().as_json()),
        f"{kept}/stories/05-other.json": "{}",
    })  # fmt: skip
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_zip_has_the_answer_the_test_the_stories_and_this_lessons_predictions(course, capsys):
    assert cli.run(["submit", "04", "--out", "out"]) == 0
    with zipfile.ZipFile(course / "out" / f"{ID}.zip") as archive:
        assert sorted(archive.namelist()) == [
            "answer/acceptor.py", "own_test.py", "predictions.json", f"stories/{FILE}",
        ]  # fmt: skip
        assert list(json.loads(archive.read("predictions.json"))["answers"]) == ["04"]
    assert "written: out/04_acceptor.zip" in capsys.readouterr().out


def test_the_same_answer_gives_the_same_zip(course):
    contents = []
    for name in ("one", "two"):
        cli.run(["submit", "04", "--out", name])
        contents.append((course / name / f"{ID}.zip").read_bytes())
    assert contents[0] == contents[1]


def test_without_an_answer_there_is_one_line(course, capsys):
    (course / "exercises" / ID / "acceptor.py").unlink()
    with pytest.raises(SystemExit) as ended:
        cli.run(["submit", "04"])
    assert ended.value.code == 2
    assert "write your answer there, or name it with --file" in capsys.readouterr().err


def test_grade_reads_the_zip_and_shows_the_parts_apart(course):
    cli.run(["submit", "04", "--out", "in/jane"])
    grade(course / "in", ID, course / "out", jobs=1)
    mark = Mark.load(course / "out" / "marks", "jane")
    parts = mark.report.parts
    assert (parts["build"], parts["own test"]) == ((5, 5), (1, 1))
    assert parts["stories"] == (0, 2)
    assert parts["predictions"][1] == 2


# Stories ---------------------------------------------------------------------------------------------------------


def judged_story(folder, story):
    """Return the result of a story that was handed in, and its words."""
    written(folder, {f"stories/{FILE}": story if isinstance(story, str) else json.dumps(story)})
    (result,) = judge_stories(ID, folder)
    return result


def broken_story():
    """Return a story in which the given server votes in a ballot below the one that it promised."""
    stage = Stage(servers=3, server=VotesAnyway)
    stage.fire("ElectionTimeout", 1).deliver("Prepare", 1, 2).deliver("Promise", 2, 1)
    stage.ask("client 1", Put("'x'", "1")).deliver("Request", "client 1", 1)
    return stage.fire("ElectionTimeout", 2).deliver("Prepare", 2, 3).deliver("Accept", 1, 3).story()


def test_a_story_that_breaks_the_claim_again_has_its_points(tmp_path):
    result = judged_story(tmp_path, broken_story().as_json())
    assert (result.points, result.status, result.part) == (2, "passed", "stories")
    assert result.says.startswith("told again: ")


def test_a_forged_story_is_refused(tmp_path):
    claimed = TASK.beginning().as_json() | {"claim": TASK.claim_name, "says": "I broke it, honestly"}
    result = judged_story(tmp_path, claimed)
    assert (result.points, result.says) == (0, f"told again, the story does not break {TASK.claim_name!r}")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": 1, "world": 3}', "[" * 100_000, '{"schema": NaN}'])
def test_what_is_no_story_is_refused_in_a_line(text, tmp_path):
    result = judged_story(tmp_path, text)
    assert (result.points, result.status) == (0, "failed")
    assert result.says.startswith("the story cannot be told again: ")


def test_a_choice_that_cannot_happen_and_a_story_without_end_are_refused(tmp_path):
    impossible = Story(TASK.beginning().nodes, (Choice("restart", 1),)).as_json()
    assert "choice 1 of the story cannot happen" in judged_story(tmp_path, impossible).says
    endless = Story(TASK.beginning().nodes, (Choice("cut", 1, 2),) * 3_000).as_json()
    assert "expected at most 2,000 choices, got 3,000" in judged_story(tmp_path, endless).says


def test_no_story_says_what_to_do(tmp_path):
    (result,) = judge_stories(ID, tmp_path)
    assert result.says == f"there is no stories/{FILE}: break the server in the lesson, then hand in again"


def test_predictions_are_read_on_trust_and_the_report_says_so(tmp_path):
    for text in ("", "[]", '{"answers": 3}', "{}"):
        results = judge_predictions(ID, written(tmp_path, {"predictions.json": text}))
        assert [result.points for result in results] == [0] * len(results)
        assert all("on trust" in result.says for result in results)
