"""A stage lets happen what a cell says, says what cannot happen, and gives the same as a story."""

import re
import subprocess
import sys

import pytest

from paxoskit.course import given
from paxoskit.course.stage import RUN_BEFORE, Stage
from paxoskit.protocol.messages import Get, Put
from paxoskit.protocol.plain import Ballot
from paxoskit.protocol.server import Server
from paxoskit.protocol.synod import Prepare
from paxoskit.worlds.choice import CannotHappen
from paxoskit.worlds.stepper import Stepper


def lost_reply():
    stage = Stage(servers=[given.Naive], clients=2, claims=False)
    stage.ask("client 1", Put("'x'", "1")).deliver("Request", "client 1", 1).lose("Reply", 1, "client 1")
    stage.ask("client 2", Put("'x'", "2")).settle()
    return stage.fire("RetryTimeout", "client 1").fire("RetryTimeout", "client 1").settle()


def test_a_put_that_is_asked_again_takes_effect_twice_at_a_naive_server():
    assert lost_reply().node(1).data == {"'x'": "1"}


def test_its_story_gives_the_same_events_again():
    for stage in (lost_reply(), Stage(servers=3).fire("ElectionTimeout", 1).settle().crash(2).restart(2)):
        story = stage.story()
        again = story.replay(classes={name: given.Naive for name in story.nodes if "Naive" in name})
        said = [(event.kind, event.node, event.peer, event.what) for event in stage.trace.choices()]
        assert [(event.kind, event.node, event.peer, event.what) for event in again.trace.choices()] == said


def test_of_two_equal_messages_the_oldest_is_meant_and_the_story_means_it_too():
    stage = Stage(servers=2, clients=0).fire("ElectionTimeout", 1).duplicate("Prepare", 1, 2)
    stage.deliver("Prepare", 1, 2).lose("Prepare", 1, 2)
    assert stage.story().replay().trace.digest() == stage.trace.digest()


def test_each_client_may_have_servers_of_its_own():
    stage = Stage(servers=4, clients=[(1, 2), (3, 4)]).ask("client 2", Get("'x'"))
    assert [event.peer for event in stage.sent("Request")] == [3]
    assert stage.story().clients == ((1, 2), (3, 4))


def test_in_a_synod_only_the_acceptors_are_asked():
    stage = Stage(servers=[given.Acceptor] * 3 + [given.Clerk] * 2, acceptors=3, clients=0, claims=False)
    stage.ask(4, Prepare(Ballot(1, 4)))
    assert [event.peer for event in stage.sent("Prepare")] == [1, 2, 3]
    assert stage.story().acceptors == 3


@pytest.mark.parametrize(
    ("happen", "says"),
    [
        (lambda stage: stage.deliver("Accept", 1, 2), "no Accept from server 1 to server 2 is in flight"),
        (lambda stage: stage.fire("Bell", 1), "server 1 has no timer Bell; it has ElectionTimeout"),
        (lambda stage: stage.fire("Bell", 7), "server 7 has no timer Bell; it has none"),
        (lambda stage: stage.restart(2), "server 2 is up already"),
        (lambda stage: stage.crash(2).node(2), "server 2 is down"),
        (lambda stage: stage.node(9), "there is no server 9"),
        (lambda stage: stage.ask("client 9", Get("'x'")), 'there is no \'client 9\''),
    ],
)
def test_what_cannot_happen_gets_one_line(happen, says):
    with pytest.raises(ValueError, match=re.escape(says)) as caught:
        happen(Stage(servers=3))
    assert "\n" not in str(caught.value)


TWICE = """
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

shell = InteractiveShell(config=Config(HistoryManager={"enabled": False}))
shell.run_cell("from paxoskit.course.stage import Stage; stage = Stage(servers=3)")
shell.run_cell('stage = stage.fire("ElectionTimeout", 1)')
for cell in ('stage = stage.deliver("Prepare", 1, 2)', "stage = stage.crash(3)"):
    shell.run_cell(cell)
    shell.run_cell(cell)
"""

LIVE = TWICE[: TWICE.index("shell.run_cell")] + """
shell.run_cell("from paxoskit import Cluster; cluster = Cluster(servers=3)")
for cell in ("cluster.fail_process(1)", "cluster.restart_process(1)"):
    shell.run_cell(cell)
    shell.run_cell(cell)
shell.run_cell("cluster.stop()")
"""


def test_a_cell_that_is_run_twice_says_so_in_one_line_and_shows_no_traceback():
    done = subprocess.run([sys.executable, "-c", TWICE], capture_output=True, text=True, timeout=120)
    no_prepare, is_down = done.stdout.splitlines()
    assert no_prepare.startswith("no Prepare from server 1 to server 2 is in flight; in flight: Prepare from ")
    assert is_down == f"server 3 is down. {RUN_BEFORE}"
    assert no_prepare.endswith(f". {RUN_BEFORE}")


def test_so_does_one_that_changes_a_living_cluster():
    done = subprocess.run([sys.executable, "-c", LIVE], capture_output=True, text=True, timeout=120)
    assert done.stdout.splitlines() == ["server 1 is down", "server 1 is up already"]


def test_what_a_learners_own_handler_raises_keeps_its_traceback():
    class Typo(Server):
        def on_prepare(self, sender, message):
            int("three")

    with pytest.raises(ValueError, match="invalid literal") as caught:
        Stage(server=Typo).fire("ElectionTimeout", 1).deliver("Prepare", 1, 2)
    assert type(caught.value) is ValueError


def test_an_error_names_a_few_of_the_messages_in_flight_and_counts_the_others():
    stage = Stage(servers=9, clients=0).fire("ElectionTimeout", 1)
    with pytest.raises(CannotHappen, match=r"in flight: (Prepare from server 1 to server \d(, )?){6} and 2 more$"):
        stage.deliver("Accept", 1, 2)


def test_settle_leaves_what_was_said_to_wait():
    stage = Stage(servers=3, clients=0).fire("ElectionTimeout", 1).settle(besides=[3])
    assert {3} <= {flight.receiver for flight in stage.world.flying.values()}
    assert stage.world.leaders() == [1]


def test_what_is_on_its_way_to_a_node_can_be_lost_all_at_once_and_the_story_says_so():
    stage = Stage(servers=3, clients=0).fire("ElectionTimeout", 1).duplicate("Prepare", 1, 3).crash(3).lose_all(3)
    assert [flight.receiver for flight in stage.world.flying.values()] == [2]
    assert stage.story().replay().trace.digest() == stage.trace.digest()


def test_a_delivery_may_crash_its_server_before_its_save_or_after_it():
    for crash, saved in (("before", False), ("after", True)):
        stage = Stage(servers=2, clients=0).fire("ElectionTimeout", 1).deliver("Prepare", 1, 2, crash=crash)
        assert (stage.world.disks[2].promised == Ballot(1, 1)) is saved
        assert not stage.world.is_up(2) and [event.node for event in stage.sent("Promise")] == [1]


def test_nodes_that_answer_each_other_for_ever_are_said_to():
    class Chatter(given.Clerk):
        def on_prepare(self, sender, message):
            self.send(3 - self.name, message)

    with pytest.raises(ValueError, match="after 10,000 deliveries"):
        Stage(servers=[Chatter] * 2, clients=0, claims=False).ask(1, Prepare(Ballot(1, 1))).settle()


def test_the_states_say_memory_disk_and_who_is_down(capsys):
    stage = Stage(servers=[given.Acceptor] * 2 + [given.Clerk], acceptors=2, clients=0, claims=False)
    stage.ask(3, Prepare(Ballot(1, 3))).settle().crash(2).states("promised", "vote")
    assert capsys.readouterr().out == "server 1: promised 1.3, vote none\nserver 2: down\n"


def test_the_picture_is_a_diagram_of_its_own_width_and_the_lab_opens_the_story():
    stage = Stage(servers=3).fire("ElectionTimeout", 1).settle()
    assert re.match(r'<svg [^>]*width="\d+" viewBox="0 0 \d+ \d+"', stage._repr_svg_())
    assert Stepper(stage.story().world()).world.servers == (1, 2, 3)


# The nodes that lessons give -------------------------------------------------------------------------------


def test_the_acceptor_keeps_both_rules_and_answers_nothing_to_what_it_refuses():
    from paxoskit.protocol.node import Send
    from paxoskit.protocol.synod import Accept, Accepted, Promise, Vote

    one, two = Ballot(1, 4), Ballot(2, 5)
    acceptor = given.Acceptor(1, (1, 2, 3))
    assert acceptor.receive(4, Prepare(one)) == [Send(4, Promise(one, None))]
    assert acceptor.receive(4, Accept(one, "red")) == [Send(4, Accepted(one, "red"))]
    assert acceptor.receive(5, Prepare(two)) == [Send(5, Promise(two, Vote(one, "red")))]
    assert acceptor.receive(4, Accept(one, "red")) == acceptor.receive(4, Prepare(one)) == []
    assert acceptor.receive(5, Accept(two, "blue")) == [Send(5, Accepted(two, "blue"))]


def test_an_order_is_numbered_as_lamport_says():
    stage = Stage(servers=[given.Office] * 3, claims=[given.ClockCondition()])
    stage.ask("client 1", Put("'tea'", "1")).settle()
    sent = [(type(event.what).__name__, event.what.clock) for event in stage.sent("Order", "Charge", "Paid", "Sent")]
    assert sent == [("Charge", 2), ("Order", 3), ("Paid", 4), ("Sent", 6)]
    assert stage.violations == [] and len(stage.sent("Reply")) == 1


def test_a_log_sorted_by_wall_clocks_puts_an_effect_before_its_cause():
    stage = Stage(servers=[given.Office] * 3, claims=False).ask("client 1", Put("'tea'", "1")).settle()
    assert "Charge" in given.wall_clock_log(stage.trace, {})[0]
    skewed = given.wall_clock_log(stage.trace, {2: -120, 3: 60})
    assert "gets Charge" in skewed[0] and "sends Charge" in skewed[2]


def test_a_story_can_name_every_given_node():
    from paxoskit.worlds.story import OURS

    assert [cls for cls in given.GIVEN if OURS.get(f"paxoskit:given {cls.__name__}") is not cls] == []
