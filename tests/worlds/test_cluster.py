"""The threaded cluster keeps the promise of the course: it answers while a majority lives, and only then."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from paxoskit.protocol.literals import LiteralError
from paxoskit.protocol.messages import Accept, Accepted, Decide, Elected, Get, Heartbeat, Put, Reply, Request, Requests
from paxoskit.protocol.node import Node
from paxoskit.protocol.plain import Message
from paxoskit.protocol.server import Server
from paxoskit.worlds import cluster as live
from paxoskit.worlds.cluster import Cluster, NoMajority, NoWayBack, Paused, Stopped


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with Cluster(5, clients=3) as five:
        yield five
        assert five.violations == []
        assert five.errors == []
        assert five.recording().differences() == []


def eventually(condition: Callable[[], bool], seconds: float = 5.0) -> bool:
    """Wait until a condition holds; say whether it did in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


def same_chains(cluster: Cluster, *servers: int) -> bool:
    return len({tuple(block.hash for block in cluster.chain(server)) for server in servers or cluster.servers}) == 1


def followers(cluster: Cluster) -> list[int]:
    leader = cluster.wait_for_leader()
    return [server for server in cluster.servers if server != leader]


# What the course's text promises ---------------------------------------------------------------------------


def test_five_servers_and_one_client(cluster: Cluster) -> None:
    cluster.put("x", 1)
    assert cluster.get("x") == 1
    assert eventually(lambda: same_chains(cluster))
    assert {server: cluster.store(server) for server in cluster.servers} == {key: {"'x'": "1"} for key in range(1, 6)}


def test_two_servers_down_leave_a_majority_that_serves(cluster: Cluster) -> None:
    cluster.put("x", 1)
    for server in followers(cluster)[:2]:
        cluster.fail_process(server)
    cluster.put("x", 2)
    assert cluster.get("x") == 2


def test_a_leader_with_two_links_cut_still_serves(cluster: Cluster) -> None:
    cluster.put("x", 1)
    leader = cluster.wait_for_leader()
    for server in followers(cluster)[:2]:
        cluster.fail_link(leader, server)
    for value in range(10):
        cluster.put("x", value)
        time.sleep(0.1)
    assert cluster.get("x") == 9


def test_with_three_of_five_down_there_is_no_progress_and_no_answer(cluster: Cluster) -> None:
    cluster.put("x", 1)
    assert eventually(lambda: same_chains(cluster))
    before = len(cluster.chain(1))
    for server in followers(cluster)[:3]:
        cluster.fail_process(server)
    with pytest.raises(NoMajority, match=r"no majority: 2 of 5 servers are up, and 3 are needed"):
        cluster.put("x", 2, timeout=1.0)
    with pytest.raises(NoMajority, match="no majority"):
        cluster.get("x", timeout=1.0)
    assert max(len(cluster.chain(server)) for server in cluster.servers) == before


class SilentAfterAccept(Server):
    """Its Accept goes out, and then it hears no votes."""

    deaf = False

    def on_accepted(self, sender: Any, accepted: Any) -> None:
        if not SilentAfterAccept.deaf:
            super().on_accepted(sender, accepted)


@pytest.mark.parametrize("with_a_get_in_between", [False, True])
def test_the_next_leader_finishes_the_block_of_a_leader_that_died_after_its_accept(with_a_get_in_between: bool) -> None:
    SilentAfterAccept.deaf = False
    with Cluster(5, clients=2, server=SilentAfterAccept) as cluster:
        cluster.put("x", "before")
        leader = cluster.wait_for_leader()
        height = len(cluster.chain(leader))
        SilentAfterAccept.deaf = True
        waiting = cluster.put_async("x", "inherited", client=1)
        assert eventually(lambda: voted(cluster, height) == 5)
        cluster.fail_process(leader)
        SilentAfterAccept.deaf = False
        if with_a_get_in_between:
            assert cluster.get("x", client=2) == "inherited"
        assert waiting.result(10) is None
        inherited = cluster.chain(cluster.wait_for_leader())[height].operations
        assert [request.operation for request in inherited] == [Put("'x'", "'inherited'")]
        assert cluster.get("x", client=2) == "inherited"
        assert cluster.violations == []


def voted(cluster: Cluster, height: int) -> int:
    with cluster.look() as world:
        votes = [world.disks[server].vote for server in world.servers]
    return sum(vote is not None and vote.block.height == height for vote in votes)


def test_two_would_be_leaders_never_both_decide(cluster: Cluster) -> None:
    cluster.put("x", 0)
    old = cluster.wait_for_leader()
    others = followers(cluster)
    cluster.partition([old, others[0]], others[1:])
    new = cluster.wait_for_leader(besides=[old])
    assert new in others[1:]
    cluster.put("x", 1, timeout=10)
    cluster.heal()
    assert cluster.get("x") == 1
    assert eventually(lambda: same_chains(cluster))


def test_a_minority_is_refused_while_the_majority_serves(cluster: Cluster) -> None:
    cluster.put("x", 1)
    few, many = cluster.client(at=[4, 5]), cluster.client(at=[1, 2, 3])
    cluster.partition([1, 2, 3], [4, 5])
    with pytest.raises(NoMajority, match="no majority"):
        few.put("x", "lost?", timeout=1.0)
    many.put("x", 2)
    cluster.heal()
    assert few.get("x", timeout=10) in (2, "lost?")  # a put whose answer never came may still take effect, once


def test_a_dead_leader_is_replaced_and_catches_up_when_it_is_back(cluster: Cluster) -> None:
    cluster.put("x", 1)
    dead = cluster.wait_for_leader()
    cluster.fail_process(dead)
    cluster.put("x", 2)
    assert cluster.leader() != dead
    cluster.restart_process(dead)
    assert eventually(lambda: same_chains(cluster))


def test_the_whole_cluster_may_crash_and_lose_nothing(cluster: Cluster) -> None:
    for key in range(20):
        cluster.put(key, key * key)
    for server in cluster.servers:
        cluster.fail_process(server)
    cluster.heal()
    assert [cluster.get(key) for key in range(20)] == [key * key for key in range(20)]


def test_a_bridge_that_all_can_see_serves(cluster: Cluster) -> None:
    cluster.put("x", 1)
    for a, b in [(1, 2), (1, 4), (1, 5), (2, 4), (2, 5), (4, 5)]:
        cluster.fail_link(a, b)
    cluster.put("x", 2, timeout=20)
    assert cluster.get("x", timeout=20) == 2


def test_a_server_that_lost_its_disk_never_votes_again(cluster: Cluster) -> None:
    cluster.put("x", 1)
    server = followers(cluster)[0]
    cluster.fail_process(server, "lost")
    cluster.restart_process(server)
    cluster.put("x", 2)
    assert eventually(lambda: same_chains(cluster))
    with cluster.look() as world:
        assert world.disks[server].voter is False
        assert world.disks[server].vote is None


def test_one_direction_of_a_link_can_be_cut(cluster: Cluster) -> None:
    cluster.put("x", 1)
    leader, follower = cluster.wait_for_leader(), followers(cluster)[0]
    cluster.fail_link(leader, follower, both=False)
    with cluster.look() as world:
        assert world.cut == {(leader, follower)}
    cluster.put("x", 2)
    cluster.fix_link(leader, follower)
    assert eventually(lambda: same_chains(cluster))


# Clients and keys ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "literal", [{"key1": "val1"}, -1, 1.5, True, None, (1, "a"), [1, [2]], {1, 2}, b"x", "<b>é\n\0"]
)
def test_every_literal_is_a_key_and_a_value(cluster: Cluster, literal: object) -> None:
    cluster.put(literal, literal)
    assert cluster.get(literal) == literal


def test_one_and_one_point_zero_and_true_are_three_keys(cluster: Cluster) -> None:
    for key in (1, 1.0, True):
        cluster.put(key, str(key))
    assert [cluster.get(key) for key in (1, 1.0, True)] == ["1", "1.0", "True"]


def test_a_value_changed_after_its_put_changes_nothing_stored(cluster: Cluster) -> None:
    value = [1]
    cluster.put("x", value)
    value.append(2)
    cluster.get("x").append(3)
    assert cluster.get("x") == [1]


def test_a_key_never_put_gives_the_default(cluster: Cluster) -> None:
    assert cluster.get("nothing") is None
    assert cluster.get("nothing", default=7) == 7


def test_many_clients_at_once_lose_nothing(cluster: Cluster) -> None:
    futures = [cluster.put_async(key, key, client=key % 3 + 1) for key in range(500)]
    assert [future.result(10) for future in futures] == [None] * 500
    assert [cluster.get_async(key).result(10) for key in range(0, 500, 50)] == list(range(0, 500, 50))


def test_what_is_asked_at_the_same_moment_travels_together() -> None:
    with Cluster(3) as cluster:
        cluster.put("x", 0)
        for future in [cluster.put_async("x", value) for value in range(200)]:
            future.result(5)
        assert any(isinstance(event.what, Requests) for event in cluster.trace)


def test_a_thousand_minus_one_clients_are_served() -> None:
    with Cluster(3, clients=999) as cluster:
        for future in [cluster.put_async("who", client, client=client) for client in range(1, 1000)]:
            future.result(10)
        assert cluster.get("who", client=999) in range(1, 1000)


def test_a_callback_may_call_the_cluster_again(cluster: Cluster) -> None:
    done = threading.Event()

    def put_another(_: object) -> None:
        cluster.put_async("y", 2).add_done_callback(lambda _: done.set())

    cluster.put_async("x", 1).add_done_callback(put_another)
    assert done.wait(5)
    assert cluster.get("y") == 2


def test_a_cancelled_call_does_no_harm(cluster: Cluster) -> None:
    future = cluster.put_async("x", 1)
    future.cancel()
    assert cluster.get("y") is None


# Time ------------------------------------------------------------------------------------------------------


def test_latency_stretches_timers_with_the_messages_and_can_change_while_it_runs() -> None:
    with Cluster(3) as cluster:
        cluster.put("x", 0)
        elections = sum(isinstance(event.what, Elected) for event in cluster.trace)
        cluster.latency = 0.05
        start = time.monotonic()
        cluster.put("x", 1)
        assert time.monotonic() - start > 4 * 0.025
        cluster.latency = 0.0
        assert cluster.get("x") == 1
        assert sum(isinstance(event.what, Elected) for event in cluster.trace) == elections


def test_loss_slows_and_breaks_nothing() -> None:
    with Cluster(3, loss=0.2, seed=1) as cluster:
        for value in range(10):
            cluster.put("x", value, timeout=30)
        assert cluster.get("x", timeout=30) == 9
        assert any(event.kind == "drop" for event in cluster.trace)
        assert cluster.violations == []
        assert cluster.recording().differences() == []


def test_a_paused_cluster_does_nothing_and_says_so(cluster: Cluster) -> None:
    cluster.put("x", 1)
    cluster.pause()
    with pytest.raises(Paused, match=r"resume\(\)"):
        cluster.get("x")
    before, now = len(cluster.trace), cluster.now()
    time.sleep(0.3)
    assert (len(cluster.trace), cluster.now()) == (before, now)
    cluster.resume()
    assert cluster.get("x") == 1


def test_pausing_a_busy_cluster_again_and_again_breaks_nothing(cluster: Cluster) -> None:
    futures = [cluster.put_async(key, key) for key in range(100)]
    for _ in range(20):
        cluster.pause()
        cluster.resume()
    assert [future.result(10) for future in futures] == [None] * 100


# Recordings ------------------------------------------------------------------------------------------------


def test_a_recording_of_chaos_replays_with_no_difference() -> None:
    with Cluster(5, clients=4, loss=0.05, seed=3) as cluster:
        futures = []
        for turn in range(40):
            futures += [cluster.put_async(turn, client, client=client, timeout=60) for client in range(1, 5)]
            victim = turn % 5 + 1
            match turn % 8:
                case 1:
                    cluster.fail_process(victim)
                case 3:
                    cluster.fail_link(victim, victim % 5 + 1, both=turn % 16 < 8)
                case 5:
                    pair = [victim, victim % 5 + 1]
                    cluster.partition(pair, [server for server in cluster.servers if server not in pair])
                case 7:
                    cluster.heal()
            time.sleep(0.02)
        cluster.heal()
        cluster.loss = 0.0
        for future in futures:
            future.result(20)
        assert cluster.recording().differences() == []
        assert cluster.violations == []


def test_a_replayed_recording_is_a_world_that_can_branch(cluster: Cluster) -> None:
    cluster.put("x", 1)
    world = cluster.recording().replay()
    heights = [len(world.chain(server)) for server in world.servers]
    branch = world.fork()
    branch.crash(1)
    assert (world.is_up(1), branch.is_up(1)) == (True, False)
    assert max(heights) == max(len(cluster.chain(server)) for server in cluster.servers)


def test_a_long_run_keeps_a_bounded_trace_and_a_true_recording(monkeypatch: pytest.MonkeyPatch) -> None:
    import paxoskit.worlds.cluster as module

    monkeypatch.setattr(module, "KEEP", 4_000)
    monkeypatch.setattr(module, "CHECKPOINT", 1_000)
    with Cluster(3) as cluster:
        for value in range(1_500):
            cluster.put("x", value)
        assert eventually(lambda: len(cluster.trace) < 7_000)
        recording = cluster.recording()
        assert recording.start.trace.count > 0
        assert recording.differences() == []


class Hasty(Server):
    """It says done before anybody else has voted."""

    def on_request(self, sender: Any, request: Request) -> None:
        super().on_request(sender, request)
        if self.leading:
            self.send(request.client, Reply(request.session, request.number, "done"))


def test_a_wrong_server_is_found_out_while_it_runs() -> None:
    with Cluster(3, server=Hasty) as cluster:
        cluster.put("x", 1)
        assert cluster.violations[0].claim == "no acknowledged write is lost"
    with Cluster(3, server=Hasty, claims=False) as cluster:
        cluster.put("x", 1)
        assert cluster.violations == []


def test_a_recording_that_is_not_true_is_found_out(cluster: Cluster) -> None:
    cluster.put("x", 1)
    recording = cluster.recording()
    events = list(recording.events)
    place = next(n for n, event in enumerate(events) if isinstance(event.what, Accepted) and event.kind == "send")
    events[place] = events[place]._replace(what=replace(events[place].what, hash="0" * 64))
    assert len(replace(recording, events=tuple(events)).differences()) == 1


# What is wrong is said -------------------------------------------------------------------------------------


@pytest.mark.parametrize("servers", [0, -1, 2.5, "3", True, 1_000, []])
def test_a_number_of_servers_that_makes_no_cluster_is_refused(servers: Any) -> None:
    with pytest.raises(ValueError, match="servers: expected a whole number from 1 to 99, got"):
        Cluster(servers)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda c: c.fail_process(6), "server: expected a number from 1 to 5, got 6"),
        (lambda c: c.fail_process("2"), "server: expected a number from 1 to 5, got '2'"),
        (lambda c: c.fail_process(True), "server: expected a number from 1 to 5, got True"),
        (lambda c: c.fail_process(1, "burnt"), "disk: expected one of kept, last save lost, lost, got 'burnt'"),
        (lambda c: c.restart_process(1), "server 1 is up already"),
        (lambda c: c.fail_link(2, 2), "server 2 has no link to itself"),
        (lambda c: c.fail_link(2, 9), "there is no 9"),
        (lambda c: c.partition([1, 2], [2, 3]), "partition: server 2 is in two groups"),
        (lambda c: c.partition([1, 7]), "partition: expected servers' numbers or clients' names, got 7"),
        (lambda c: setattr(c, "loss", 1.5), "loss: expected a share from 0 to 1, got 1.5"),
        (lambda c: setattr(c, "latency", -1), "latency: expected seconds from 0 to 60, got -1"),
        (lambda c: c.put("x", 1, client=4), "client: expected a number from 1 to 3, got 4"),
        (lambda c: c.put("x", 1, timeout=0), "timeout: expected seconds above 0, got 0"),
        (lambda c: c.client(2, at=[1]), "client: expected a number or `at`, got both"),
        (lambda c: c.client(at=[8]), "server: expected a number from 1 to 5, got 8"),
    ],
)
def test_a_wrong_argument_is_named_with_what_is_allowed(cluster: Cluster, call: Any, says: str) -> None:
    with pytest.raises(ValueError) as caught:
        call(cluster)
    assert str(caught.value).startswith(says)
    cluster.put("x", "still works")


@pytest.mark.parametrize("difficulty", [0, 7, 1.0, "1"])
def test_a_difficulty_that_would_mine_for_hours_is_refused(difficulty: Any) -> None:
    with pytest.raises(ValueError, match="difficulty: expected a whole number from 1 to 6"):
        Cluster(3, difficulty=difficulty)


def test_a_server_that_is_down_cannot_crash_again(cluster: Cluster) -> None:
    cluster.fail_process(2)
    with pytest.raises(ValueError, match="server 2 is down"):
        cluster.fail_process(2)


def test_what_is_no_literal_is_refused_before_anything_is_sent(cluster: Cluster) -> None:
    with pytest.raises(LiteralError):
        cluster.put(object(), 1)
    with pytest.raises(LiteralError):
        cluster.put("x", float("inf"))


@dataclass(frozen=True)
class Poke(Message):
    """Nobody answers to this."""


class Raises(Server):
    """It cannot bear an Accept."""

    def on_accept(self, sender: Any, accept: Accept) -> None:
        raise RuntimeError("I cannot bear this")


class Strange(Server):
    """It says what nobody can hear."""

    def on_heartbeat(self, sender: Any, heartbeat: Heartbeat) -> None:
        super().on_heartbeat(sender, heartbeat)
        self.send(1 if sender == self.name else sender, Poke())


def test_a_handler_that_raises_crashes_its_server_and_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    with Cluster([Server, Server, Raises]) as cluster:
        cluster.put("x", 1, timeout=20)
        assert eventually(lambda: bool(cluster.errors))
        assert cluster.errors[0] == "server 3 crashed: RuntimeError: I cannot bear this (in on_accept)"
        cluster.put("x", 2)
        assert cluster.recording().replay().is_up(3) is False
    assert "server 3 crashed: RuntimeError: I cannot bear this" in capsys.readouterr().err


class Locked(Server):
    """It keeps a lock, of which nobody makes a copy."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.guard = threading.Lock()


def test_a_server_that_keeps_what_cannot_be_copied_works_and_only_the_way_back_is_closed() -> None:
    with Cluster([Locked] * 3) as cluster:
        cluster.put("x", 1, timeout=20)
        cluster.fail_process(1)
        cluster.put("x", 2, timeout=20)
        assert (cluster.get("x"), cluster.errors, cluster.violations) == (2, [], [])
        for way_back in (cluster.recording, cluster.stepper):
            with pytest.raises(NoWayBack, match=r"keeps cannot be copied: cannot pickle '_thread\.lock'"):
                way_back()
        assert not cluster.paused


def test_a_message_without_a_handler_names_the_method_to_write(capsys: pytest.CaptureFixture[str]) -> None:
    with Cluster([Server, Server, Strange]) as cluster:
        assert eventually(lambda: bool(cluster.errors))
    assert "but has no method on_poke(self, sender, message)" in capsys.readouterr().err


def test_a_class_that_is_no_node_is_refused() -> None:
    with pytest.raises(ValueError, match="server: expected a class that inherits from Node, got"):
        Cluster(3, server=dict)  # type: ignore[arg-type]


# Threads ---------------------------------------------------------------------------------------------------


def test_stopping_ends_every_thread_and_every_waiting_call() -> None:
    before = threading.active_count()
    cluster = Cluster(5)
    cluster.put("x", 1)
    for server in (1, 2, 3):
        cluster.fail_process(server)
    waiting = cluster.put_async("x", 2, timeout=60)
    start = time.monotonic()
    cluster.stop()
    assert time.monotonic() - start < 2.0
    assert threading.active_count() == before
    with pytest.raises(Stopped):
        waiting.result(0)
    with pytest.raises(Stopped):
        cluster.put("x", 3)
    cluster.stop()


def test_stopping_during_an_election_ends_every_thread() -> None:
    before = threading.active_count()
    for _ in range(10):
        with Cluster(5, latency=0.001):
            time.sleep(0.02)
    assert threading.active_count() == before


def test_a_cell_run_a_hundred_times_leaks_no_thread() -> None:
    before = threading.active_count()
    cluster = None
    for _ in range(100):
        cluster = Cluster(5)
    assert cluster is not None
    cluster.put("x", 1)
    cluster.stop()
    assert eventually(lambda: threading.active_count() == before)


def test_what_goes_with_an_answer_travels_with_what_the_callers_next_request_causes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(live, "HOLD", 0.5)
    with Cluster(3) as cluster:
        cluster.put("x", 0)
        before, height = cluster.trace.count, max(len(cluster.chain(server)) for server in cluster.servers)
        for value in range(20):
            cluster.put("x", value)
            time.sleep(0.005)  # long enough for all that is not held back
        asked = early = 0
        for event in cluster.events_since(before):
            if event.kind == "deliver" and isinstance(event.what, Request):
                asked += 1
            elif event.kind == "deliver" and isinstance(event.what, Decide) and asked < 20:
                early += asked <= event.what.block.height - height + 1
        assert asked == 20
        assert early <= 8, "of 38 Decides, which wait for the next request, but for what a heartbeat takes along"


def test_what_goes_with_an_answer_leaves_soon_when_nobody_asks_again(cluster: Cluster) -> None:
    for value in range(20):
        cluster.put("x", value)
        answered = cluster.now()
        blocks = max(len(cluster.chain(server)) for server in cluster.servers)
        assert eventually(lambda: min(len(cluster.chain(server)) for server in cluster.servers) == blocks)  # noqa: B023
        decided = [e for e in cluster.events_since(0) if e.kind == "deliver" and isinstance(e.what, Decide)]
        assert decided[-1].at - answered < 90.0, "not before the next heartbeat"


def test_mining_on_one_server_does_not_stop_the_others() -> None:
    class Slow(Server):
        def on_heartbeat(self, sender: Any, heartbeat: Heartbeat) -> None:
            if sender != self.name:
                time.sleep(1.0)
            super().on_heartbeat(sender, heartbeat)

    with Cluster([Server, Server, Slow]) as cluster:
        cluster.put("x", 0, timeout=20)
        start = time.monotonic()
        for value in range(50):
            cluster.put("x", value, timeout=20)
        assert time.monotonic() - start < 5.0
        assert cluster.get("x") == 49


def test_a_get_is_a_request_like_any_other(cluster: Cluster) -> None:
    cluster.get("x")
    assert eventually(lambda: any(Get("'x'") == r.operation for block in cluster.chain(1) for r in block.operations))


def test_a_node_without_a_disk_can_live_in_a_cluster() -> None:
    class Deaf(Node):
        def __getattr__(self, name: str) -> Any:
            if name.startswith("on_"):
                return lambda sender, message: None
            raise AttributeError(name)

    with Cluster([Server, Server, Deaf]) as cluster:
        cluster.put("x", 1)
        assert cluster.get("x") == 1
        assert cluster.recording().differences() == []
