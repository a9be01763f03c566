"""Whatever anyone chooses, safety holds: a monkey clicks on what may happen next, without clock, nemesis or mercy."""

from __future__ import annotations

from random import Random

import pytest

from paxoskit.claims.safety import safety_claims
from paxoskit.protocol.messages import Get, Put
from paxoskit.worlds.choice import KEPT, LAST_SAVE_LOST, LOST, Choice
from paxoskit.worlds.world import World

LIKES = {"deliver": 200, "fire": 15, "drop": 3, "duplicate": 4, "crash": 1, "restart": 12, "cut": 1, "mend": 5}


def clicked(seed: int, servers: int, clicks: int, disks: tuple[str, ...] = (KEPT,)) -> World:
    """Return a world after so many clicks of a monkey with that seed."""
    dice = Random(f"monkey {seed}")
    world = World(servers, clients=2, claims=safety_claims())
    for click in range(clicks):
        if click % 40 == 0:
            key = dice.choice(["1", "2"])
            world.ask(f"client {click // 40 % 2 + 1}", dice.choice([Get(key), Put(key, str(click))]))
        clumsy = dice.random() < 0.01  # a delivery that crashes its server
        choices = [c for c in world.choices() if (c.kind != "crash" or c.disk in disks) and (clumsy or not c.crash)]
        kinds = sorted({choice.kind for choice in choices})
        kind = dice.choices(kinds, [LIKES[kind] for kind in kinds])[0]
        world.happen(dice.choice([choice for choice in choices if choice.kind == kind]))
        world.fresh.clear()
        if world.violations:
            break
    return world


def states(world: World) -> list[object]:
    return [node.state() for node in world.nodes.values() if node is not None]


@pytest.mark.parametrize("servers", [1, 2, 3, 4, 5])
def test_no_choice_whatever_breaks_a_claim(servers: int) -> None:
    for seed in range(12):
        assert clicked(seed, servers, 600).violations == []


def test_the_monkey_gets_somewhere() -> None:
    worlds = [clicked(seed, 3, 600) for seed in range(12)]
    heights = [max(len(world.chain(server)) for server in world.servers) for world in worlds]
    assert sum(heights) > 12


def test_lost_disks_without_a_vote_break_no_claim() -> None:
    for seed in range(20):
        assert clicked(seed, 5, 500, (KEPT, LOST)).violations == []


def test_a_disk_that_lies_breaks_paxos_sooner_or_later() -> None:
    worlds = [clicked(seed, 3, 900, (LAST_SAVE_LOST,)) for seed in range(60)]
    fallen = {violation.claim for world in worlds for violation in world.violations}
    assert fallen & {"a promise is kept", "a promise is complete", "agreement", "P2c", "one value per ballot and slot"}


def test_a_choice_survives_json() -> None:
    world = clicked(3, 3, 200)
    for choice in world.choices():
        assert Choice.from_json(choice.as_json()) == choice


def test_a_story_of_choices_told_again_gives_the_same_world() -> None:
    dice = Random("story")
    world, again = World(3, clients=1), World(3, clients=1)
    for world_now in (world, again):
        world_now.ask("client 1", Put("1", "2"))
    for _ in range(300):
        kinds = ("deliver", "fire", "duplicate", "drop")
        choice = dice.choice([choice for choice in world.choices() if choice.kind in kinds])
        world.happen(choice)
        again.happen(Choice.from_json(choice.as_json()))
    assert list(world.trace) == list(again.trace)
    assert states(world) == states(again)
