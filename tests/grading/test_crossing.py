"""Blocks and chains between judge and worker: each crosses once, and a whole server in workers is the server it is."""

import enum
import inspect
import json
from dataclasses import dataclass

import pytest

from paxoskit.grading.packed import DEEPEST, Parts, canonical_text, pack, unpack, written
from paxoskit.grading.reading import read_value
from paxoskit.grading.remote import WorkerSubject
from paxoskit.grading.subject import LearnerError, LocalSubject, Odd
from paxoskit.grading.workshop import Limits
from paxoskit.protocol import server as kits
from paxoskit.protocol.chain import NO_HASH, Chain, Content, mine
from paxoskit.protocol.messages import Accept, Block, Get, Put, Reply, Request, Requests
from paxoskit.protocol.node import Node
from paxoskit.protocol.plain import Ballot, Message
from paxoskit.protocol.server import Server
from paxoskit.protocol.synod import Accepted, Prepare, Promise, Vote
from paxoskit.worlds.cluster import Cluster
from paxoskit.worlds.simulator import Simulator

GIVEN = ("plain", "node", "messages", "literals", "chain", "store")
SOURCE = inspect.getsource(kits)
MUTANT = ("len(self.votes) >= self.majority", "len(self.votes) >= 1")


@pytest.fixture
def subject(tmp_path):
    """Return how to make a subject in workers of a source; each ends with the test."""
    made = []

    def make(source, **more):
        file = tmp_path / f"answer{len(made)}.py"
        file.write_text(source, encoding="utf-8")
        made.append(WorkerSubject(file, GIVEN, **more))
        return made[-1]

    yield make
    for one in made:
        one.close()


def a_chain(length, difficulty=1):
    chain = Chain(difficulty)
    for height in range(length):
        request = Request("client 1/1.1", height + 1, Put("'x'", str(height)))
        chain = chain.append(mine(Content(height, chain.hash, (request,)), difficulty=difficulty))
    return chain


def ours(name, is_ours):
    return Message.known[name] if is_ours else None


@dataclass(frozen=True)
class Mine(Message, known_as="Mine of the crossing"):
    content: object


class Colour(enum.IntEnum):
    RED = 1


class Sly(int):
    def __repr__(self):
        return "7"


def nested(depth):
    return nested(depth - 1)._replace(round=nested(depth - 1)) if depth else Ballot(1, 2)


@pytest.mark.parametrize(
    "value",
    [
        0, -3, 10**40, True, None, 1.5, float("inf"), "", "a \"b\" \\ é \u2028 \ud800 😀", b"x", Sly(3), Colour.RED,
        Ballot(1, 2), Ballot(True, 2), Ballot("1", 2), Ballot(1.0, Sly(2)), nested(3), (1, Ballot(1, 2)), [1], {3, 1},
        {"b": 1, "a": 2}, Prepare(Ballot(1, 2)), Promise(Ballot(1, 2), None), Accepted(Ballot(1, 1), "é"),
        Promise(Ballot(1, 2), Vote(Ballot(1, 1), "x")), Mine({"k": Prepare(Ballot(0, 0))}), Reply(True, (1, [2]), None),
        Reply(Sly(1), object(), Reply([Reply(1, 2, 3)], Ballot(1, 2), Mine(1))), Reply("s", Colour.RED, {1: Mine("x")}),
        Request("client 1/1.1", 1, Put("'x'", "1")), Requests((Request("s", 1, Get("'x'")),)),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_a_value_is_written_at_once_as_it_is_packed_and_then_written(value):
    assert written(value) == canonical_text(pack(value))
    for depth in range(5):
        assert written(value, None, depth) == canonical_text(pack(value, None, depth))


def test_what_is_nested_too_deeply_is_written_as_it_is_packed():
    value = 1
    for _ in range(DEEPEST + 3):
        value = Reply(1, 2, value)
        assert written(value) == canonical_text(pack(value))


def test_a_block_is_written_as_a_part():
    parts, other = Parts(), Parts()
    block = a_chain(1).tip
    assert written(Accept(Ballot(1, 1), block), parts) == canonical_text(pack(Accept(Ballot(1, 1), block), other))
    assert parts.texts == other.texts != {}


# Once, and then by name ------------------------------------------------------------------------------------------


def test_a_chain_crosses_block_by_block_and_equal_chains_are_one_object():
    here, there, known = Parts(), Parts(), set()
    chain = a_chain(40)
    text = canonical_text(pack({"chain": chain, "same": a_chain(40)}, here))
    first = here.missing(text, known)
    there.tell(first, set())
    came = unpack(json.loads(text), ours, Odd, there)
    assert came["chain"] == chain and list(came["chain"]) == list(chain)
    assert came["chain"] is came["same"] and came["chain"] is not chain
    assert len(text) < 200 and len(first) == 81

    longer = chain.append(mine(Content(40, chain.hash, ())))
    text = canonical_text(pack(longer, here))
    more = here.missing(text, known)
    there.tell(more, set())
    assert len(more) == 2
    assert unpack(json.loads(text), ours, Odd, there).parent is came["chain"]
    assert here.missing(text, known) == []


def test_a_long_chain_needs_no_deep_recursion():
    here, there = Parts(), Parts()
    chain = a_chain(1_500)
    text = canonical_text(pack(chain, here))
    there.tell(here.missing(text, set()), set())
    assert unpack(json.loads(text), ours, Odd, there) == chain


def test_what_a_block_computes_and_keeps_does_not_cross():
    block = mine(Content(0, NO_HASH, ()))
    before = Parts().digest(block)
    assert block.recomputed == block.hash
    assert Parts().digest(block) == before
    assert pack(block)["ours"][1].keys() == {"height", "previous_hash", "operations", "nonce", "hash"}


@pytest.mark.parametrize(
    "part",
    ["[]", "3", "not json", '{"chain":[99]}', '{"chain":[{"part":"x"},1]}', '{"chain":[]}', "[" * 5_000,
     '{"ours":["Block",{}]}', '{"ours":["Block",{"height":{"dict":[]}}]}'],
)  # fmt: skip
def test_a_part_that_is_none_is_an_odd_value(part):
    parts = Parts()
    digest = parts.learn(part)
    try:
        value = read_value({"part": digest}, parts)
    except LearnerError as error:
        assert "Block has the fields" in error.says
    else:
        assert type(value) in (Odd, list, int)
    assert type(read_value({"part": "0" * 32}, parts)) is Odd


# A whole server --------------------------------------------------------------------------------------------------


def run(server, seed, nemesis):
    simulator = Simulator(seed, server=server, nemesis=nemesis)
    simulator.run(500)
    simulator.calm()
    return simulator


def told(simulator):
    return [(violation.claim, violation.reason) for violation in simulator.violations]


def test_the_kits_own_server_as_a_submission_runs_as_it_does_in_this_process(subject):
    made = subject(SOURCE)
    for seed, nemesis in ((1, "none"), (2, "all"), (3, "all")):
        far, near = (run(server, seed, nemesis) for server in (made.node("Server"), Server))
        assert far.violations == []
        assert far.trace.digest() == near.trace.digest()
        assert [far.world.disks[name].chain for name in (1, 2, 3)] == [near.world.disks[n].chain for n in (1, 2, 3)]
        assert far.world.leaders() == near.world.leaders() != []
        for name in (1, 2, 3):
            assert far.world.nodes[name].store.data == near.world.nodes[name].store.data
            assert vars(far.world.disks[name])["voter"] is near.world.disks[name].voter
    assert made.recheck() == ""


def test_a_mutant_of_it_is_found_as_it_is_in_this_process(subject):
    made = subject(SOURCE.replace(*MUTANT))
    mutant = LocalSubject(made.path).node("Server")
    found = set()
    for seed in range(6):
        far, near = (run(server, seed, "all") for server in (made.node("Server"), mutant))
        assert told(far) == told(near)
        found |= {violation.claim for violation in far.violations}
    assert found & {"agreement", "P2b", "only chosen blocks are applied"}


def test_a_server_that_mines_at_difficulty_3_stays_within_its_limits(subject):
    made = subject(SOURCE, limits=Limits(call=0.5))
    simulator = Simulator(4, server=made.node("Server"), difficulty=3)
    simulator.run(150)
    assert simulator.calm() and len(simulator.world.chain(1)) > 5
    assert made.time_outs == 0


def test_a_server_in_a_worker_plays_among_the_kits_own_in_threads(subject):
    made = subject(SOURCE)
    with Cluster([made.node("Server"), Server, Server], clients=2, seed=1) as cluster:
        for number in range(6):
            cluster.put("x", number, client=1, timeout=60)
            assert cluster.get("x", client=2, timeout=60) == number
        cluster.fail_process(1)
        cluster.put("y", 1, client=1, timeout=60)
        cluster.restart_process(1)
        assert cluster.get("y", client=2, timeout=60) == 1
        assert (cluster.violations, cluster.errors) == ([], [])


# What a node shows -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shown", ["leading = 1", "ballot = (1, 2)", "ballot = Ballot('x', None)", "store = 3"])
def test_an_office_that_is_none_is_not_shown(shown, subject):
    source = f"""
from paxoskit.protocol.node import Node
from paxoskit.protocol.plain import Ballot
class Server(Node):
    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.leading = True
        self.ballot = Ballot(1, name)
        self.{shown}
    def on_get(self, sender, get): pass
"""
    node = subject(source).node("Server")(1, (1, 2))
    assert isinstance(node, Node) and not hasattr(node, "store")
    assert hasattr(node, "leading") is (shown == "store = 3")
    assert node.receive(2, Get("k")) == []


def test_a_part_that_nobody_told_is_refused(subject):
    forged = """
import sys
worker = sys.modules["paxoskit.grading.worker"]
worker.Parts.missing = lambda self, text, known: []
from paxoskit.protocol.messages import Block
def make(): return Block(0, "", (), 1, "x")
"""
    assert subject(forged).call("make") == Odd("value that cannot be written down")
    assert type(subject(forged.replace("worker.Parts.missing", "unused")).call("make")) is Block
