"""`demo`: the story ends well with the kit's own server, and a server that lies is found out."""

import json
from collections import Counter

import pytest

from paxoskit.demo import lost, perform
from paxoskit.protocol.chain import Chain, Content, mine
from paxoskit.protocol.messages import Get, Put, Reply, Request
from paxoskit.protocol.server import Server
from paxoskit.worlds.cluster import Cluster


@pytest.mark.parametrize("count", [3, 4, 5])
def test_the_story_ends_well(paxoskit, count):
    code, said, complaint = paxoskit("demo", "--json", "--servers", str(count))
    report = json.loads(said[-1])
    assert (code, complaint) == (0, [])
    assert report == {
        "servers": count, "blocks": report["blocks"], "acknowledged": 7, "lost": 0, "chains_agree": True,
        "stores_agree": True, "violations": 0,
    }  # fmt: skip
    assert report["blocks"] >= 7
    assert sum("is refused: put 'split' 'said by the minority': no majority: " in line for line in said) == 1
    assert "No claim fell." in said


@pytest.mark.parametrize("argument", ["--servers=2", "--servers=100", "--servers=five", "--speed=2"])
def test_bad_options_get_one_line_and_exit_code_2(paxoskit, argument):
    code, said, complaint = paxoskit("demo", argument)
    assert (code, said, len(complaint)) == (2, [], 1)


def test_a_put_that_is_not_in_a_chain_is_lost():
    chain = Chain()
    for number in (1, 2):
        request = Request("client 1/1.1", number, Put("1", "2"))
        chain = chain.append(mine(Content(chain.height, chain.hash, (request,))))
    acknowledged = Counter({("client 1", Put("1", "2")): 3, ("client 2", Put("1", "2")): 1})
    assert lost(acknowledged, chain) == 2


class SaysDone(Server):
    """Acknowledges a put, and forgets it."""

    def on_request(self, sender, request):
        if isinstance(request.operation, Get):
            super().on_request(sender, request)
        else:
            self.send(request.client, Reply(request.session, request.number, "done"))


def test_a_server_that_forgets_what_it_acknowledged_is_found_out(capsys, monkeypatch):
    monkeypatch.setattr("paxoskit.demo.PATIENCE", 3.0)
    with Cluster(3, clients=4, server=SaysDone) as cluster:
        code = perform(cluster, as_json=True)
    said = capsys.readouterr().out.splitlines()
    report = json.loads(said[-1])
    assert code == 1
    assert (report["acknowledged"], report["lost"]) == (7, 7)
    assert report["violations"] > 0
    assert "SOMETHING IS WRONG." in said
    assert any(line.startswith("  WRONG: a claim fell: no acknowledged write is lost: ") for line in said)
