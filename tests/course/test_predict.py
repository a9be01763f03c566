"""A prediction is locked, kept, and only then followed by what happens; without a browser."""

import json

import ipywidgets
import nbformat
import pytest
from nbclient import NotebookClient

from paxoskit.course import predict as module
from paxoskit.course.keeping import kept, read
from paxoskit.course.lessons import Answers, answers, questions
from paxoskit.course.predict import explain, predict

CHOICES = {"yes": "It has promised more.", "no": "It keeps its promise.", "perhaps": "Nothing here is left to chance."}


@pytest.fixture(autouse=True)
def beside(tmp_path, monkeypatch):
    """A folder of notebooks of its own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def ask(kind=predict, id="04/late"):
    return kind(id, "Does it vote?", CHOICES, right="no")


def click(question, message):
    """Send what the page sends."""
    question._handle_custom_msg(message, [])


def test_before_the_choice_the_page_knows_no_reason_and_no_right_answer():
    sent = json.dumps(ask().get_state(), default=str)
    assert [text for text in (*CHOICES.values(), '"right"') if text in sent] == []


@pytest.mark.parametrize("answer", CHOICES)
def test_a_prediction_is_locked_with_the_reason_of_its_answer(answer):
    question = ask()
    click(question, {"commit": answer})
    assert (question.chosen, question.reason, question.locked) == (answer, CHOICES[answer], True)
    assert question.verdict == ("right" if answer == "no" else "wrong")
    assert question.instead == (() if answer == "no" else ("no", CHOICES["no"]))


def test_a_locked_prediction_stays_as_it_is():
    question = ask()
    click(question, {"commit": "yes"})
    click(question, {"commit": "no"})
    assert (question.chosen, question.attempts) == ("yes", ["yes"])
    with pytest.raises(ValueError, match=r"^predict 04/late is locked: 'yes' was chosen$"):
        question.commit("no")


def test_an_explanation_may_be_tried_again_until_it_is_right():
    question = ask(explain)
    click(question, {"commit": "yes"})
    assert not question.locked and question.instead == ()
    click(question, {"commit": "no"})
    assert (question.locked, question.attempts) == (True, ["yes", "no"])


@pytest.mark.parametrize("message", [{"commit": "maybe"}, {"commit": 3}, {}, "no", {"right": "no"}, None])
def test_what_is_no_answer_changes_nothing(message):
    question = ask()
    click(question, message)
    assert (question.chosen, read("predictions.json")) == ("", {})


def test_an_answer_is_kept_beside_the_notebook_and_shown_again_after_a_restart():
    ask().commit("yes")
    ask(explain, "04/report").commit("no")
    data = json.loads(kept("predictions.json").read_text(encoding="utf-8"))
    chosen = {word: asked["chosen"] for word, asked in data["answers"]["04"].items()}
    assert chosen == {"late": ["yes"], "report": ["no"]}
    again = ask()
    assert (again.chosen, again.locked, again.reason) == ("yes", True, CHOICES["yes"])


def test_an_answer_that_is_no_longer_offered_counts_as_none():
    predict("04/late", "?", {"a": "A.", "b": "B."}, right="a").commit("b")
    assert ask().chosen == ""


@pytest.mark.parametrize(
    "spoilt", ["", "{", "[]", '{"answers": 3}', '{"answers": {"04": {"late": {"chosen": 7}}}}', "[" * 99_999]
)
def test_a_spoilt_file_stops_no_lesson_and_is_not_thrown_away(spoilt):
    path = kept("predictions.json")
    path.parent.mkdir()
    path.write_text(spoilt, encoding="utf-8")
    question = ask()
    question.commit("no")
    assert ask().chosen == "no"
    readable = spoilt.startswith("{") and spoilt != "{"
    assert readable or path.with_name("predictions.json.spoilt").read_text(encoding="utf-8") == spoilt


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("late", "?", CHOICES, "no"), "expected an id of a lesson and a word"),
        ((4, "?", CHOICES, "no"), "expected an id of a lesson and a word"),
        (("04/late", "?", {"no": "Why."}, "no"), "expected at least two answers"),
        (("04/late", "?", ["yes", "no"], "no"), "expected at least two answers"),
        (("04/late", " ", CHOICES, "no"), "expected texts that say something"),
        (("04/late", "?", {**CHOICES, "yes": ""}, "no"), "expected texts that say something"),
        (("04/late", "?", CHOICES, "never"), "right is 'never', which is none of the answers"),
    ],
)
def test_a_question_that_cannot_be_asked_gets_one_line(arguments, says):
    id, question, choices, right = arguments
    with pytest.raises(ValueError, match=says) as caught:
        predict(id, question, choices, right=right)
    assert "\n" not in str(caught.value)


# What it holds back -----------------------------------------------------------------------------------------


class Shell:
    """Stands in for a notebook's shell: whatever is displayed goes to its publisher."""

    def __init__(self):
        self.display_pub, self.shown = self, []

    def publish(self, data, metadata=None, **others):
        self.shown.append(data)


@pytest.fixture
def shell(monkeypatch):
    shell = Shell()
    monkeypatch.setattr(module, "get_ipython", lambda: shell)
    monkeypatch.setattr(
        module, "display", lambda shown, raw=False, metadata=None: shell.display_pub.publish(shown, metadata)
    )
    return shell


def test_what_a_block_prints_and_displays_is_held_in_order_until_the_commitment(shell, capsys):
    question = ask()
    with question:
        print("one")
        module.display({"text/plain": "a picture"})
        print("two")
    (area,) = shell.shown
    assert isinstance(area, ipywidgets.Output)
    assert [output["text"] for output in area.outputs] == [module.HELD]
    assert capsys.readouterr().out == ""
    question.commit("yes")
    assert [output.get("text", output.get("data")) for output in area.outputs] == [
        "one\n", {"text/plain": "a picture"}, "two\n",
    ]  # fmt: skip


def test_the_block_runs_at_once_whether_or_not_anybody_answers(shell):
    done = []
    with ask():
        done.append(1)
    assert done == [1]


def test_after_the_commitment_nothing_is_held(shell, capsys):
    question = ask()
    question.commit("no")
    with question:
        print("one")
        module.display({"text/plain": "a picture"})
    assert (capsys.readouterr().out, shell.shown) == ("one\n", [{"text/plain": "a picture"}])


def test_what_changes_an_earlier_display_changes_it_at_once(shell):
    """A lab's thread keeps its picture up to date, also while a block is held."""
    question = ask()
    with question:
        shell.display_pub.publish({"text/html": "newer"}, None, transient={"display_id": "one"}, update=True)
        module.display({"text/plain": "held"})
    newer, area = shell.shown
    assert newer == {"text/html": "newer"}
    question.commit("yes")
    assert [output["data"] for output in area.outputs] == [{"text/plain": "held"}]


def test_a_block_that_fails_shows_what_it_printed_and_its_error(shell, capsys):
    with pytest.raises(ZeroDivisionError), ask():
        print("before")
        1 / 0  # noqa: B018
    assert capsys.readouterr().out == "before\n"
    print("after")
    assert capsys.readouterr().out == "after\n"


# As a grader reads it ---------------------------------------------------------------------------------------


def notebook(path, *sources):
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    nbformat.write(book, path)
    return path


def asks(kind, word, right="b"):
    return f'guess = {kind}("04/{word}", "Which?", {{"a": "A" " is.", "b": "B."}}, right={right!r})\nguess'


def test_the_questions_of_a_notebook_are_read_without_running_it(beside):
    path = notebook(beside / "n.ipynb", "1 / 0", "%time 3", asks("predict", "one"), asks("explain", "two", "a"))
    assert [(asked.kind, asked.id, asked.right) for asked in questions(path)] == [
        ("predict", "04/one", "b"), ("explain", "04/two", "a"),
    ]  # fmt: skip
    assert questions(path)[0].choices == {"a": "A is.", "b": "B."}


def test_a_question_that_is_no_literal_gets_one_line(beside):
    path = notebook(beside / "n.ipynb", 'predict("04/x", text, {"a": "A."}, right="a")')
    with pytest.raises(ValueError, match="expected literals in predict"):
        questions(path)


def test_predictions_count_when_locked_and_explanations_when_the_reason_is_found(beside):
    sources = [asks("predict", "one"), asks("predict", "two"), asks("explain", "three"), asks("explain", "four")]
    path = notebook(beside / "n.ipynb", *sources)
    made = {"one": ["a"], "three": ["a", "b"], "four": ["a"], "no such question": ["b"]}
    data = {"answers": {"04": {word: {"chosen": chosen} for word, chosen in made.items()}}}
    assert answers(path, data) == Answers(predicted=1, predictions=2, explained=1, explanations=2)
    assert answers(path, data).points == 1


@pytest.mark.parametrize(
    "data", [{}, [], {"answers": []}, {"answers": {"04": 1}}, {"answers": {"04": {"one": {"chosen": "b"}}}}]
)
def test_what_is_no_answer_counts_as_none(beside, data):
    path = notebook(beside / "n.ipynb", asks("predict", "one"))
    assert answers(path, data).predicted == 0


@pytest.mark.slow
def test_in_a_kernel_the_run_is_held_and_the_notebook_runs_through(beside):
    sources = [
        "from paxoskit import predict\nx = 1",
        asks("predict", "one"),
        "with guess:\n    x += 1\n    print('secret')\n    display('picture')",
        "x",
        "guess.commit('a')",
        "with guess:\n    print('shown')",
    ]
    book = nbformat.read(notebook(beside / "n.ipynb", *sources), as_version=4)
    NotebookClient(book, timeout=60, kernel_name="python3", resources={"metadata": {"path": str(beside)}}).execute()
    held = "".join(str(cell.outputs) for cell in book.cells[:5])
    assert book.cells[3].outputs[0].data["text/plain"] == "2"
    assert "secret" not in held and module.HELD.strip()[:20] in held
    assert book.cells[5].outputs[0].text == "shown\n"
    (state,) = [one for one in book.metadata.widgets["application/vnd.jupyter.widget-state+json"]["state"].values()
                if one["model_name"] == "OutputModel"]  # fmt: skip
    assert [output.get("text") for output in state["state"]["outputs"]] == ["secret\n", None]
