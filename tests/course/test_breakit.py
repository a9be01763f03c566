"""Each wrong server that a lesson gives can be broken, only a true story counts, and it is replayed each time."""

import json
import re
from dataclasses import replace

import pytest

from paxoskit.claims.safety import safety_claims
from paxoskit.course import given, given_log
from paxoskit.course.breakit import breakit
from paxoskit.course.progress import progress
from paxoskit.course.stage import Stage
from paxoskit.course.tasks import TASKS, is_broken
from paxoskit.protocol.messages import Get, Put
from paxoskit.protocol.server import Server
from paxoskit.worlds.story import Story


@pytest.fixture(autouse=True)
def beside(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def early(server=given.AnswersFirst):
    stage = Stage(servers=3, server=server, claims=[given.AnswersStayTrue()])
    stage.fire("ElectionTimeout", 1).deliver("Prepare", 1, 2).deliver("Promise", 2, 1)
    stage.ask("client 1", Put("'x'", "1")).deliver("Request", "client 1", 1).deliver("Reply", 1, "client 1")
    stage.fire("ElectionTimeout", 2).deliver("Prepare", 2, 3).deliver("Promise", 3, 2).ask("client 1", Get("'x'"))
    stage.fire("RetryTimeout", "client 1").fire("RetryTimeout", "client 1").deliver("Request", "client 1", 2)
    return stage.deliver("Accept", 2, 3).deliver("Accepted", 3, 2).deliver("Reply", 2, "client 1")


def deaf(server=given.DeafOffice):
    return Stage(servers=3, server=server, claims=[given.ClockCondition()]).ask("client 1", Put("'x'", "1")).settle()


def last(server=given.RemembersTheLast):
    stage = Stage(servers=1, server=server, clients=2, claims=[given.AnswersFitOneOrder()])
    if server is Server:
        stage.fire("ElectionTimeout", 1)
    stage.ask("client 1", Put("'x'", "1")).deliver("Request", "client 1", 1).lose("Reply", 1, "client 1")
    stage.ask("client 2", Get("'x'")).settle().ask("client 2", Put("'x'", "2")).settle()
    stage.fire("RetryTimeout", "client 1").fire("RetryTimeout", "client 1").settle()
    return stage.ask("client 2", Get("'x'")).settle()


def half(server=given.HalfIsEnough):
    stage = Stage(servers=4, server=server, clients=2)
    stage.fire("ElectionTimeout", 1).deliver("Prepare", 1, 2).deliver("Promise", 2, 1)
    stage.fire("ElectionTimeout", 3).deliver("Prepare", 3, 4).deliver("Promise", 4, 3)
    stage.ask("client 1", Put("'x'", "1")).deliver("Request", "client 1", 1)
    stage.deliver("Accept", 1, 2).deliver("Accepted", 2, 1)
    stage.ask("client 2", Put("'x'", "2")).lose("Request", "client 2", 1)
    stage.fire("RetryTimeout", "client 2").fire("RetryTimeout", "client 2").lose("Request", "client 2", 2)
    stage.fire("RetryTimeout", "client 2").fire("RetryTimeout", "client 2").deliver("Request", "client 2", 3)
    return stage.deliver("Accept", 3, 4).deliver("Accepted", 4, 3)


def anyway(server=given.VotesAnyway):
    stage = Stage(servers=3, server=server)
    stage.fire("ElectionTimeout", 1).deliver("Prepare", 1, 2).deliver("Promise", 2, 1)
    stage.ask("client 1", Put("'x'", "1")).deliver("Request", "client 1", 1)
    return stage.fire("ElectionTimeout", 2).deliver("Prepare", 2, 3).deliver("Accept", 1, 3)


def headstrong(server=given.Headstrong):
    stage = Stage(servers=3, server=server)
    stage.fire("ElectionTimeout", 1).deliver("Prepare", 1, 2).deliver("Promise", 2, 1)
    stage.ask("client 1", Put("'x'", "1")).deliver("Request", "client 1", 1).deliver("Accept", 1, 3)
    stage.fire("ElectionTimeout", 3).fire("ElectionTimeout", 2).deliver("Prepare", 2, 3).deliver("Promise", 3, 2)
    stage.fire("RetryTimeout", "client 1").fire("RetryTimeout", "client 1")
    return stage.deliver("Request", "client 1", 2)


def outcome(server=given.Headstrong):
    return headstrong(server).deliver("Accept", 2, 3)


def reticent(server=given.Reticent):
    stage = Stage(servers=3, server=server)
    stage.fire("ElectionTimeout", 1).deliver("Prepare", 1, 2).deliver("Promise", 2, 1)
    stage.ask("client 1", Put("'x'", "1")).deliver("Request", "client 1", 1)
    stage.deliver("Accept", 1, 2).deliver("Accepted", 2, 1).deliver("Decide", 1, 2)
    return stage.fire("ElectionTimeout", 2).fire("ElectionTimeout", 3).deliver("Prepare", 3, 2)


def queue(server=given_log.AnswersTheQueue):
    stage = Stage(servers=3, server=server, clients=2)
    stage.fire("ElectionTimeout", 1).deliver("Prepare", 1, 2).deliver("Promise", 2, 1)
    stage.ask("client 1", Put("'x'", "1")).deliver("Request", "client 1", 1).deliver("Accept", 1, 3)
    stage.fire("ElectionTimeout", 3).fire("ElectionTimeout", 2).deliver("Prepare", 2, 3).deliver("Promise", 3, 2)
    stage.ask("client 2", Put("'x'", "2")).lose("Request", "client 2", 1)
    stage.fire("RetryTimeout", "client 2").fire("RetryTimeout", "client 2").deliver("Request", "client 2", 2)
    return stage.deliver("Accept", 2, 3).deliver("Accepted", 3, 2)


def remines(server=given_log.Remines):
    stage = Stage(servers=3, server=server)
    stage.fire("ElectionTimeout", 1).deliver("Prepare", 1, 2).deliver("Promise", 2, 1)
    stage.ask("client 1", Put("'x'", "1")).deliver("Request", "client 1", 1).deliver("Accept", 1, 3)
    stage.fire("ElectionTimeout", 3).fire("ElectionTimeout", 2).deliver("Prepare", 2, 3).deliver("Promise", 3, 2)
    return stage.deliver("Accept", 2, 3)


def count(server=given_log.CountsVotes):
    stage = Stage(servers=5, server=server).fire("ElectionTimeout", 1)
    for other in (2, 3):
        stage.deliver("Prepare", 1, other).deliver("Promise", other, 1)
    stage.ask("client 1", Put("'x'", "1")).deliver("Request", "client 1", 1).deliver("Accept", 1, 2)
    return stage.duplicate("Accepted", 2, 1).deliver("Accepted", 2, 1).deliver("Accepted", 2, 1)


def forgetful(server=given.Forgetful):
    stage = Stage(servers=3, server=server)
    stage.fire("ElectionTimeout", 1).deliver("Prepare", 1, 2).deliver("Promise", 2, 1)
    stage.ask("client 1", Put("'x'", "1")).deliver("Request", "client 1", 1)
    stage.fire("ElectionTimeout", 2).deliver("Prepare", 2, 3).crash(3).restart(3)
    return stage.deliver("Accept", 1, 3)


STAGES = {
    "00/early": early, "01/deaf": deaf, "02/last": last, "03/half": half, "04/anyway": anyway,
    "05/headstrong": headstrong, "06/forgetful": forgetful, "07/outcome": outcome, "08/reticent": reticent,
    "09/queue": queue, "10/remines": remines, "11/count": count,
}  # fmt: skip


def test_there_is_a_story_for_each_task():
    assert set(STAGES) == set(TASKS)


@pytest.mark.parametrize("id", TASKS)
def test_the_claim_falls_in_a_short_story(id):
    stage = STAGES[id]()
    fallen = TASKS[id].replay(stage.story())
    assert fallen is not None and fallen.claim == TASKS[id].claim_name
    assert len(stage.choices) <= 20


def test_without_the_first_get_the_retried_put_may_have_come_late():
    stage = Stage(servers=1, server=given.RemembersTheLast, clients=2, claims=[given.AnswersFitOneOrder()])
    stage.ask("client 1", Put("'x'", "1")).deliver("Request", "client 1", 1).lose("Reply", 1, "client 1")
    stage.ask("client 2", Put("'x'", "2")).settle()
    stage.fire("RetryTimeout", "client 1").fire("RetryTimeout", "client 1").settle()
    stage.ask("client 2", Get("'x'")).settle()
    assert stage.node(1).data == {"'x'": "1"} and stage.violations == []


@pytest.mark.parametrize("id", TASKS)
def test_the_right_server_in_the_same_trouble_breaks_nothing(id):
    right = given.Office if id == "01/deaf" else Server
    try:
        stage = STAGES[id](server=right)
    except ValueError as error:  # the right one does not even send what the story needs
        assert "is in flight" in str(error)
    else:
        assert stage.violations == []


def test_a_true_story_is_kept_and_breaks_the_claim_again(beside):
    task = breakit("04/anyway")
    assert task.done is False
    fallen = task.confirm(anyway().story())
    assert fallen.claim == "a promise is kept"
    kept = Story.load(beside / ".paxoskit" / "stories" / "04-anyway.json")
    assert (kept.claim, kept.says, kept.nodes[0]) == (fallen.claim, fallen.reason, "paxoskit:given VotesAnyway")
    assert breakit("04/anyway").done


def test_where_a_short_story_is_asked_for_its_length_is_said_beside_the_shortest_known():
    task, story = breakit("00/early"), early().story()
    assert task.task.shortest == len(story.choices)
    task.confirm(story)
    assert "a get of &#x27;x&#x27; found nothing, after put &#x27;x&#x27; 1 was answered done" in task._says.value
    assert "It has 16 choices; the shortest that we know has 16." in task._says.value


def test_lesson_7_is_told_after_how_many_choices_the_closer_claim_fell_and_the_outcome():
    """P2c falls with the proposal, agreement with the vote that makes it the second chosen block."""
    task, story = breakit("07/outcome"), outcome().story()
    proposed, voted = len(headstrong().choices), len(story.choices)
    later = outcome().deliver("Accepted", 3, 2).story()
    for told in (story, later):
        assert [task.task.fall(told, claim)[0] for claim in ("P2c", "agreement")] == [proposed, voted]
    task.confirm(later)
    assert f"“P2c” after {proposed} choices, “agreement” after {voted} choices." in task._says.value


def test_a_closer_claim_that_did_not_fall_is_not_said_to_have():
    task, story = breakit("07/outcome"), outcome().story()
    task.task = replace(task.task, closer="a promise is kept")
    task.confirm(story)
    assert f"What fell when: “agreement” after {len(story.choices)} choices." in task._says.value


def test_lesson_2_says_what_a_client_read_as_it_is_typed():
    """Values are literals: a text among them has quotes, and no second ones around it."""
    stage = Stage(servers=1, server=given.RemembersTheLast, clients=2, claims=[given.AnswersFitOneOrder()])
    stage.ask("client 1", Put("'x'", "'blue'")).deliver("Request", "client 1", 1).lose("Reply", 1, "client 1")
    stage.ask("client 2", Get("'x'")).settle().ask("client 2", Put("'x'", "'red'")).settle()
    stage.fire("RetryTimeout", "client 1").fire("RetryTimeout", "client 1").settle()
    (fallen,) = stage.ask("client 2", Get("'x'")).settle().violations
    assert fallen.reason.startswith("client 2/1.1: get 'x' → 'blue' (")
    assert fallen.reason.endswith(" leaves 'blue' here; 'red' would have been right")


def test_in_lesson_3_no_claim_of_a_later_lesson_falls_before_the_tasks_own():
    task = breakit("03/half")
    world = task.task.world(half().story())
    for _ in half().story().tell(world):
        pass
    assert [violation.claim for violation in world.violations] == [task.task.claim_name]
    assert half().violations[0].claim != task.task.claim_name  # all claims together: another one is first


def test_a_block_that_was_voted_for_before_the_leader_died_is_no_story_of_lesson_0():
    """The early answer does no harm as long as somebody else has the block: then the new leader finishes it."""
    stage = Stage(servers=3, server=given.AnswersFirst, claims=[given.AnswersStayTrue()])
    stage.fire("ElectionTimeout", 1).deliver("Prepare", 1, 2).deliver("Promise", 2, 1)
    stage.ask("client 1", Put("'x'", "1")).deliver("Request", "client 1", 1).deliver("Reply", 1, "client 1")
    stage.deliver("Accept", 1, 3).crash(1).fire("ElectionTimeout", 3)
    stage.fire("ElectionTimeout", 2).deliver("Prepare", 2, 3).deliver("Promise", 3, 2)
    stage.deliver("Accept", 2, 3).deliver("Accepted", 3, 2)
    assert stage.node(2).store.data == {"'x'": "1"} and stage.violations == []


def step_until(lab, pattern):
    """Step until what happens reads like this; return it."""
    said = (lab.step() for _ in range(60))
    return next(words for words in said if re.search(pattern, words))


def test_lesson_0_is_broken_by_the_buttons_that_its_text_names():
    task = breakit("00/early")
    lab = task.lab
    leader = int(re.search(r"server (\d) gets Promise", step_until(lab, "gets Promise"))[1])
    lab.put("colour", "blue")
    step_until(lab, f"server {leader} gets Request")
    for _ in range(2):
        lab.drop("Accept")
    step_until(lab, "client 1 gets Reply .* done")
    lab.fail(leader)
    step_until(lab, "gets Promise")
    lab.get("colour")
    step_until(lab, "client 1 gets Reply .* nothing")
    assert task.confirm().claim == "what was answered stays true" and task.done


def test_the_labs_own_story_is_told_again():
    task = breakit("01/deaf")
    assert task.confirm() is None
    task.lab.put("tea", 1)
    for _ in range(4):
        task.lab.step()
    assert task.confirm().claim == "clock condition"


def test_a_story_that_breaks_nothing_is_not_kept(beside):
    task = breakit("04/anyway")
    assert task.confirm(replace(anyway().story(), choices=anyway().story().choices[:-1])) is None
    assert not (beside / ".paxoskit").exists()


def test_a_story_that_only_says_that_the_claim_fell_is_not_believed(beside):
    forged = Story(("paxoskit:given VotesAnyway",) * 3, claim="a promise is kept", says="server 3 broke its promise")
    forged.save(beside / "forged.json")
    assert not is_broken(TASKS["04/anyway"], beside / "forged.json")


def test_a_story_of_another_server_counts_only_by_its_choices(beside):
    """Whatever class a story names, the task's own server is what its choices happen to."""
    story = replace(anyway().story(), nodes=("paxoskit:Server",) * 5, acceptors=1)
    assert TASKS["04/anyway"].replay(story) is not None
    harmless = replace(half().story(), nodes=("paxoskit:given VotesAnyway",) * 3)
    task = breakit("04/anyway")
    assert task.confirm(harmless) is None and not task.done


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema": 1}', "null"])
def test_a_file_that_is_no_story_breaks_nothing(beside, text):
    (beside / "story.json").write_text(text, encoding="utf-8")
    assert not is_broken(TASKS["04/anyway"], beside / "story.json")


def test_what_the_kit_says_shows_as_text():
    class Nasty(Server):
        """Its name goes to the page."""

    Nasty.__name__ = "<img src=x onerror=alert(1)>"
    task = breakit("99/own", server=Nasty, claim="agreement", servers=2)
    assert "<img" not in task._says.value and "&lt;img" in task._says.value


@pytest.mark.parametrize(
    ("arguments", "options", "says"),
    [
        (["04/nothing"], {}, "expected one of 00/early, 01/deaf"),
        (["04/anyway"], {"server": Server, "claim": "P2b"}, "is a task of the course"),
        (["../../x"], {"server": Server, "claim": "P2b"}, "expected an id of a lesson and a word"),
        (["99/own"], {"server": Server}, "expected both a server and a claim"),
        (["99/own"], {"server": Server, "claim": "P3"}, "expected a claim"),
    ],
)
def test_a_task_that_is_none_gets_one_line(arguments, options, says):
    with pytest.raises(ValueError, match=says) as caught:
        breakit(*arguments, **options)
    assert "\n" not in str(caught.value)


def test_progress_counts_replayed_stories_only(beside):
    (beside / "notebooks" / "lessons" / ".paxoskit" / "stories").mkdir(parents=True)
    place = beside / "notebooks" / "lessons" / ".paxoskit" / "stories" / "04-anyway.json"
    place.write_text(json.dumps(Story(("paxoskit:Server",), claim="a promise is kept").as_json()), encoding="utf-8")
    assert progress(beside).ways[4].points == 0
    anyway().story().save(place)
    assert progress(beside).ways[4].points == 2


def test_every_named_claim_exists():
    names = {claim.name for claim in safety_claims()}
    assert [task.id for task in TASKS.values() if isinstance(task.claim, str) and task.claim not in names] == []
