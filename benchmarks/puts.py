"""How many puts a second does a threaded cluster replicate, beside PySyncObj in the same run?

    python3 -m pip install pysyncobj
    python3 benchmarks/puts.py [--seconds 2] [--runs 5] [--json puts.json]

Three loads, each for a cluster of three servers and of five, made just as a user makes it: one client that waits for
each answer, eight such clients (a thread each), and eight clients with 64 puts in flight each. The kit and its peer
take turns, run by run. PySyncObj replicates a dictionary by Raft over TCP on this machine, its replicas in one
process, as the kit's servers are; its puts are `set(…, sync=True)`, its pipelined ones `set(…, callback=…)`.

`bare threads` is no peer but a bound: threads, queues and SHA-256 with a leader that never changes, nothing ever lost,
nothing written down and nobody who judges. What lies between it and the kit is the price of all that.
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
from hashlib import sha256
from queue import SimpleQueue
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


class Bare:
    """Replication by threads and queues alone: an upper bound for whatever has a thread a server in CPython."""

    def __init__(self, servers: int) -> None:
        self.inboxes: list[SimpleQueue[Any]] = [SimpleQueue() for _ in range(servers)]
        roles = [self.lead, *[self.follow] * (servers - 1)]
        self.threads = [threading.Thread(target=role, args=(place,)) for place, role in enumerate(roles)]
        for thread in self.threads:
            thread.start()

    def lead(self, place: int) -> None:
        """Put all that waits into a block, and answer when a majority has it."""
        inbox, followers = self.inboxes[place], self.inboxes[1:]
        chain, store, waiting, open, votes = [""], {}, [], None, 0
        while (message := inbox.get()) is not None:
            kind, what = message
            if kind == "put":
                waiting.append(what)
            elif open is not None and what == open[0] and (votes := votes + 1) > len(followers) // 2:
                chain.append(open[0])
                for key, value, answers in open[1]:
                    store[key] = value
                    answers.put(None)
                for follower in followers:
                    follower.put(("decide", open))
                open = None
            if open is None and waiting:
                open, waiting, votes = (_hash(chain[-1], waiting), waiting), [], 0
                for follower in followers:
                    follower.put(("accept", (chain[-1], open)))

    def follow(self, place: int) -> None:
        """Look at each block, vote for it, and do what is decided."""
        leader, chain, store = self.inboxes[0], [""], {}
        while (message := self.inboxes[place].get()) is not None:
            kind, what = message
            if kind == "accept":
                before, (digest, puts) = what
                if digest == _hash(before, puts):
                    leader.put(("accepted", digest))
            else:
                chain.append(what[0])
                for key, value, _ in what[1]:
                    store[key] = value

    def put(self, key: str, value: object, answers: SimpleQueue[Any]) -> None:
        """Ask for a put; something is put into `answers` when it is done."""
        self.inboxes[0].put(("put", (key, value, answers)))

    def stop(self) -> None:
        """End the threads."""
        for inbox in self.inboxes:
            inbox.put(None)
        for thread in self.threads:
            thread.join()


def _hash(before: str, puts: list[Any]) -> str:
    return sha256(repr((before, [put[:2] for put in puts])).encode()).hexdigest()


def bare(servers: int, load: str, seconds: float) -> float:
    """Return the figure of threads and queues alone."""
    cluster = Bare(servers)
    try:
        if load != "pipelined":
            clients = 1 if load == "one client" else CLIENTS
            boxes: list[SimpleQueue[Any]] = [SimpleQueue() for _ in range(clients)]

            def put(value: int, client: int) -> None:
                cluster.put("x", value, boxes[client])
                boxes[client].get()

            return _waiting(put, clients, seconds)
        answers: SimpleQueue[Any] = SimpleQueue()
        asked, done, start = 0, 0, time.perf_counter()
        while time.perf_counter() - start < seconds:
            while asked - done < CLIENTS * WINDOW:
                cluster.put("x", asked, answers)
                asked += 1
            for _ in range(WINDOW):
                answers.get()
                done += 1
        return done / (time.perf_counter() - start)
    finally:
        cluster.stop()


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
    contenders["bare threads: no faults, no trace, no claims"] = bare
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
