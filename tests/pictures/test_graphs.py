"""The graph objects say what the world is; the drawings show what the graphs say."""

import pytest

from paxoskit.pictures.chain import chain_graph, draw_chain
from paxoskit.pictures.cluster import cluster_graph, draw_cluster, positions
from paxoskit.protocol.chain import NO_HASH, Content, mine
from paxoskit.protocol.messages import ElectionTimeout, Put, Request
from paxoskit.protocol.node import Node
from paxoskit.protocol.plain import Ballot
from paxoskit.protocol.synod import Propose
from paxoskit.worlds.choice import Choice
from paxoskit.worlds.story import Story
from paxoskit.worlds.synod import reference
from paxoskit.worlds.world import World


def elect(world: World, server: int) -> None:
    world.happen(Choice("fire", server, what=ElectionTimeout()))
    settle(world)


def settle(world: World) -> None:
    while any(world.is_up(flight.receiver) for flight in world.flying.values()):
        world.deliver(next(flight for flight in world.flying.values() if world.is_up(flight.receiver)))


@pytest.fixture
def world():
    world = World(servers=3, clients=1)
    elect(world, 2)
    world.ask("client 1", Put("'x'", "7"))
    settle(world)
    return world


def test_a_graph_has_a_server_for_each_server_and_a_client_for_each_client(world):
    kinds = dict(cluster_graph(world).nodes(data="kind"))
    assert kinds == {1: "server", 2: "server", 3: "server", "client 1": "client"}


def test_roles_ballots_and_heights_are_those_of_the_servers(world):
    world.crash(3)
    nodes = cluster_graph(world).nodes
    facts = [(nodes[name]["role"], nodes[name]["ballot"], nodes[name]["height"]) for name in (1, 2, 3)]
    assert facts == [("follower", (1, 2), 1), ("leader", (1, 2), 1), ("down", (1, 2), 1)]


def test_a_candidate_is_not_yet_a_leader():
    world = World(servers=3)
    world.happen(Choice("fire", 1, what=ElectionTimeout()))
    assert cluster_graph(world).nodes[1]["role"] == "candidate"


def test_a_server_back_without_its_disk_has_no_vote(world):
    world.crash(3, "lost")
    world.restart(3)
    assert cluster_graph(world).nodes[3]["voter"] is False


def synod_world():
    """Three acceptors and two proposers; 1 has accepted red, 2 has promised 1.5 after 1.4, 3 has heard nothing."""
    acceptor, proposer = reference("acceptor"), reference("proposer")
    story = Story(nodes=("paxoskit:Acceptor",) * 3 + ("paxoskit:Proposer",) * 2, acceptors=3)
    world = story.world({"paxoskit:Acceptor": acceptor, "paxoskit:Proposer": proposer})
    world.happen(Choice("ask", 4, what=Propose("red")))
    for kind, to in (("Prepare", 1), ("Prepare", 2), ("Promise", 4), ("Promise", 4), ("Accept", 1)):
        world.deliver(next(flight for flight in world.flying.values()
                           if (type(flight.message).__name__, flight.receiver) == (kind, to)))  # fmt: skip
    world.happen(Choice("ask", 5, what=Propose("blue")))
    world.deliver(next(flight for flight in world.flying.values() if (flight.sender, flight.receiver) == (5, 2)))
    return world


def test_an_acceptor_shows_what_it_promised_and_accepted_and_a_proposer_what_it_proposes():
    nodes = cluster_graph(synod_world()).nodes(data=True)
    assert {name: (facts["role"], facts["says"], facts["short"]) for name, facts in nodes if name in range(1, 6)} == {
        1: ("acceptor", "promised 1.4 · accepted red in 1.4", "1.4 · red in 1.4"),
        2: ("acceptor", "promised 1.5 · nothing accepted", "1.5 · –"),
        3: ("acceptor", "no promise · nothing accepted", "0.0 · –"),
        4: ("proposer", "ballot 1.4 · proposes red", "1.4 · red"),
        5: ("proposer", "ballot 1.5 · wants blue", "1.5 · blue"),
    }


def test_a_node_of_no_part_that_is_known_is_called_a_server_and_nothing_is_said_of_ballots():
    class Echo(Node):
        def on_request(self, sender, message): ...

        def on_prepare(self, sender, message): ...

    class Shout(Node):
        def on_put(self, sender, message): ...

    nodes = cluster_graph(World([Shout, Echo], clients=0)).nodes
    assert (nodes[1]["role"], nodes[1]["says"]) == ("server", "")
    assert nodes[2]["role"] == "follower"


def test_nothing_is_said_of_an_acceptor_that_has_names_of_its_own_for_what_it_knows():
    class Mine(Node):
        highest = (2, 1)

        def on_prepare(self, sender, message): ...

        def on_accept(self, sender, message): ...

    class Prompter(Mine):
        def on_promise(self, sender, message): ...

    world = World([Mine, Prompter], clients=0)
    nodes = cluster_graph(world).nodes
    assert [(nodes[name]["role"], nodes[name]["says"]) for name in (1, 2)] == [("acceptor", ""), ("server", "")]
    world.nodes[1].promised, world.nodes[1].vote = Ballot(2, 1), None
    assert cluster_graph(world).nodes[1]["says"] == "promised 2.1 · nothing accepted"


def test_a_cut_is_one_direction_of_a_link(world):
    world.set_link(1, 2, cut=True)
    graph = cluster_graph(world)
    assert (graph.edges[1, 2, "link"]["cut"], graph.edges[2, 1, "link"]["cut"]) == (True, False)


def test_each_message_in_flight_is_an_edge(world):
    world.ask("client 1", Put("'x'", "8"))
    graph = cluster_graph(world)
    messages = [(a, b, data["name"]) for a, b, key, data in graph.edges(keys=True, data=True) if key != "link"]
    assert messages == [("client 1", 2, "Request")]


def test_servers_stand_on_a_circle_and_clients_outside():
    places = positions((1, 2, 3, 4, 5), ("client 1", "client 2", "client 3"))
    distances = {name: (x * x + y * y) ** 0.5 for name, (x, y) in places.items()}
    assert all(distances[server] == pytest.approx(1.0, abs=0.01) for server in range(1, 6))
    assert all(distances[f"client {number}"] > 1.5 for number in (1, 2, 3))


def test_servers_that_agree_make_one_path(world):
    (facts,) = [facts for _, facts in chain_graph(world).nodes(data=True)]
    assert (facts["height"], facts["row"], facts["servers"]) == (0, 0, (1, 2, 3))
    assert facts["operations"] == (("put", "'x'", "7"),)


def test_a_fork_is_two_blocks_of_one_height(world):
    other = mine(Content(0, NO_HASH, (Request("client 1/1.9", 1, Put("'y'", "8")),)))
    disk = world.disks[3]
    disk.chain = type(disk.chain)(1).append(other)
    rows = sorted((facts["row"], facts["servers"]) for _, facts in chain_graph(world).nodes(data=True))
    assert rows == [(0, (1, 2)), (1, (3,))]


def test_only_the_newest_heights_are_asked_for(world):
    for number in range(4):
        world.ask("client 1", Put("'x'", str(number)))
        settle(world)
    graph = chain_graph(world, newest=2)
    assert sorted(height for _, height in graph.nodes(data="height")) == [3, 4]
    assert graph.number_of_edges() == 1


@pytest.mark.parametrize("newest", [0, -1, 2.5, True, "3"])
def test_a_senseless_number_of_heights_is_refused(world, newest):
    with pytest.raises(ValueError, match="newest: expected a number of heights above 0"):
        chain_graph(world, newest=newest)


def texts(figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].texts]


def test_the_drawing_of_a_cluster_says_each_role_in_words(world):
    world.crash(3)
    world.set_link(1, 2, cut=True)
    said = texts(draw_cluster(cluster_graph(world)))
    assert {"leader", "follower", "down", "client 1", "ballot 1.2 · 1 block"} <= set(said)


def test_the_drawing_of_a_chain_shows_text_as_it_is_typed():
    world = World(servers=1, clients=1)
    elect(world, 1)
    world.ask("client 1", Put("'$x$'", "1"))
    settle(world)
    figure = draw_chain(chain_graph(world))
    figure.canvas.draw()
    assert "put '$x$' 1" in texts(figure)


def test_an_empty_chain_can_be_drawn():
    assert "no block yet" in texts(draw_chain(chain_graph(World(servers=3))))
