"""Exercise 11: servers are judged by faults that come when it hurts, reports by making their runs again."""

import re
import shutil
from pathlib import Path

import pytest

from paxoskit.grading.checks import chaos, trials
from paxoskit.grading.properties import Failed, exercise, judge, judge_property
from paxoskit.grading.remote import WorkerSubject
from paxoskit.grading.subject import LearnerError, LocalSubject
from paxoskit.grading.workshop import Limits
from paxoskit.protocol.server import Server
from paxoskit.worlds.choice import LOST
from paxoskit.worlds.simulator import Nemesis
from paxoskit.worlds.story import Story

TOP = Path(__file__).parents[2]
ANSWERS = TOP / "tests" / "answers" / "11_chaos"
SOLUTION = TOP / "solutions" / "11_chaos" / "chaos.py"
ONE = exercise("11_chaos")
THREE = (chaos.MINE,) * 3


def solution():
    """Return the solution as a subject."""
    return LocalSubject(SOLUTION)


def lost(subject, seed=0):
    """Return the ids of the build properties that an answer lacks, and nobody's fault among them."""
    results = [result for result in judge(ONE, subject, seed).properties if result.part == "build"]
    assert [result.staff for result in results if result.status == "not judged"] == []
    return {result.id for result in results if result.points == 0}


def reporting(told):
    """Return the solution as a subject whose report is another one."""
    subject = solution()
    subject.given["report"] = lambda: told
    return subject


REPORT = solution().call("report")
RUNS = REPORT["runs"]
MINE, HASTY = RUNS


# The own test ------------------------------------------------------------------------------------------------


def test_the_planted_bug_is_in_an_answer_that_sees_at_birth_whether_it_has_a_voice(tmp_path):
    answer = shutil.copy(ANSWERS / "right" / "trusting.py", tmp_path / "chaos.py")
    shutil.copy(SOLUTION.with_name("own_test.py"), tmp_path)
    own_test = ONE.all()[-1]
    assert own_test.id == "own_test"
    own_test.judge(LocalSubject(answer), 0)  # which raises what is missing


# What is no answer ------------------------------------------------------------------------------------------


def kits_own(way):
    """Return the kit's own class as an answer, with the solution's report of it."""
    report = SOLUTION.read_text(encoding="utf-8")
    report = "\n\nclass Hasty(Server):\n    ELECTION = (200.0, 400.0)\n\n\n" + report[report.index("def report()") :]
    if way == "pasted":
        return (TOP / "paxoskit" / "protocol" / "server.py").read_text(encoding="utf-8") + report
    name, module = {"given": ("Log", "log"), "bare": ("Member", "member")}.get(way, ("Server", "server"))
    text = f"from paxoskit.protocol.{module} import {name} as Base\n"
    return text + ("Server = Base\n" if way == "imported" else "\n\nclass Server(Base):\n    pass\n") + report


@pytest.mark.parametrize("way", ["imported", "inherited", "pasted", "given", "bare"])
def test_the_kits_own_class_earns_no_build_point(way, tmp_path):
    file = tmp_path / ONE.file
    file.write_text(kits_own(way), encoding="utf-8")
    assert lost(LocalSubject(file)) == {prop.id for prop in ONE.properties}


# What a wrong answer loses ----------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize(
    ("answer", "matter"),
    [
        ("lost_disk_stands", "lost_disk"),
        ("lost_disk_has_a_voice_again", "lost_disk"),
        ("M2_accept_not_compared", "messages"),
        ("M7_ballot_of_nobody", "links"),
        ("counts_begin_anew", "crashes"),
    ],
)
def test_other_dice_find_it_too(answer, matter, seed, monkeypatch):
    monkeypatch.setattr(trials, "REPLAYS", 0)  # nobody reads the story here
    with pytest.raises(Failed):
        chaos.judge(matter)(LocalSubject(ANSWERS / "wrong" / f"{answer}.py"), seed)


@pytest.mark.parametrize("file", [SOLUTION, *sorted((ANSWERS / "right").glob("*.py"))], ids=lambda file: file.stem)
def test_other_dice_cost_a_right_server_nothing(file):
    subject, seed = LocalSubject(file), 1
    chaos.judge_alone(subject, seed)
    for matter in chaos.RUNS:
        chaos.judge(matter)(subject, seed)


@pytest.mark.parametrize(
    ("judge_one", "answer", "says"),
    [
        (chaos.judge_rule, "put_answers_old_value", "the second one was answered '1'"),
        (chaos.judge_twice, "M38_effect_twice", "it was answered '4'; '3' was expected"),
        (chaos.judge_new_life, "counts_begin_anew", "it was answered '1'; '3' was expected"),
    ],
)
def test_a_few_puts_show_what_a_store_counts(judge_one, answer, says):
    judge_one(solution())
    with pytest.raises(Failed, match=says):
        judge_one(LocalSubject(ANSWERS / "wrong" / f"{answer}.py"))


def test_a_story_of_a_lost_disk_can_be_told_again():
    subject = LocalSubject(ANSWERS / "wrong" / "lost_disk_votes.py")
    with pytest.raises(Failed, match=r"server . lost its disk, .* voted in ballot") as failed:
        chaos.judge("lost_disk")(subject, 0)
    story = Story.from_json(failed.value.story.as_json())
    assert any(choice.kind == "crash" and choice.disk == LOST for choice in story.choices)
    assert len(story.choices) <= 30
    begin = trials.begin(story.nodes)
    _, fell = trials.tell(begin, {chaos.MINE: subject.node("Server")}, chaos.claims_for(story.nodes), story.choices)
    assert fell.claim == story.claim == chaos.NoVoice.name


# The runs ---------------------------------------------------------------------------------------------------


def ran(kind, nemesis, seed=1, nodes=THREE, steps=250):
    """Run the solution's server."""
    classes = {chaos.MINE: solution().node("Server")}
    return trials.trial(classes, nodes, seed, nemesis, steps, chaos.claims_for(nodes), chaos.ADVICE, kind)


def test_the_same_seed_gives_the_same_run():
    storm = Nemesis(delay=0.1, faults=("partition", "crash"))
    one, again, other = (ran(chaos.Storm, storm, seed) for seed in (1, 1, 2))
    assert one.trace.digest() == again.trace.digest() != other.trace.digest()


@pytest.mark.parametrize("matter", chaos.RUNS)
def test_each_kind_of_fault_happens_and_something_is_answered(matter):
    faults, answered = set(), 0
    for number, plan in enumerate(chaos.RUNS[matter]):
        classes = {chaos.MINE: solution().node("Server")}
        run = trials.trial(classes, plan.nodes, number, plan.nemesis, plan.steps, chaos.claims_for(plan.nodes),
                           chaos.ADVICE, plan.kind)  # fmt: skip
        faults |= {name for name, count in run.faults.items() if count}
        answered += run.acknowledged
        wanted = {name for name in ("loss", "duplication", "delay") if getattr(plan.nemesis, name)}
        assert faults >= wanted | ({"lost disk"} if plan.kind is chaos.LostDisks else set())
    assert faults >= {fault for plan in chaos.RUNS[matter] for fault in plan.nemesis.faults} | {"early timer"}
    assert answered > 15


@pytest.mark.parametrize("nodes", [THREE, (chaos.MINE,) * 5], ids=["three", "five"])
def test_a_minority_loses_its_disks_and_all_is_answered_in_the_end(nodes):
    run = ran(chaos.LostDisks, Nemesis(faults=("crash",)), nodes=nodes)
    assert run.faults["lost disk"] == len(nodes) // 2
    assert [run.world.disks[name].voter for name in run.world.servers].count(False) == len(nodes) // 2
    assert len(set(run.heights().values())) == 1 and run.acknowledged == run.asked > 0


def test_servers_that_answer_all_and_append_by_hand_are_told_that_their_logs_differ():
    text = SOLUTION.read_text(encoding="utf-8")
    by_hand = text.replace("        self.on_blocks(sender, Blocks((decide.block,)))\n",
                           "        if decide.block.height == self.height and self.fits(decide.block):\n"
                           "            self.disk.blocks += (decide.block,)\n"
                           "            self.apply(decide.block)\n")  # fmt: skip
    assert by_hand != text
    names = {}
    exec(compile(by_hand, "chaos.py", "exec"), names)
    with pytest.raises(Failed, match="still not all servers have applied equally many blocks after the bound of steps"):
        chaos.judge("crashes")(LocalSubject(names=names), 0)


def test_a_class_that_knows_nothing_of_lost_disks_is_told_so():
    text = SOLUTION.read_text(encoding="utf-8")
    class_text = text.replace("self.disk.voter", "True").replace("voter: bool = True", "vote_r: bool = True")
    names = {}
    exec(compile(class_text, "chaos.py", "exec"), names)
    with pytest.raises(LearnerError, match=r"stays down: its disk is lost, and .*Server.Disk has no field `voter`"):
        chaos.judge("lost_disk")(LocalSubject(names=names), 0)


def test_a_put_is_the_nth_of_its_key_whatever_else_is_put():
    claims = chaos.claims_for((trials.KIT, trials.KIT, chaos.MINE))()
    assert isinstance(claims[0], chaos.Counting)
    assert {claim.name for claim in claims} >= {"agreement", "linearizable per key", "each request takes effect once",
                                                "a ballot belongs to one server", chaos.NoVoice.name}  # fmt: skip
    run = ran(trials.Trial, Nemesis(), steps=400)
    ghost = next(claim for claim in run.world.claims if isinstance(claim, chaos.Counting))
    puts = [request for block in run.world.disks[1].blocks for request in block.operations
            if request.operation.words[0] == "put"]  # fmt: skip
    assert sum(ghost.puts.values()) == len({(one.session, one.number) for one in puts}) > 10


def test_the_kits_servers_are_judged_by_their_own_answer_to_a_put():
    nodes = (trials.KIT,) * 3
    run = trials.trial({}, nodes, 1, "all", 300, chaos.claims_for(nodes), chaos.ADVICE, chaos.Storm)
    assert run.acknowledged == run.asked > 0
    assert {run.world.classes[name] for name in run.world.servers} == {Server}


# The report -------------------------------------------------------------------------------------------------


def test_what_an_experiment_returns_is_what_a_report_has():
    runs = chaos.experiment(["Server", "Hasty"], ["loss=0.1 cut"], seeds=[4, 5, 6], size=3, steps=120, file=SOLUTION)
    assert [set_up[0] for set_up in runs] == ["Server", "Hasty"]
    chaos.judge_report(reporting({**REPORT, "runs": runs}), 0)


@pytest.mark.parametrize("seed", [1, 4])
def test_a_made_up_figure_is_refused_with_what_the_replay_gave(seed):
    fallen, answered = RUNS[HASTY][seed]
    for made_up in ((fallen, answered + 1), ("agreement", answered)):
        told = {**REPORT, "runs": {**RUNS, HASTY: {**RUNS[HASTY], seed: made_up}}}
        with pytest.raises(Failed, match=rf"seed {seed}: .*Made again: no claim fell, {answered} requests"):
            chaos.judge_report(reporting(told), 0)


def test_a_claim_that_fell_is_named():
    with pytest.raises(Failed, match=r"seed 1: no claim fell, 1 requests.* Made again: «P2c» fell, 1 requests"):
        chaos.judge_report(LocalSubject(ANSWERS / "wrong" / "report_hides_what_fell.py"), 0)


def without(name):
    return {key: value for key, value in REPORT.items() if key != name}


def with_runs(runs):
    return {**REPORT, "runs": runs}


FIVE = ("Server", "crash-several", 5, 100)
THRICE = {1: ("", 0), 2: ("", 0), 3: ("", 0)}


@pytest.mark.parametrize(
    ("told", "says"),
    [
        (None, "should return a dict of question, expected, not covered, so and runs; it returned None"),
        ({}, "it returned a dict of nothing"),
        (without("so"), "it returned a dict of question, expected, runs, not covered"),
        ({**REPORT, "so": "  "}, "'so' in the report should be a text"),
        ({**REPORT, "question": 7}, "'question' in the report should be a text, and is 7"),
        ({**REPORT, "so": "x" * 3_000}, "one page has at most 3,000"),
        (with_runs([]), "'runs' in the report should be a dict"),
        (with_runs({}), "'runs' in the report should be a dict"),
        (with_runs({"Server": THRICE}), "a set-up in the report should be (server, nemesis, servers, steps)"),
        (with_runs({("Server", "crash", True, 100): THRICE}), "a set-up in the report should be"),
        (with_runs({("Server", "crash", 8, 100): THRICE}), "should have 1 to 7 servers"),
        (with_runs({("Server", "crash", 3, 0): THRICE}), "should have 1 to 7 servers, and 1 step or more"),
        (with_runs({("Server", "rain", 3, 100): THRICE}), "got 'rain'"),
        (with_runs({("Server", "loss=2", 3, 100): THRICE}), "got 'loss=2'"),
        (with_runs({FIVE: ("", 0)}), "what came of it should be a dict by seed"),
        (with_runs({FIVE: {1: 4}}), "for each seed the report should have"),
        (with_runs({FIVE: {"1": ("", 4)}}), "for each seed the report should have"),
        (with_runs({FIVE: {1: ("", True)}}), "for each seed the report should have"),
        (with_runs({FIVE: {seed: ("", 0) for seed in range(31)}}), "the report has 31 runs; at most 30"),
        (with_runs({("Server", "none", 3, 2_000): THRICE}), "6,000 steps together; at most 5,000"),
        (with_runs({MINE: RUNS[MINE]}), "no other set-up of the report differs from it in one thing only"),
        (with_runs({**RUNS, FIVE: RUNS[MINE]}), "no other set-up of the report differs from it in one thing only"),
        (with_runs({MINE: {1: ("", 2), 2: ("", 9)}, HASTY: {1: ("", 12), 2: ("", 8)}}), "same seeds, 3 or more"),
        (with_runs({MINE: RUNS[MINE], HASTY: THRICE}), "same seeds, 3 or more"),
        (with_runs({HASTY: THRICE, ("Hasty", "crash", 3, 400): THRICE}), "in no run of the report your Server"),
    ],
    ids=range(25),
)  # fmt: skip
def test_what_is_no_report_is_refused_in_words(told, says):
    with pytest.raises(Failed, match=re.escape(says)):
        chaos.judge_report(reporting(told), 0)


def test_a_report_on_a_class_that_is_not_there_is_told_so():
    nobody = ("Nobody", *MINE[1:])
    with pytest.raises(LearnerError, match=r"there is no Nobody in chaos\.py"):
        chaos.judge_report(reporting(with_runs({MINE: RUNS[MINE], nobody: RUNS[MINE]})), 0)


@pytest.mark.parametrize(
    ("text", "nemesis"),
    [
        ("crash-all", "crash-all"),
        ("loss=0.1", Nemesis(loss=0.1)),
        ("delay=0.25 crash one-way", Nemesis(delay=0.25, faults=("crash", "one-way"))),
    ],
)
def test_a_nemesis_is_named_by_a_text(text, nemesis):
    assert chaos.nemesis_of(text) == nemesis


@pytest.mark.parametrize("text", ["loss=1", "loss=-0.1", "loss=nan", "crash, cut", "faults=crash"])
def test_what_names_no_nemesis_is_refused(text):
    with pytest.raises(ValueError, match="expected one of none, loss"):
        chaos.nemesis_of(text)


# By workers, for marks --------------------------------------------------------------------------------------


def test_workers_and_practice_agree(tmp_path):
    shutil.copy(ANSWERS / "wrong" / "report_invented.py", tmp_path / ONE.file)
    shutil.copy(SOLUTION.parent / "own_test.py", tmp_path)
    near = judge(ONE, LocalSubject(tmp_path / ONE.file)).properties
    subject = WorkerSubject(tmp_path / ONE.file, ONE.given, Limits(**ONE.limits))
    far = [judge_property(prop, subject, 0, ONE.roles) for prop in ONE.all()]
    subject.close()
    assert [(one.id, one.points, one.status, one.says) for one in far] == [
        (one.id, one.points, one.status, one.says) for one in near
    ]
    assert [result.id for result in far if not result.points] == ["report"]


@pytest.mark.parametrize("file", sorted(ANSWERS.glob("*/*.py")), ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_an_answer_imports_only_what_it_may(file):
    imported = re.findall(r"^\s*(?:from|import) (paxoskit[\w.]*)(?: import (\w+))?", file.read_text("utf-8"), re.M)
    modules = {f"{module}.{names}" if module == "paxoskit.protocol" else module for module, names in imported}
    assert modules <= {f"paxoskit.protocol.{name}" for name in ONE.given}
