"""The notebooks of the course as they are committed: form, links and words; and executed, with answers and without."""

import json
import re
import shutil
import subprocess
import time
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import nbformat
import pytest
from nbclient import NotebookClient

from paxoskit.course.lessons import LESSONS, as_shown, lesson_path, questions
from paxoskit.grading.properties import MODULES

TOP = Path(__file__).parents[2]
FOLDER = TOP / "notebooks"
NOTEBOOKS = sorted(FOLDER.rglob("*.ipynb"))
NOTEBOOKS = [path for path in NOTEBOOKS if ".ipynb_checkpoints" not in path.parts]
WRITTEN = [lesson for lesson in LESSONS if lesson_path(lesson, TOP).is_file()]
BUILT = [lesson for lesson in WRITTEN if lesson.exercise in MODULES]
PAGES = [*NOTEBOOKS, TOP / "docs" / "learning.md", TOP / "docs" / "teaching.md"]

AVOID = {
    r"blockchain": "block chain",
    r"proposal numbers?": "ballot",
    r"time-?outs? (fires|fired)": "a timer rings",
    r"quorum of majorities": "majority",
    r"commit(s|ted|ting)? (the|a) (value|block|entry)": "choose, decide or apply",
    r"primary|backups? server": "leader, follower",
    r"epoch|view change": "ballot, election",
    r"verified to be (right|correct)": "searched, up to …",
}
"""Words that other texts use for what has a name here, and that name."""


def relative(path):
    return str(path.relative_to(TOP))


@cache
def committed(path):
    """Return a notebook as the last commit has it (a learner may change her copy); the file, where git has none."""
    git = ["git", "-C", str(TOP), "show", f"HEAD:{path.relative_to(TOP).as_posix()}"]
    try:
        shown = subprocess.run(git, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        shown = path.read_bytes()
    return nbformat.reads(shown.decode("utf-8"), as_version=4)


def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def prose(notebook):
    return "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def asks(cell):
    return re.search(r"\b(predict|explain)\(\n", cell.source) is not None


notebooks = pytest.mark.parametrize("path", NOTEBOOKS, ids=relative)
lessons = pytest.mark.parametrize("lesson", WRITTEN, ids=lambda lesson: lesson.id)


# Form -------------------------------------------------------------------------------------------------------


@notebooks
def test_what_is_committed_has_no_outputs(path):
    assert [cell.id for cell in code(committed(path)) if cell.outputs or cell.execution_count] == []
    assert "widgets" not in committed(path).metadata


@notebooks
def test_the_kernel_is_python3_and_cell_ids_are_words(path):
    notebook = committed(path)
    assert notebook.metadata.kernelspec.name == "python3"
    ids = [cell.id for cell in notebook.cells]
    assert [id for id in ids if not id.replace("-", "").isalpha()] == []
    assert len(ids) == len(set(ids))


@notebooks
def test_cells_are_short_and_only_questions_are_folded(path):
    cells = code(committed(path))
    assert [cell.id for cell in cells if cell.source.count("\n") >= 10 and not asks(cell)] == []
    folded = [cell.id for cell in cells if cell.metadata.get("jupyter", {}).get("source_hidden")]
    assert folded == [cell.id for cell in cells if asks(cell)]


@lessons
def test_a_lesson_goes_through_all_its_parts_in_order(lesson):
    text = prose(committed(lesson_path(lesson, TOP)))
    headings = [line.removeprefix("## ") for line in text.splitlines() if line.startswith("## ")]
    first = [next((n for n, heading in enumerate(headings) if heading.startswith(part)), None)
             for part in ("Trouble", "Run", "Break it", "Modify", "Build", "Reflect")]  # fmt: skip
    assert None not in first and first == sorted(first)
    assert text.startswith(f"# Lesson {lesson.number} · {lesson.title}\n")
    assert [part for part in ("**Afterwards you can**", "**Builds on**", "**Takes**", "✂ *A") if part not in text] == []


@lessons
def test_a_lesson_asks_before_it_shows_and_each_answer_has_a_reason_of_its_own(lesson):
    asked = questions(lesson_path(lesson, TOP))
    assert {one.kind for one in asked} == {"predict", "explain"}
    for one in asked:
        assert len(set(one.choices.values())) == len(one.choices)
        assert all(reason.rstrip().endswith((".", "?")) for reason in one.choices.values()), one.id


@lessons
def test_nothing_is_broken_while_a_question_is_read_and_then_put(lesson):
    """A leader without a majority steps down in half a second: what is put later than that gets no vote."""
    cells = code(committed(lesson_path(lesson, TOP)))
    breaks = re.compile(r"\.(fail_process|fail_link|partition)\(")
    threes = zip(cells, cells[1:], cells[2:], strict=False)
    found = [one for one, two, three in threes if breaks.search(one.source) and asks(two) and ".put(" in three.source]
    assert [cell.id for cell in found] == []


def test_the_right_answer_is_not_always_in_the_same_place():
    asked = [one for lesson in WRITTEN for one in questions(lesson_path(lesson, TOP))]
    places = [as_shown(one.id, one.choices).index(one.right) for one in asked]
    assert max(places.count(place) for place in (0, 1, 2)) < 0.5 * len(places)


# Links and words --------------------------------------------------------------------------------------------


def text_of(path):
    return prose(committed(path)) if path.suffix == ".ipynb" else path.read_text(encoding="utf-8")


def anchors(path):
    """Return what the headings of a page are called in a link: as JupyterLab makes it, and as Git hosts do."""
    headings = re.findall(r"^#+ (.+)$", text_of(path), flags=re.M)
    names = {heading.strip().replace(" ", "-") for heading in headings}
    return names | {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", PAGES, ids=relative)
def test_every_link_inside_the_repository_leads_somewhere(path):
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", text_of(path)):
        if link.startswith(("http://", "https://", "attachment:")):
            continue
        file, _, anchor = link.partition("#")
        target = (path.parent / unquote(file)).resolve() if file else path
        if not target.exists() or (anchor and unquote(anchor) not in anchors(target)):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("path", PAGES, ids=relative)
def test_things_are_called_by_their_names(path):
    text = text_of(path)
    if path.stem == "glossary":
        text = text.partition("## Time and order")[2]  # the table before it says what others call them
    found = {word: AVOID[pattern] for pattern in AVOID for word in re.findall(rf"\b{pattern}\b", text, flags=re.I)}
    assert found == {}


def test_the_glossary_names_the_lesson_that_has_the_word():
    glossary = text_of(FOLDER / "glossary.ipynb")
    entries = re.findall(r"^### (.+)\n(.+(?:\n(?!#).+)*)", glossary, flags=re.M)
    assert len(entries) > 30
    written = {lesson.number: text_of(lesson_path(lesson, TOP)) for lesson in WRITTEN}
    missing = []
    for term, meaning in entries:
        for number in map(int, re.findall(r"[Ll]esson (\d+)", meaning)):
            if number in written and not re.search(re.escape(term).replace(r"\ ", r"\s"), written[number], flags=re.I):
                missing.append((term, number))
    assert missing == []


def test_the_glossary_is_in_alphabetical_order_within_each_part():
    for part in text_of(FOLDER / "glossary.ipynb").split("\n## ")[2:]:
        terms = re.findall(r"^### (.+)$", part, flags=re.M)
        assert terms == sorted(terms, key=str.lower)


# Executed ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A learner's copy of the course: notebooks, starters; every question is answered, so that nothing is held."""
    top = tmp_path_factory.mktemp("course")
    shutil.copytree(FOLDER, top / "notebooks", ignore=shutil.ignore_patterns(".paxoskit", ".ipynb_checkpoints"))
    shutil.copytree(TOP / "exercises", top / "exercises", ignore=shutil.ignore_patterns(".paxoskit", "__pycache__"))
    answers = {}
    for lesson in WRITTEN:
        for one in questions(lesson_path(lesson, TOP)):
            answers.setdefault(lesson.id, {})[one.id.partition("/")[2]] = {"chosen": [one.right]}
    kept = top / "notebooks" / "lessons" / ".paxoskit"
    kept.mkdir()
    (kept / "predictions.json").write_text(json.dumps({"schema": 1, "answers": answers}), encoding="utf-8")
    return top


class Run:
    """A notebook that ran: what each cell showed, how long it took, and the check once more, with a right answer."""

    def __init__(self, path, solution=None):
        self.book = nbformat.read(path, as_version=4)
        client = NotebookClient(
            self.book, timeout=120, kernel_name="python3", store_widget_state=False,
            coalesce_streams=True,  # one line that is printed may come in two messages
            resources={"metadata": {"path": str(path.parent)}},
        )  # fmt: skip
        with client.setup_kernel():
            begun = time.monotonic()
            for index, cell in enumerate(self.book.cells):
                client.execute_cell(cell, index)
            self.seconds = time.monotonic() - begun
            self.points = points(said(self.book, "check"))
            if solution is not None:
                place, right = solution
                shutil.copytree(right, place, dirs_exist_ok=True)
                index = [cell.id for cell in self.book.cells].index("check")
                client.execute_cell(self.book.cells[index], index)
                self.points_of_solution = points(said(self.book, "check"))


def said(book, id):
    """Return what a cell printed and showed, as text."""
    shown = [cell.outputs for cell in book.cells if cell.id == id and cell.cell_type == "code"]
    parts = [output["text"] if "text" in output else "".join(map(str, output["data"].values()))
             for outputs in shown for output in outputs]  # fmt: skip
    return "\n".join(parts)


def points(text):
    found = re.search(r"([\d.]+) of ([\d.]+) points", text)
    return (float(found[1]), float(found[2])) if found else None


@pytest.fixture(scope="module")
def runs(course):
    """Run a lesson once, when it is first asked for; one that fails fails once."""
    done = {}

    def run(lesson):
        if lesson.id not in done:
            done[lesson.id] = None
            place = course / "exercises" / lesson.exercise
            solution = (place, TOP / "solutions" / lesson.exercise) if lesson in BUILT else None
            done[lesson.id] = Run(lesson_path(lesson, course), solution)
        return done[lesson.id] or pytest.fail("the lesson did not run through: see the first failure")

    return run


@pytest.mark.slow
@lessons
def test_a_lesson_runs_through_in_less_than_thirty_seconds_with_the_starter(runs, lesson):
    assert runs(lesson).seconds < 30
    if lesson in BUILT:
        earned, of = runs(lesson).points
        assert earned < of
    else:
        assert re.fullmatch(r"expected an exercise, one of .*", said(runs(lesson).book, "check").strip())


@pytest.mark.slow
@pytest.mark.parametrize("lesson", BUILT, ids=lambda lesson: lesson.id)
def test_its_check_gives_every_point_to_the_solution(runs, lesson):
    earned, of = runs(lesson).points_of_solution
    assert earned == of


def is_picture(output):
    """Say whether an output is a picture, or the still one of a lab, which stands below its widget."""
    data = output.get("data", {})
    return bool(data.keys() & {"image/svg+xml", "image/png"}) or "data:image/svg+xml" in data.get("text/html", "")


@pytest.mark.slow
@lessons
def test_every_part_before_the_exercise_has_a_picture_or_a_lab(runs, lesson):
    book, part, pictures = runs(lesson).book, "", {}
    for cell in book.cells:
        if cell.cell_type == "markdown":
            part = next((line for line in cell.source.splitlines() if line.startswith("## ")), part)
        else:
            pictures[part] = pictures.get(part, False) or any(map(is_picture, cell.outputs))
    without = [part for part, has in pictures.items() if not has and re.match("## (Trouble|Run|Break)", part)]
    assert without == []


SHOWN = {
    "00": {
        "one-burns": r"^before: \{\"'order 17'\": \"'3 apples'\"\}\nafter:  \{\}$",
        "put-get": r"^'green'$",
        "literal-key": r"^\[1, -2, None\]$",
        "slow-put": r"^put 'colour' 'red' → waiting$",
        "fast": r"^put 'colour' 'red' → done$",
        "kill-leader": r"^red$",
        "new-leader": r"^leader before: (\d)  leader now: (?!\1)\d$",
        "rewind-run": r"^x is 1   the other put: put 'x' 2 → this was asked in a branch that was left$",
        "no-majority": r"^put 'colour' 'violet': no majority: 2 of 5 servers are up, and 3 are needed [^\n]*$",
        "restart": r"^42$",
        "violet": r"^'(violet|red)'$",
        "majorities": r"^1$",
        "seeds": r"^\[\(7, '(\w{8})'\), \(7, '\1'\), \(8, '(?!\1)\w{8}'\)\]$",
        "blocks": r"^0 0{8} <- (\w{7}[012]) nonce \d+\n1 \1 <- (\w{7}[012]) nonce \d+\n2 \2 <- (\w{7}[012]) ",
        "verify": r"^as it is:  None\ntampered:  .*\bblock 2\b",
        "same-chain": r"^\{1: '(\w+)', 2: '\1', 3: '\1', 4: '\1', 5: '\1'\}$",
        "partition": r"^leader: [345]$",
        "violations": r"^\[\]$",
        "modify-run": r"^green\n(.*\n)*Wall time: (\d\d|[2-9])[\d.]* s\nfallen: \[\]$",
    },
    "01": {
        "log": r"^ *0 ms  server 2 gets Charge.*\n.*\n.*server 1 sends Charge",
        "concurrent": r"^a → b: False   b → a: False$",
        "clocks": r"^2 .*Charge.*\n3 .*Order.*\n4 .*Paid.*\n6 .*Sent.*\n\{1: 7, 2: 4, 3: 6\}",
        "clocks-again": r"^\['server 1 sends Charge 9 to server 2', 'server 3 sends Sent 13 to server 1'\]$",
        "busy": r"Order 3 .*\n.*Paid 4 .*\n.*Order 6 ",
        "modify-clock": r"^clock condition: server 1 sent Charge with clock 0, .* sent Order with clock 0$",
    },
    "02": {
        "silence": r"^the server has \{\"'x'\": '1'\}",
        "retry": r"^answers, in order: \['done', '1', 'done', 'done', '1'\]",
        "table": r"^answers, in order: \['done', '1', 'done', 'done', '2'\]",
        "modify-run": r"^client 2 reads 2   blocks: 4\nfallen: \[\]$",
    },
    "03": {
        "meet": r"^majorities of 5: 1   halves of 4: 0$",
        "crashes": r"4 servers: majority 3  survives 1\n5 servers: majority 3  survives 2\n6 .* survives 2",
        "sides": r"no majority: 4 of 4 servers are up, and 3 are needed",
        "healed": r"^0$",
        "flexible-five": r"^\{2: 0, 3: 0, 4: 1\}$",
        "modify-more": r"^fallen: \[\]   leaders: \[\]",
    },
    "04": {
        "first-stuck": r"^server 1: vote 1.4 red\nserver 2: vote 1.5 blue\nserver 3: down$",
        "last": r"^agreement: two values are chosen: red .* server 1 and server 2, and blue .* server 2 and server 3",
        "late": r"server 2: promised 2.5, vote none",
        "vote-binds-run": r"^promised: 2.5   it answers the older Accept with: \[\]   vote: blue$",
        "lost-votes": r"^server 1: vote 1.4 red\nserver 2: vote 1.4 red\nserver 3: vote none$",
        "two-ballots": r"\('1.4', 'red', 1\), \('2.5', 'red', 1\)",
        "modify-run": r"^a promise is kept: server 2 promised ballot 2.5, and then votes in the lower ballot 1.4",
    },
    "05": {
        "headstrong-blue": r"^agreement: two values are chosen: red is chosen in ballot 1.4",
        "told-clerk": r"server 2 said: Promise 2.5 \[Vote 1.4 red\]\nserver 3 said: Promise 2.5",
        "value": r"'blue'\)$",
        "obey": r"^proposed: red   fallen: \[\]",
        "duel-over": r"^fallen: \[\]   votes: \[\]\nserver 1: promised 5.4, vote none",
        "patience": r"^exactly 3 hops: None",
        "modify-run": r"^after \d+ steps: P2c: ",
    },
    "06": {
        "lost-run": r"^agreement: two values are chosen: red .* server 1 and server 2, and blue .* server 3$",
        "kept-run": r"^server 3 sent: \['Nack'\]\nfallen: \[\]",
        "crash-points": r"before the save: no vote .* \[\]\ncrash after the save: vote on the disk; .* \[\]",
        "leader": r"^server 1: leading False, ballot 0.0, promised 1.1, vote 1.1 block 0",
        "leader-run": r"^chains: \[1, 1, 1\]   fallen: \[\]",
        "lies": r"^a promise is kept: server 3 promised ballot 2.2, then sent Accepted in the lower ballot 1.1",
        "lost-disk-run": r"server 3: promised 0.0, voter False\nvotes of: \[1, 2\]\nblocks: \{1: 1, 2: 1, 3: 1\}",
        "modify-run": r"^a promise is complete: server 3 voted for ",
    },
    "07": {
        "demonstration": r"^fallen: \[\]",
        "two": r"^no claim fell in all runs .* at most 2 ballots in all\n(.*\n)*not covered: crashes and restarts",
        "all-claims": r"^a claim fell: a promise is ",
        "events": r"^server 3 voted for red in ballot 2.4, but its promise of ballot 1.4 reports red in ballot 1.4",
        "needed-run": r"^the whole story: True\nwith one choice left out: \[False(, False)+\]",
        "strong": r"^an acceptor votes once: server 1 voted in two ballots",
        "right-acceptor": r"^no claim fell in all runs",
        "crash": r"^a claim fell: a promise is kept",
        "modify-run": r"^promises rise: server 1 promised 1.4 again",
    },
    "08": {
        "one-slot": r"'Prepare': 3, 'Promise': 3, 'Accept': 3, 'Accepted': 3",
        "messages": r"'Accept': 2, 'Accepted': 2, 'Decide': 2, 'Request': 1, 'Reply': 1",
        "words": r"\[0, 0, 0\], .*\n.*\[1, 0, 0\], .*\n.*\[1, 1, 0\], ",
        "batch": r"^\[1, 4\]",
        "vote": r"^\['WantBlocks'\]\n\[4, 4, 4\]",
        "heir": r"^\['1', '2'\]",
        "gap": r"^applied: \['a', 'b'\]   gaps: \[2\]\nfilled: \['a', 'b', 'no-op', 'd'\]",
        "modify-run": r"^leaders: \[2\]   chains: \[3, 0\]\nfallen: \[\]   answered: \[\]",
    },
    "09": {
        "local-run": r"lead: \[2, 1\]\n.*get 'x' → \"1\" .* had been overwritten",
        "through-run": r"^server 1 has answered .*: \['done'\]\nwhen .* asks again: 2\nfallen: \[\]",
        "fold": r"^0 blocks: \{\}\n1 blocks: .*'1'\}\n2 blocks: .*'2'\}",
        "fold-run": r"2: \{\"'x'\": '2'\}, 3: \{\"'x'\": '2'\}",
        "once-run": r"^table of server 2: \{'client 1/1.1': .*\nserver 2 answers: done\nblocks: 1",
        "index": r"^Server +Accept 2 · Accepted 2 · Decide 2 · saves 6 .*\nReadIndex .* · IFollow 2 · saves 0 ",
        "lease": r"slow clock: 5.33",
        "modify-run": r"^store = fold\(chain\): the store of server 1 .*\n.*'1', .*'2', .*'3', ",
    },
    "10": {
        "changed-run": r"server 1 .*'3', \"'figs.* 420efcc2\nserver 2 .*'30'.* 420efcc2\nserver 3",
        "field": r"^put +(the fields .*)\nnonce +\1\nhash +\1\nprevious_hash  block 1 does not point .*\nheight",
        "cost": r"^\{1: 5, 2: \d\d, 3: 1\d\d, 4: [78]\d\d\}",
        "half-verify": r"^verify: None None\nfallen: .*'chains are prefixes of one another'",
        "unmined": r"verify: the hash of block \d+ ends in a digit that is not .*\nfallen in 5,000 steps: \[\]",
        "rewritten": r"^verify: None",
        "others": r"1: '(.*)', 2: '(?!\1).*', 3: '\1'",
        "window-verify": r"^block 1 does not point at the block before it",
        "modify-verify": r"^fallen:\n  a promise is complete\n(  .*\n)*  agreement\n(  .*\n)*verify: None None",
    },
    "11": {
        "night": r"(Forgetful, nemesis none, seed \d: no claim fell in 2,000 steps; .*\n?){3}",
        "chaos-run": r"^faults: duplication \d+ · .*\nfallen: \[\] ",
        "seed": r"^above:  (\w+)\nseed 3 \1\nseed 4 (?!\1)",
        "matrix": r"(.*\n)*^CountsVotes, nemesis duplication, seed \d: .*\nCountsVotes, nemesis all",
        "bound": r"4 runs, .* 0.527, .*\n.* 0.030, .*\n.* 0.003, ",
        "loss-run": r"^\{0: \[6\d(, 6\d){3}\], 0.1: \[34, 44, 37, 33\], 0.2: \[[12]\d(, [12]\d){3}\]",
        "shrink": r"^P2c fell after \d\d choices; [12]\d are enough",
        "shrink-look": r"^P2c: server 2 proposed ",
        "report": r"Forgetful \| all \| 4 \| 4 \|.*\n.*CountsVotes \| duplication \| 4 \| 1 \|.*\n"
        r".*CountsVotes \| crash \| 4 \| 0 \|.*\n.*CountsVotes \| all \| 4 \| 3 \|",
        "modify-run": r"^Server answers \[3\d(, 3\d){3}\] .*: \[\]\nNervous answers \[\d(, \d){3}\]   fallen: \[\]",
    },
}
"""What the text of a lesson says that its cells show."""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("lesson", "cell"),
    [(lesson, cell) for lesson in WRITTEN for cell in SHOWN.get(lesson.id, ())],
    ids=lambda part: part if isinstance(part, str) else part.id,
)
def test_the_cell_shows_what_the_text_says(runs, lesson, cell):
    shown = said(runs(lesson).book, cell).replace("\n\n", "\n").strip()
    assert re.search(SHOWN[lesson.id][cell], shown, flags=re.M)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["START_HERE", "glossary"])
def test_the_other_notebooks_run_through(course, name):
    run = Run(course / "notebooks" / f"{name}.ipynb")
    assert run.seconds < 30
    assert "of 120 points so far" in said(run.book, "progress") or name == "glossary"
