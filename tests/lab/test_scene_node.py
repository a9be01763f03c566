"""The lab's JavaScript in Node: what can be done with a thing and why not, the keys, the light cone, types."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from paxoskit.lab.acts import command_of
from paxoskit.lab.page import PARTS, javascript
from paxoskit.lab.scene import spots
from paxoskit.pictures.spacetime import APART, STEP, _way, spacetime
from paxoskit.worlds.simulator import NEMESES, Simulator
from tests.lab.stage import LIVE, STEPPED, ask, in_node, traits, with_a_block

pytest.importorskip("playwright", reason="Node comes with playwright: `pip install -e '.[test]'`")

TOP = Path(__file__).parents[2]
VIEW = {**STEPPED, "mode": "view"}
MESSAGE = {"id": 7, "from": 2, "to": 3, "sent": 0, "due": 9, "name": "Accept"}


def reasons(menu: str) -> dict[str, str | None]:
    """What each item of a menu says against itself, by label."""
    return {item["label"]: item.get("reason") for item in in_node(menu)["items"]}


def scene_with(down: bool) -> str:
    return json.dumps({"nodes": [{"id": 3, "x": 0, "y": 0, "role": "down" if down else "follower"}]})


def message_menu(time: dict, down: bool = False, **more: object) -> str:
    return f"messageMenu({scene_with(down)}, {json.dumps(time)}, {json.dumps({**MESSAGE, **more})})"


def test_a_message_of_a_standing_world_can_be_delivered_dropped_doubled_held_and_can_crash_its_server():
    items = in_node(message_menu(STEPPED))["items"]
    assert [(item["key"], item["reason"], item["act"]) for item in items] == [
        ("v", None, {"act": "choose", "choice": {"kind": "deliver", "number": 7}}),
        ("x", None, {"act": "choose", "choice": {"kind": "drop", "number": 7}}),
        ("u", None, {"act": "choose", "choice": {"kind": "duplicate", "number": 7}}),
        ("h", None, {"act": "hold", "number": 7}),
        ("b", None, {"act": "choose", "choice": {"kind": "deliver", "number": 7, "crash": "before"}}),
        ("n", None, {"act": "choose", "choice": {"kind": "deliver", "number": 7, "crash": "after"}}),
    ]


def test_a_held_message_can_be_let_go():
    assert in_node(message_menu(STEPPED, held=True))["items"][3]["act"] == {"act": "release", "number": 7}


def test_nothing_is_delivered_to_a_server_that_is_down_and_the_menu_says_so():
    assert reasons(message_menu(STEPPED, down=True))["Deliver now"] == "server 3 is down"
    assert reasons(message_menu(STEPPED, down=True))["Drop"] is None


def test_no_client_crashes():
    assert reasons(message_menu(STEPPED, to="client 1"))["Deliver, and crash after the save"].startswith("client 1 is")


@pytest.mark.parametrize(("time", "says"), [(LIVE, "pause first"), (VIEW, "a recording")])
def test_while_time_goes_by_and_in_a_recording_no_message_can_be_chosen(time, says):
    assert all(says in reason for reason in reasons(message_menu(time)).values())


def server_menu(role: str, time: dict = STEPPED) -> str:
    node = {"id": 3, "x": 0, "y": 0, "role": role, "timers": ["T 1", "T 2"]}
    return f"serverMenu({json.dumps(node)}, {json.dumps(time)})"


def test_a_server_crashes_with_a_choice_of_disk_live_too():
    items = in_node(server_menu("follower", LIVE))["items"]
    crashes = [item for item in items if item["act"]["act"] == "fail"]
    assert [item["act"]["disk"] for item in crashes] == ["kept", "last save lost", "lost"]
    assert [item["reason"] for item in crashes] == [None] * 3


@pytest.mark.parametrize(("role", "act"), [("down", "fail"), ("leader", "restart")])
def test_a_server_that_is_down_does_not_crash_and_one_that_is_up_does_not_restart(role, act):
    against = [item["reason"] for item in in_node(server_menu(role))["items"] if item["act"]["act"] == act]
    assert against and all("already" in reason for reason in against)


def test_each_timer_can_be_let_ring_while_time_stands_still():
    items = in_node(f"timerItems({{id: 3, timers: ['T 1', 'T 2']}}, {json.dumps(STEPPED)})")
    assert [item["act"]["choice"] for item in items] == [
        {"kind": "fire", "node": 3, "timer": "T 1"},
        {"kind": "fire", "node": 3, "timer": "T 2"},
    ]
    assert "pause first" in in_node(f"timerItems({{id: 3, timers: ['T']}}, {json.dumps(LIVE)})")[0]["reason"]


def test_a_link_is_cut_and_mended_each_direction_and_both():
    acts = {item["key"]: item["act"] for item in in_node(f"linkMenu(1, 2, true, false, {json.dumps(LIVE)})")["items"]}
    assert acts == {
        "x": {"act": "cut", "a": 1, "b": 2, "both": True},
        "m": {"act": "mend", "a": 1, "b": 2, "both": True},
        ">": {"act": "mend", "a": 1, "b": 2, "both": False},
        "<": {"act": "cut", "a": 2, "b": 1, "both": False},
    }
    against = [
        [item.get("reason") for item in in_node(f"linkMenu(1, 2, {both}, {both}, {json.dumps(LIVE)})")["items"]][:2]
        for both in ("true", "false")
    ]
    assert against == [["both are cut already", None], [None, "both are up already"]]


def acts(menu: str) -> list[dict]:
    return [item["act"] for item in in_node(menu)["items"]]


def test_every_act_that_the_browser_sends_is_understood_in_the_kernel():
    down, timed = "{id: 3, x: 0, y: 0, role: 'down'}", json.dumps(STEPPED)
    sent = [
        *acts(message_menu(STEPPED)), *acts(message_menu(STEPPED, held=True)), *acts(server_menu("leader")),
        *acts(f"serverMenu({down}, {timed})"), *acts(f"linkMenu(1, 2, true, false, {timed})"),
        *acts(f"linkMenu('client 1', 2, false, true, {timed})"), *acts(f"eventMenu({{n: 7, says: 'x'}}, {timed})"),
        *({"act": way["act"]} for way in in_node("WAYS")), {"act": "pause"}, {"act": "resume"},
        {"act": "quiet", "on": True}, {"act": "speed", "factor": 1.5}, {"act": "speed", "factor": 1 / 1.5},
        {"act": "block", "hash": "a1b2c3d4"}, {"act": "window", "first": None}, {"act": "window", "first": 1},
        {"act": "filter", "servers": [1, 2], "kinds": None}, {"act": "filter", "servers": None, "kinds": ["Accept"]},
        {"act": "panel", "name": "spacetime", "shown": True}, {"act": "goto", "moment": 3},
        {"act": "goto", "moment": 3, "branch": 2}, {"act": "name", "branch": 1, "name": "what if"},
        {"act": "link", "a": 1, "b": 2, "loss": 0.3}, {"act": "link", "a": 1, "b": 2, "delay": 10},
    ]  # fmt: skip
    assert len(sent) > 40
    assert [act for act in sent if command_of(act, None) is None] == []


def test_every_key_does_one_thing_and_every_command_has_a_key():
    keys = in_node("KEYS")
    every = [key for entry in keys for key in entry["keys"]]
    assert len(every) == len(set(every))
    commands = {entry["command"] for entry in keys}
    assert {"step", "back", "round", "decision", "forward", "pause", "again", "quiet", "whatIf", "lecture"} <= commands
    assert in_node("['PageDown', '.', 'PageUp', ',', '9', 'k'].map(commandOf)") == [
        "step", "step", "back", "back", "panel", None,
    ]  # fmt: skip


def test_no_letter_of_a_menu_is_there_twice():
    for menu in (message_menu(STEPPED), server_menu("leader"), f"linkMenu(1, 2, false, false, {json.dumps(LIVE)})"):
        keys = [item["key"] for item in in_node(menu)["items"] if "key" in item]
        assert len(keys) == len(set(keys))


def test_what_led_to_an_event_happened_before_it_and_what_followed_after():
    world = with_a_block(servers=3)
    diagram = spacetime(world.trace, most=1000)
    last = diagram["events"][-1]["n"]
    middle = diagram["events"][len(diagram["events"]) // 2]["n"]
    expression = f"(({{causes, effects}}) => [[...causes], [...effects]])(lightCone({json.dumps(diagram)}, {middle}))"
    causes, effects = in_node(expression)
    assert max(causes) < middle < min(effects) <= last
    arrows = {(arrow["cause"], arrow["deliver"]) for arrow in diagram["arrows"] if arrow["deliver"]}
    assert all(cause in causes for cause, deliver in arrows if deliver in causes)
    assert all(deliver in effects for cause, deliver in arrows if cause in effects)


def test_an_event_of_another_server_that_no_message_joins_is_neither_cause_nor_effect():
    world = with_a_block(servers=3)
    world.crash(1)
    world.crash(3)
    diagram = spacetime(world.trace)
    first, second = (event["n"] for event in diagram["events"][-2:])
    assert in_node(f"[...lightCone({json.dumps(diagram)}, {second}).causes].includes({first})") is False


def test_messages_stand_where_the_still_picture_has_them():
    world = with_a_block()
    for number in range(3):
        ask(world, "x", number)
    seen = traits(world)
    shown = {**seen["scene"], "nodes": seen["nodes"]}
    expected = {message["id"]: (x, y) for message, x, y in spots(shown)}
    drawn = dict(in_node(f"[...spotsOf({json.dumps(shown)}, {shown['at']})]"))
    assert drawn.keys() == expected.keys() and len(drawn) == 3
    assert all(drawn[number] == pytest.approx(expected[number]) for number in drawn)


def test_a_branch_is_drawn_from_where_it_left():
    branches = [
        {"id": 1, "name": "as it was", "parent": None, "at": 0, "length": 9},
        {"id": 2, "name": "what if", "parent": 1, "at": 4, "length": 6},
    ]
    tree = in_node(f"treeOf({json.dumps(branches)})")
    assert [(limb["row"], limb["above"], limb["at"], limb["end"]) for limb in tree] == [(0, None, 0, 9), (1, 0, 4, 6)]


def test_all_parts_are_in_the_one_file():
    assert all((TOP / "paxoskit" / "lab" / f"{part}.js").read_text(encoding="utf-8") in javascript() for part in PARTS)
    assert "\nimport " not in javascript()


def test_no_text_is_ever_parsed_as_markup():
    forbidden = ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function")
    assert [word for word in forbidden if word in javascript()] == []


def typescript() -> list[str] | None:
    """The type checker of TypeScript: `npm install --no-save typescript@5` in the repository, or one on the PATH."""
    local = TOP / "node_modules" / "typescript" / "bin" / "tsc"
    return [node_path(), str(local)] if local.is_file() else [found] if (found := shutil.which("tsc")) else None


def node_path() -> str:
    from tests.lab.stage import node

    return node()


def test_the_types_are_right(tmp_path):
    command = typescript()
    if command is None:
        demanded = os.environ.get("PAXOSKIT_BROWSER") == "required"
        reason = "no TypeScript here: `npm install --no-save typescript@5` in the repository's folder"
        (pytest.fail if demanded else pytest.skip)(reason)
    (tmp_path / "lab.js").write_text(javascript(), encoding="utf-8")
    options = ["--allowJs", "--checkJs", "--noEmit", "--strict", "--target", "es2022",
               "--lib", "es2022,dom,dom.iterable"]  # fmt: skip
    done = subprocess.run([*command, *options, "lab.js"], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.stdout == "" and done.returncode == 0


def fallen(*names: str) -> str:
    first, *others = [{"claim": name, "reason": f"why {name}"} for name in names]
    return json.dumps({"ok": False, "claims": ["a", "b"], **first, "events": [], "others": others})


def test_the_sign_names_all_claims_that_are_broken_as_far_as_it_has_room_and_its_tooltip_tells_why():
    assert in_node(f"verdictSays({fallen('P2b')})") == "✗ “P2b” is broken"
    assert in_node(f"verdictSays({fallen('agreement', 'P2b')})") == "✗ broken: agreement, P2b"
    many = fallen("P2b", "a promise is kept", "agreement", "no acknowledged write is lost", "linearizable per key")
    assert in_node(f"verdictSays({many})") == "✗ broken: P2b, a promise is kept, agreement and 2 more"
    assert in_node(f"reasonsOf({many})").splitlines()[3:] == [
        "“no acknowledged write is lost” is broken: why no acknowledged write is lost",
        "“linearizable per key” is broken: why linearizable per key",
    ]


def test_a_long_name_is_named_all_the_same():
    assert in_node(f"verdictSays({fallen('x' * 90, 'y')})") == f"✗ broken: {'x' * 90} and 1 more"


def test_a_sign_of_an_older_kit_is_read():
    assert in_node("verdictSays({ok: false, claim: 'P2b', claims: []})") == "✗ “P2b” is broken"
    assert in_node("verdictSays({})") == "no claim watches"
    assert in_node("reasonsOf({ok: true, claims: ['P2b']})") == ""


def test_the_browser_draws_the_way_of_an_arrow_as_python_does():
    simulator = Simulator(2, 5, nemesis=NEMESES["all"])
    simulator.run(600)
    arrows = [arrow for arrow in spacetime(simulator.trace)["arrows"] if arrow["to"] is not None]
    assert {"bend", "lost"} <= {key for arrow in arrows for key in arrow}
    drawn = in_node(f"{json.dumps(arrows)}.map(wayOf)")
    aside = 0.4 * STEP  # the lab begins a little farther to the left
    for arrow, found in zip(arrows, drawn, strict=True):
        expected = [[x - aside, y] for x, y in _way(arrow, APART)]
        assert [value for point in found for value in point] == pytest.approx([v for point in expected for v in point])
