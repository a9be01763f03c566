"""Predict and explain: the learner commits to an answer, and only then sees what happens, or why it does.

A prediction that nobody wrote down is remembered as right. So `predict` shows a question; a click locks the answer and
gives the reason that belongs to it. A `with` block under it holds its output back until then:

    guess = predict("04/late-accept", "Will server 2 vote?", {"yes": "It promised more.", "no": "Right."}, right="no")

    with guess:
        print(world.nodes[2].vote)

The block runs at once, so the cells after it find what it did, and *Run All* never waits for anybody; only its output
waits. `explain` asks for a reason instead, and lets her try again after a wrong one.

What she chose is kept in `.paxoskit/predictions.json` beside the notebook. It lies on her own disk, and the right
answer stands in the notebook: so it is graded on completion and on the reason, on trust, and the widget says so.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import anywidget
import ipywidgets
import traitlets
from IPython.core.displaypub import CapturingDisplayPublisher
from IPython.core.getipython import get_ipython
from IPython.display import display

from paxoskit.course.keeping import read, write
from paxoskit.course.lessons import PREDICTIONS, as_shown

SCHEMA = 1
HELD = "held back until you commit to an answer above\n"


def predict(id: str, question: str, choices: Mapping[str, str], *, right: str) -> Question:
    """Ask what will happen. `choices` has for each answer the reason why it is right, or why it is wrong.

    The page shows the answers in an order of its own.

    `id` is the lesson and a word, such as "04/late-accept". Text between backquotes is shown as code.

    Raises ValueError, in one line, for a question that cannot be asked.
    """
    return Question("predict", id, question, choices, right)


def explain(id: str, question: str, choices: Mapping[str, str], *, right: str) -> Question:
    """Ask for the reason of what happened: as `predict`, but after a wrong answer she may try again."""
    return Question("explain", id, question, choices, right)


class Question(anywidget.AnyWidget):
    """A question with its answers: shown by question.js, locked by the learner, remembered beside the notebook.

    >>> guess = predict("00/demo", "2 + 2?", {"4": "Count.", "22": "That joins texts."}, right="4")
    >>> guess.chosen, guess.locked
    ('', False)
    """

    _esm = Path(__file__).parent / "question.js"
    _css = Path(__file__).parent / "question.css"
    kind = traitlets.Unicode().tag(sync=True)
    question = traitlets.Unicode().tag(sync=True)
    answers = traitlets.List(traitlets.Unicode()).tag(sync=True)
    chosen = traitlets.Unicode().tag(sync=True)
    """The answer that she committed to last; empty before."""

    reason = traitlets.Unicode().tag(sync=True)
    """What belongs to the chosen answer: sent to the page only after the choice."""

    verdict = traitlets.Unicode().tag(sync=True)
    """"right", "wrong" or empty."""

    instead = traitlets.Tuple(default_value=()).tag(sync=True)
    """After a wrong prediction: the right answer, and its reason."""

    locked = traitlets.Bool().tag(sync=True)

    def __init__(self, kind: str, id: str, question: str, choices: Mapping[str, str], right: str) -> None:
        self._lesson, self._word = _check(kind, id, question, choices, right)
        self._choices, self._right = dict(choices), right
        self._held: list[tuple[ipywidgets.Output, list[dict[str, Any]]]] = []
        self._beside = Path.cwd()  # a later os.chdir of the learner does not move what she said
        super().__init__(kind=kind, question=question, answers=as_shown(id, choices))
        self.on_msg(self._on_message)
        self.attempts: list[str] = [answer for answer in self._kept() if answer in choices]
        if self.attempts:
            self._show(self.attempts[-1])

    def commit(self, answer: str) -> None:
        """Choose an answer, as a click does. Raises ValueError for one that is not offered, or if one is locked."""
        if answer not in self._choices:
            raise ValueError(f"{self._name()}: expected one of {', '.join(map(repr, self._choices))}, got {answer!r}")
        if self.locked:
            raise ValueError(f"{self._name()} is locked: {self.chosen!r} was chosen")
        self.attempts.append(answer)
        self._keep()
        self._show(answer)

    def _show(self, answer: str) -> None:
        right = answer == self._right
        with self.hold_sync():
            self.chosen, self.reason = answer, self._choices[answer]
            self.verdict = "right" if right else "wrong"
            self.locked = right or self.kind == "predict"
            self.instead = () if right or not self.locked else (self._right, self._choices[self._right])
        while self._held:
            area, outputs = self._held.pop()
            area.outputs = tuple(outputs)

    def _on_message(self, _: object, message: object, buffers: object) -> None:
        """Take a click; what is no answer, or comes twice, changes nothing."""
        match message:
            case {"commit": str(answer)} if answer in self._choices and not self.locked:
                self.commit(answer)

    def _name(self) -> str:
        return f"{self.kind} {self._lesson}/{self._word}"

    # What she said is kept ------------------------------------------------------------------------------------

    def _kept(self) -> list[str]:
        found = read(PREDICTIONS, self._beside).get("answers", {})
        for part in (self._lesson, self._word, "chosen"):
            found = found.get(part) if isinstance(found, dict) else None
        return [answer for answer in found if isinstance(answer, str)] if isinstance(found, list) else []

    def _keep(self) -> None:
        data = read(PREDICTIONS, self._beside)
        answers = data.get("answers")
        answers = answers if isinstance(answers, dict) else {}
        lesson = answers.get(self._lesson)
        lesson = lesson if isinstance(lesson, dict) else {}
        lesson[self._word] = {"kind": self.kind, "question": self.question, "chosen": self.attempts}
        write(PREDICTIONS, {"schema": SCHEMA, "answers": {**answers, self._lesson: lesson}}, self._beside)

    # What it holds back -----------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        self._capture = _Capture()
        self._capture.begin()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Show what the block showed: now, if an answer is chosen or the block failed; else when one is."""
        outputs = self._capture.end()
        if self.chosen or error is not None:
            for output in outputs:
                _put_out(output)
        elif get_ipython() is not None:
            area = ipywidgets.Output(outputs=({"output_type": "stream", "name": "stdout", "text": HELD},))
            self._held.append((area, outputs))
            display(area)  # type: ignore[no-untyped-call]

    def __repr__(self) -> str:
        return f"<{self._name()}: {self.chosen or 'not answered yet'}>"

    def _repr_mimebundle_(self, **arguments: Any) -> Any:
        bundle: Any = super()._repr_mimebundle_(**arguments)
        text = {"text/plain": f"{self.question}\n" + "\n".join(f"  ( ) {answer}" for answer in self.answers)}
        if isinstance(bundle, tuple):
            return {**bundle[0], **text}, *bundle[1:]
        return {**(bundle or {}), **text}


def _check(kind: str, id: str, question: str, choices: Mapping[str, str], right: str) -> tuple[str, str]:
    """Return the two parts of a question's id; raise ValueError, in one line, if the question cannot be asked."""
    lesson, _, word = id.partition("/") if isinstance(id, str) else ("", "", "")
    if not lesson or not word:
        raise ValueError(f'{kind}: expected an id of a lesson and a word, such as "04/late-accept", got {id!r}')
    if not isinstance(choices, Mapping) or len(choices) < 2:
        raise ValueError(f"{kind} {id}: expected at least two answers, each with its reason, got {choices!r:.60}")
    for text in (question, *choices, *choices.values()):
        if not isinstance(text, str) or not text.strip():
            raise ValueError(f"{kind} {id}: expected texts that say something, got {text!r:.60}")
    if right not in choices:
        raise ValueError(f"{kind} {id}: right is {right!r:.60}, which is none of the answers")
    return lesson, word


def _put_out(output: dict[str, Any]) -> None:
    """Show one output of a notebook in the cell that runs."""
    if output["output_type"] == "stream":
        print(output["text"], end="")
    else:
        display(output["data"], metadata=output["metadata"], raw=True)  # type: ignore[no-untyped-call]


class _Capture(io.TextIOBase):
    """Takes what is printed and displayed, in order, as the outputs of a notebook."""

    def begin(self) -> None:
        """Take everything from now on."""
        self.outputs: list[dict[str, Any]] = []
        self.before = sys.stdout
        sys.stdout = self
        self.shell: Any = get_ipython()
        if self.shell is not None:
            self.publisher = self.shell.display_pub
            self.shell.display_pub = _Publisher(self.outputs, self.publisher)

    def end(self) -> list[dict[str, Any]]:
        """Take no more; return what was taken."""
        sys.stdout = self.before
        if self.shell is not None:
            self.shell.display_pub = self.publisher
        return self.outputs

    def write(self, text: str) -> int:
        """Take printed text; what is printed together stays together."""
        if self.outputs and self.outputs[-1]["output_type"] == "stream":
            self.outputs[-1]["text"] += text
        else:
            self.outputs.append({"output_type": "stream", "name": "stdout", "text": text})
        return len(text)

    def writable(self) -> bool:
        """Say that one can print to it."""
        return True


class _Publisher(CapturingDisplayPublisher):
    """Takes what is displayed. What changes an earlier display goes there: a lab's thread may do so at any time."""

    def __init__(self, taken: list[dict[str, Any]], before: Any) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.taken = taken
        self.before = before

    def publish(self, data: Any, metadata: Any = None, source: Any = None, **others: Any) -> None:
        """Take one display, or pass on the change of one."""
        if others.get("update"):
            self.before.publish(data, metadata, **others)
        else:
            self.taken.append({"output_type": "display_data", "data": data, "metadata": metadata or {}})
