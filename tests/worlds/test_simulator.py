"""The simulator: one seed, one story; no nemesis breaks a claim, and in the end everything is answered.

The stories at the end are written as a command and, indented below it, what came of it.
"""

import hashlib
import multiprocessing
import os
import subprocess
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from paxoskit.claims.safety import SAFETY, safety_claims
from paxoskit.protocol.literals import show
from paxoskit.protocol.messages import (
    Accept,
    Accepted,
    Answered,
    Ask,
    Asks,
    Block,
    Elected,
    ElectionTimeout,
    Get,
    HeartbeatTimeout,
    Put,
    Replies,
    Requests,
    RetryTimeout,
    SteppedDown,
)
from paxoskit.protocol.node import title
from paxoskit.protocol.server import Server
from paxoskit.worlds.simulator import FAULTS, NEMESES, Nemesis, Simulator, Workload
from paxoskit.worlds.world import World
from tests.mutants import LosesDisks

TOP = Path(__file__).parents[2]

# One seed, one story -----------------------------------------------------------------------------------


def lines_of(simulator):
    return "\n".join(simulator.trace.lines("any"))


def told(seed, nemesis="all", servers=3):
    simulator = Simulator(seed, servers, nemesis=nemesis)
    simulator.run(1_500)
    simulator.calm()
    return simulator


def test_the_same_seed_tells_the_same_story():
    first, second = told(7), told(7)
    assert first.trace.digest() == second.trace.digest()
    assert lines_of(first) == lines_of(second)
    assert first.outcome() == second.outcome()


def test_another_seed_tells_another_story():
    digests = {told(seed, nemesis="none").trace.digest() for seed in range(20)}
    assert len(digests) == 20


@pytest.mark.parametrize("hash_seed", ["1", "2"])
def test_the_same_seed_tells_the_same_story_in_another_process(hash_seed):
    program = (
        "from tests.worlds.test_simulator import lines_of, told\n"
        "import hashlib\n"
        "simulator = told(7)\n"
        "print(simulator.trace.digest(), hashlib.sha256(lines_of(simulator).encode()).hexdigest())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=TOP,
        env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(TOP)},
        capture_output=True,
        text=True,
        check=True,
    )
    here = told(7)
    assert done.stdout.split() == [
        here.trace.digest(),
        hashlib.sha256(lines_of(here).encode()).hexdigest(),
    ]


def test_claims_do_not_change_the_story():
    judged, unjudged = Simulator(7, nemesis="all"), Simulator(7, nemesis="all", claims=False)
    for simulator in (judged, unjudged):
        simulator.run(1_000)
    assert judged.trace.digest() == unjudged.trace.digest()
    assert unjudged.outcome().checks == {}


def test_a_run_in_parts_is_the_run_as_a_whole():
    whole, parts = Simulator(7, nemesis="all"), Simulator(7, nemesis="all")
    whole.run(600)
    for _ in range(6):
        parts.run(100)
    assert whole.trace.digest() == parts.trace.digest()


# Nemeses -----------------------------------------------------------------------------------------------

SHOWS = {
    "loss": {"drop"},
    "duplication": {"duplicate"},
    "delay": set(),
    "cut": {"cut", "mend", "lost"},
    "one-way": {"cut", "mend", "lost"},
    "partition": {"cut", "mend", "lost"},
    "crash": {"crash", "restart"},
    "crash-several": {"crash", "restart"},
    "crash-all": {"crash", "restart"},
}
"""The kinds of events by which each nemesis shows."""


@pytest.mark.parametrize("name", NEMESES)
def test_twenty_seeds_of_each_nemesis_break_nothing_and_it_really_makes_trouble(name):
    faults, kinds = Counter(), Counter()
    for seed in range(20):
        simulator = Simulator(seed, nemesis=name)
        simulator.run(1_000)
        kinds.update(event.kind for event in simulator.trace)
        faults.update(simulator.faults)
        assert simulator.calm(), simulator.violations
        outcome = simulator.outcome()
        assert outcome.violations == []
        assert outcome.asked == outcome.acknowledged > 0
        assert outcome.elections > 0
        assert min(outcome.checks.values()) > 0
    expected = {"none": set(), "all": {"loss", "duplication", "delay", *FAULTS}}.get(name, {name})
    crashes = {"crash before save", "crash after save"} if any("crash" in one for one in expected) else set()
    assert set(faults) == expected | crashes
    assert all(kinds[kind] >= 20 for fault in expected for kind in SHOWS[fault])
    if not expected:
        assert set(kinds) == {"start", "ask", "deliver", "fire", "send", "save", "announce"}


@pytest.mark.parametrize("servers", [1, 2, 4, 5, 7])
def test_every_size_of_cluster_survives_all_nemeses(servers):
    for seed in range(15):
        assert told(seed, servers=servers).violations == []


def test_a_nemesis_that_can_do_nothing_counts_nothing():
    simulator = Simulator(1, servers=1, nemesis=Nemesis(faults=("cut", "one-way", "partition")))
    simulator.run(1_000)
    assert simulator.outcome().faults == {"cut": 0, "one-way": 0, "partition": 0}


def test_lost_disks_break_no_claim_however_many_are_lost():
    """Who lost its disk never votes again; with too few voters nothing more is decided, nor wrongly."""
    crashes = Counter()
    for seed in range(60):
        nemesis = Nemesis(loss=0.05, delay=0.1, faults=("crash", "crash-several"))
        simulator = LosesDisks(seed, 5, nemesis=nemesis)
        simulator.run(1_500)
        crashes.update(event.what for event in simulator.trace if event.kind == "crash")
        assert simulator.violations == []
    assert crashes["lost"] > 100


class Batches(Simulator):
    """Each client asks three things at once, and then the next three."""

    def _ask(self, client):
        if not self.calming:
            sessions = self.world.sessions(client, 3)
            asks = [Ask(session, self.workload.next(self.dice)) for session in sessions]
            self.asked += len(asks)
            self.world.ask(client, Asks(tuple(asks)))

    def _answered(self, fact):
        self.acknowledged += 1
        client = fact.session.partition("/")[0]
        if len(self.world.idle[client]) == 3:
            self._later(self.dice.uniform(*self.workload.think), self._ask, client)


def test_many_requests_and_answers_in_one_message_break_nothing():
    kinds = Counter()
    for seed in range(40):
        simulator = Batches(seed, nemesis="all")
        simulator.run(1_200)
        assert simulator.calm(), simulator.violations
        kinds.update(type(event.what) for event in simulator.trace if event.kind == "deliver")
    assert min(kinds[Requests], kinds[Replies]) > 100


def test_calm_ends_all_faults_and_answers_everything():
    simulator = Simulator(3, 5, nemesis=Nemesis(loss=0.3, delay=0.3, faults=("crash-all", "partition")))
    simulator.run(1_500)
    begin, asked = len(simulator.trace), simulator.asked
    assert simulator.calm()
    assert simulator.world.cut == set()
    assert all(simulator.world.is_up(name) for name in simulator.world.servers)
    assert simulator.asked == asked == simulator.acknowledged
    assert len({simulator.world.chain(name).hash for name in simulator.world.servers}) == 1
    after = {event.kind for event in list(simulator.trace)[begin:]}
    assert after.isdisjoint({"ask", "crash", "cut", "duplicate"})


def test_what_is_never_answered_is_a_violation():
    class Mute(Server):
        def on_request(self, sender, request):
            pass

    simulator = Simulator(1, server=Mute)
    simulator.run(300)
    assert not simulator.calm()
    (violation,) = simulator.violations
    assert violation.claim == "everything asked is answered"
    assert violation.reason == (
        "faults ended, all servers are up, and still 3 of 3 requests wait after the bound of steps "
        "(blocks: server 1 has 0, server 2 has 0, server 3 has 0)"
    )


def test_who_never_catches_up_is_a_violation_though_all_is_answered():
    class Forgetful(Server):
        def learn(self, blocks):
            if self.name != 3:
                super().learn(blocks)

    simulator = Simulator(1, server=Forgetful)
    simulator.run(300)
    assert not simulator.calm()
    (violation,) = simulator.violations
    assert violation.reason.startswith(
        "faults ended, all servers are up, and still the chains of the servers differ after the bound of steps "
    )


def test_a_run_stops_at_the_first_claim_that_falls():
    class Hasty(Server):
        def on_accept(self, sender, accept):
            super().on_accept(sender, accept)
            self.learn((accept.block,))

    simulator = Simulator(1, server=Hasty)
    simulator.run(2_000)
    assert "only chosen blocks are applied" in [violation.claim for violation in simulator.violations]
    steps = simulator.steps
    assert steps < 200
    simulator.run(100)
    assert simulator.steps == steps


# A thousand seeds --------------------------------------------------------------------------------------


def judged(seeds):
    """Run these seeds with every nemesis and every claim; return what they came to, added up."""
    total = Counter()
    for seed in seeds:
        simulator = Simulator(seed, nemesis="all")
        simulator.run(2_000)
        simulator.calm()
        total.update(seeds=1, steps=simulator.steps)
        total.update(asked=simulator.asked, acknowledged=simulator.acknowledged)
        total.update({f"fault: {name}": count for name, count in simulator.faults.items()})
        total.update({f"claim: {claim.name}": claim.checks for claim in simulator.world.claims})
        total.update({f"seed {seed}: {violation}": 1 for violation in simulator.violations})
    return total


@pytest.mark.slow
def test_a_thousand_seeds_of_two_thousand_steps_with_every_nemesis_and_every_claim():
    chunks = [range(first, first + 50) for first in range(0, 1_000, 50)]
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        total = sum(pool.map(judged, chunks), Counter())
    assert [key for key in total if key.startswith("seed ")] == []
    assert total["seeds"] == 1_000
    assert total["steps"] >= 2_000_000
    assert total["acknowledged"] == total["asked"] > 30_000
    assert min(total[f"fault: {fault}"] for fault in ("loss", "duplication", "delay", *FAULTS)) > 500
    assert min(total[f"claim: {claim.name}"] for claim in SAFETY) > 1_000


# The three properties of Paxos, told from the trace alone ----------------------------------------------


@pytest.mark.parametrize("servers", [3, 5])
def test_only_proposed_values_are_chosen_one_for_each_slot_and_only_chosen_ones_are_learned(servers):
    """Judged here from what was sent and saved, by other code than that of the claims."""
    slots = 0
    for seed in range(40):
        simulator = Simulator(seed, servers, nemesis="all", claims=False)
        simulator.run(1_500)
        proposed, asked, votes, chosen = {}, set(), {}, {}
        for event in simulator.trace:
            what = event.what
            if event.kind == "ask":
                asked.add((what.session, what.operation))
            elif event.kind == "send" and isinstance(what, Accept):
                proposed[what.block.hash] = what.block
            elif event.kind == "send" and isinstance(what, Accepted):
                voters = votes.setdefault((what.height, what.ballot, what.hash), set())
                voters.add(event.node)
                if len(voters) > servers // 2:
                    chosen.setdefault(what.height, set()).add(what.hash)
            elif event.kind == "save" and event.node in simulator.world.servers:
                for block in what.chain:
                    assert block.hash in chosen.get(block.height, ()), (seed, event)
        for height, hashes in chosen.items():
            (only,) = hashes
            assert proposed[only].height == height
            for request in proposed[only].operations:
                assert (request.session, request.operation) in asked
        slots += len(chosen)
    assert slots > 500


# Bad inputs --------------------------------------------------------------------------------------------


def refused(call, says):
    with pytest.raises(ValueError) as error:
        call()
    assert str(error.value).startswith(says)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("seed", [2.5, "3", True, None])
def test_a_seed_is_a_whole_number(seed):
    refused(lambda: Simulator(seed), f"seed: expected a whole number, got {seed!r}")


@pytest.mark.parametrize("nemesis", ["quake", "", 5, None, ["loss"], "All"])
def test_an_unknown_nemesis_is_refused(nemesis):
    refused(lambda: Simulator(nemesis=nemesis), "nemesis: expected one of none, loss, duplication, ")


@pytest.mark.parametrize("chance", ["loss", "duplication", "delay"])
@pytest.mark.parametrize("value", [-0.1, 1, 1.5, "0.5", True, None, float("nan")])
def test_a_chance_outside_0_to_1_is_refused(chance, value):
    says = f"{chance}: expected a chance from 0 to below 1, got {value!r}"
    refused(lambda: Nemesis(**{chance: value}), says)


def test_an_unknown_fault_is_refused():
    refused(lambda: Nemesis(faults=("crash", "quake")), "faults: expected some of cut, one-way, ")


@pytest.mark.parametrize("steps", [-1, 2.5, "3", True, None])
def test_a_number_of_steps_that_is_none_is_refused(steps):
    refused(lambda: Simulator().run(steps), "steps: expected a whole number from 0 to ")


# Stories -----------------------------------------------------------------------------------------------


class Play:
    """A world in which somebody gives commands; everything in flight arrives in order after each.

    put K V, get K      client 1 asks (client 2: with "client 2" in front)
    retry               the clients look at the clock, twice
    stand N             server N's election timer rings until it stands
    wait                the election timer of each who heard a leader rings: it has not heard one since
    beat N T            server N's heartbeat timer rings T times
    crash N M, restart N M, cut N M, mend N M (both directions)
    hold COMMAND        do it, and let nothing arrive yet
    arrive NAME N       the next message of that name arrives at N
    lose                everything in flight is lost
    """

    def __init__(self, servers):
        self.world = World(servers, clients=2, claims=safety_claims())
        self.asked = {}
        self.heights = [0] * servers
        self.told = 0

    def perform(self, command):
        """Do what a line says; return what came of it."""
        held = command.startswith("hold ")
        words = command.removeprefix("hold ").split()
        client = "client 1"
        if words[0] == "client":
            client, words = " ".join(words[:2]), words[2:]
        getattr(self, words[0])(client, *words[1:])
        if not held:
            self.settle()
        return [f"    {line}" for line in self.news()]

    def put(self, client, key, value):
        self.ask(client, Put(show(key), value))

    def get(self, client, key):
        self.ask(client, Get(show(key)))

    def ask(self, client, operation):
        self.world.ask(client, operation)

    def stand(self, client, *names):
        """Twice: at the first ring it may remember that it heard a leader since the last."""
        for name in map(int, names):
            if self.world.nodes[name].heard:
                self.ring(name, ElectionTimeout)
            self.ring(name, ElectionTimeout)

    def wait(self, client):
        for name in self.world.servers:
            if self.world.is_up(name) and self.world.nodes[name].heard:
                self.ring(name, ElectionTimeout)

    def beat(self, client, name, times="1"):
        for _ in range(int(times)):
            self.ring(int(name), HeartbeatTimeout)
            self.settle()

    def retry(self, client):
        for name in self.world.clients * 2:
            self.ring(name, RetryTimeout)

    def ring(self, node, kind):
        for timer in list(self.world.timers.values()):
            if timer.node == node and type(timer.message) is kind:
                self.world.fire(timer)

    def crash(self, client, *names):
        for name in names:
            self.world.crash(int(name))

    def restart(self, client, *names):
        for name in names:
            self.world.restart(int(name))

    def cut(self, client, a, b, cut=True):
        self.world.set_link(int(a), int(b), cut)
        self.world.set_link(int(b), int(a), cut)

    def mend(self, client, a, b):
        self.cut(client, a, b, cut=False)

    def arrive(self, client, message, name):
        self.world.deliver(
            next(
                flight
                for flight in self.world.flying.values()
                if flight.receiver == int(name) and type(flight.message).__name__ == message
            )
        )

    def lose(self, client):
        for flight in list(self.world.flying.values()):
            self.world.drop(flight)

    def settle(self):
        while self.world.flying:
            flight = next(iter(self.world.flying.values()))
            (self.world.deliver if self.world.is_up(flight.receiver) else self.world.drop)(flight)

    def news(self):
        """Yield who was elected, who stepped down, what was answered, and how high the chains grew."""
        events = list(self.world.trace)[self.told :]
        self.told += len(events)
        for event in events:
            what = event.what
            if event.kind == "ask":
                self.asked[what.session] = " ".join(what.operation.words)
            elif isinstance(what, Elected):
                yield f"{title(event.node)} leads in ballot {what.ballot}"
            elif isinstance(what, SteppedDown):
                yield f"{title(event.node)} steps down"
            elif isinstance(what, Answered):
                yield f"{event.node}: {self.asked[what.session]}: {what.answer}"
        heights = [len(self.world.chain(name)) for name in self.world.servers]
        if heights != self.heights:
            self.heights = heights
            yield "blocks: " + " ".join(map(str, heights))


def played(story, servers=5):
    """Perform the commands of a story (its lines without an indent); return it as it came out."""
    play, lines = Play(servers), []
    for command in [line for line in story.splitlines() if line and not line.startswith(" ")]:
        lines += [command, *play.perform(command)]
    assert play.world.violations == []
    return "\n" + "\n".join(lines) + "\n"


def plays(story, servers=5):
    assert played(story, servers) == story


def test_five_servers_and_one_client():
    plays(
        """
stand 1
    server 1 leads in ballot 1.1
put x 7
    client 1: put 'x' 7: done
    blocks: 1 1 1 1 1
get x
    client 1: get 'x': 7
    blocks: 2 2 2 2 2
get y
    client 1: get 'y': None
    blocks: 3 3 3 3 3
"""
    )


def test_two_of_five_down_and_the_others_serve():
    plays(
        """
crash 4 5
stand 1
    server 1 leads in ballot 1.1
put x 7
    client 1: put 'x' 7: done
    blocks: 1 1 1 0 0
get x
    client 1: get 'x': 7
    blocks: 2 2 2 0 0
restart 4 5
beat 1
    blocks: 2 2 2 2 2
"""
    )


def test_a_leader_with_two_links_cut_still_serves():
    plays(
        """
stand 1
    server 1 leads in ballot 1.1
cut 1 2
cut 1 3
put x 7
    client 1: put 'x' 7: done
    blocks: 1 0 0 1 1
beat 1 10
stand 2
stand 3
beat 1
get x
    client 1: get 'x': 7
    blocks: 2 0 0 2 2
mend 1 2
mend 1 3
beat 1
    server 1 steps down
"""
    )


def test_three_of_five_down_no_progress_and_no_answer():
    plays(
        """
stand 1
    server 1 leads in ballot 1.1
put x 7
    client 1: put 'x' 7: done
    blocks: 1 1 1 1 1
crash 3 4 5
put x 8
get x
beat 1 4
beat 1
    server 1 steps down
retry
stand 2
retry
stand 1
retry
restart 3
wait
stand 2
    server 2 leads in ballot 3.2
    client 1: put 'x' 8: done
    blocks: 2 2 2 1 1
retry
    client 1: get 'x': 8
    blocks: 3 3 3 1 1
"""
    )


def test_a_leader_dies_after_its_accept_and_the_next_one_finishes_its_block_first():
    plays(
        """
stand 1
    server 1 leads in ballot 1.1
hold put x 7
hold arrive Request 1
hold arrive Accept 3
hold crash 1
lose
wait
stand 2
    server 2 leads in ballot 2.2
    client 1: put 'x' 7: done
    blocks: 0 1 1 1 1
retry
get x
    client 1: get 'x': 7
    blocks: 0 2 2 2 2
restart 1
beat 2
    blocks: 2 2 2 2 2
"""
    )


def test_the_same_with_another_clients_get_in_between():
    plays(
        """
stand 1
    server 1 leads in ballot 1.1
hold put x 7
hold arrive Request 1
hold arrive Accept 3
hold crash 1
lose
client 2 get x
wait
stand 2
    server 2 leads in ballot 2.2
    client 1: put 'x' 7: done
    blocks: 0 1 1 1 1
retry
    client 2: get 'x': 7
    blocks: 0 2 2 2 2
restart 1
beat 2
    blocks: 2 2 2 2 2
"""
    )


def test_two_would_be_leaders_at_once():
    plays(
        """
hold stand 1
hold stand 5
hold arrive Prepare 2
hold arrive Prepare 3
hold arrive Promise 1
hold arrive Promise 1
    server 1 leads in ballot 1.1
hold put x 7
hold arrive Request 1
get x
    server 1 steps down
    server 5 leads in ballot 1.5
retry
    client 1: put 'x' 7: done
    client 1: get 'x': 7
    blocks: 2 2 2 2 2
"""
    )


def test_a_story_that_came_out_otherwise_is_shown():
    with pytest.raises(AssertionError):
        plays("\nstand 1\n    server 2 leads in ballot 1.2\n")


def test_the_workload_asks_puts_of_fresh_values_and_gets():
    simulator = Simulator(1, workload=Workload(think=(0.0, 10.0)))
    simulator.run(2_000)
    operations = [event.what.operation for event in simulator.trace if event.kind == "ask"]
    values = [operation.value for operation in operations if isinstance(operation, Put)]
    assert len(values) == len(set(values)) > 30
    assert sum(isinstance(operation, Get) for operation in operations) > 30
    assert all(isinstance(block, Block) for block in simulator.world.chain(1))
