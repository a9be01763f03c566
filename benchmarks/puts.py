"""How many puts a second does a threaded cluster replicate, beside PySyncObj in the same run?

    python3 -m pip install pysyncobj
    python3 benchmarks/puts.py [--seconds 2] [--runs 5] [--json puts.json]

Three loads, each for a cluster of three servers and of five, made just as a user makes it: one client that waits for
each answer, eight such clients (a thread each), and eight clients with 64 puts in flight each. The kit and its peer
take turns, run by run. PySyncObj replicates a dictionary by Raft over TCP on this machine, its replicas in one
process, as the kit's servers are; its puts are `set(…, sync=True)`, its pipelined ones `set(…, callback=…)`.
"""

from __future__ import annotations

import argparse
import json
import platform
import socket
import statistics
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from paxoskit.worlds.cluster import CHECKPOINT, KEEP, Cluster

CLIENTS, WINDOW = 8, 64
TRACE = f"trace of the last {KEEP + CHECKPOINT:,} events"


def one_client(cluster: Cluster, seconds: float) -> float:
    """Return puts a second of one client that waits for each answer."""
    return _waiting(lambda value, _: cluster.put("x", value), 1, seconds)


def eight_clients(cluster: Cluster, seconds: float) -> float:
    """Return puts a second of eight clients that each wait for each answer."""
    return _waiting(lambda value, client: cluster.put("x", value, client=client + 1), CLIENTS, seconds)


def pipelined(cluster: Cluster, seconds: float) -> float:
    """Return puts a second of eight clients with 64 in flight each."""
    waiting: deque[Any] = deque()
    start, count = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        while len(waiting) < CLIENTS * WINDOW:
            waiting.append(cluster.put_async("x", count, client=count % CLIENTS + 1))
            count += 1
        for _ in range(WINDOW):
            waiting.popleft().result()
    for future in waiting:
        future.result()
    return count / (time.perf_counter() - start)


LOADS = {"one client": one_client, "eight clients": eight_clients, "pipelined": pipelined}


def _waiting(put: Callable[[int, int], object], clients: int, seconds: float) -> float:
    counts = [0] * clients
    end = time.perf_counter() + seconds

    def run(client: int) -> None:
        while time.perf_counter() < end:
            put(counts[client], client)
            counts[client] += 1

    threads = [threading.Thread(target=run, args=(client,)) for client in range(clients)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - start)


def kit(servers: int, load: str, seconds: float, claims: bool) -> float:
    """Return the kit's figure for one load."""
    with Cluster(servers, clients=CLIENTS, **({} if claims else {"claims": False})) as cluster:
        cluster.put("x", 0)
        figure = LOADS[load](cluster, seconds)
        assert cluster.violations == []
    return figure


@contextmanager
def replicas(count: int) -> Iterator[list[Any]]:
    """Yield PySyncObj's replicated dictionaries, ready."""
    from pysyncobj import SyncObj, SyncObjConf
    from pysyncobj.batteries import ReplDict

    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    addresses = [f"127.0.0.1:{each.getsockname()[1]}" for each in sockets]
    for each in sockets:
        each.close()
    dictionaries = [ReplDict() for _ in addresses]
    nodes = [
        SyncObj(address, [other for other in addresses if other != address], SyncObjConf(), consumers=[dictionary])
        for address, dictionary in zip(addresses, dictionaries, strict=True)
    ]
    while not all(node.isReady() for node in nodes):
        time.sleep(0.05)
    leading = [d for node, d in zip(nodes, dictionaries, strict=True) if node._isLeader()]
    try:
        yield leading or dictionaries
    finally:
        for node in nodes:
            node.destroy()
        time.sleep(0.2)


def peer(servers: int, load: str, seconds: float) -> float:
    """Return PySyncObj's figure for one load, asked at its leader."""
    with replicas(servers) as dictionaries:
        dictionary = dictionaries[0]
        if load != "pipelined":
            clients = 1 if load == "one client" else CLIENTS
            return _waiting(lambda value, _: dictionary.set("x", value, sync=True), clients, seconds)
        done, asked, start = 0, 0, time.perf_counter()
        free = threading.Semaphore(CLIENTS * WINDOW)

        def answered(_result: object, _error: object) -> None:
            nonlocal done
            done += 1
            free.release()

        while time.perf_counter() - start < seconds:
            if free.acquire(timeout=0.1):
                dictionary.set("x", asked, callback=answered)
                asked += 1
        return done / (time.perf_counter() - start)


def main() -> None:
    """Print the table, and write it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--no-peer", action="store_true")
    options = parser.parse_args()
    contenders: dict[str, Callable[[int, str, float], float]] = {
        f"kit as made by Cluster(n): {TRACE}, all claims on": lambda n, load, s: kit(n, load, s, True),
        f"kit with claims=False: {TRACE}, no claims": lambda n, load, s: kit(n, load, s, False),
    }
    if not options.no_peer:
        contenders["PySyncObj, defaults, asked at its leader"] = peer
    print(f"Python {platform.python_version()}, {options.runs} runs of {options.seconds} s; puts a second, "
          "median [least, most]")  # fmt: skip
    rows = []
    for servers in (3, 5):
        for load in LOADS:
            figures: dict[str, list[float]] = {name: [] for name in contenders}
            for _ in range(options.runs):
                for name, measure in contenders.items():
                    figures[name].append(measure(servers, load, options.seconds))
            print(f"\n{servers} servers, {load}")
            for name, all_runs in figures.items():
                print(f"  {statistics.median(all_runs):>9,.0f} [{min(all_runs):,.0f}, {max(all_runs):,.0f}]  {name}")
                rows.append({"servers": servers, "load": load, "who": name, "puts_per_second": all_runs})
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(rows, file, indent=1)


if __name__ == "__main__":
    main()
