"""The space-time diagram says what happened before what, of any events, and shows every text as it is.

`python tests/pictures/test_spacetime.py` writes the golden file anew; look at it before you commit it.
"""

import json
import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import networkx as nx
import pytest

from paxoskit.pictures import spacetime as spacetime_module
from paxoskit.pictures.spacetime import (
    APART,
    MOST_AFTER,
    TOP,
    describe,
    draw_spacetime,
    spacetime,
    spacetime_graph,
    spacetime_svg,
)
from paxoskit.protocol.literals import show
from paxoskit.protocol.messages import Accept, ElectionTimeout, Put
from paxoskit.protocol.node import Node
from paxoskit.protocol.plain import Message
from paxoskit.trace import Trace
from paxoskit.worlds.choice import Choice
from paxoskit.worlds.simulator import NEMESES, Simulator
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


def until_accept(world: World) -> list:
    """Deliver until somebody sends Accept; return those messages."""
    while not (found := [flight for flight in world.flying.values() if type(flight.message) is Accept]):
        world.deliver(next(iter(world.flying.values())))
    return found


def busy() -> World:
    """Everything that can be seen: a block decided, a message lost and one copied, a cut, a crash, a restart."""
    world = with_leader()
    put(world, "x", 7)
    first, second = until_accept(world)
    world.drop(first)
    world.duplicate(second)
    settle(world)
    world.crash(1)
    world.restart(1)
    world.set_link(2, 3, cut=True)
    put(world, "y", 8)
    until_accept(world)
    world.crash(3)
    return world


def simulated(seed: int = 1, steps: int = 600) -> Trace:
    simulator = Simulator(seed, 5, nemesis=NEMESES["all"])
    simulator.run(steps)
    return simulator.trace


# The diagram ------------------------------------------------------------------------------------------------


def test_every_server_has_a_line_and_so_has_every_client_that_takes_part():
    world = World(servers=3, clients=12)
    world.ask("client 10", Put("'x'", "7"))
    world.ask("client 2", Put("'x'", "8"))
    assert spacetime(world.trace)["lines"] == [1, 2, 3, "client 2", "client 10"]


def test_a_choice_stands_at_one_place_and_places_follow_the_order_of_what_happened():
    diagram = spacetime(busy().trace)
    assert [event["x"] for event in diagram["events"]] == list(range(len(diagram["events"])))
    numbers = [event["n"] for event in diagram["events"]]
    assert numbers == sorted(numbers)
    assert (diagram["first"], diagram["last"]) == (numbers[0], numbers[-1])


def test_an_arrow_leads_from_the_turn_that_sent_it_to_the_one_that_took_it():
    diagram = spacetime(busy().trace)
    spots = {event["n"]: [event["x"], event["line"]] for event in diagram["events"]}
    taken = [arrow for arrow in diagram["arrows"] if arrow["to"] and "lost" not in arrow]
    assert len(taken) > 8
    assert [arrow["from"] for arrow in taken] == [spots[arrow["cause"]] for arrow in taken]
    assert [arrow["to"] for arrow in taken] == [spots[arrow["deliver"]] for arrow in taken]


def test_each_delivery_has_its_arrow_and_each_message_in_flight_dangles():
    world = busy()
    diagram = spacetime(world.trace)
    delivered = [event["n"] for event in diagram["events"] if event["kind"] == "deliver"]
    assert sorted(arrow["deliver"] for arrow in diagram["arrows"] if arrow["to"] and "lost" not in arrow) == delivered
    dangling = [arrow["n"] for arrow in diagram["arrows"] if arrow["to"] is None]
    assert dangling == sorted(world.flying)


def test_the_cause_of_a_delivery_is_the_choice_that_sent_its_message():
    world = World(servers=3)
    world.happen(Choice("fire", 2, what=ElectionTimeout()))
    world.deliver(next(iter(world.flying.values())))
    fired, delivered = spacetime(world.trace)["events"]
    assert delivered["cause"] == fired["n"]


def test_a_lost_message_ends_where_it_is_lost():
    world = World(servers=3)
    world.set_link(2, 3, cut=True)
    world.happen(Choice("fire", 2, what=ElectionTimeout()))
    world.drop(next(iter(world.flying.values())))
    cut, fired, dropped = spacetime(world.trace)["events"]
    lost = {arrow["deliver"]: arrow["to"] for arrow in spacetime(world.trace)["arrows"] if "lost" in arrow}
    assert (cut["kind"], dropped["kind"]) == ("cut", "drop")
    assert lost == {fired["n"]: [fired["x"], 2], dropped["n"]: [dropped["x"], 0]}


def test_a_second_copy_begins_where_the_first_did():
    world = World(servers=3)
    world.happen(Choice("fire", 2, what=ElectionTimeout()))
    world.duplicate(next(iter(world.flying.values())))
    settle(world)
    first, *_, copy = sorted(
        (arrow for arrow in spacetime(world.trace)["arrows"] if arrow["name"] == "Prepare"),
        key=lambda arrow: arrow["n"],
    )
    assert copy["copy"] and copy["from"] == first["from"] and copy["cause"] == first["cause"]
    assert copy["deliver"] not in (0, first["deliver"])


def test_a_decided_block_is_marked_with_its_height_at_each_server_that_appends_it():
    world = with_leader()
    for number in range(2):
        put(world, "x", number)
        settle(world)
    marked = [(event["decided"], event["line"]) for event in spacetime(world.trace)["events"] if "decided" in event]
    assert sorted(marked) == [("0", 0), ("0", 1), ("0", 2), ("1", 0), ("1", 1), ("1", 2)]


def test_a_server_is_down_from_its_crash_to_its_restart():
    world = World(servers=3)
    world.crash(2)
    world.restart(2)
    world.crash(3)
    assert spacetime(world.trace)["down"] == [[1, 0, 1], [2, 2, None]]


def test_a_server_that_crashed_before_the_window_is_down_in_it():
    world = with_leader()
    world.crash(3)
    put(world, "x", 7)
    settle(world)
    first = spacetime(world.trace)["events"][-2]["n"]
    assert spacetime(world.trace, first=first)["down"] == [[2, -1, None]]
    assert spacetime(list(world.trace), most=2)["down"] == [[2, -1, None]]


def test_a_message_from_before_the_window_comes_in_from_the_left_and_one_for_later_leaves_to_the_right():
    trace = busy().trace
    whole = spacetime(trace)
    window = spacetime(trace, first=whole["events"][4]["n"], most=3)
    assert len(window["events"]) == 3
    assert {arrow["from"][0] for arrow in window["arrows"]} >= {-1}
    assert {arrow["to"][0] for arrow in window["arrows"] if arrow["to"]} >= {3}


def test_arrivals_are_looked_for_only_so_far_after_the_window(monkeypatch):
    world = with_leader()
    put(world, "x", 7)
    first = spacetime(world.trace, most=1)["first"]
    settle(world)
    assert spacetime(world.trace, first=first, most=1)["arrows"][0]["to"] == [1, 0]
    monkeypatch.setattr(spacetime_module, "MOST_AFTER", 0)
    assert spacetime(world.trace, first=first, most=1)["arrows"][0]["to"] is None
    assert MOST_AFTER > 100


def test_heartbeats_are_left_out_unless_asked_for_and_a_timer_that_starts_an_election_is_not():
    world = with_leader()
    before = spacetime(world.trace)
    for node, message in list(world.timers):
        if type(message).__name__ == "HeartbeatTimeout":
            world.happen(Choice("fire", node, what=message))
    settle(world)
    assert spacetime(world.trace)["events"] == before["events"]
    assert before["events"][0]["kind"] == "fire"
    loud = spacetime(world.trace, quiet=True)
    assert len(loud["events"]) > len(before["events"])
    assert {"Heartbeat", "HeartbeatHeard"} <= {arrow["name"] for arrow in loud["arrows"] if arrow.get("quiet")}


def test_only_the_chosen_servers_have_lines_and_only_arrows_between_lines_are_drawn():
    diagram = spacetime(busy().trace, servers=[1, 2])
    assert diagram["lines"] == [1, 2, "client 1"]
    assert {event["line"] for event in diagram["events"]} <= {0, 1, 2}
    assert all(arrow["from"][1] < 3 and (arrow["to"] is None or arrow["to"][1] < 3) for arrow in diagram["arrows"])


def test_lines_stand_in_the_order_in_which_they_are_given():
    assert spacetime(busy().trace, lines=[3, 1])["lines"] == [3, 1]


def test_only_the_chosen_kinds_are_drawn_with_the_turns_that_sent_them():
    diagram = spacetime(busy().trace, kinds={"Accept", "crash"})
    assert {arrow["name"] for arrow in diagram["arrows"]} == {"Accept"}
    kinds = {event["kind"] for event in diagram["events"]}
    assert "crash" in kinds and "restart" not in kinds
    causes = {event["n"] for event in diagram["events"]}
    assert all(arrow["cause"] in causes for arrow in diagram["arrows"])


@pytest.mark.parametrize("window", [{}, {"most": 7}, {"first": 200, "most": 30}, {"quiet": True}, {"servers": [2, 4]}])
def test_a_trace_its_events_and_the_loaded_trace_give_the_same_diagram(tmp_path, window):
    trace = simulated()
    trace.save(tmp_path / "trace.jsonl")
    diagram = spacetime(trace, **window)
    assert diagram == spacetime(Trace.load(tmp_path / "trace.jsonl"), **window)
    assert diagram == spacetime(list(trace), **window)


def test_a_window_of_a_long_run_unfolds_only_what_it_needs(monkeypatch):
    trace = simulated(steps=3_000)
    unfolded = []
    real = spacetime_module._unfold
    monkeypatch.setattr(spacetime_module, "_unfold", lambda record: unfolded.append(record) or real(record))
    spacetime(trace, most=10)
    assert len(unfolded) < 200 < len(trace.records)


def test_a_diagram_is_small_plain_data():
    diagram = spacetime(simulated())
    assert json.loads(json.dumps(diagram)) == diagram
    assert len(json.dumps(diagram)) < 25_000


@pytest.mark.parametrize("window", [{"most": 0}, {"most": True}, {"first": 0}, {"first": 1.5}])
def test_a_senseless_window_is_refused(window):
    (name,) = window
    with pytest.raises(ValueError, match=f"^{name}: expected a whole number from 1 on, got "):
        spacetime([], **window)


def test_nothing_has_happened_yet():
    diagram = spacetime([])
    assert (diagram["lines"], diagram["events"], diagram["arrows"], diagram["first"]) == ([], [], [], 0)
    ET.fromstring(spacetime_svg(diagram))


@dataclass(frozen=True)
class Ping(Message):
    """A learner's own message."""

    note: str


class Pinger(Node):
    """A learner's own node: no disk, no ballots, no blocks."""

    def on_start(self) -> None:
        self.after((10, 20), Ping("go"))

    def on_ping(self, sender, message):
        if sender == self.name:
            for peer in self.peers:
                if peer != self.name:
                    self.send(peer, Ping("hello"))


def test_a_learners_own_messages_are_drawn_as_well():
    world = World([Pinger, Pinger], clients=0)
    world.happen(Choice("fire", 1, what=Ping("go")))
    settle(world)
    diagram = spacetime(world.trace)
    assert [(arrow["name"], arrow["from"], arrow["to"]) for arrow in diagram["arrows"]] == [("Ping", [0, 0], [1, 1])]


# Arrows and crosses -----------------------------------------------------------------------------------------


def curve(arrow, count=60):
    """Return points on the way of an arrow, in SVG units."""
    begin, pull, end = spacetime_module._way(arrow, APART)
    parts = [number / count for number in range(count + 1)]
    return [
        tuple((1 - t) ** 2 * a + 2 * t * (1 - t) * b + t**2 * c for a, b, c in zip(begin, pull, end)) for t in parts
    ]


def distance(a, b):
    return ((a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2) ** 0.5


def foreign_marks(diagram, arrow):
    """Return where the marks are in which an arrow neither begins nor ends."""
    own = {arrow["cause"], arrow["deliver"]}
    return [
        spacetime_module._at(event["x"], event["line"], APART)
        for event in diagram["events"] if event["n"] not in own and event["kind"] != "drop"
    ]  # fmt: skip


def one_after_the_other(servers: int, order=None) -> World:
    """A broadcast of server 1 that arrives at 2, 3, 4 … in this order, as drawn arrows of one slope."""
    world = World(servers=servers, clients=0)
    world.happen(Choice("fire", 1, what=ElectionTimeout()))
    for receiver in order or range(2, servers + 1):
        world.deliver(next(flight for flight in world.flying.values() if flight.receiver == receiver))
    return world


@pytest.mark.parametrize("servers", [3, 5, 7, 9])
def test_messages_that_leave_together_and_arrive_in_turn_run_through_no_other_server(servers):
    diagram = spacetime(one_after_the_other(servers).trace)
    taken = [arrow for arrow in diagram["arrows"] if arrow["to"] is not None]
    assert len(taken) == servers - 1
    for arrow in taken:
        for mark in foreign_marks(diagram, arrow):
            assert min(distance(point, mark) for point in curve(arrow)) > 8  # a mark's radius is 6
    for arrow, other in combinations(taken, 2):  # and none covers another
        assert max(min(distance(point, near) for near in curve(other)) for point in curve(arrow)[:30]) > 4


@pytest.mark.parametrize("order", [None, [3, 2], [2, 3]])
def test_an_arrow_with_a_free_way_is_straight(order):
    diagram = spacetime(one_after_the_other(3, order).trace)
    assert [arrow for arrow in diagram["arrows"] if "bend" in arrow and arrow["to"][1] == 1] == []
    assert any("bend" in arrow for arrow in diagram["arrows"]) == (order != [3, 2])


@pytest.mark.parametrize("seed", range(3))
def test_in_a_busy_run_too_no_arrow_runs_through_a_mark_on_its_way(seed):
    diagram = spacetime(simulated(seed))
    height = {event["n"]: event["line"] for event in diagram["events"]}
    bent = 0
    for arrow in diagram["arrows"]:
        if arrow["to"] is None or abs(arrow["to"][1] - arrow["from"][1]) < 2:
            continue
        low, high = sorted([arrow["from"][1], arrow["to"][1]])
        between = {**diagram, "events": [event for event in diagram["events"] if low < height[event["n"]] < high]}
        for mark in foreign_marks(between, arrow):
            assert min(distance(point, mark) for point in curve(arrow, 100)) > 7
        bent += "bend" in arrow
    assert 0 < bent < len(diagram["arrows"]) / 3


@pytest.mark.parametrize("lines", [3, 5, 7, 9])
def test_a_lost_message_ends_in_a_cross_between_two_lines(lines):
    world = World(servers=lines, clients=0)
    world.set_link(1, 2, cut=True)
    world.happen(Choice("fire", 1, what=ElectionTimeout()))
    for flight in list(world.flying.values()):
        world.drop(flight)
    lost = [arrow for arrow in spacetime(world.trace)["arrows"] if "lost" in arrow]
    assert len(lost) == lines - 1
    for arrow in lost:
        _, _, (_, y) = spacetime_module._way(arrow, APART)
        assert (y - TOP) / APART % 1 == pytest.approx(0.5)


def test_no_arrow_turns_back_in_time():
    for arrow in spacetime(simulated(3), most=200)["arrows"]:
        xs = [x for x, _ in curve(arrow)]
        assert xs == sorted(xs)


# Happens-before ---------------------------------------------------------------------------------------------


def test_happens_before_has_no_circle_and_follows_the_order_of_the_trace():
    graph = spacetime_graph(simulated())
    assert nx.is_directed_acyclic_graph(graph)
    assert all(a < b for a, b in graph.edges)


def test_what_one_node_does_is_in_one_line_and_concurrent_turns_are_in_no_order():
    world = World(servers=3)
    world.happen(Choice("fire", 1, what=ElectionTimeout()))
    world.happen(Choice("fire", 2, what=ElectionTimeout()))
    flight = next(flight for flight in world.flying.values() if flight.sender == 1 and flight.receiver == 2)
    world.deliver(flight)
    graph = spacetime_graph(world.trace)
    one, two, delivered = [n for n, kind in graph.nodes(data="kind") if kind != "start"]
    assert not nx.has_path(graph, one, two) and not nx.has_path(graph, two, one)
    assert nx.has_path(graph, one, delivered) and nx.has_path(graph, two, delivered)
    assert graph.edges[one, delivered]["name"] == "Prepare"
    assert graph.nodes[delivered]["says"].startswith("server 2 gets Prepare 1.1")


# As SVG -----------------------------------------------------------------------------------------------------


def without_style(text: str) -> str:
    return re.sub("<style>.*?</style>", "<style/>", text, flags=re.DOTALL)


def test_the_picture_is_the_one_that_was_looked_at():
    expected = (GOLDEN / "spacetime.svg").read_text(encoding="utf-8")
    assert expected == without_style(spacetime_svg(spacetime(busy().trace))) + "\n"


def test_the_legend_fits_into_the_picture_however_little_has_happened():
    text = spacetime_svg(spacetime(World(servers=3).trace))
    width = int(re.search(r'viewBox="0 0 (\d+) ', text)[1])
    legend = text.split('<g class="legend">')[1]
    ends = [float(x) + 9.6 * len(words) for x, words in re.findall(r'<text x="([\d.]+)"[^>]*>(.+?)</text>', legend)]
    assert len(ends) == 6 and max(ends) <= width


def elements(text: str) -> list[str]:
    return [element.tag for element in ET.fromstring(text).iter()]


@pytest.mark.parametrize("text", NASTY)
def test_what_a_user_types_adds_no_element(text):
    plain, nasty = with_leader(), with_leader()
    for world, typed in ((plain, "plain"), (nasty, text)):
        put(world, typed, typed)
        settle(world)
    expected = elements(spacetime_svg(spacetime(plain.trace)))
    assert expected == elements(spacetime_svg(spacetime(nasty.trace)))


def test_what_a_user_types_is_said_as_typed():
    world = with_leader()
    put(world, "<b>&", "</svg>")
    said = [element.text for element in ET.fromstring(spacetime_svg(spacetime(world.trace))).iter()]
    assert "client 1 is asked to put '<b>&' '</svg>'" in said


def test_every_event_can_be_found_with_what_caused_it():
    diagram = spacetime(busy().trace)
    drawn = [element.attrib for element in ET.fromstring(spacetime_svg(diagram)).iter() if "data-n" in element.attrib]
    causes = {int(attributes["data-n"]): int(attributes["data-cause"]) for attributes in drawn}
    assert {event["n"]: event["cause"] for event in diagram["events"]}.items() <= causes.items()
    assert {arrow["n"]: arrow["cause"] for arrow in diagram["arrows"]}.items() <= causes.items()


def test_the_text_twin_tells_every_event_and_what_is_on_its_way():
    world = busy()
    diagram = spacetime(world.trace)
    twin = describe(diagram)
    assert ET.fromstring(spacetime_svg(diagram)).attrib["aria-label"] == twin
    assert all(event["says"] in twin for event in diagram["events"])
    assert "block 0 is decided there" in twin and "Accept from server 2 is on its way" in twin


def test_marks_are_told_apart_by_shape_not_by_colour_alone():
    shapes = list(spacetime_module.MARKS.values())
    assert len(set(shapes)) == len(shapes)


def test_no_two_names_on_one_side_of_a_line_overlap():
    diagram = spacetime(simulated(), most=60)
    taken: dict[float, float] = {}
    for x, y, name, _ in sorted(spacetime_module.names(diagram)):
        half = len(name) * spacetime_module.LETTER / 2
        assert taken.get(y, 0.0) <= x - half
        taken[y] = x + half
    assert taken


# With matplotlib --------------------------------------------------------------------------------------------


def test_a_name_stands_where_its_arrows_are_not():
    world = World(servers=3)
    for server in (1, 3):
        world.happen(Choice("fire", server, what=ElectionTimeout()))  # their messages dangle down, and up
    drawn = ET.fromstring(spacetime_svg(spacetime(world.trace), apart=100)).iter()
    tops = [float(element.attrib["y"]) for element in drawn if element.attrib.get("class") == "name"]
    assert [top - line for top, line in zip(tops, (46, 246))] == [-17, 29]


def test_the_figure_names_the_lines_and_the_messages():
    figure = draw_spacetime(busy().trace)
    figure.canvas.draw()
    said = {text.get_text() for text in figure.axes[0].texts}
    assert {"server 1", "server 3", "client 1", "Prepare", "Accept", "0"} <= said


def test_the_figure_shows_a_window_as_well():
    figure = draw_spacetime(busy().trace, servers=[1], most=3)
    said = {text.get_text() for text in figure.axes[0].texts}
    assert "server 1" in said and "server 2" not in said


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    picture = without_style(spacetime_svg(spacetime(busy().trace)))
    (GOLDEN / "spacetime.svg").write_text(picture + "\n", encoding="utf-8")
