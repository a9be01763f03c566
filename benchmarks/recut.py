"""How long does a client wait while the links of a live cluster are cut anew, again and again?

    python3 benchmarks/recut.py [--seconds 60] [--servers 5] [--every 2] [--seed 0]

Every two seconds all links are mended, and then either a random minority is cut off from the majority, or random links
are cut, one direction each, that leave a server whom some majority hears and reaches. Four clients, a thread each, put
without a pause; each waits for its answer. It prints how long they waited. Exit code 1 if a claim fell or a put had no
answer within 30 s.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import threading
import time
from random import Random

from paxoskit.worlds.cluster import Cluster, NoMajority

CLIENTS = 4


def cut(cluster: Cluster, dice: Random) -> str:
    """Mend all links, then cut some; return what was cut, in words."""
    cluster.heal()
    servers = list(cluster.servers)
    dice.shuffle(servers)
    minority = servers[: dice.randint(1, (len(servers) - 1) // 2)]
    if dice.random() < 0.5:
        cluster.partition(minority, servers[len(minority) :])
        return f"cut off: {sorted(minority)}"
    spared = servers[len(servers) // 2 :]  # a majority that keeps the links among its own
    links = [(a, b) for a in servers for b in servers if a != b and not {a, b} <= set(spared)]
    chosen = dice.sample(links, dice.randint(1, len(links)))
    for a, b in chosen:
        cluster.fail_link(a, b, both=False)
    return f"{len(chosen)} of {len(links)} one-way links"


def main() -> int:
    """Cut, put, and tell how long it took."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seconds", type=float, default=60.0)
    options.add_argument("--servers", type=int, default=5)
    options.add_argument("--every", type=float, default=2.0)
    options.add_argument("--seed", type=int, default=0)
    chosen = options.parse_args()
    dice, waits, unanswered = Random(chosen.seed), list[float](), 0
    end = time.monotonic() + chosen.seconds

    def put(client: int) -> None:
        nonlocal unanswered
        number = 0
        while time.monotonic() < end:
            began = time.monotonic()
            try:
                cluster.put(client, number, client=client, timeout=30)
            except NoMajority:
                unanswered += 1
            waits.append(time.monotonic() - began)
            number += 1

    with Cluster(chosen.servers, clients=CLIENTS, seed=chosen.seed) as cluster:
        cluster.put("ready", True)
        threads = [threading.Thread(target=put, args=(client,)) for client in range(1, CLIENTS + 1)]
        for thread in threads:
            thread.start()
        cuts = 0
        while time.monotonic() < end:
            cut(cluster, dice)
            cuts += 1
            time.sleep(chosen.every)
        for thread in threads:
            thread.join()
        violations = cluster.violations
    waits.sort()
    print(f"{chosen.servers} servers, {cuts} cuts, one every {chosen.every:g} s: {len(waits):,} puts; longest wait "
          f"{waits[-1]:.2f} s, a thousandth longer than {waits[-len(waits) // 1000 or -1]:.3f} s, "
          f"median {1000 * statistics.median(waits):.1f} ms; {unanswered} without answer; "
          f"claims that fell: {len(violations)}")  # fmt: skip
    return 1 if unanswered or violations else 0


if __name__ == "__main__":
    sys.exit(main())
