"""A stepped world goes back to what it was, branches without touching what is written, and gives itself back whole."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from paxoskit.claims.safety import safety_claims
from paxoskit.pictures.cluster import QUIET as DRAWN_FAINT
from paxoskit.protocol.messages import Accept, Elected, Get, Put, Reply, Request
from paxoskit.protocol.node import Node
from paxoskit.protocol.plain import Name
from paxoskit.protocol.server import Server
from paxoskit.trace import Trace
from paxoskit.worlds import stepper as module
from paxoskit.worlds.choice import DISKS, LAST_SAVE_LOST, LOST, Choice
from paxoskit.worlds.cluster import Cluster, Paused
from paxoskit.worlds.moments import QUIET
from paxoskit.worlds.simulator import Simulator
from paxoskit.worlds.stepper import Abandoned, Stepper, named
from paxoskit.worlds.steppers import stepper_of_simulator, stepper_of_story, stepper_of_trace, story_of
from paxoskit.worlds.story import Story, StoryError
from paxoskit.worlds.world import Flight, World

PUT = Put("'x'", "1")


def stepper(servers: int = 3, clients: int = 1, **options: Any) -> Stepper:
    return Stepper(World(servers, clients=clients, claims=safety_claims()), **options)


def led() -> Stepper:
    """A stepper of a world that has a leader, and whose client has just asked for a put."""
    steps = stepper()
    while not steps.world.leaders():
        steps.step()
    steps.ask("client 1", PUT)
    return steps


def state(steps: Stepper) -> Any:
    """All that makes a world what it is."""
    world = steps.world
    nodes = {name: node.state() if node is not None else None for name, node in world.nodes.items()}
    disks = {name: vars(disk) if disk is not None else None for name, disk in world.disks.items()}
    return nodes, disks, dict(world.flying), dict(world.timers), set(world.cut), world.trace.count, world.trace.now


def flights(steps: Stepper, kind: type) -> list[Flight]:
    """The messages of a kind that fly, the newest first."""
    return [flight for flight in steps.world.flying.values() if type(flight.message) is kind][::-1]


def first_accept(steps: Stepper) -> Flight:
    while not flights(steps, Accept):
        steps.step()
    return flights(steps, Accept)[0]


# Back and forward ------------------------------------------------------------------------------------------


def test_every_moment_is_again_what_it_was() -> None:
    steps = led()
    steps.quiet = False
    seen = [state(steps)]
    first = steps.moment.number
    for _ in range(300):
        steps.step()
        seen.append(state(steps))
    assert [state(steps) for _ in range(1) if steps.goto(first)] == seen[:1]
    for number in (first + 250, first + 3, first + 299, first + 64, first + 128):
        steps.goto(number)
        assert state(steps) == seen[number - first]
    for number in range(first + 128, first + 140):
        steps.forward()
        assert state(steps) == seen[number + 1 - first]
    for number in range(first + 139, first + 100, -1):
        steps.back()
        assert state(steps) == seen[number - first]


def test_at_the_ends_there_is_a_reason_and_nothing_happens() -> None:
    steps = stepper()
    assert steps.why_not_back() == "this is the beginning"
    with pytest.raises(ValueError, match="this is the beginning"):
        steps.back()
    with pytest.raises(ValueError, match="this is the end of “branch 1”: step on"):
        steps.forward()
    with pytest.raises(ValueError, match="moment: expected a number from 0 to 0 on branch 1, got 7"):
        steps.goto(7)
    assert steps.moment.number == 0


def test_the_same_steps_are_made_whenever_they_are_asked_for() -> None:
    one, two = led(), led()
    for _ in range(30):
        one.step()
    for _ in range(10):
        two.step()
    two.goto(3)
    two.goto(two.trunk.tip.number)
    for _ in range(20):
        two.step()
    assert list(one.trace()) == list(two.trace())


def test_heartbeats_are_stepped_over_unless_they_are_asked_for() -> None:
    steps = led()
    for _ in range(20):
        steps.step()  # all that the put sets in motion
    before = steps.world.trace.now
    assert (steps.step().quiet, steps.world.trace.now >= before + module.QUIET_TIME) == (True, True)
    steps.quiet = False
    before = steps.moment.number
    steps.step()
    assert steps.moment.number == before + 1


def test_what_is_quiet_is_what_pictures_draw_faint() -> None:
    assert QUIET == DRAWN_FAINT


def test_an_election_is_not_stepped_over() -> None:
    assert type(stepper().step().event.what).__name__ == "ElectionTimeout"  # type: ignore[union-attr]


def test_what_a_step_will_do_is_said_before() -> None:
    steps = led()
    for _ in range(20):
        said = steps.foresee()
        moment = steps.step()
        assert said == ("nothing but heartbeats and timers" if moment.quiet else str(moment))


def test_the_last_quiet_timer_is_stepped_and_then_nothing_is_due() -> None:
    class Deaf(Node):
        def on_request(self, sender: Name, request: Request) -> None:
            self.send(sender, Reply(request.session, request.number, "done"))

    steps = Stepper(World([Deaf], clients=1))
    steps.ask("client 1", Put("'x'", "1"))
    said = []
    while steps.next() is not None:
        steps.foresee()
        said.append(str(steps.step()))
    assert said[-1] == "client 1 hears its own timer RetryTimeout"
    assert steps.foresee() is None


def test_a_round_brings_all_messages_of_a_kind() -> None:
    steps = led()
    first_accept(steps)
    assert len(flights(steps, Accept)) == 2
    for _ in range(20):
        if steps.round().event.kind == "deliver" and not flights(steps, Accept):  # type: ignore[union-attr]
            break
    assert steps.moment.event.what == steps.branch.moment(steps.moment.number - 1).event.what  # type: ignore[union-attr]


def test_decision_ends_where_a_new_block_is_applied() -> None:
    steps = led()
    moment = steps.decision()
    assert moment is not None and moment.decides == {0}
    assert max(steps.world.chain(server).height for server in steps.world.servers) == 1
    assert steps.decision() is None  # nobody asked for anything else


# Choosing --------------------------------------------------------------------------------------------------


def test_another_choice_in_the_past_is_a_new_branch_and_the_old_one_stays() -> None:
    steps = led()
    accept = first_accept(steps)
    before = steps.moment
    steps.choose(named(steps.world, "drop", accept))
    steps.decision()
    old = list(steps.trace())
    steps.goto(before.number)
    steps.choose(named(steps.world, "deliver", accept))
    assert [branch.name for branch in steps.branches] == ["branch 1", "branch 2"]
    assert steps.branch.base is before
    steps.goto(steps.trunk.tip.number, steps.trunk.number)
    assert list(steps.trace()) == old


def test_the_same_choice_in_the_past_is_no_new_branch() -> None:
    steps = led()
    accept = first_accept(steps)
    before = steps.moment.number
    steps.choose(named(steps.world, "drop", accept))
    steps.goto(before)
    steps.choose(named(steps.world, "drop", accept))
    assert (len(steps.branches), steps.moment.number) == (1, before + 1)


def test_what_if_begins_a_branch_right_before_the_event() -> None:
    steps = led()
    accept = first_accept(steps)
    steps.choose(named(steps.world, "deliver", accept))
    event = steps.moment.event
    assert event is not None
    steps.step()
    steps.what_if(event.n)
    assert accept in steps.world.flying.values()
    assert (steps.branch.name, len(steps.branches)) == (f"what if not {event.n}", 2)
    with pytest.raises(ValueError, match="there is no event 100000"):
        steps.what_if(100_000)


@pytest.mark.parametrize(
    ("choice", "reason"),
    [
        (Choice("crash", 9), "there is no server 9"),
        (Choice("crash", "client 1"), "client 1 is a client: only servers crash and restart"),
        (Choice("restart", 1), "server 1 is up already"),
        (Choice("mend", 1, 2), "the link from server 2 to server 1 is up already"),
        (Choice("cut", 1, 1), "there is no link from 1 to server 1"),
        (Choice("fire", 1, what=PUT), "server 1 has no such timer"),
        (Choice("deliver", 1, 2, PUT), "this message is no longer in flight"),
        (Choice("ask", "client 1", what=PUT), "expected an Ask to ask client 1"),
        (Choice("explode", 1), "nobody can choose to explode"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_reason_and_changes_nothing(choice: Choice, reason: str) -> None:
    steps = stepper()
    before = state(steps)
    assert (steps.why_not(choice) or "").startswith(reason)
    with pytest.raises(ValueError) as caught:
        steps.choose(choice)
    assert str(caught.value).startswith(reason) and "\n" not in str(caught.value)
    assert (state(steps), steps.moment.number) == (before, 0)


def test_whatever_may_happen_has_no_reason_against_it() -> None:
    steps = led()
    for _ in range(40):
        assert [choice for choice in steps.choices() if steps.why_not(choice) is not None] == []
        steps.step()


@pytest.mark.parametrize("disk", DISKS)
def test_a_server_crashes_and_restarts_with_what_is_left_of_its_disk(disk: str) -> None:
    steps = led()
    steps.decision()
    steps.choose(Choice("crash", 2, disk=disk))
    assert steps.why_not(Choice("crash", 2)) == "server 2 is down already"
    steps.choose(Choice("restart", 2))
    voter = steps.world.disks[2].voter
    assert (steps.world.is_up(2), voter) == (True, disk != LOST)
    steps.back()
    assert (steps.world.disks[2] is None) == (disk == LOST)
    assert disk != LAST_SAVE_LOST or steps.world.disks[2] is not None


def test_a_message_that_is_held_waits_until_it_is_released() -> None:
    steps = led()
    accept = first_accept(steps)
    steps.hold(accept)
    for _ in range(10):
        steps.step()
    assert accept in steps.world.flying.values()
    steps.release(accept)
    steps.step()
    steps.step()
    assert accept not in steps.world.flying.values()
    with pytest.raises(ValueError, match="no longer in flight"):
        steps.hold(accept)


class Raises(Server):
    """It cannot bear an Accept."""

    def on_accept(self, sender: Any, accept: Accept) -> None:
        self.disk.promised = (9, 9)
        raise RuntimeError("I cannot bear this")


def test_a_handler_that_raises_crashes_its_server_as_it_was_before() -> None:
    steps = Stepper(World([Server, Raises, Server], clients=1, claims=safety_claims()))
    while not steps.world.leaders():
        steps.step()
    steps.ask("client 1", PUT)
    while steps.world.is_up(2):
        steps.step()
    assert steps.errors == ["server 2 crashed: RuntimeError: I cannot bear this"]
    assert steps.world.disks[2].promised.server in (1, 3)
    after = state(steps)
    steps.back()
    steps.forward()
    assert state(steps) == after


class Hasty(Server):
    """It says done before anybody else has voted."""

    def on_request(self, sender: Any, request: Any) -> None:
        super().on_request(sender, request)
        if self.leading:
            self.send(request.client, Reply(request.session, request.number, "done"))


def test_the_claims_judge_one_branch() -> None:
    steps = Stepper(World(3, server=Hasty, clients=1, claims=safety_claims()))
    while not steps.world.leaders():
        steps.step()
    innocent = steps.moment.number
    steps.ask("client 1", PUT)
    while not steps.violations:
        steps.step()
    assert steps.violations[0].claim == "no acknowledged write is lost"
    guilty = steps.moment
    steps.goto(innocent)
    assert steps.violations == []
    steps.choose(Choice("crash", 2))
    assert (steps.violations, steps.judged) == ([], True)
    steps.goto(guilty.number, guilty.branch.number)
    assert len(steps.violations) == 1
    steps.back()
    assert steps.violations == []
    steps.choose(Choice("cut", 2, 1))
    for _ in range(8):
        steps.step()
    assert [violation.claim for violation in steps.violations] == ["no acknowledged write is lost"]


def test_a_slow_link_is_slow_and_a_lossy_one_loses() -> None:
    slow, lossy = stepper(quality={(1, 2): (0.0, 50.0)}), stepper(quality={(1, 2): (1.0, 1.0)})
    for steps in (slow, lossy):
        steps.step()
        steps.step()
    waiting = [flight for flight in slow.world.flying.values() if flight.receiver == 2]
    assert waiting and slow.flying()[waiting[0].number][1] > slow.world.trace.now + 500
    assert [event.peer for event in lossy.events() if event.kind == "drop" and event.node == 2] == [1]


# Stories, simulators, traces -------------------------------------------------------------------------------


def test_the_story_of_a_branch_leads_there_again() -> None:
    steps = led()
    accept = first_accept(steps)
    steps.choose(named(steps.world, "duplicate", accept))
    steps.choose(named(steps.world, "deliver", accept, "after"))
    steps.choose(Choice("restart", accept.receiver))
    steps.choose(Choice("cut", 1, 2))
    steps.decision()
    steps.goto(steps.moment.number - 2)
    steps.choose(Choice("crash", 1, disk=LOST))
    again = stepper_of_story(Story.from_json(story_of(steps).as_json()))
    times = [round(time, 3) for time in story_of(again).times]
    assert story_of(again) == story_of(steps)
    assert times == [round(time, 3) for time in story_of(steps).times]
    assert state(again)[:5] == state(steps)[:5]


def test_a_story_that_cannot_happen_is_refused_with_the_choice() -> None:
    story = Story(nodes=("paxoskit:Server",), choices=(Choice("crash", 1), Choice("crash", 1)))
    with pytest.raises(StoryError, match=r"choice 2 of the story cannot happen .*: server 1 is down already"):
        stepper_of_story(story)


def test_a_simulators_run_is_stepped_as_its_dice_would_have_it() -> None:
    alone = Simulator(seed=3, nemesis="all")
    alone.run(800)
    steps = stepper_of_simulator(Simulator(seed=3, nemesis="all"))
    steps.quiet = False
    while steps.moment.count < 500:
        steps.step()
    mine = list(steps.trace())
    assert mine == [event for event in alone.trace if mine[0].n <= event.n <= mine[-1].n]
    steps.goto(20)
    steps.choose(Choice("crash", 1) if steps.world.is_up(1) else Choice("restart", 1))
    for _ in range(50):
        steps.step()
    assert (len(steps.branches), steps.violations) == (2, [])


def test_what_a_simulator_did_already_lies_ahead() -> None:
    simulator = Simulator(seed=5)
    simulator.run(300)
    steps = stepper_of_simulator(simulator)
    steps.quiet = False
    born = steps.moment.count
    steps.step()
    assert steps.moment.event == next(event for event in simulator.trace if event.n > born)


def test_a_trace_is_looked_at_moment_by_moment() -> None:
    simulator = Simulator(seed=2, nemesis="crash")
    simulator.run(400)
    steps = stepper_of_trace(simulator.trace)
    assert steps.moment.count == simulator.trace.count
    mine = list(steps.trace())
    assert mine == [event for event in simulator.trace if event.n >= mine[0].n]


def test_a_trace_without_its_beginning_is_refused() -> None:
    simulator = Simulator(seed=2)
    simulator.run(50)
    simulator.trace.forget(40)
    with pytest.raises(ValueError, match="expected a trace from its beginning on"):
        stepper_of_trace(simulator.trace)
    with pytest.raises(ValueError, match="expected a trace from its beginning on"):
        stepper_of_trace(Trace(3))


# A cluster, paused and let go again ------------------------------------------------------------------------


def eventually(condition: Callable[[], object], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.002)


def paused_with_accepts(cluster: Cluster) -> tuple[Any, Stepper]:
    """Let a put begin, and pause while its Accepts fly."""
    cluster.put("x", 0)
    cluster.latency = 0.05
    future = cluster.put_async("x", 1, timeout=30)

    def some_fly() -> bool:
        with cluster.look() as world:
            accepts = [flight.message for flight in world.flying.values() if type(flight.message) is Accept]
            return any(accept.block.height == 1 for accept in accepts)

    eventually(some_fly)
    return future, cluster.stepper()


def servers_threads() -> list[str]:
    return sorted(thread.name for thread in threading.enumerate() if thread.name.startswith("paxoskit server"))


def test_stepping_from_a_pause_and_resuming_in_another_branch() -> None:
    with Cluster(3, clients=2, seed=1) as cluster:
        asked, steps = paused_with_accepts(cluster)
        before, accept = steps.moment, flights(steps, Accept)[0]
        steps.choose(named(steps.world, "drop", accept))
        answered = cluster.ask_in(steps, Put("'y'", "7"), client=2)
        while not answered.done():
            steps.step()
        left = cluster.ask_in(steps, Put("'z'", "8"), client=2)
        steps.goto(before.number)
        steps.choose(named(steps.world, "deliver", accept))
        cluster.resume(steps)
        with pytest.raises(Abandoned, match="put 'z' 8: this was asked in a branch that was left"):
            left.result(5)
        assert asked.result(20) is None
        cluster.latency = 0.0
        assert [cluster.get(key) for key in ("x", "y", "z")] == [1, None, None]
        assert servers_threads() == [f"paxoskit server {server}" for server in (1, 2, 3)]
        texts = {request.operation.words for server in cluster.servers for block in cluster.chain(server)
                 for request in block.operations}  # fmt: skip
        assert not {words for words in texts if words[:2] in (("put", "'y'"), ("put", "'z'"))}
        assert (cluster.violations, cluster.errors, cluster.recording().differences()) == ([], [], [])
        assert next(iter(cluster.trace)).n == 1  # what was before the first checkpoint is told as before


def test_after_a_branch_its_checkpoints_are_those_of_its_own_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("paxoskit.worlds.cluster.CHECKPOINT", 150)
    with Cluster(3, seed=1) as cluster:
        for value in range(30):
            cluster.put("x", value)
        eventually(lambda: len(cluster._checkpoints) > 4)
        steps = cluster.stepper()
        steps.goto(steps.moment.number // 3)
        cluster.resume(steps)
        assert all(world.trace.count <= steps.moment.count for world in cluster._checkpoints)
        for value in range(30):
            cluster.put("y", value, timeout=20)
        steps = cluster.stepper()
        tip, then = steps.moment.number, state(steps)
        for number in range(0, tip, 40):
            steps.goto(number)
        steps.goto(tip - 1)
        steps.forward()
        assert state(steps)[:-1] == then[:-1]  # the clock apart: it went on after the last event
        cluster.resume(steps)
        assert (cluster.violations, cluster.recording().differences()) == ([], [])


def test_a_message_of_a_branch_that_was_left_reaches_nobody() -> None:
    with Cluster(3, seed=1) as cluster:
        cluster.wait_for_leader()
        cluster.latency = 1.0
        cluster.put_async("x", 1)

        def to_a_server() -> list[Flight]:
            with cluster.look() as world:
                flying = [world.flying[number] for number in list(cluster.due) if number in world.flying]
            return [flight for flight in flying if type(flight.receiver) is int]

        eventually(to_a_server)
        there = to_a_server()[0]
        of_another_branch = there._replace(message=PUT)  # its thread held it when the world was replaced
        assert cluster._turn(there.receiver, of_another_branch, []) == []
        with cluster.look() as world:
            assert world.flying[there.number] is there


def test_a_call_that_waits_goes_on_in_the_branch_in_which_it_was_asked() -> None:
    with Cluster(3, seed=1) as cluster:
        asked, steps = paused_with_accepts(cluster)
        for _ in range(3):
            steps.step()
        cluster.resume(steps)
        assert asked.result(20) is None


def test_the_history_of_a_live_run_is_stepped_back_to_its_birth_and_goes_on_from_there() -> None:
    with Cluster(3, seed=1) as cluster:
        for value in range(20):
            cluster.put("x", value)
        steps = cluster.stepper()
        then = state(steps)
        steps.goto(0)
        assert (steps.why_not_back(), steps.world.leaders()) == ("this is the beginning", [])
        steps.goto(steps.trunk.tip.number)
        assert state(steps) == then
        steps.goto(0)
        cluster.resume(steps)
        assert cluster.get("x") is None
        cluster.put("x", "again")
        assert cluster.get("x") == "again"
        assert (cluster.violations, cluster.recording().differences()) == ([], [])


def test_resume_without_a_stepper_goes_on_where_the_pause_was() -> None:
    with Cluster(3, seed=1) as cluster:
        asked, steps = paused_with_accepts(cluster)
        left = cluster.ask_in(steps, Get("'x'"))
        steps.goto(0)
        cluster.resume()
        assert asked.result(20) is None
        assert isinstance(left.exception(5), Abandoned)
        assert cluster.recording().differences() == []


def test_while_its_world_is_stepped_a_cluster_changes_only_there() -> None:
    with Cluster(3) as cluster:
        cluster.put("x", 1)
        steps = cluster.stepper()
        with pytest.raises(Paused, match="its world is being stepped"):
            cluster.fail_process(1)
        with pytest.raises(Paused, match=r"resume\(\)"):
            cluster.put("x", 2)
        cluster.resume(steps)
        with pytest.raises(RuntimeError, match="the cluster is not paused"):
            cluster.resume(steps)
        cluster.pause()
        with pytest.raises(ValueError, match="expected the stepper of this pause"):
            cluster.resume(steps)
        cluster.resume()
        assert cluster.get("x") == 1


def test_crashes_made_while_stepping_hold_after_resume() -> None:
    with Cluster(5, seed=2) as cluster:
        cluster.put("x", 1)
        leader = cluster.wait_for_leader()
        steps = cluster.stepper()
        steps.choose(Choice("crash", leader))
        cluster.resume(steps)
        assert cluster.wait_for_leader(besides=[leader]) != leader
        cluster.put("x", 2, timeout=20)
        cluster.restart_process(leader)
        eventually(lambda: len({len(cluster.chain(server)) for server in cluster.servers}) == 1)
        assert (cluster.violations, cluster.recording().differences()) == ([], [])


def test_a_cluster_on_a_file_goes_forward_and_not_back(tmp_path: Any) -> None:
    file = tmp_path / "disks.sqlite"
    with Cluster(3, storage=file, seed=1) as cluster:
        cluster.put("x", 1)
        steps = cluster.stepper()
        pause = steps.moment.number
        steps.goto(0)
        with pytest.raises(ValueError, match="a file cannot go back: this branch stays in memory"):
            cluster.resume(steps)
        steps.goto(pause)
        put = cluster.ask_in(steps, Put("'x'", "2"))
        while not put.done():
            steps.step()
        with pytest.raises(StoryError, match="no story leads to here"):
            story_of(steps)
        cluster.resume(steps)
        assert cluster.get("x") == 2
    with Cluster(3, storage=file) as cluster:
        assert cluster.get("x", timeout=20) == 2


def test_what_was_asked_right_before_a_pause_is_asked_after_it() -> None:
    with Cluster(3) as cluster:
        cluster.put("x", 0)
        for turn in range(50):
            future = cluster.put_async("x", turn)
            cluster.pause()
            cluster.resume()
            assert future.result(10) is None
        assert cluster.get("x") == 49


def test_pausing_and_resuming_in_branches_again_and_again_breaks_nothing() -> None:
    with Cluster(3, clients=2, seed=4) as cluster:
        for turn in range(12):
            future = cluster.put_async("x", turn, client=turn % 2 + 1, timeout=30)
            steps = cluster.stepper()
            steps.goto(max(0, steps.moment.number - turn % 5))
            for _ in range(turn % 4):
                steps.step()
            cluster.resume(steps)
            assert isinstance(future.exception(20), (Abandoned, Paused, type(None)))
        cluster.put("x", "end", timeout=20)
        assert (cluster.get("x"), cluster.violations, cluster.errors) == ("end", [], [])
        assert cluster.recording().differences() == []


# Links that are slow or lossy, messages dropped live ---------------------------------------------------------


def test_a_link_may_lose_everything_in_one_direction() -> None:
    with Cluster(3, seed=1) as cluster:
        cluster.put("x", 1)
        cluster.set_link_quality(1, 2, loss=1.0, both=False)
        cluster.put("x", 2, timeout=20)
        cluster.put("x", 3, timeout=20)
        assert cluster.link_quality == {(1, 2): (1.0, 1.0)}
        lost = {(event.peer, event.node) for event in cluster.trace if event.kind == "drop"}
        assert lost <= {(1, 2)}
        cluster.set_link_quality(1, 2, loss=0)
        assert cluster.link_quality == {}
        assert cluster.recording().differences() == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"a": 1, "b": 1}, "server 1 has no link to itself"),
        ({"a": 1, "b": 9}, "there is no 9"),
        ({"a": 1, "b": 2, "loss": 2}, "loss: expected a share from 0 to 1, got 2"),
        ({"a": 1, "b": 2, "delay": 0}, "delay: expected how many times as long, from 0.1 to 100, got 0"),
    ],
)
def test_a_wrong_quality_of_a_link_is_named(change: dict[str, Any], says: str) -> None:
    with Cluster(3) as cluster, pytest.raises(ValueError) as caught:
        cluster.set_link_quality(**change)
    assert str(caught.value).startswith(says)


def test_a_message_in_flight_is_dropped_or_doubled_while_time_goes_by() -> None:
    with Cluster(3, seed=1) as cluster:
        cluster.wait_for_leader()
        cluster.latency = 1.0
        cluster.put_async("x", 1)
        eventually(lambda: cluster.due)
        number = max(cluster.due)
        cluster.duplicate(number)
        cluster.drop(number)
        with pytest.raises(ValueError, match="no longer in flight"):
            cluster.drop(number)
        assert {"drop", "duplicate"} <= {event.kind for event in cluster.trace}
        assert cluster.recording().differences() == []


# Long runs -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
def test_a_healthy_cluster_that_has_a_leader_elects_no_other(seed: int) -> None:
    steps = stepper(servers=5, seed=seed)
    steps.quiet = False
    while steps.world.trace.now < 30_000:  # at one second a hop this is more than twelve minutes
        steps.step()
    assert [event for event in steps.trace() if isinstance(event.what, Elected) and event.at > 3_000] == []


def test_a_run_of_a_hundred_thousand_events_stays_usable() -> None:
    steps = stepper(servers=5)
    steps.quiet = False
    while steps.moment.count < 100_000:
        steps.step()
    begun = time.monotonic()
    for number in (steps.moment.number // 2, 10, steps.trunk.tip.number - 5):
        steps.goto(number)
        steps.foresee()
        steps.events(500)
    steps.choose(Choice("crash", 3))
    for _ in range(20):
        steps.step()
    assert time.monotonic() - begun < 5.0  # measured 0.11 s, on a busy machine
    kept = [moment for branch in steps.branches for moment in branch.moments if moment.world is not None]
    assert len(kept) <= module.MOST_WORLDS + 1


def test_a_cluster_that_loses_messages_loses_them_while_it_is_stepped_too() -> None:
    with Cluster(3, seed=1) as cluster:
        cluster.put("x", 1)
        cluster.loss = 1.0
        steps = cluster.stepper()
        cluster.ask_in(steps, PUT)
        events = iter(lambda: steps.step().event, None)  # what was sent before may still arrive
        request = next(event for event in events if type(event.what) is Request)
        assert request.kind == "drop"
        cluster.loss = 0.0
        assert steps.decision() is not None


def test_without_faults_nobody_stands_for_election() -> None:
    steps = led()
    assert steps.decision() is not None
    steps.quiet = False
    until = steps.world.trace.now + 60 * 40.0 * 4  # four minutes at one second a hop, which are 40 ms of the world
    heard = set()
    while steps.world.trace.now < until:
        event = steps.step().event
        assert event is not None
        heard.add(type(event.what).__name__)
    assert "Heartbeat" in heard and "ElectionTimeout" in heard and "Prepare" not in heard
