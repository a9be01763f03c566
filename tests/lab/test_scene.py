"""From world to scene to SVG: pure, small, escaped, and compared with pictures that somebody has looked at.

`python tests/lab/test_scene.py` writes the golden files anew; look at them before you commit them.
"""

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from paxoskit.lab.scene import BOLD, scene, svg, tag_width, way
from paxoskit.protocol.literals import show
from paxoskit.protocol.messages import ElectionTimeout, Put
from paxoskit.worlds.choice import Choice
from paxoskit.worlds.world import World

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


PICTURES = {"newborn": newborn, "busy": busy}


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


def test_a_scene_is_plain_data():
    assert json.loads(json.dumps(busy())) == busy()


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
