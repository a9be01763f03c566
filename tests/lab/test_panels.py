"""What the panels say: plain data, small, in words, whatever class a server is of."""

import json
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest

from paxoskit.claims.safety import SAFETY, safety_claims
from paxoskit.course.demos import begin
from paxoskit.lab.panels import MOST_LETTERS, block, calls, inspect, network, timers, verdict, words
from paxoskit.protocol.messages import ElectionTimeout, Get, Put
from paxoskit.protocol.node import Node
from paxoskit.worlds.choice import Choice
from paxoskit.worlds.world import World
from tests.lab.stage import ask, settle, with_a_block
from tests.mutants import HalfIsEnough, Tampers


def rows(panel: dict, part: str) -> dict[str, str]:
    return dict(panel[part])


def test_a_server_shows_what_a_crash_forgets_apart_from_what_it_keeps():
    world = with_a_block()
    ask(world, "x", 8)
    settle_some(world, 2)
    before = inspect(world, 2)
    assert rows(before, "disk")["promised"] == "1.2" and rows(before, "disk")["vote"].startswith("Vote 1.2 block 1")
    assert rows(before, "memory")["leading"] == "yes" and rows(before, "memory")["votes"] == "2"
    world.crash(2)
    after = inspect(world, 2)
    assert after["disk"] == before["disk"]
    assert (after["memory"], after["derived"], after["timers"]) == ([], [], [])
    assert after["says"] == "server 2, down, ballot 1.2, 1 block"


def settle_some(world: World, count: int) -> None:
    for _ in range(count):
        world.deliver(next(iter(world.flying.values())))


def test_what_is_made_from_the_disk_again_is_told_apart():
    assert inspect(with_a_block(), 2)["derived"] == [["store", "'x': 7"]]


def test_a_lost_disk_is_said():
    world = with_a_block()
    world.crash(2, "lost")
    assert inspect(world, 2)["lost"] is True and inspect(world, 2)["disk"] == []


def test_any_class_is_shown_field_by_field():
    class Counter(Node):
        @dataclass
        class Disk:
            seen: list = field(default_factory=lambda: list(range(100)))
            table: dict = field(default_factory=lambda: {"a": {1, 2}})

        def __init__(self, name, peers, disk=None):
            super().__init__(name, peers, disk)
            self.long_text = "x" * 10_000

    seen = inspect(World([Counter, Counter], clients=0), 1)
    assert rows(seen, "disk")["seen"].endswith(", and 80 more")
    assert rows(seen, "disk")["table"] == "a: 1, 2"
    assert len(rows(seen, "memory")["long text"]) == MOST_LETTERS
    assert set(rows(seen, "memory")) == {"long text"}
    assert json.loads(json.dumps(seen)) == seen


@pytest.mark.parametrize("server", [0, 6, True, "2", None, "client 1", 2.0])
def test_only_a_server_is_inspected(server):
    with pytest.raises(ValueError, match="expected a server, one of 1 to 5") as error:
        inspect(with_a_block(), server)
    assert "\n" not in str(error.value)


def test_timers_are_named_in_words():
    assert timers(with_a_block(), 2) == ["ElectionTimeout", "HeartbeatTimeout 1.2"]


def test_a_block_shows_every_field_and_who_has_it():
    world = with_a_block()
    tip = world.chain(2).tip
    seen = block(world, tip.hash[-8:])
    assert (seen["height"], seen["nonce"], seen["hash"]) == (0, tip.nonce, tip.hash)
    assert seen["on"] == [1, 2, 3, 4, 5] and seen["fault"] == ""
    assert seen["operations"] == [{"session": "client 1/1.1", "number": 1, "says": "put 'x' 7"}]


def test_a_block_that_is_only_voted_for_says_so():
    world = with_a_block(servers=3)
    leader = world.leaders()[0]
    ask(world, "x", 8)
    for choice in list(world.choices()):
        if choice.kind == "deliver" and choice.crash is None and type(choice.what).__name__ == "Request":
            world.happen(choice)
    vote = world.disks[leader].vote
    seen = block(world, vote.block.hash[-8:])
    assert (seen["height"], seen["on"], seen["votes"], seen["fault"]) == (1, [], [leader], "")
    assert seen["operations"] == [{"session": "client 1/1.1", "number": 2, "says": "put 'x' 8"}]


def test_a_tampered_block_is_found_out():
    world = World([Tampers] * 3, clients=1)
    world.happen(Choice("fire", 2, what=ElectionTimeout()))
    settle(world)
    for value in range(3):
        ask(world, "x", value)
        settle(world)
    faults = [block(world, held.hash)["fault"] for server in world.servers for held in world.chain(server)]
    assert any("do not give the hash" in fault for fault in faults)


@pytest.mark.parametrize("ending", ["", "z", "0" * 64])
def test_a_block_that_nobody_has_is_refused(ending):
    with pytest.raises(ValueError, match="no server has a block"):
        block(with_a_block(), ending)


def test_the_network_has_each_direction_by_itself():
    world = with_a_block(servers=3)
    world.set_link(1, 2, cut=True)
    found = {(row["a"], row["b"]): row for row in network(world, {(2, 1): 0.25}, {(1, 3): 10})["rows"]}
    assert len(found) == 6
    assert [found[pair]["up"] for pair in ((1, 2), (2, 1))] == [False, True]
    assert (found[2, 1]["loss"], found[1, 3]["delay"], found[3, 1]["delay"]) == (0.25, 10.0, 1.0)


def test_a_client_is_in_the_network_once_its_link_is_unusual():
    world = with_a_block(servers=3)
    world.set_link("client 1", 2, cut=True)
    assert [row for row in network(world)["rows"] if "client 1" in row.values()] == [
        {"a": "client 1", "b": 2, "up": False, "loss": 0.0, "delay": 1.0}
    ]


def test_while_all_claims_hold_the_verdict_names_them():
    world = with_a_block(claims=safety_claims())
    assert verdict(world)["ok"] is True
    assert "agreement" in verdict(world)["claims"]


def test_a_broken_claim_comes_with_its_reason_and_its_events():
    world = World([HalfIsEnough] * 2, clients=2, claims=safety_claims())
    for a, b in ((1, 2), (2, 1)):
        world.set_link(a, b, cut=True)
    world.set_link("client 2", 1, cut=True)
    for server in (1, 2):
        world.happen(Choice("fire", server, what=ElectionTimeout()))
    ask(world, "x", 1)
    world.ask(world.add_client([2]), Put("'x'", "2"))
    settle(world)
    seen = verdict(world)
    assert (seen["ok"], seen["claim"], seen["reason"]) == (False, world.violations[0].claim, world.violations[0].reason)
    numbers = [event["n"] for event in seen["events"]]
    assert numbers and numbers == sorted(numbers) and all(event["says"] for event in seen["events"])


def test_every_claim_that_fell_is_named_once_in_the_order_in_which_they_fell():
    stepper, words = begin("05_lost_promise")
    stepper.goto(max(words))
    world = SimpleNamespace(claims=safety_claims(), violations=stepper.violations * 2)
    seen = verdict(world)
    named = [seen["claim"], *(one["claim"] for one in seen["others"])]
    assert named == list(dict.fromkeys(violation.claim for violation in stepper.violations))
    assert len(named) > 4
    first = {violation.claim: violation for violation in reversed(stepper.violations)}
    assert [(one["reason"], one["n"]) for one in seen["others"]] == [
        (first[claim].reason, first[claim].events[-1].n) for claim in named[1:]
    ]


def test_what_clients_asked_is_told_with_its_end():
    world = with_a_block(servers=3)
    world.ask("client 1", Get("'x'"))
    settle(world)
    world.ask("client 1", Get("'y'"))
    settle(world)
    ask(world, "x", 9)
    said = [(call["asked"], call["state"], call["answer"]) for call in calls(world.trace)]
    assert said == [
        ("put 'x' 9", "waiting", ""),
        ("get 'y'", "answered", "never put"),
        ("get 'x'", "answered", "7"),
        ("put 'x' 7", "answered", ""),
    ]


def test_only_a_call_that_still_waited_is_abandoned_with_its_branch():
    world = with_a_block(servers=3)
    ask(world, "x", 9)
    session = "client 1/1.1"
    assert [call["state"] for call in calls(world.trace, {session})] == ["abandoned", "answered"]


def test_a_call_that_nobody_answers_is_given_up_not_undone():
    world = with_a_block(servers=3)
    for a in world.servers:
        world.set_link("client 1", a, cut=True)
    from paxoskit.protocol.messages import Ask, RetryTimeout

    world.ask("client 1", Ask(world.sessions("client 1")[0], Put("'x'", "9"), patience=1))
    world.happen(Choice("fire", "client 1", what=RetryTimeout()))
    assert calls(world.trace)[0]["state"] == "gave up"


@pytest.mark.parametrize(
    ("value", "said"),
    [(None, "none"), (False, "no"), ((), "nothing"), ([3, 1], "3, 1"), ({3, 1}, "1, 3"), ({}, "nothing"), (7, "7")],
)
def test_values_in_words(value, said):
    assert words(value) == said


def test_the_recorder_claims_nothing_and_is_not_counted_among_the_claims():
    names = verdict(World(servers=3, claims=safety_claims()))["claims"]
    assert names == [claim.name for claim in SAFETY]
