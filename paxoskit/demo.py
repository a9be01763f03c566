"""`demo`: the story of a cluster that loses its leader, its links and its power, and no word that it gave.

It is told as it happens, and judged at the end: every put that was acknowledged must be in every server's chain, and
readable; all chains and stores must be equal; every claim must have been checked, and none may have fallen.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from paxoskit.options import Options, whole
from paxoskit.protocol.chain import Chain
from paxoskit.protocol.literals import show
from paxoskit.protocol.messages import Put
from paxoskit.protocol.store import Store
from paxoskit.shell import chains, servers, stores
from paxoskit.worlds.cluster import ClientHandle, Cluster, NoMajority
from paxoskit.worlds.world import MOST_SERVERS, World

PATIENCE = 10.0
"""Seconds that a majority has for an answer, on a slow machine too."""

REFUSAL = 1.5
"""Seconds after which a client of the minority is told that there is no majority."""

Counts = Counter[tuple[str, Put]]
"""How often each client put each thing."""


class Story:
    """A story on a live cluster: it says what happens, and remembers which puts were acknowledged.

    `wrong` collects, a line each, what should not have happened.
    """

    def __init__(self, cluster: Cluster, tell: Callable[[str], None]) -> None:
        self.cluster = cluster
        self.tell = tell
        self.names = list(cluster.servers)
        self.minority_size = (len(self.names) - 1) // 2
        self.acknowledged: Counts = Counter()
        self.latest: dict[str, Any] = {}  # what each key must answer, by its canonical text
        self.keys: dict[str, Any] = {}
        self.refused: list[Put] = []
        self.wrong: list[str] = []

    def play(self) -> None:
        """Let the whole story happen."""
        for chapter in (self.begin, self.lose_the_leader, self.cut_links, self.split, self.restart_all):
            chapter()

    # The chapters ------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """A leader is elected, and several clients put and get."""
        self.tell(f"{len(self.names)} servers start, and none of them leads.")
        self.tell(f"Server {self.cluster.wait_for_leader(PATIENCE)} is elected: a majority promised to follow it.")
        self.put(1, "a string", {"k": [1, -2]})
        self.put(2, {"key1": "val1"}, 7)
        self.get(3, {"key1": "val1"})
        self.get(4, "a string")

    def lose_the_leader(self) -> None:
        """The leader is killed; the others elect another."""
        old = self.cluster.wait_for_leader(PATIENCE)
        self.cluster.fail_process(old)
        self.tell(f"Server {old}, the leader, is killed.")
        self.put(2, "b-c", "x y")
        self.tell(f"Server {self.cluster.wait_for_leader(PATIENCE)} leads now, and what was put before is still there:")
        self.get(3, "a string")
        self.cluster.restart_process(old)
        self.tell(f"Server {old} comes back, finds its promises and its chain on its disk, and follows.")

    def cut_links(self) -> None:
        """The leader loses its links to as many servers as it can spare, and serves on."""
        leader = self.cluster.wait_for_leader(PATIENCE)
        far = [name for name in self.names if name != leader][: self.minority_size]
        for name in far:
            self.cluster.fail_link(leader, name)
        self.tell(f"The links from server {leader}, the leader, to {servers(far)} are cut. A majority still hears it.")
        self.put(3, ("a", "tuple"), None)
        self.get(1, ("a", "tuple"))
        self.cluster.heal()
        self.tell("The links are mended.")

    def split(self) -> None:
        """A minority, with the leader in it, is cut off: it answers nothing, while the majority goes on."""
        leader = self.cluster.wait_for_leader(PATIENCE)
        minority = [leader, *(name for name in self.names if name != leader)][: self.minority_size]
        majority = [name for name in self.names if name not in minority]
        pinned = self.cluster.client(at=minority)
        self.cluster.partition([*minority, pinned.name], majority)
        self.tell(
            f"{servers(sorted(minority)).capitalize()}, with the leader among them, can reach nobody else; "
            f"{pinned.name} is on their side."
        )
        self.refuse(pinned, "split", "said by the minority")
        self.put(4, 1.5, "said by the majority")
        self.put(1, True, "not the same key as 1")
        self.cluster.heal()
        self.tell("The two sides hear each other again, and the minority catches up.")
        self.get(2, True)

    def restart_all(self) -> None:
        """Every server fails, and all come back with nothing but their disks."""
        for name in self.names:
            self.cluster.fail_process(name)
        self.tell("The power fails: every server is down at once.")
        self.cluster.heal()
        self.tell("The power is back: each server has what is on its disk, and no memory of who led.")
        self.put(4, "after", "the power cut")
        for text, key in self.keys.items():
            self.get(2, key, quiet=text != show("after"))
        self.tell(f"All {len(self.keys)} keys that were acknowledged can be read.")

    # What happens in them ----------------------------------------------------------------------------------

    def put(self, client: int, key: Any, value: Any) -> None:
        """Let a client put, and remember that it was acknowledged."""
        text = show(key)
        try:
            self.cluster.put(key, value, client=client, timeout=PATIENCE)
        except NoMajority as error:
            self.went_wrong(f"client {client} was not answered: {error}")
            return
        self.acknowledged[f"client {client}", Put(text, show(value))] += 1
        self.latest[text], self.keys[text] = show(value), key
        self.tell(f"  client {client} puts {text} = {show(value)}: done.")

    def get(self, client: int, key: Any, *, quiet: bool = False) -> None:
        """Let a client get, and compare the answer with what was put last."""
        text = show(key)
        try:
            value = show(self.cluster.get(key, client=client, timeout=PATIENCE, default="no such key"))
        except NoMajority as error:
            self.went_wrong(f"client {client} was not answered: {error}")
            return
        if value != self.latest[text]:
            self.went_wrong(f"client {client} gets {text}: {value}, and {self.latest[text]} was put last")
        elif not quiet:
            self.tell(f"  client {client} gets {text}: {value}.")

    def refuse(self, client: ClientHandle, key: Any, value: Any) -> None:
        """Let a client of the minority put, which must be told that there is no majority."""
        try:
            client.put(key, value, timeout=REFUSAL)
        except NoMajority as error:
            self.tell(f"  {client.name} is refused: {error}.")
            self.refused.append(Put(show(key), show(value)))
        else:
            self.went_wrong(f"{client.name} was answered by a minority")

    def went_wrong(self, line: str) -> None:
        """Say, and remember, what should not have happened."""
        self.wrong.append(line)
        self.tell(f"  WRONG: {line}.")

    # The end -----------------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Wait until all servers have equal chains, but not for ever."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            with self.cluster.look() as world:
                if len({world.chain(name) for name in self.names}) == 1:
                    return
            time.sleep(0.01)
        self.went_wrong(f"after {PATIENCE:.0f} s the servers' chains still differ")

    def judge(self) -> dict[str, Any]:
        """Say what the cluster has come to; return it as one object."""
        self.settle()
        with self.cluster.look() as world:
            chain_of = {name: world.chain(name) for name in self.names}
            held = [*chains(world, self.names), "", *stores(world, self.names)]
            checks = checked(world)
        self.tell("\n".join(["", "What each server has:", *(f"  {line}".rstrip() for line in held), ""]))
        found = list(map(Store.fold, chain_of.values()))
        report = {
            "servers": len(self.names),
            "blocks": max(map(len, chain_of.values())),
            "acknowledged": self.acknowledged.total(),
            "lost": max(lost(self.acknowledged, chain) for chain in chain_of.values()),
            "chains_agree": len(set(chain_of.values())) == 1,
            "stores_agree": all(store == found[0] for store in found),
            "violations": len(self.cluster.violations),
        }
        self.say(report, checks, chain_of[1])
        return report

    def say(self, report: dict[str, Any], checks: dict[str, int], chain: Chain) -> None:
        """Say in sentences what the report says in numbers."""
        for put in self.refused:
            times = sum(put == operation for _, operation in puts(chain).elements())
            later = "never took effect" if times == 0 else f"took effect {times} time{'s' * (times > 1)}, later"
            self.tell(f"The put of {put.key} that the minority refused {later}; nobody had been told that it was done.")
        self.tell(f"Acknowledged puts: {report['acknowledged']}. Lost: {report['lost']}.")
        self.tell(f"Chains agree: {_yes(report['chains_agree'])}. Stores agree: {_yes(report['stores_agree'])}.")
        self.tell("Claims, and how often each was checked:")
        for name, count in checks.items():
            self.tell(f"  {count:>6,}  {name}")
            if count == 0:
                self.went_wrong(f"the claim {name!r} was never checked")
        faults = [f"a claim fell: {violation}" for violation in self.cluster.violations] + self.cluster.errors
        if report["lost"]:
            faults.append(f"{report['lost']} acknowledged puts are lost")
        if not (report["chains_agree"] and report["stores_agree"]):
            faults.append("the servers do not agree")
        for fault in faults:
            self.went_wrong(fault)
        self.tell("SOMETHING IS WRONG." if self.wrong else "No claim fell.")


def puts(chain: Chain) -> Counts:
    """Count the puts in a chain, each request once."""
    once = {(each.session, each.number): each for block in chain for each in block.operations}
    return Counter((each.client, each.operation) for each in once.values() if isinstance(each.operation, Put))


def lost(acknowledged: Counts, chain: Chain) -> int:
    """Return how many of the acknowledged puts are not in a chain."""
    return (acknowledged - puts(chain)).total()


def checked(world: World) -> dict[str, int]:
    """Return how often each claim was checked, by its name."""
    return {claim.name: claim.checks for claim in world.claims if claim.name != "ghost recorder"}


def _yes(good: bool) -> str:
    return "yes" if good else "NO"


def main(arguments: list[str]) -> int:
    """Run the command; 0 if all is well at the end, 1 if anything is wrong, 2 for bad input."""
    options = Options("demo", "Exit code 1 if anything is wrong at the end.")
    options.add_argument("--servers", type=whole(3, MOST_SERVERS), default=5, help="how many servers, from 3 (5)")
    options.add_argument("--json", action="store_true", help="print one object as the last line")
    chosen = options.parse_args(arguments)
    try:
        with Cluster(chosen.servers, clients=4) as cluster:
            return perform(cluster, chosen.json)
    except KeyboardInterrupt:
        print("\npaxoskit: stopped", file=sys.stderr)
        return 130


def perform(cluster: Cluster, as_json: bool) -> int:
    """Let the story happen, judge it, and return the exit code."""
    story = Story(cluster, lambda line: print(line, flush=True))
    try:
        story.play()
    except NoMajority as error:
        story.went_wrong(str(error))
    report = story.judge()
    if as_json:
        print(json.dumps(report))
    return 1 if story.wrong else 0
