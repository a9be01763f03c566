"""From world to scene to SVG: pure, small, escaped, and compared with pictures that somebody has looked at.

`python -m tests.lab.test_scene` writes the golden files anew; look at them before you commit them.
"""

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from paxoskit.course.given import Acceptor
from paxoskit.lab.scene import (
    BOLD,
    CHAIN_WIDTH,
    HEIGHT,
    block_says,
    describe,
    meant,
    node_says,
    scene,
    spots,
    svg,
    tag_lines,
    tag_width,
    way,
)
from paxoskit.pictures.chain import keeps_chains
from paxoskit.protocol.literals import show
from paxoskit.protocol.messages import ElectionTimeout, Put
from paxoskit.protocol.server import Server
from paxoskit.worlds.choice import Choice
from paxoskit.worlds.world import World
from tests.mutants import HalfIsEnough
from tests.pictures.test_graphs import synod_world

GOLDEN = Path(__file__).parent / "golden"

NASTY = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</svg><script>",
    "${7*7}",
    "__proto__",
    "\u202egnp.exe",
    "x" * 10_000,
    "",
    "\U0001f600",
    "one\ntwo",
    "\x00\x08\x1b",
]


def settle(world: World) -> None:
    while any(world.is_up(flight.receiver) for flight in world.flying.values()):
        world.deliver(next(flight for flight in world.flying.values() if world.is_up(flight.receiver)))


def with_leader(servers: int = 3, leader: int = 2) -> World:
    world = World(servers=servers, clients=1)
    world.happen(Choice("fire", leader, what=ElectionTimeout()))
    settle(world)
    return world


def put(world: World, key: object, value: object) -> None:
    world.ask("client 1", Put(show(key), show(value)))
    settle(world)


def newborn() -> dict:
    return scene(World(servers=3, clients=1), {}, now=0, speed=1)


def busy() -> dict:
    """Five servers, one down, cuts of one and of both directions, two blocks, messages half way."""
    world = with_leader(servers=5)
    put(world, "x", [1, 2])
    world.crash(5)
    put(world, {"key1": "val1"}, "<b>&")
    world.set_link(1, 3, cut=True)
    for a, b in ((3, 4), (4, 3)):
        world.set_link(a, b, cut=True)
    world.ask("client 1", Put("'x'", "8"))
    world.deliver(next(flight for flight in world.flying.values() if flight.sender == "client 1"))
    due = {number: (100.0, 200.0) for number, flight in world.flying.items() if world.is_up(flight.receiver)}
    return scene(world, due, now=150, speed=0.08, note="a note")


def forked() -> World:
    """Four servers for which half is enough, split in two: both sides decide a first block, one side a second."""
    world = World([HalfIsEnough] * 4, clients=1)
    world.add_client([3, 4])
    for a, b in ((1, 3), (1, 4), (2, 3), (2, 4)):
        world.set_link(a, b, cut=True)
        world.set_link(b, a, cut=True)
    for leader in (1, 3):
        world.happen(Choice("fire", leader, what=ElectionTimeout()))
        settle(world)
    put(world, "colour", "blue")
    world.ask("client 2", Put("'colour'", "'red'"))
    settle(world)
    put(world, "colour", "green")
    return world


def fork() -> dict:
    return scene(forked(), {}, now=0, speed=0)


def voted() -> dict:
    """Seven servers, two of which have voted for a block that nobody knows to be decided; one message is held back."""
    world = with_leader(servers=7)
    put(world, "x", 1)
    world.ask("client 1", Put("'x'", "2"))
    for receiver in (2, 3):
        world.deliver(next(flight for flight in world.flying.values() if flight.receiver == receiver))
    return scene(world, {}, now=0, speed=0, held=[max(world.flying)])


PICTURES = {"newborn": newborn, "busy": busy, "fork": fork, "voted": voted}


def without_style(text: str) -> str:
    return re.sub(r"<style>.*?</style>\n", "", text, flags=re.DOTALL)


@pytest.mark.parametrize("name", PICTURES)
def test_the_picture_is_the_one_that_was_looked_at(name):
    expected = (GOLDEN / f"{name}.svg").read_text(encoding="utf-8")
    assert expected == without_style(svg(PICTURES[name]())) + "\n"


def test_the_same_world_gives_the_same_scene():
    assert busy() == busy()


def test_a_busy_scene_of_five_servers_takes_less_than_2_kB():
    assert len(json.dumps(busy(), separators=(",", ":"))) < 2000


@pytest.mark.parametrize("letters", [10, 10_000])
def test_a_message_costs_the_same_however_much_it_carries(letters):
    world = with_leader(leader=1)
    world.ask("client 1", Put("'x'", show("x" * letters)))
    world.deliver(next(iter(world.flying.values())))
    (accepts, _) = messages = scene(world, {}, 0, 0)["messages"]
    assert accepts["name"] == "Accept"
    assert len(json.dumps(messages)) < 320


def test_a_fork_is_told_by_a_word_not_by_colour_alone():
    blocks = fork()["chain"]["blocks"]
    assert [block["height"] for block in blocks if block.get("fork")] == [0, 0]
    assert svg(fork()).count(">fork</text>") == 2
    assert svg(busy()).count(">fork</text>") == 0


def test_a_vote_is_no_decision():
    blocks = voted()["chain"]["blocks"]
    assert [(block["height"], block["on"], block.get("votes")) for block in blocks[-1:]] == [(1, [], [2, 3])]
    assert block_says(blocks[-1]) == "block 1 voted, put 'x', 2, with votes of server 2, 3"


def test_the_picture_has_a_text_twin_of_everything_in_it():
    twin = describe(busy())
    assert "server 2, leader, ballot 1.2, 2 blocks" in twin
    assert "the link from server 1 to server 3 is cut" in twin
    assert "Accept from server 2 to server 1" in twin
    assert "block 1, put {'key1': …, '<b>&', on server 1, 2, 3, 4" in twin


def labels(seen: dict) -> list[tuple[float, float, float]]:
    """Where the labels of a scene stand: the middle of each, and its width."""
    return [(x, y, tag_width(message["name"], BOLD)) for message, x, y in spots(seen)]


def test_no_message_of_a_standing_world_covers_another_so_each_can_be_clicked():
    world = with_leader(servers=5)
    world.ask("client 1", Put("'x'", "1"))
    world.add_client()
    for number in range(3):
        world.ask("client 2", Put("'x'", str(number)))
    for _ in range(2):
        world.deliver(next(flight for flight in world.flying.values() if flight.sender in ("client 1", 1)))
    world.duplicate(list(world.flying.values())[-1])
    spots = labels(scene(world, {}, 0, 0))
    assert len(spots) == 8
    pairs = [(one, other) for place, one in enumerate(spots) for other in spots[place + 1 :]]
    assert [pair for pair in pairs if _cover(*pair)] == []


def test_no_message_of_nine_standing_servers_hides_behind_a_server():
    world = with_leader(servers=9)
    world.ask("client 1", Put("'x'", "1"))
    for _ in range(4):
        world.deliver(next(iter(world.flying.values())))
    seen = scene(world, {}, 0, 0)
    for x, y, wide in labels(seen):
        for node in seen["nodes"]:
            dx, dy = max(0, abs(x - node["x"]) - wide / 2), max(0, abs(y - node["y"]) - 13)
            assert node["role"] == "client" or dx * dx + dy * dy >= seen["radius"] ** 2


@pytest.mark.parametrize("servers", [3, 5, 7])
def test_no_message_of_a_standing_world_covers_what_is_said_below_a_server(servers):
    world = with_leader(servers)
    world.ask("client 1", Put("'x'", "1"))
    for _ in range(2):
        world.deliver(next(iter(world.flying.values())))
    seen = scene(world, {}, 0, 0)
    assert len(labels(seen)) >= servers - 1
    for x, y, wide in labels(seen):
        for node in seen["nodes"]:
            if node["role"] != "client":
                middle, reach = node["y"] + seen["radius"] + 16, (wide + tag_width(node["says"])) / 2
                assert abs(x - node["x"]) >= reach or abs(y - middle) >= 27


def test_a_long_word_below_a_server_stands_in_two_lines():
    seen = scene(synod_world(), {}, 0, 0)
    assert tag_lines(seen["nodes"][0], seen["radius"]) == ["promised 1.4", "accepted red in 1.4"]
    assert node_says(seen["nodes"][0]) == "server 1, acceptor, promised 1.4, accepted red in 1.4"
    for part in ("promised 1.4", "accepted red in 1.4", "proposes red", "nothing accepted"):
        assert f">{part}</text>" in svg(seen)


def test_messages_of_a_moving_world_are_where_they_are():
    world = with_leader(servers=5)
    for number in range(2):
        world.ask("client 1", Put("'x'", str(number)))
    due = dict.fromkeys(world.flying, (0.0, 10.0))
    one, other = labels(scene(world, due, now=5, speed=1))
    assert one == other


def _cover(one: tuple[float, float, float], other: tuple[float, float, float]) -> bool:
    return abs(one[0] - other[0]) < (one[2] + other[2]) / 2 and abs(one[1] - other[1]) < 26


def test_a_click_names_a_message_by_its_number_and_equal_ones_by_their_place():
    world = with_leader()
    world.ask("client 1", Put("'x'", "1"))
    number = max(world.flying)
    world.happen(meant(world, {"kind": "duplicate", "number": number}))
    twin = max(world.flying)
    assert [meant(world, {"kind": "drop", "number": n}).copy for n in (number, twin)] == [0, 1]
    crashing = meant(world, {"kind": "deliver", "number": twin, "crash": "before"})
    world.happen(crashing)
    assert not world.is_up(crashing.node) and twin not in world.flying


def test_a_click_names_a_timer_by_its_words():
    world = with_leader()
    choice = meant(world, {"kind": "fire", "node": 2, "timer": "HeartbeatTimeout 1.2"})
    world.happen(choice)
    assert len(world.flying) == 2  # heartbeats


def test_a_whole_choice_is_meant_as_it_stands():
    choice = Choice("crash", 2, disk="lost")
    assert meant(with_leader(), choice.as_json()) == choice


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"kind": "deliver", "number": 7}, "no longer in flight"),
        ({"kind": "deliver", "number": True}, "no longer in flight"),
        ({"kind": "deliver", "number": "7"}, "no longer in flight"),
        ({"kind": "fire", "node": 2, "timer": "ElectionTimeout 9"}, "no timer"),
        ({"kind": "fire", "node": [2], "timer": "x"}, "no timer"),
        ({}, "expected a choice"),
        ({"kind": "crash", "node": {"a": 1}}, "expected a choice"),
    ],
)
def test_what_is_gone_or_no_choice_is_refused_in_one_line(data, says):
    with pytest.raises(ValueError, match=says) as error:
        meant(with_leader(), data)
    assert "\n" not in str(error.value)


def test_the_message_that_the_last_step_brought_is_told_only_while_time_stands_still():
    world = with_leader()
    world.ask("client 1", Put("'x'", "1"))
    flight = next(iter(world.flying.values()))
    world.deliver(flight)
    assert scene(world, {}, 0, 0)["landed"] == flight.number
    assert "landed" not in scene(world, {}, 0, 1)


def test_a_scene_is_plain_data():
    assert json.loads(json.dumps(busy())) == busy()


def test_where_nobody_keeps_a_chain_there_is_no_picture_of_one():
    synod = synod_world()
    seen = scene(synod, {}, 0, 1)
    assert seen["chain"] == {"servers": len(synod.servers), "blocks": [], "absent": True}
    assert "no block yet" not in svg(seen)
    assert f'viewBox="0 0 {CHAIN_WIDTH} {HEIGHT}"' in svg(seen)
    assert "absent" not in scene(World(servers=3), {}, 0, 1)["chain"]


def test_one_server_that_keeps_a_chain_is_enough():
    world = World([Server, Acceptor])
    assert keeps_chains(world)
    world.crash(1, "lost")
    assert "no block yet" in svg(scene(world, {}, 0, 1))


def test_a_long_chain_is_a_window_of_six_blocks():
    world = with_leader()
    for number in range(9):
        put(world, "x", number)
    assert [block["height"] for block in scene(world, {}, 0, 1)["chain"]["blocks"]] == [3, 4, 5, 6, 7, 8]


def test_roles_are_told_by_words_too_not_by_colour_alone():
    picture = svg(busy())
    assert all(f">{word}</text>" in picture for word in ("leader", "follower", "down"))


@pytest.mark.parametrize("text", NASTY)
def test_what_a_user_types_adds_no_element(text):
    plain = with_leader()
    put(plain, "key", "value")
    nasty = with_leader()
    put(nasty, text, text)
    expected = [element.tag for element in ET.fromstring(svg(scene(plain, {}, 0, 1))).iter()]
    assert expected == [element.tag for element in ET.fromstring(svg(scene(nasty, {}, 0, 1))).iter()]


def test_what_a_user_types_is_shown_as_typed():
    world = with_leader()
    put(world, "<b>&", "</svg>")
    shown = [element.text for element in ET.fromstring(svg(scene(world, {}, 0, 1))).iter("{http://www.w3.org/2000/svg}text")]
    assert "put '<b>&'" in shown and "'</svg>'" in shown


def test_a_note_or_a_name_that_xml_cannot_hold_is_still_a_picture():
    text = svg({**newborn(), "note": "\x00<&\ud800"})
    assert "\ufffd&lt;&amp;\ufffd" in text
    ET.fromstring(text)


def test_messages_stop_at_the_rim_so_that_no_label_covers_a_server():
    a, b = {"x": 100, "y": 100, "role": "leader"}, {"x": 500, "y": 300, "role": "follower"}
    x1, y1, x2, y2 = way(a, b, wide=100, radius=50)
    for x, y, node in ((x1, y1, a), (x2, y2, b)):
        assert ((x - node["x"]) ** 2 + (y - node["y"]) ** 2) ** 0.5 > 50 + 8


def test_servers_are_drawn_above_messages():
    picture = svg(busy())
    assert picture.rindex('class="message"') < picture.index('class="node')
    assert picture.rindex('class="label"') < picture.index('class="message"')


def test_every_message_moves_even_between_neighbours():
    shown = busy()
    nodes = {node["id"]: node for node in shown["nodes"]}
    for a in range(1, 6):
        x1, y1, x2, y2 = way(nodes[a], nodes[a % 5 + 1], tag_width("Accepted", BOLD), shown["radius"])
        assert ((x2 - x1) ** 2 + (y2 - y1) ** 2) ** 0.5 > 30


def test_messages_to_and_fro_on_one_link_do_not_cover_each_other():
    a, b = {"x": 100, "y": 100, "role": "leader"}, {"x": 500, "y": 100, "role": "follower"}
    (_, there, _, _), (_, back, _, _) = way(a, b, 100, 50), way(b, a, 100, 50)
    assert abs(there - back) == 18


if __name__ == "__main__":
    for name, picture in PICTURES.items():
        (GOLDEN / f"{name}.svg").write_text(without_style(svg(picture())) + "\n", encoding="utf-8")
