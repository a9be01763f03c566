"""Exercises 08 to 10: the kit's own classes are no answers, stories replay, live runs are judged by their replay."""

from pathlib import Path

import pytest

from paxoskit.grading.checks import chain, log, store, trials
from paxoskit.grading.properties import Failed, exercise, judge
from paxoskit.grading.subject import LocalSubject
from paxoskit.protocol.log import Log
from paxoskit.protocol.messages import Applied
from paxoskit.protocol.server import Server
from paxoskit.worlds.story import Story

TOP = Path(__file__).parents[2]
ANSWERS = TOP / "tests" / "answers"

IMPORTS = {
    "08_log": "from paxoskit.protocol.{module} import {cls} as Base\n",
    "09_store": "from paxoskit.protocol.{module} import {cls} as Base\nfrom paxoskit.protocol.client import Client\n",
    "10_chain": "from paxoskit.protocol.{module} import {cls} as Base\n"
    "from paxoskit.protocol.chain import mine, verify\nfirst_fault = verify\n",
}
"""What an answer of the kit's own classes and functions begins with."""

NAMES = {"08_log": "Server", "09_store": "Store", "10_chain": "Server"}


def kits_own(exercise_id, way):
    """Return the kit's own class as an answer: imported, inherited from, pasted, or what the exercise gives."""
    name = NAMES[exercise_id]
    cls, module = ("Log", "log") if way == "given" else ("Server", "server")
    text = IMPORTS[exercise_id].format(module=module, cls=cls)
    if way == "pasted":
        source = (TOP / "paxoskit" / "protocol" / "server.py").read_text(encoding="utf-8")
        return source.replace("class Server(Node):", f"class {name}(Node):") + "\n" + text
    return text + (f"{name} = Base\n" if way == "imported" else f"\n\nclass {name}(Base):\n    pass\n")


@pytest.mark.parametrize("way", ["imported", "inherited", "pasted", "given"])
@pytest.mark.parametrize("exercise_id", NAMES)
def test_the_kits_own_class_earns_no_build_point(exercise_id, way, tmp_path):
    one = exercise(exercise_id)
    file = tmp_path / one.file
    file.write_text(kits_own(exercise_id, way), encoding="utf-8")
    results = [result for result in judge(one, LocalSubject(file)).properties if result.part == "build"]
    assert {result.id: result.points for result in results if result.points} == {}
    assert [result.staff for result in results if result.status == "not judged"] == []


@pytest.mark.parametrize(
    ("exercise_id", "answer", "property_id"),
    [
        ("08_log", "M25_ballots_restart", "promise"),
        ("09_store", "M40_answers_the_queue", "log"),
        ("10_chain", "M42_votes_unverified", "accept"),
    ],
)
def test_a_lost_point_comes_with_a_short_story_that_can_be_told_again(exercise_id, answer, property_id):
    one = exercise(exercise_id)
    subject = LocalSubject(ANSWERS / exercise_id / "wrong" / f"{answer}.py")
    [prop] = [prop for prop in one.properties if prop.id == property_id]
    with pytest.raises(Failed) as failed:
        prop.judge(subject, 0)
    story = failed.value.story
    assert len(story.choices) <= 24
    classes = {**one.roles, story.nodes[0]: subject.node(story.nodes[0].rpartition(":")[2])}
    assert Story.from_json(story.as_json()).replay(classes=classes).trace.count > 0


# The cluster ------------------------------------------------------------------------------------------------


class Credulous(Log):
    """Appends what it is asked to vote for."""

    def on_accept(self, sender, accept):
        super().on_accept(sender, accept)
        if accept.block.height == self.height:
            self.append(accept.block)


NODES = (trials.KIT,) * 4 + ("mine:Credulous",)


def test_a_claim_that_falls_in_a_trial_becomes_a_story_in_which_it_falls_again():
    with pytest.raises(Failed, match="chosen blocks are applied in order") as failed:
        trials.trial({"mine:Credulous": Credulous}, NODES, 1, "none", 300, trials.claims_of_words, {"": "Look."})
    story = failed.value.story
    _, violation = trials.tell(
        trials.begin(NODES), {trials.KIT: Server, "mine:Credulous": Credulous}, trials.claims_of_words, story.choices
    )
    assert violation.claim == story.claim == "chosen blocks are applied in order, each once"
    assert len(story.choices) <= 60


def test_what_goes_wrong_in_threads_costs_a_point_because_its_replay_goes_wrong():
    class Boaster(Log):
        def on_accept(self, sender, accept):
            super().on_accept(sender, accept)
            self.announce(Applied(999, accept.block.hash))

    nodes = (trials.KIT, trials.KIT, "mine:Boaster")
    with pytest.raises(Failed, match="applied the block of height 999"):
        trials.live({"mine:Boaster": Boaster}, nodes, trials.claims_of_words, {"": "Look."}, puts=4)


def test_a_claim_that_falls_in_threads_and_not_in_the_replay_costs_nothing():
    lives = []

    class Moody(Log):
        def on_accept(self, sender, accept):
            super().on_accept(sender, accept)
            if len(lives) == 1:  # in the first world only: in the replay it behaves
                self.announce(Applied(999, accept.block.hash))

        def on_start(self):
            super().on_start()
            lives.append(self.name)

    nodes = (trials.KIT, trials.KIT, "mine:Moody")
    with pytest.MonkeyPatch.context() as patch:
        once = trials.live_once
        ended = []
        patch.setattr(trials, "live_once", lambda *arguments: ended.append(once(*arguments)) or ended[-1])
        trials.live({"mine:Moody": Moody}, nodes, trials.claims_of_words, {"": "Look."}, puts=2)
    assert ended == [False, True]


def test_a_right_server_in_threads_costs_nothing():
    trials.live({"mine:Log": Log}, (trials.KIT, trials.KIT, "mine:Log"), trials.claims_of_words, {"": "Look."}, puts=6)


def test_what_only_takes_too_long_in_threads_is_run_again_and_then_not_judged(monkeypatch):
    class Mute(Log):
        def receive(self, sender, message):
            return []

        def start(self):
            return []

    runs = []
    once = trials.live_once
    monkeypatch.setattr(trials, "LIVE_TIMEOUT", 0.3)
    monkeypatch.setattr(trials, "live_once", lambda *arguments: runs.append(1) or once(*arguments))
    with pytest.raises(trials.NotJudged):
        trials.live({"mine:Mute": Mute}, ("mine:Mute",) * 3, trials.claims_of_words, {"": "Look."}, puts=2)
    assert len(runs) == 2


def test_a_silent_server_is_not_settled():
    class Deaf(Log):
        def on_decide(self, sender, decide):
            pass

        def on_blocks(self, sender, message):
            pass

    with pytest.raises(Failed, match="server 3 has applied 0"):
        trials.trial({"mine:Deaf": Deaf}, (trials.KIT, trials.KIT, "mine:Deaf"), 1, "none", 200,
                     trials.claims_of_words, {"": "Look."})  # fmt: skip


def test_a_store_that_knows_what_a_put_replaced_is_judged_by_that():
    claims = store.claims_for((trials.KIT, trials.KIT, store.MINE))()
    assert isinstance(claims[0], store.Replacing)
    assert {claim.name for claim in claims} >= {"agreement", "linearizable per key", "each request takes effect once"}


def test_a_vote_may_be_announced_before_or_after_it_is_sent():
    for answer in ("roles", "plain_tuples"):
        subject = LocalSubject(ANSWERS / "08_log" / "right" / f"{answer}.py")
        nodes = (log.MINE,) * 3
        classes = {log.MINE: subject.node("Server")}
        run = trials.trial(classes, nodes, 3, "crash", 150, log.claims_for(nodes), log.ADVICE)
        assert run.acknowledged == run.asked > 0


def test_the_reference_of_the_chain_agrees_with_the_kit():
    random = chain.dice("reference", 1)
    blocks = chain.a_chain(random, 5)
    assert chain.first(blocks) is None
    spoiled = [*blocks[:2], chain.spoiled(random, blocks[2]), *blocks[3:]]
    assert chain.first(spoiled)[0] == 2
