"""`check("04_acceptor")`: the properties of an exercise, judged on the learner's own answer; a loss comes with a story.

The same properties are judged by `pytest exercises/04_acceptor`, by `check` in a notebook and by `python3 -m paxoskit
check 04_acceptor`. All three run the answer in this process: they are for practice. Marks come from `grade`.
"""

from __future__ import annotations

import ast
import dataclasses
import html
import json
import shlex
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from paxoskit.bootstrap import checkout
from paxoskit.endless import watched
from paxoskit.grading.properties import MODULES, Exercise, exercise, judge, judge_property
from paxoskit.grading.report import Report, Result
from paxoskit.grading.starters import starter
from paxoskit.grading.subject import LearnerError, LocalSubject, in_words, load
from paxoskit.grading.telling import cast_of, own_names, told
from paxoskit.options import Options, whole
from paxoskit.protocol.node import Node
from paxoskit.trace import sentence, write_whole
from paxoskit.worlds.story import Story
from paxoskit.worlds.world import World

TOP = Path(__file__).resolve().parents[2]
"""The folder in which the package lies."""

STORIES = ".paxoskit"
"""The folder beside an answer in which `check` keeps the stories of what it found, and its last report."""

REPORT = "report.json"
"""The last report on a file; a check of classes that were given by name keeps none."""


@dataclass(frozen=True)
class Checked(Report):
    """A report that draws its stories, where there is something to draw with."""

    stories: tuple[tuple[str, Any], ...] = dataclasses.field(default=(), compare=False)
    """For each property that was lost with a story: its id and its trace."""

    labs: tuple[tuple[str, Callable[[], Any]], ...] = dataclasses.field(default=(), compare=False, repr=False)
    """For each of these properties: its id, and what opens the lab at the beginning of its story."""

    def _ipython_display_(self) -> None:
        """Show the report; where a kernel can answer a click, with a button for each story that opens it in the lab."""
        from IPython.core.getipython import get_ipython
        from IPython.display import display

        shown = {"text/plain": str(self), "text/html": self._repr_html_()}
        display(shown, raw=True)  # type: ignore[no-untyped-call]
        if self.labs and getattr(get_ipython(), "kernel", None) is not None:
            display(_buttons(self.labs))  # type: ignore[no-untyped-call]

    def _repr_html_(self) -> str:
        drawn = "".join(_drawn(id, trace) for id, trace in self.stories)
        return super()._repr_html_() + drawn


def _buttons(labs: tuple[tuple[str, Callable[[], Any]], ...]) -> Any:
    """Return a row of buttons; each opens the lab on its story, below."""
    import ipywidgets
    from IPython.display import display

    below = ipywidgets.Output()
    opened: list[Any] = []  # a lab that nobody holds closes itself

    def button(id: str, open: Callable[[], Any]) -> Any:
        made = ipywidgets.Button(description=f"{id}: open in the lab", layout={"width": "auto"})

        def clicked(_: Any) -> None:
            below.clear_output()
            with below:
                opened[:] = [open()]
                display(opened[0])  # type: ignore[no-untyped-call]

        made.on_click(clicked)
        return made

    return ipywidgets.VBox([ipywidgets.HBox([button(id, open) for id, open in labs]), below])


def _drawn(id: str, trace: Any) -> str:
    """Return a story as a picture that folds out; empty where it cannot be drawn."""
    try:
        from paxoskit.pictures.spacetime import spacetime, spacetime_svg

        picture = spacetime_svg(spacetime(trace))
    except Exception:
        return ""
    return f"<details open><summary>{html.escape(id)}: the story</summary>{picture}</details>"


def check(id: str, *, file: str | Path | None = None, seed: int = 0, **classes: Any) -> Report:
    """Judge the learner's answer to an exercise. Classes and functions given by name take the place of the file's.

    The report shows itself in a notebook. Nothing that an answer does is raised here.

    Raises ValueError, in one line, for an exercise that is none and a name that the exercise does not ask for.
    """
    one = exercise(id)
    for name in classes:
        if name not in one.names:
            raise ValueError(f"{one.id} asks for {', '.join(one.names)}, and you gave {name}")
    path = Path(file) if file is not None else None
    if path is None and set(classes) != set(one.names):
        path = place(one)
    return check_file(one, path, seed, classes)


def check_file(one: Exercise, path: Path | None, seed: int = 0, classes: dict[str, Any] | None = None) -> Checked:
    """Judge the answer in the file `path`, with `classes` in the place of some of its names; keep the stories."""
    subject = LocalSubject(path, classes)
    made = judge(one, subject, seed)
    results, traces, labs = [], [], []
    for result in made.properties:
        if result.story is not None:
            story = Story.from_json(result.story)
            traces.append((result.id, told(story, subject, one.roles).trace))
            labs.append((result.id, partial(_lab, story, subject, one)))
            result = result if classes else _with_link(result, path)
        results.append(result)
    notes = (*(f"{name} is the one that you gave" for name in classes or ()), *not_there(one, path))
    report = Checked(
        one.id, tuple(results), made.isolation, True, seed, notes, stories=tuple(traces), labs=tuple(labs)
    )
    if path is not None and path.is_file() and not classes:
        keep_report(report, path.parent)
    return report


def not_there(one: Exercise, path: Path | None) -> Iterator[str]:
    """Yield a note for each import of an answer that fails where marks are given, but not in practice."""
    given = {"paxoskit", "paxoskit.protocol", *(f"paxoskit.protocol.{name}" for name in one.given)}
    try:
        waiting: list[ast.AST] = [ast.parse(path.read_bytes())] if path is not None else []
    except (OSError, SyntaxError, ValueError):
        return
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and "__main__" in ast.unparse(node.test):
            continue
        waiting += reversed(list(ast.iter_child_nodes(node)))
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        names = [alias.name for alias in node.names]
        if isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            names = [f"{module}.{name}" for name in names] if module in ("paxoskit", "paxoskit.protocol") else [module]
        for name in names:
            if name not in given and name.partition(".")[0] not in sys.stdlib_module_names:
                yield f"line {node.lineno} imports {name}: it is not there where marks are given (README.md: imports)"


def _lab(story: Story, subject: LocalSubject, one: Exercise) -> Any:
    """Open the lab at the beginning of a story."""
    from paxoskit.lab.lab import Lab

    return Lab(story, classes=cast_of(story, subject, one.roles))


def keep_report(report: Report, folder: Path) -> None:
    """Keep a report beside an answer, for the map of the course. Where nothing may be written, nothing is kept."""
    try:
        (folder / STORIES).mkdir(exist_ok=True)
        write_whole(folder / STORIES / REPORT, json.dumps(report.as_json(), ensure_ascii=False))
    except OSError:
        pass  # the points were shown; only the map of the course does not know them


def check_property(id: str, property_id: str, folder: Path, seed: int = 0) -> Result:
    """Judge one property of the answer in a folder. Raises ValueError for an exercise or a property that is none."""
    one = exercise(id)
    found = [prop for prop in one.all() if prop.id == property_id]
    if not found:
        raise ValueError(f"{one.id} has no property {property_id!r}; it has {', '.join(p.id for p in one.all())}")
    path = folder / one.file
    return _with_link(judge_property(found[0], LocalSubject(path), seed, one.roles), path)


def _with_link(result: Result, path: Path | None) -> Result:
    """Keep a result's story in a file beside the answer, and add to its words how to open it."""
    if result.story is None or path is None or not path.parent.is_dir():
        return result
    story = Story.from_json(result.story)
    named = replace(story, nodes=tuple(_from_here(name, path) for name in story.nodes))
    file = path.parent / STORIES / f"{result.id}_story.json"
    try:
        file.parent.mkdir(exist_ok=True)
        named.save(file)
    except OSError as error:
        return replace(result, says=f"{result.says}\n(the story could not be kept: {error.strerror})")
    command = f"python3 -m paxoskit lab --story {shlex.quote(_short(file))}"  # a line of its own, to be copied
    return replace(result, says=f"{result.says}\nStep through it:\n{command}")


def _from_here(name: str, path: Path) -> str:
    """Return a class's name in a story that is kept: wherever that is opened, its file is found."""
    file, _, cls = name.partition(":")
    if file == path.name:
        return f"{path.resolve()}:{cls}"
    return name if file in ("", "paxoskit") else f"{TOP / file}:{cls}"


def _short(path: Path) -> str:
    """Return a path from here, if it lies below here."""
    path = path.resolve()
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def place(one: Exercise, answers: Path | None = None) -> Path:
    """Return the file of the learner's answer: in `answers`, or in `exercises/` here, above here or in the clone."""
    if answers is not None:
        return answers / one.id / one.file
    here = Path.cwd()
    folders = [folder / "exercises" for folder in (here, *here.parents)]
    folders += [here.parent] if here.name == one.id else []
    folders += [top / "exercises" for top in [checkout()] if top is not None]
    found = [folder / one.id for folder in folders if (folder / one.id).is_dir()]
    return (found[0] if found else here / "exercises" / one.id) / one.file


def answer(id: str) -> ModuleType:
    """Load the learner's answer to an exercise, anew each time: `answer("04_acceptor").Acceptor`.

    Raises LearnerError, with the learner's own line, if the file cannot be loaded.
    """
    path = place(exercise(id))
    if not path.is_file():
        raise LearnerError(f"there is no file {_short(path)}", "missing")
    try:
        return load(path)
    except Exception as error:
        raise LearnerError(*in_words(error)) from error


def replay(story: Story | str | Path, **classes: type[Node]) -> World:
    """Tell a story again, with the classes given by name in the place of the learner's; return the world at its end.

    Each event is printed as it happens, and what the learner's code prints stands under the event that ran it; her
    exceptions and her `breakpoint()` come through unchanged.
    """
    if not isinstance(story, Story):
        story = Story.load(story)
    world = story.world(own_names(story, classes))
    seen = world.trace.count
    for number, choice in enumerate(story.choices, 1):
        print(f"{number:3}. {choice}")
        world.trace.now += 10
        world.happen(choice)
        for event in world.trace.since(seen):
            if event.kind in ("send", "announce", "lost"):
                print(f"       {sentence(event)}")
        seen = world.trace.count
        world.fresh.clear()
    return world


# The commands --------------------------------------------------------------------------------------------------


def main(arguments: list[str]) -> int:
    """Run `python3 -m paxoskit check`: 0 if every point is there, 1 if not, 2 for bad input."""
    options = Options("check", f"ID is one of {', '.join(MODULES)}, or its number.")
    options.add_argument("id", metavar="ID", help="the exercise, such as 04_acceptor or 04")
    options.add_argument("--file", metavar="FILE", help="judge this file (exercises/ID has yours)")
    options.add_argument("--seed", type=whole(0, 10**9), default=0, metavar="N", help="other schedules (0)")
    options.add_argument("--json", action="store_true", help="print the report as one JSON object, the last line")
    chosen = options.parse_args(arguments)
    try:
        one = exercise(chosen.id)
    except ValueError as error:
        options.error(str(error))
    path = Path(chosen.file) if chosen.file else place(one)
    if not path.is_file():
        options.error(f"there is no file {str(path)!r} to check")
    with watched([path, path.parent / "own_test.py"]):
        made = check_file(one, path, chosen.seed)
    print(made if not chosen.json else json.dumps(made.as_json(), ensure_ascii=False))
    return 0 if made.passed else 1


def reset(arguments: list[str]) -> int:
    """Run `python3 -m paxoskit reset`: put a starter back, and keep what was there as a backup."""
    options = Options("reset", "What you wrote is kept beside it, its name ending in .bak and the time.")
    options.add_argument("id", metavar="ID", help="the exercise, such as 04_acceptor or 04")
    chosen = options.parse_args(arguments)
    try:
        one = exercise(chosen.id)
    except ValueError as error:
        options.error(str(error))
    path = place(one)
    text = original(one, path)
    if text is None:
        options.error(f"there is no starter of {one.id} to put back")
    backup = None
    try:
        if path.is_file():
            if path.read_text(encoding="utf-8", errors="replace") == text:
                print(f"{_short(path)} is the starter already.")
                return 0
            backup = _unused(path)
            path.rename(backup)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text)
    except OSError as error:
        if backup is not None and backup.exists():
            backup.rename(path)
        options.error(f"cannot write {_short(path)}: {error.strerror}; it is as it was")
    if backup is not None:
        print(f"kept {_short(backup)}")
    print(f"{_short(path)} is the starter again.")
    return 0


def original(one: Exercise, path: Path) -> str | None:
    """Return the text of an exercise's starter: the one that was kept with the copy, or from the solution."""
    kept = kept_starter(path)
    if kept.is_file():
        return kept.read_text(encoding="utf-8")
    solution = path.parents[2] / "solutions" / one.id / one.file
    return starter(solution.read_text(encoding="utf-8")) if solution.is_file() else None


def kept_starter(path: Path) -> Path:
    """Return where a copy without solutions keeps the starter of the exercise whose file is `path`."""
    return path.parent / STORIES / f"{path.name}.starter"


def _unused(path: Path) -> Path:
    stamp = time.strftime("%Y%m%d-%H%M%S")
    names: Iterator[Path] = (path.with_name(f"{path.name}.{stamp}{f'-{k}' if k else ''}.bak") for k in range(1000))
    return next(name for name in names if not name.exists())
