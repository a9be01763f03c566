"""Eight live clusters of three seconds, each with faults all the while and every claim on."""

from __future__ import annotations

import threading
import time
from random import Random

import pytest

from paxoskit.worlds.cluster import Cluster


def trouble(cluster: Cluster, dice: Random) -> None:
    """Do one thing to a cluster, as somebody at the buttons would."""
    a, b = dice.sample(cluster.servers, 2)
    with cluster.look() as world:
        up = [name for name in world.servers if world.is_up(name)]
    match dice.randrange(6):
        case 0 if a in up:
            cluster.fail_process(a)
        case 1:
            cluster.fail_link(a, b, both=dice.random() < 0.5)
        case 2:
            cluster.partition([a, b], [name for name in cluster.servers if name not in (a, b)])
        case 3:
            cluster.loss = dice.choice([0.0, 0.1])
        case _:
            cluster.heal()


def live(seed: int, seconds: float) -> Cluster:
    """Return a (stopped) cluster that served three clients through `seconds` of trouble, and then had peace."""
    dice = Random(seed)
    with Cluster(dice.choice([3, 5]), clients=3, seed=seed) as cluster:
        end = time.monotonic() + seconds

        def serve(client: int) -> None:
            value = 0
            while time.monotonic() < end:
                value += 1
                cluster.put(value % 5, value, client=client, timeout=60)

        threads = [threading.Thread(target=serve, args=(client,)) for client in (1, 2, 3)]
        for thread in threads:
            thread.start()
        while time.monotonic() < end:
            trouble(cluster, dice)
            time.sleep(dice.uniform(0.01, 0.3))
        cluster.loss = 0.0
        cluster.heal()
        for thread in threads:
            thread.join(20)
        assert not any(thread.is_alive() for thread in threads), "a client waits though all faults have ended"
        assert cluster.recording().differences() == []
    return cluster


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8))
def test_three_seconds_of_trouble_break_no_claim_and_replay_with_no_difference(seed: int) -> None:
    cluster = live(seed, 3.0)
    assert cluster.violations == []
    assert cluster.errors == []
