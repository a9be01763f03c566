"""Answers of others: right ones in every style get all points, wrong ones lose them for the right reason."""

import re
from pathlib import Path

import pytest

from benchmarks import kill_matrix
from paxoskit.course import given
from paxoskit.grading import properties
from paxoskit.grading.checks import acceptor, play, proposer, trials
from paxoskit.grading.properties import MODULES, exercise, judge
from paxoskit.grading.report import FAILED, PASSED
from paxoskit.grading.subject import LocalSubject
from paxoskit.protocol.node import Send
from paxoskit.protocol.plain import Ballot
from paxoskit.protocol.synod import Nack, Promise
from paxoskit.worlds.story import OURS

TOP = Path(__file__).parents[2]
ANSWERS = TOP / "tests" / "answers"


def files(kind):
    """Return the answers of a kind as pytest parameters."""
    found = sorted(ANSWERS.glob(f"*/{kind}/*.py"))
    return [pytest.param(file, id=f"{file.parts[-3]}/{file.stem}") for file in found]


def build(file, exercise_id):
    """Judge what was built, without the own test; return the report's results by property."""
    return results_of(judge(exercise(exercise_id), LocalSubject(file)))


def results_of(report):
    return {result.id: result for result in report.properties if result.id != "own_test"}


PAGE = kill_matrix.PAGE.read_text(encoding="utf-8")


def rows(exercise_id):
    """Return the rows of an exercise in docs/kill_matrix.md, by the names of their answers."""
    part = PAGE.partition(f"## {exercise_id}\n")[2].partition("\n## ")[0]
    return {line.split(" | ")[0].removeprefix("| "): line for line in part.splitlines()[3:] if line}


@pytest.mark.parametrize("exercise_id", MODULES)
def test_a_solution_gets_all_points(exercise_id):
    one = exercise(exercise_id)
    report = judge(one, LocalSubject(TOP / "solutions" / one.id / one.file))
    assert [(r.id, r.says, r.staff) for r in report.properties if r.status != PASSED] == []
    assert (report.points, report.parts) == (6, {"build": (5, 5), "own test": (1, 1)})


@pytest.mark.parametrize("exercise_id", MODULES)
def test_a_starter_gets_no_point_and_advice_instead_of_a_traceback(exercise_id):
    one = exercise(exercise_id)
    report = judge(one, LocalSubject(TOP / "exercises" / one.id / one.file))
    assert report.points == 0
    for result in report.properties:
        assert result.status == FAILED
        assert result.says and "Traceback" not in result.says and ".py" not in result.says.splitlines()[-1]


@pytest.mark.parametrize("file", files("right"))
def test_a_right_answer_in_another_style_gets_all_points(file):
    results = build(file, file.parts[-3])
    assert [(r.id, r.says, r.staff) for r in results.values() if r.status != PASSED] == []


SHORT = {param.values[0] for param in files("wrong")[::6]}
"""Wrong answers whose stories are made short and told here too; that takes as long as to find them."""


@pytest.mark.parametrize("file", files("wrong"))
def test_a_wrong_answer_loses_the_property_that_it_breaks_and_not_all(file, monkeypatch):
    if file not in SHORT:
        monkeypatch.setattr(trials, "REPLAYS", 0)
        monkeypatch.setattr(play, "_shrunk", lambda begin, classes, watcher, choices, says, ends: (choices, says))
        monkeypatch.setattr(properties, "_told", lambda story, subject, roles: "")
    loses = re.match(r"# loses: (\w+)\. .", file.read_text(encoding="utf-8"))
    assert loses, "its first line says `# loses: PROPERTY. Why.`"
    exercise_id, name = file.parts[-3], f"wrong: {file.stem}"
    report = judge(exercise(exercise_id), LocalSubject(file))
    assert kill_matrix.row(name, report, loses[1]) == rows(exercise_id)[name]
    results = results_of(report)
    assert loses[1] in results, "there is such a property"
    assert results[loses[1]].points == 0
    assert results[loses[1]].says != ""
    assert [r.staff for r in results.values() if r.status == "not judged"] == []
    if "# loses all" not in file.read_text(encoding="utf-8"):
        assert any(result.points for result in results.values()), "it keeps what it has right"
    if "# loses nothing else" in file.read_text(encoding="utf-8"):
        assert [result.id for result in results.values() if not result.points] == [loses[1]]


def test_the_kill_matrix_has_a_row_for_every_answer_and_no_other():
    """It prints the matrix: `pytest tests/grading/test_answers.py -k kill_matrix -s`. Each row is judged above."""
    print(PAGE)
    for exercise_id in MODULES:
        answers = [*(ANSWERS / exercise_id).glob("right/*.py"), *(ANSWERS / exercise_id).glob("wrong/*.py")]
        named = {f"{file.parent.name}: {file.stem}": file.parent.name for file in answers}
        found = rows(exercise_id)
        assert set(found) == {"solution", *named}
        for name, row in found.items():
            assert row.endswith("| 5/5 |") is (named.get(name) != "wrong"), name


@pytest.mark.parametrize("name", ["right/tuples", "wrong/M5_reports_no_vote", "wrong/ballots_as_texts"])
def test_an_answer_that_is_judged_once_is_judged_as_it_would_be_each_time(name, monkeypatch):
    file = ANSWERS / "04_acceptor" / f"{name}.py"
    once = {id: (result.says, result.story) for id, result in build(file, "04_acceptor").items()}
    anew = acceptor.Ledger.__init__
    monkeypatch.setattr(acceptor.Ledger, "__init__", lambda self, what, kinds, judged=None: anew(self, what, kinds))
    assert once == {id: (result.says, result.story) for id, result in build(file, "04_acceptor").items()}


def test_the_same_nack_is_right_only_where_its_ballot_was_granted():
    judged, nack = acceptor.Judged(), Nack(Ballot(1, 2), Ballot(2, 3))
    promises = {number: Promise(Ballot(*number), None) for number in ((2, 3), (3, 2))}
    granted = [((2, 3), promises[2, 3]), ((3, 2), promises[3, 2]), ((1, 2), nack)]
    refused = [((3, 2), promises[3, 2]), ((2, 3), Nack(Ballot(2, 3), Ballot(3, 2))), ((1, 2), nack)]
    for life, faults in ((granted, []), (refused, ["answers"]), (granted, [])):
        ledger = acceptor.Ledger("", set(), judged)
        for number, answer in life:
            asked = acceptor.prepare(number)
            deliver = acceptor.said_and_heard(asked)[1]
            found = ledger.judge(deliver, asked, [Send(number[1], answer)], acceptor.NEEDED)
        assert list(found) == faults


def test_the_search_through_an_acceptors_states_finds_what_no_schedule_does(monkeypatch):
    file = ANSWERS / "04_acceptor" / "wrong" / "gives_in_to_turns.py"
    assert [result.id for result in build(file, "04_acceptor").values() if not result.points] == ["promise"]
    monkeypatch.setattr(acceptor, "deep", lambda subject: [])
    assert [result.id for result in build(file, "04_acceptor").values() if not result.points] == []


@pytest.mark.parametrize(("name", "lost"), [("a_late_nack_ends_the_ballot", "progress"),
                                            ("votes_for_the_same_value", "counts")])  # fmt: skip
def test_the_search_through_a_proposers_states_finds_what_no_schedule_does(name, lost, monkeypatch):
    file = ANSWERS / "05_proposer" / "wrong" / f"{name}.py"
    assert [result.id for result in build(file, "05_proposer").values() if not result.points] == [lost]
    monkeypatch.setattr(proposer, "deep", lambda subject: {})
    assert [result.id for result in build(file, "05_proposer").values() if not result.points] == []


def test_an_acceptor_that_begins_when_it_starts_catches_the_planted_bug_with_a_test_that_starts_it(tmp_path):
    right = ANSWERS / "04_acceptor" / "right" / "begins_when_it_starts.py"
    (tmp_path / "acceptor.py").write_text(right.read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "own_test.py").write_text(OWN_TEST, encoding="utf-8")
    report = judge(exercise("04_acceptor"), LocalSubject(tmp_path / "acceptor.py"))
    assert {result.id: result.status for result in report.properties}["own_test"] == PASSED


OWN_TEST = """
from paxoskit.protocol.plain import Ballot
from paxoskit.protocol.synod import Accept, Accepted, Prepare

def test(answer):
    acceptor = answer.Acceptor(1, [1, 2, 3])
    acceptor.start()
    acceptor.receive(3, Prepare(Ballot(2, 3)))
    said = acceptor.receive(2, Accept(Ballot(1, 2), "red"))
    assert not any(isinstance(message, Accepted) for _, message in said)
"""


def test_a_proposer_that_is_born_with_the_time_is_told_of_it_in_practice_too(tmp_path):
    source = (TOP / "solutions" / "05_proposer" / "proposer.py").read_text(encoding="utf-8")
    born = "        super().__init__(name, peers, disk)\n"
    file = tmp_path / "proposer.py"
    file.write_text(source.replace(born, f"{born}        import time; self.since = time.time()\n"), encoding="utf-8")
    assert {result.says[:13] for result in build(file, "05_proposer").values()} == {"shared memory"}


@pytest.mark.parametrize("kept", ["voters_by_ballot[self.ballot] = set()", "wishes_by_name[self.name] = message.value"])
def test_a_proposer_that_shares_a_dict_with_its_copy_is_told_of_it_in_practice_too(tmp_path, kept):
    source = (TOP / "solutions" / "05_proposer" / "proposer.py").read_text(encoding="utf-8")
    name = kept.partition(" = ")[0]
    if "voters" in name:
        changed = source.replace("self.voters.add", f"{name}.add").replace("len(self.voters)", f"len({name})")
        changed = changed.replace("        self.broadcast(Prepare", f"        {kept}\n        self.broadcast(Prepare")
    else:
        changed = source.replace("self.wish = message.value", kept).replace("else self.wish", f"else {name}")
    file = tmp_path / "proposer.py"
    file.write_text(changed.replace("class Proposer(", f"{name.partition('[')[0]} = {{}}\n\n\nclass Proposer("))
    assert {result.says[:13] for result in build(file, "05_proposer").values()} == {"shared memory"}


def test_a_fault_inside_a_dataclass_is_told_of_the_line_that_caused_it(tmp_path):
    file = tmp_path / "proposer.py"
    file.write_text(
        "from paxoskit.protocol.node import Node\n\n\n"
        "class Proposer(Node):\n    def on_propose(self, sender, message):\n        message.value = 'mine'\n"
    )
    says = {result.says for result in build(file, "05_proposer").values()}
    assert all("proposer.py, line 6, in on_propose:\n    message.value = 'mine'\n" in each for each in says)


KIT_CLASSES = {"02_retries": ("KeyValueServer",), "04_acceptor": ("Acceptor",), "05_proposer": ("Proposer",),
               "06_disk": ("Acceptor", "Proposer")}  # fmt: skip


def kits_own(way, name):
    """Return the kit's own server as an answer: imported, inherited from, or pasted."""
    if way == "imported":
        return f"from paxoskit.protocol.server import Server as {name}\n"
    if way == "inherited":
        return f"from paxoskit.protocol.server import Server\n\nclass {name}(Server):\n    pass\n"
    text = (TOP / "paxoskit" / "protocol" / "server.py").read_text(encoding="utf-8")
    return text.replace("class Server(Node):", f"class {name}(Node):")


@pytest.mark.parametrize("way", ["imported", "inherited", "pasted"])
@pytest.mark.parametrize("exercise_id", [id for id in MODULES if id in KIT_CLASSES])
def test_the_kits_own_class_earns_no_build_point(exercise_id, way, tmp_path):
    file = tmp_path / exercise(exercise_id).file
    file.write_text("\n".join(kits_own(way, name) for name in KIT_CLASSES[exercise_id]), encoding="utf-8")
    results = build(file, exercise_id)
    assert {result.id: result.points for result in results.values() if result.points} == {}
    assert [result.staff for result in results.values() if result.status == "not judged"] == []


@pytest.mark.parametrize("role", ["Prompter", "Voter"])
def test_who_plays_along_in_the_checks_is_no_answer(role, tmp_path):
    file = tmp_path / "acceptor.py"
    file.write_text(f"from paxoskit.grading.checks.cast import {role} as Acceptor\n", encoding="utf-8")
    assert [result.id for result in build(file, "04_acceptor").values() if result.points] == []


@pytest.mark.parametrize("way", ["imported", "pasted"])
def test_the_acceptor_of_the_lesson_is_no_answer(way, tmp_path):
    text = "from paxoskit.course.given import Acceptor\n"
    if way == "pasted":
        text = (TOP / "paxoskit" / "course" / "given.py").read_text(encoding="utf-8")
    file = tmp_path / "acceptor.py"
    file.write_text(text, encoding="utf-8")
    ours = dict(OURS)
    assert ours["paxoskit:given Acceptor"] is given.Acceptor
    assert [result.id for result in build(file, "04_acceptor").values() if result.points] == []
    assert ours == OURS, "a pasted file takes the place of no class that stories name"


def test_there_are_enough_answers():
    for exercise_id in MODULES:
        assert len(list((ANSWERS / exercise_id / "wrong").glob("*.py"))) >= 8
        assert len(list((ANSWERS / exercise_id / "right").glob("*.py"))) >= 3
