"""The world: it knows what may happen next, lets it happen, and lets nobody's mistake through in silence."""

import json
import sys
from dataclasses import dataclass, replace
from typing import Any

import pytest

from paxoskit.claims.safety import safety_claims
from paxoskit.protocol.messages import (
    Accept,
    Accepted,
    Answered,
    Ask,
    Elected,
    ElectionTimeout,
    Get,
    Heartbeat,
    HeartbeatHeard,
    HeartbeatTimeout,
    Prepare,
    Promise,
    Put,
    Reply,
    Request,
    RetryTimeout,
)
from paxoskit.protocol.node import Node, NodeError
from paxoskit.protocol.plain import BOTTOM, Ballot
from paxoskit.protocol.server import Server
from paxoskit.trace import Trace, sentence, write_whole
from paxoskit.worlds.choice import AFTER, BEFORE, DISKS, KEPT, LAST_SAVE_LOST, LOST, Choice
from paxoskit.worlds.simulator import Simulator
from paxoskit.worlds.world import World

ONE = Ballot(1, 1)
PUT, GET = Put("'x'", "7"), Get("'x'")
PREPARE, PROMISE = Prepare(ONE, 0), Promise(ONE, 0, None, ())
STAND = Choice("fire", 1, what=ElectionTimeout())


def deliver(node, peer, what, crash=None, copy=0):
    return Choice("deliver", node, peer, what, copy, crash)


@pytest.fixture
def world():
    return World(servers=3, clients=1, claims=safety_claims())


def happen(world, *choices):
    for choice in choices:
        world.happen(choice)


def elect(world):
    """Server 1 stands, and server 2 promises."""
    happen(world, STAND, deliver(2, 1, PREPARE), deliver(1, 2, PROMISE))


def settle(world, kinds=("deliver",)):
    """Deliver whatever is in flight until nothing is; timers do not ring."""
    while choice := next((one for one in world.choices() if one.kind in kinds and one.crash is None), None):
        world.happen(choice)


def ask(world, operation=PUT):
    world.ask("client 1", operation)


def flying(world):
    return [(flight.sender, flight.receiver, type(flight.message)) for flight in world.flying.values()]


def said(world, since=0):
    """Return what happened, in sentences."""
    return [sentence(event) for event in world.trace][since:]


def copies(world, kind, message):
    return [choice.copy for choice in world.choices() if (choice.kind, choice.what) == (kind, message)]


# What may happen ---------------------------------------------------------------------------------------


def test_in_a_new_world_timers_may_ring_servers_crash_and_links_be_cut(world):
    assert [str(choice) for choice in world.choices()] == [
        *[f"fire ElectionTimeout of server {name}" for name in (1, 2, 3)],
        *[f"crash server {name} (disk {disk})" for name in (1, 2, 3) for disk in DISKS],
        *[
            f"cut the link from {a} to {b}"
            for a in ("server 1", "server 2", "server 3", "client 1")
            for b in ("server 1", "server 2", "server 3", "client 1")
            if a != b
        ],
    ]


def test_a_message_in_flight_may_be_delivered_dropped_duplicated_or_crash_its_server(world):
    world.happen(STAND)
    fates = [choice for choice in world.choices() if choice.node == 2 and choice.what == PREPARE]
    assert [(choice.kind, choice.crash) for choice in fates] == [
        ("deliver", None),
        ("deliver", BEFORE),
        ("deliver", AFTER),
        ("drop", None),
        ("duplicate", None),
    ]


def test_a_message_to_a_server_that_is_down_waits_or_is_lost(world):
    happen(world, STAND, Choice("crash", 2))
    fates = [choice.kind for choice in world.choices() if choice.node == 2 and choice.what == PREPARE]
    assert fates == ["drop", "duplicate"]
    assert Choice("restart", 2) in world.choices()
    assert not [choice for choice in world.choices() if (choice.kind, choice.node) == ("fire", 2)]


def test_a_client_never_crashes(world):
    elect(world)
    ask(world)
    settle_until_reply(world)
    arrivals = [choice for choice in world.choices() if (choice.kind, choice.node) == ("deliver", "client 1")]
    assert [choice.crash for choice in arrivals] == [None]


def settle_until_reply(world):
    while not any(isinstance(flight.message, Reply) for flight in world.flying.values()):
        world.happen(next(one for one in world.choices() if one.kind == "deliver" and one.crash is None))


def test_every_choice_can_happen():
    simulator = Simulator(seed=5, nemesis="all")
    simulator.run(300)
    world = simulator.world
    for choice in world.choices():
        world.fork().happen(choice)


def test_a_put_from_the_question_to_the_answer(world):
    elect(world)
    settle(world)
    begin = len(world.trace)
    ask(world)
    settle(world)
    digest = world.chain(1).hash
    tip = f"{digest[:6]}…{digest[-4:]}"
    block = f"block 0 ({tip})"
    assert said(world, begin)[:9] == [
        "client 1 is asked to put 'x' 7",
        "client 1 sends Request client 1/1.1 1 put 'x' 7 to server 1",
        "server 1 gets Request client 1/1.1 1 put 'x' 7 from client 1",
        "server 1 saves its disk",
        *[f"server 1 sends Accept 1.1 {block} to server {name}" for name in (1, 2, 3)],
        f"server 1 sends Accepted 1.1 0 {tip} to server 1",
        f"server 2 gets Accept 1.1 {block} from server 1",
    ]
    assert f"server 1: Applied 0 {tip}" in said(world)
    assert "client 1: Answered client 1/1.1 1 done" in said(world)
    assert [len(world.chain(name)) for name in (1, 2, 3)] == [1, 1, 1]
    assert world.violations == []


def test_a_disk_is_saved_before_anything_is_sent(world):
    happen(world, STAND, deliver(2, 1, PREPARE))
    *_, got, save, send = world.trace
    assert [event.kind for event in (got, save, send)] == ["deliver", "save", "send"]
    assert save.cause == send.cause == got.n
    assert save.what.promised == ONE


def test_a_turn_that_changes_nothing_saves_nothing(world):
    elect(world)
    settle(world)
    begin = len(world.trace)
    happen(world, Choice("fire", 2, what=ElectionTimeout()))
    assert [event.kind for event in world.trace][begin:] == ["fire"]


def test_the_cause_of_a_delivery_is_the_event_that_sent_it(world):
    happen(world, STAND, Choice("duplicate", 2, 1, PREPARE))
    happen(world, deliver(2, 1, PREPARE), deliver(2, 1, PREPARE))
    events = {event.n: event for event in world.trace}
    deliveries = [event for event in world.trace if event.kind == "deliver"]
    assert [events[event.cause].kind for event in deliveries] == ["send", "duplicate"]
    assert events[events[deliveries[1].cause].cause].what == PREPARE


# Messages ----------------------------------------------------------------------------------------------


def test_a_delivered_message_is_gone(world):
    happen(world, STAND, deliver(2, 1, PREPARE))
    with pytest.raises(ValueError, match=r"^not in flight: deliver Prepare 1.1 0 from server 1 to server 2$"):
        world.happen(deliver(2, 1, PREPARE))


def test_a_dropped_message_is_gone(world):
    happen(world, STAND, Choice("drop", 2, 1, PREPARE))
    assert flying(world) == [(1, 3, Prepare)]
    assert said(world)[-1] == "Prepare 1.1 0 from server 1 to server 2 is lost"


def test_a_duplicate_is_a_second_message(world):
    happen(world, STAND, Choice("duplicate", 2, 1, PREPARE))
    assert copies(world, "deliver", PREPARE).count(1) == 3
    happen(world, deliver(2, 1, PREPARE, copy=1), deliver(2, 1, PREPARE))
    assert flying(world) == [(1, 3, Prepare), (2, 1, Promise), (2, 1, Promise)]


def test_the_oldest_of_equal_messages_is_copy_0(world):
    happen(world, STAND, Choice("duplicate", 2, 1, PREPARE))
    older, newer = (flight.number for flight in world.flying.values() if flight.receiver == 2)
    assert (world.find(deliver(2, 1, PREPARE)).number, world.find(deliver(2, 1, PREPARE, copy=1)).number) == (
        older,
        newer,
    )


# Links -------------------------------------------------------------------------------------------------


def test_a_cut_loses_one_direction_only(world):
    happen(world, Choice("cut", 2, 1), STAND)
    assert flying(world) == [(1, 3, Prepare)]
    assert said(world)[-1] == "Prepare 1.1 0 from server 1 to server 2 is lost: the link is cut"
    happen(world, Choice("fire", 2, what=ElectionTimeout()))
    assert (2, 1, Prepare) in flying(world)


def test_what_is_in_flight_when_a_link_is_cut_arrives(world):
    happen(world, STAND, Choice("cut", 2, 1), deliver(2, 1, PREPARE))
    assert flying(world) == [(1, 3, Prepare), (2, 1, Promise)]


def test_a_mended_link_carries_again(world):
    happen(world, Choice("cut", 2, 1), Choice("mend", 2, 1), STAND)
    assert flying(world) == [(1, 2, Prepare), (1, 3, Prepare)]


def test_a_cut_link_may_be_mended_and_no_other(world):
    world.happen(Choice("cut", 2, 1))
    mends = [choice for choice in world.choices() if choice.kind == "mend"]
    assert mends == [Choice("mend", 2, 1)]


def test_a_client_can_be_cut_off_from_a_server(world):
    happen(world, Choice("cut", 1, "client 1"))
    ask(world)
    assert flying(world) == []


# Crashes and disks -------------------------------------------------------------------------------------


def test_a_crash_asks_the_node_nothing_and_forgets_its_memory(world):
    elect(world)
    world.nodes[1].__class__ = type("Stubborn", (Server,), {"__getattr__": None})
    happen(world, Choice("crash", 1), Choice("restart", 1))
    assert world.nodes[1].leading is False
    assert type(world.nodes[1]) is Server
    assert world.disks[1].promised == ONE


def test_a_crashed_servers_timers_never_ring(world):
    world.happen(Choice("crash", 1))
    with pytest.raises(ValueError, match=r"^server 1 has no timer ElectionTimeout\(\)$"):
        world.happen(STAND)


def test_a_disk_that_is_kept_is_kept(world):
    happen(world, STAND, deliver(2, 1, PREPARE), Choice("crash", 2, disk=KEPT), Choice("restart", 2))
    assert world.nodes[2].disk == Server.Disk(promised=ONE)


def test_a_disk_may_lose_its_last_save(world):
    happen(world, STAND, deliver(2, 1, PREPARE))
    happen(world, deliver(1, 2, PROMISE))
    happen(world, deliver(2, 1, Heartbeat(ONE, 0)))
    ask(world)
    happen(world, deliver(1, "client 1", Request("client 1/1.1", 1, PUT)))
    happen(world, deliver(2, 1, Accept(ONE, world.nodes[1].open)))
    assert world.disks[2].vote is not None
    happen(world, Choice("crash", 2, disk=LAST_SAVE_LOST), Choice("restart", 2))
    assert world.nodes[2].disk == Server.Disk(promised=ONE)


def test_a_disk_that_was_never_saved_has_no_save_to_lose(world):
    happen(world, Choice("crash", 2, disk=LAST_SAVE_LOST), Choice("restart", 2))
    assert world.nodes[2].disk == Server.Disk()


def test_who_lost_its_disk_comes_back_without_a_vote(world):
    happen(world, STAND, deliver(2, 1, PREPARE), Choice("crash", 2, disk=LOST))
    assert world.disks[2] is None
    assert world.chain(2).height == 0
    happen(world, Choice("restart", 2))
    assert world.nodes[2].disk == world.disks[2] == Server.Disk(voter=False)
    happen(world, Choice("fire", 2, what=ElectionTimeout()), Choice("duplicate", 3, 1, PREPARE))
    happen(world, deliver(3, 1, PREPARE))
    world.flying.clear()
    happen(world, STAND)
    begin = len(world.trace)
    happen(world, deliver(2, 1, Prepare(Ballot(2, 1), 0)))
    assert [event.kind for event in world.trace][begin:] == ["deliver"]


def test_who_lost_its_disk_gets_no_vote_back_by_another_crash(world):
    happen(world, STAND, deliver(2, 1, PREPARE), Choice("crash", 2, disk=LOST), Choice("restart", 2))
    happen(world, Choice("crash", 2, disk=LAST_SAVE_LOST), Choice("restart", 2))
    assert world.nodes[2].disk.voter is False


def test_a_class_that_cannot_do_without_its_vote_stays_down():
    class Forgetful(Node):
        @dataclass
        class Disk:
            promised: Ballot = BOTTOM

    world = World([Server, Forgetful], clients=0)
    world.happen(Choice("crash", 2, disk=LOST))
    with pytest.raises(ValueError) as error:
        world.happen(Choice("restart", 2))
    assert str(error.value) == (
        "server 2 stays down: its disk is lost, and Forgetful.Disk has no field `voter` "
        "to say that it must not vote again"
    )
    assert not world.is_up(2)
    assert said(world)[-1] == "server 2 crashes (disk lost)"


def test_a_crash_before_the_save_is_as_if_the_message_never_came(world):
    happen(world, STAND, deliver(2, 1, PREPARE, BEFORE))
    assert world.disks[2] == Server.Disk()
    assert flying(world) == [(1, 3, Prepare)]
    assert said(world)[-2:] == [
        "server 2 gets Prepare 1.1 0 from server 1",
        "server 2 crashes (disk kept, before the save)",
    ]


def test_a_crash_after_the_save_keeps_the_disk_and_sends_nothing(world):
    happen(world, STAND, deliver(2, 1, PREPARE, AFTER))
    assert world.disks[2] == Server.Disk(promised=ONE)
    assert flying(world) == [(1, 3, Prepare)]
    assert said(world)[-2:] == ["server 2 saves its disk", "server 2 crashes (disk kept, after the save)"]


def test_a_vote_to_oneself_before_a_crash_was_given(world):
    """The leader's own vote is on its disk and counts; what it would have sent to others does not leave."""
    elect(world)
    settle(world)
    ask(world)
    happen(world, deliver(1, "client 1", Request("client 1/1.1", 1, PUT), AFTER))
    assert type(world.disks[1].vote.block).__name__ == "Block"
    assert not [flight for flight in flying(world) if flight[0] == 1]
    ghost = world.claims[0]
    assert [list(votes) for votes in ghost.votes.values()] == [[1]]


def test_a_restart_is_followed_by_on_start(world):
    happen(world, Choice("crash", 2), Choice("restart", 2))
    assert Choice("fire", 2, what=ElectionTimeout()) in world.choices()


# Forks -------------------------------------------------------------------------------------------------


def same(world):
    """All that can be seen of a world."""
    return (
        [str(choice) for choice in world.choices()],
        said(world),
        [node and node.state() for node in world.nodes.values()],
        [str(disk) for disk in world.disks.values()],
        [claim.checks for claim in world.claims],
        list(world.violations),
    )


def test_a_fork_is_equal_and_goes_its_own_way(world):
    happen(world, STAND, Choice("cut", 3, 2))
    twin = world.fork()
    before = same(world)
    assert same(twin) == before
    happen(twin, deliver(2, 1, PREPARE), deliver(1, 2, PROMISE))
    happen(twin, Choice("crash", 3, disk=LOST), Choice("mend", 3, 2))
    twin.ask("client 1", PUT)
    settle(twin)
    twin.add_client()
    assert same(world) == before
    after = same(twin)
    happen(world, Choice("drop", 2, 1, PREPARE), Choice("fire", 3, what=ElectionTimeout()))
    ask(world, GET)
    settle(world)
    assert same(twin) == after


def test_a_fork_of_a_fork_of_a_busy_world_is_independent_of_both():
    simulator = Simulator(seed=3, nemesis="all")
    simulator.run(400)
    first = simulator.world
    second = first.fork()
    third = second.fork()
    before = same(third)
    for world in (first, second, first):
        for choice in world.choices()[:20]:
            if choice.kind in ("deliver", "fire") and choice in world.choices():
                world.happen(choice)
    assert same(third) == before
    assert same(first) != before


def test_equal_choices_have_equal_effects_in_every_fork(world):
    happen(world, STAND)
    twin = world.fork()
    for one in (world, twin):
        happen(one, deliver(3, 1, PREPARE), deliver(1, 3, PROMISE))
    assert same(world) == same(twin)


def test_claims_are_forked_with_the_world(world):
    class Hasty(Server):
        def on_accept(self, sender, accept):
            self.learn((accept.block,))

    world = World([Server, Hasty, Server], clients=1, claims=safety_claims())
    happen(world, STAND, deliver(3, 1, PREPARE), deliver(1, 3, PROMISE))
    ask(world)
    happen(world, deliver(1, "client 1", Request("client 1/1.1", 1, PUT)))
    twin = world.fork()
    happen(twin, deliver(2, 1, Accept(ONE, twin.nodes[1].open)))
    happen(world, deliver(3, 1, Accept(ONE, world.nodes[1].open)))
    happen(world, deliver(2, 1, Accept(ONE, world.nodes[1].open)))
    assert [violation.claim for violation in twin.violations] == ["only chosen blocks are applied"]
    assert world.violations == []


def test_a_fork_may_go_unjudged(world):
    twin = world.fork(claims=False)
    assert (twin.claims, len(world.claims) > 10) == ([], True)


# Clients -----------------------------------------------------------------------------------------------


def test_a_session_has_one_request_outstanding(world):
    for _ in range(3):
        ask(world)
    sessions = [event.what.session for event in world.trace if event.kind == "ask"]
    assert sessions == ["client 1/1.1", "client 1/1.2", "client 1/1.3"]


def test_a_session_is_used_again_once_it_was_answered(world):
    elect(world)
    ask(world)
    settle(world)
    ask(world, GET)
    settle(world)
    answers = [event.what for event in world.trace if isinstance(event.what, Answered)]
    assert answers == [Answered("client 1/1.1", 1, "done"), Answered("client 1/1.1", 2, "7")]


def test_session_names_differ_from_life_to_life_of_a_storage():
    world = World(servers=1, clients=1, incarnation=4)
    world.ask("client 1", PUT)
    assert [event.what.session for event in world.trace if event.kind == "ask"] == ["client 1/4.1"]


# Stories -----------------------------------------------------------------------------------------------


def walk(steps):
    """Choose something new `steps` times; return the world and the story."""
    world, story = World(servers=3, clients=1), []
    world.ask("client 1", PUT)
    for step in range(steps):
        story.append(some(world, step))
        world.happen(story[-1])
    return world, story


def some(world, step):
    """One of many kinds of choices, and always the same."""
    choices = world.choices()
    kinds = ("deliver", "fire", "duplicate", "deliver", "crash", "restart", "drop", "deliver", "cut")
    wanted = [choice for choice in choices if choice.kind == kinds[step % len(kinds)]] or choices
    return wanted[step * 7 % len(wanted)]


def test_a_story_gives_the_same_events_again():
    world, story = walk(200)
    again = World(servers=3, clients=1)
    again.ask("client 1", PUT)
    for choice in story:
        again.happen(choice)
    assert said(again) == said(world)
    assert again.trace.digest() == world.trace.digest()


def test_a_story_survives_json():
    _, story = walk(200)
    assert [Choice.from_json(json.loads(json.dumps(choice.as_json()))) for choice in story] == story


def test_with_one_choice_taken_out_the_others_still_mean_the_same(world):
    """Nothing is named by a counter: what does not depend on the missing choice happens as before."""
    story = [
        Choice("crash", 3),
        STAND,
        Choice("duplicate", 2, 1, PREPARE),
        deliver(2, 1, PREPARE),
        deliver(2, 1, PREPARE),
        deliver(1, 2, PROMISE),
        Choice("fire", 1, what=HeartbeatTimeout(ONE)),
        deliver(2, 1, Heartbeat(ONE, 0)),
        deliver(1, 2, HeartbeatHeard(ONE, 0)),
    ]
    impossible = [0, 7, 1, 0, 0, 3, 0, 1, 0]  # so many later choices depend on this one
    for left_out, expected in enumerate(impossible):
        twin, missed = world.fork(), 0
        for choice in story[:left_out] + story[left_out + 1 :]:
            try:
                twin.happen(choice)
            except ValueError:
                missed += 1
        assert (left_out, missed) == (left_out, expected)


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"kind": "crash"},
        {"node": 1},
        {"kind": "crash", "node": 1, "colour": "red"},
        {"kind": "crash", "node": [1]},
        {"kind": "crash", "node": True},
        {"kind": "deliver", "node": 2, "peer": 1, "what": 7},
        {"kind": "deliver", "node": 2, "peer": 1, "what": {"Prepare": {}}},
        {"kind": "deliver", "node": 2, "peer": 1, "what": {"dict": []}},
        {"kind": "deliver", "node": 2, "peer": 1, "copy": "0"},
        {"kind": 5, "node": 1},
        [],
        "crash",
        None,
    ],
)
def test_what_is_no_choice_is_refused_in_one_line(data):
    with pytest.raises(ValueError) as error:
        Choice.from_json(data)
    assert str(error.value).startswith("expected ")
    assert "\n" not in str(error.value)


# Bad inputs --------------------------------------------------------------------------------------------


def refused(call, *parts):
    with pytest.raises(ValueError) as error:
        call()
    text = str(error.value)
    assert "\n" not in text
    assert [part for part in parts if part not in text] == []


@pytest.mark.parametrize("servers", [0, -1, 2.5, "3", True, 1_000, None, ()])
def test_a_number_of_servers_that_makes_no_world_is_refused(servers):
    shown = repr(0 if servers == () else servers)
    refused(lambda: World(servers), "servers", "expected a whole number from 1 to 99, got", shown)
    refused(lambda: Simulator(servers=servers), "servers", "expected a whole number from 1 to 99, got", shown)


@pytest.mark.parametrize("clients", [-1, 2.5, "3", True, 1_000, None])
def test_a_number_of_clients_that_makes_no_world_is_refused(clients):
    says = f"clients: expected a whole number from 0 to 999, got {clients!r}"
    refused(lambda: World(clients=clients), says)
    refused(lambda: Simulator(clients=clients), says)


@pytest.mark.parametrize("difficulty", [0, 7, -1, 2.5, "3", True])
def test_a_difficulty_that_would_mine_for_hours_is_refused(difficulty):
    refused(lambda: World(difficulty=difficulty), "difficulty: expected a whole number from 1 to 6, got")
    refused(lambda: Simulator(difficulty=difficulty), "difficulty: expected a whole number from 1 to 6, got")


@pytest.mark.parametrize("server", [5, "Server", object, Server(1, (1,)), None])
def test_a_class_that_is_no_node_is_refused(server):
    refused(lambda: World(server=server), "server: expected a class that inherits from Node, got")
    refused(lambda: World([Server, server]), "server: expected a class that inherits from Node, got")


NOBODY = [0, -1, 4, 2.5, 1.0, "3", True, None, "client 2"]


@pytest.mark.parametrize("name", NOBODY)
def test_an_unknown_server_neither_crashes_nor_restarts(world, name):
    refused(lambda: world.crash(name), "expected a server, one of 1 to 3, got", repr(name))
    refused(lambda: world.restart(name), "expected a server, one of 1 to 3, got", repr(name))
    refused(lambda: world.happen(Choice("crash", name)), "expected a server, one of 1 to 3, got")


@pytest.mark.parametrize("name", NOBODY)
def test_an_unknown_end_of_a_link_is_refused(world, name):
    refused(lambda: world.set_link(name, 2, True), "there is no", repr(name))
    refused(lambda: world.set_link(2, name, False), "there is no", repr(name))
    refused(lambda: world.happen(Choice("cut", 2, name)), "there is no", repr(name))
    assert world.cut == set()


def test_a_link_to_itself_is_refused(world):
    refused(lambda: world.set_link(2, 2, True), "server 2 has no link to itself")
    refused(lambda: world.happen(Choice("cut", "client 1", "client 1")), "client 1 has no link to itself")


@pytest.mark.parametrize("name", [1, 0, "client 2", "client1", None, True])
def test_an_unknown_client_is_not_asked(world, name):
    refused(lambda: world.ask(name, PUT), "there is no", repr(name), '"client 1"')


@pytest.mark.parametrize("what", ["get x", 7, None, ("put", "x", 1), Request("client 1/1.1", 1, PUT)])
def test_a_client_is_asked_questions_only(world, what):
    refused(lambda: world.ask("client 1", what), "expected an Ask, a Get or a Put to ask client 1, got")
    refused(lambda: world.happen(Choice("ask", "client 1", what=what)), "expected an Ask", "client 1")
    assert world.drawn == {"client 1": 0}


@pytest.mark.parametrize("disk", ["gone", "", None, "LOST", 1])
def test_an_unknown_fate_of_a_disk_is_refused(world, disk):
    refused(lambda: world.crash(1, disk), "disk: expected one of kept, last save lost, lost, got", repr(disk))
    assert world.is_up(1)


@pytest.mark.parametrize("crash", ["during", True, "", 1])
def test_an_unknown_moment_of_a_crash_is_refused(world, crash):
    world.happen(STAND)
    refused(lambda: world.happen(deliver(2, 1, PREPARE, crash)), "crash: expected None", repr(crash))
    assert len(flying(world)) == 2


def test_a_client_cannot_be_crashed_by_a_delivery(world):
    elect(world)
    ask(world)
    settle_until_reply(world)
    reply = Reply("client 1/1.1", 1, "done")
    for crash in (BEFORE, AFTER):
        choice = deliver("client 1", 1, reply, crash)
        refused(lambda choice=choice: world.happen(choice), "crash: expected None")
    world.happen(deliver("client 1", 1, reply))


@pytest.mark.parametrize("crash", [None, BEFORE, AFTER])
def test_a_server_that_is_down_gets_nothing(world, crash):
    happen(world, STAND, Choice("crash", 2))
    refused(lambda: world.happen(deliver(2, 1, PREPARE, crash)), "server 2 is down")
    assert said(world)[-1] == "server 2 crashes (disk kept)"


def test_a_server_that_is_down_does_not_crash_and_one_that_is_up_does_not_restart(world):
    refused(lambda: world.restart(1), "server 1 is up already")
    world.crash(1)
    refused(lambda: world.crash(1), "server 1 is down")


@pytest.mark.parametrize(
    "choice",
    [
        Choice("deliver", 2, 1, PREPARE),
        Choice("deliver", 9, 1, PREPARE),
        Choice("deliver", 2),
        Choice("deliver", 2, 1, 7),
        Choice("drop", 2, 1, PREPARE),
        Choice("duplicate", 2, 1, PREPARE, copy=-1),
    ],
)
def test_what_is_not_in_flight_meets_no_fate(world, choice):
    refused(lambda: world.happen(choice), "not in flight: ")


def test_a_timer_that_is_not_set_does_not_ring(world):
    refused(lambda: world.happen(Choice("fire", 1, what=RetryTimeout())), "server 1 has no timer RetryTime")
    refused(lambda: world.happen(Choice("fire", 1)), "server 1 has no timer None")
    refused(lambda: world.happen(Choice("fire", 9, what=ElectionTimeout())), "server 9 has no timer")


def test_an_unknown_kind_of_choice_is_refused(world):
    refused(lambda: world.happen(Choice("explode", 1)), "expected a choice of one of the kinds", "'explode'")


def test_a_message_to_nobody_is_an_error_of_its_sender():
    class Lost(Server):
        def on_start(self):
            self.send(9, ElectionTimeout())

    with pytest.raises(NodeError, match=r"^server 1 sends ElectionTimeout\(\) to 9: there is nobody of that"):
        World(server=Lost)


@pytest.mark.parametrize("at", [(0,), (4,), ("1",), (True,)])
def test_a_client_of_unknown_servers_is_refused(world, at):
    refused(lambda: world.add_client(at), "expected a server, one of 1 to 3, got")


# The trace ---------------------------------------------------------------------------------------------


@pytest.fixture
def busy():
    simulator = Simulator(seed=11, nemesis="all")
    simulator.run(600)
    return simulator.trace


def test_a_trace_comes_back_from_its_file_byte_for_byte(busy, tmp_path):
    first, second = tmp_path / "first.jsonl", tmp_path / "second.jsonl"
    busy.save(first)
    loaded = Trace.load(first)
    loaded.save(second)
    assert second.read_bytes() == first.read_bytes()
    assert [sentence(event) for event in loaded] == [sentence(event) for event in busy]
    assert (loaded.servers, loaded.seed, loaded.digest()) == (3, 11, busy.digest())
    assert sorted(file.name for file in tmp_path.iterdir()) == ["first.jsonl", "second.jsonl"]


def test_a_trace_file_is_a_header_and_one_event_a_line(busy, tmp_path):
    busy.save(tmp_path / "trace.jsonl")
    lines = (tmp_path / "trace.jsonl").read_text("utf-8").split("\n")
    assert lines.pop() == ""
    header, *events = [json.loads(line) for line in lines]
    assert (header["schema"], header["servers"], header["seed"]) == (1, 3, 11)
    assert len(events) == len(busy)
    assert all(set(event) == {"n", "at", "kind", "node", "peer", "what", "cause"} for event in events)
    numbers = [event["n"] for event in events]
    assert numbers == sorted(set(numbers))


def test_a_value_with_line_ends_of_every_kind_stays_one_line(tmp_path):
    trace = Trace(3, 1)
    trace.add("ask", "client 1", None, Ask("client 1/1.1", Put("'x'", "'a\u2028b\u0085c\x0bd\r\ne'")))
    trace.save(tmp_path / "trace.jsonl")
    assert list(Trace.load(tmp_path / "trace.jsonl")) == list(trace)


def spoil(**changes: Any) -> str:
    event = {"n": 1, "at": 0.0, "kind": "crash", "node": 1, "peer": None, "what": "kept", "cause": 0}
    return json.dumps({key: value for key, value in (event | changes).items() if value != "left out"})


HEADER = '{"schema":1,"kit":"0","servers":3,"seed":null}'


@pytest.mark.parametrize(
    "line",
    [
        "",
        "nonsense",
        "[]",
        "{}",
        spoil(n="1"),
        spoil(n=True),
        spoil(at="soon"),
        spoil(at=None),
        spoil(kind="explode"),
        spoil(kind=["crash"]),
        spoil(node=None),
        spoil(node=[1]),
        spoil(peer=2.5),
        spoil(cause="x"),
        spoil(cause="left out"),
        spoil(more=1),
        spoil(what={"Prepare": {"height": 0}}),
        spoil(what={"Nonsense": {}}),
        spoil(what={"a": 1, "b": 2}),
        spoil(kind="save", what="x"),
        spoil(kind="save", what={"a": 1, "b": 2}),
    ],
)
def test_a_malformed_line_of_a_trace_is_named(tmp_path, line):
    path = tmp_path / "trace.jsonl"
    path.write_text("\n".join([HEADER, spoil(), line, spoil(n=3)]) + "\n", "utf-8")
    refused(lambda: Trace.load(path), f"{path}, line 3: expected ")


@pytest.mark.parametrize(
    "header",
    [
        "",
        "nonsense",
        "[]",
        "{}",
        '{"schema":2,"servers":3,"seed":1}',
        '{"schema":1}',
        '{"schema":1,"servers":"3","seed":1}',
        '{"schema":1,"servers":3,"seed":0.5}',
    ],
)
def test_a_file_that_is_no_trace_is_refused(tmp_path, header):
    path = tmp_path / "trace.jsonl"
    path.write_text(header, "utf-8")
    refused(lambda: Trace.load(path), f"{path}, line 1: expected ")


def test_a_trace_that_cannot_be_written_leaves_nothing_behind(tmp_path):
    trace = Trace(3, 1)
    trace.add("ask", "client 1", None, object())
    with pytest.raises(TypeError):
        trace.save(tmp_path / "trace.jsonl")
    assert list(tmp_path.iterdir()) == []


def test_a_forked_trace_goes_its_own_way():
    trace = Trace(3, 1)
    trace.add("crash", 1, None, KEPT)
    twin = trace.fork()
    twin.add("restart", 1)
    trace.add("crash", 2, None, KEPT)
    assert [event.kind for event in trace] == ["crash", "crash"]
    assert [event.kind for event in twin] == ["crash", "restart"]
    assert trace.digest() != twin.digest()


def test_every_kind_of_event_has_a_sentence(busy):
    kinds = {event.kind for event in busy}
    assert kinds == {
        "announce", "ask", "crash", "cut", "deliver", "drop", "duplicate", "fire", "lost", "mend", "restart",
        "save", "send", "start",
    }  # fmt: skip
    for event in busy:
        assert sentence(event)
        assert "\n" not in str(event)


# Looking in --------------------------------------------------------------------------------------------


def test_a_world_says_who_leads(world):
    assert world.leaders() == []
    elect(world)
    assert world.leaders() == [1]
    assert Elected(ONE) in [event.what for event in world.trace]


def test_a_majority_is_in_reach_or_not(world):
    assert world.majority_side("client 1")
    happen(world, Choice("cut", 2, 1), Choice("cut", 3, 2))
    assert world.majority_side("client 1")
    happen(world, Choice("cut", 1, 3))
    assert not world.majority_side("client 1")


def test_who_lost_its_vote_is_no_part_of_a_majority(world):
    for name in (2, 3):
        happen(world, Choice("crash", name, disk=LOST), Choice("restart", name))
    assert not world.majority_side("client 1")


def test_a_server_voting_elsewhere_is_seen_by_the_ghost(world):
    """Votes and promises are noted as they are sent, whatever becomes of them."""
    elect(world)
    ask(world)
    happen(world, deliver(1, "client 1", Request("client 1/1.1", 1, PUT)))
    block = world.nodes[1].open
    happen(world, deliver(2, 1, Accept(ONE, block)))
    assert world.claims[0].chosen[0].hash == block.hash
    happen(world, Choice("drop", 1, 2, Accepted(ONE, 0, block.hash)))
    assert replace(block) == world.claims[0].blocks[block.hash]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_what_is_written_whole_may_be_read_by_whom_the_umask_lets(tmp_path):
    plain = tmp_path / "plain"
    plain.write_text("as any other file")
    write_whole(tmp_path / "whole", "text")
    assert (tmp_path / "whole").stat().st_mode == plain.stat().st_mode
    assert sorted(path.name for path in tmp_path.iterdir()) == ["plain", "whole"]
