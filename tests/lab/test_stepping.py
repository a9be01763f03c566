"""Time in the lab: it stops, goes back, branches and goes on, by method and by what a click or a key sends."""

from __future__ import annotations

import base64
import gzip
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from paxoskit.lab.lab import Inspection, Lab
from paxoskit.lab.moment import MARK, at_text, read
from paxoskit.lab.news import patched
from paxoskit.lab.scenes import SCENES, begin
from paxoskit.lab.session import NotNow
from paxoskit.protocol.messages import Accept
from paxoskit.worlds.choice import Choice
from paxoskit.worlds.cluster import Cluster
from paxoskit.worlds.simulator import Simulator
from paxoskit.worlds.stepper import Abandoned
from paxoskit.worlds.steppers import story_of
from paxoskit.worlds.story import Story, StoryError


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with Cluster(3, clients=2, seed=1) as cluster:
        yield cluster
        assert (cluster.violations, cluster.errors) == ([], [])
        assert cluster.recording().differences() == []


@pytest.fixture
def lab(cluster: Cluster) -> Iterator[Lab]:
    lab = Lab(cluster)
    yield lab
    if cluster.paused:
        lab.resume()
    lab.close()


@pytest.fixture
def story() -> Iterator[Lab]:
    """A lab over a story of twenty choices, in which a leader is elected and a client asks."""
    stepper, _ = begin("dead leader after Accept")
    stepper.goto(20)
    lab = Lab(story_of(stepper))
    yield lab
    lab.close()


def until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.005)


def act(lab: Lab, **message: Any) -> None:
    lab._panel.picture._handle_custom_msg(message, [])


def log(lab: Lab) -> list[str]:
    return list(lab._panel.picture.log)


def shown(lab: Lab) -> dict[str, Any]:
    return lab._panel.picture.time


def accepts(lab: Lab) -> list[Any]:
    """The Accepts that fly, the newest block's first."""
    found = [flight for flight in lab.messages() if type(flight.message) is Accept]
    return sorted(found, key=lambda flight: -flight.message.block.height)


def paused_in_mid_flight(lab: Lab, cluster: Cluster) -> Any:
    """Ask for a put, and pause while its Accepts fly; return the call."""
    cluster.put("colour", "white")
    cluster.latency = 0.05
    call = lab.put("colour", "blue", timeout=60)
    until(lambda: any(flight.message.block.height == 1 for flight in accepts(lab)))
    lab.pause()
    return call


# The journeys ----------------------------------------------------------------------------------------------


def test_pause_drop_decide_back_deliver_resume(lab: Lab, cluster: Cluster) -> None:
    call = paused_in_mid_flight(lab, cluster)
    moment, flight = lab._session.stepper.moment.number, accepts(lab)[0]
    assert "is lost" in lab.drop(flight)
    lab.decision()
    other = lab.put("other", 1, client=2)
    while not other.future.done():
        lab.step()
    left = lab.put("left", 1, client=2)
    while lab._session.stepper.moment.number > moment:
        lab.back()
    lab.goto(moment)
    assert "gets Accept" in lab.deliver(flight)
    until(lambda: [branch["parent"] for branch in shown(lab).get("branches", ())] == [None, 1])
    lab.resume()
    assert call.result(20) is None
    assert repr(left) == "put 'left' 1 → this was asked in a branch that was left"
    with pytest.raises(Abandoned):
        left.result(0)
    cluster.latency = 0.0
    assert [cluster.get(key) for key in ("colour", "other", "left")] == ["blue", None, None]
    names = [thread.name for thread in threading.enumerate() if thread.name.startswith("paxoskit server")]
    assert sorted(names) == [f"paxoskit server {server}" for server in cluster.servers]
    expected = {("put 'left' 1", "abandoned"), ("put 'other' 1", "abandoned"), ("put 'colour' 'blue'", "answered")}
    until(lambda: {(entry["asked"], entry["state"]) for entry in lab._panel.picture.calls} >= expected)


def test_a_put_from_a_cell_is_answered_while_time_stands_still(lab: Lab, cluster: Cluster) -> None:
    cluster.put("x", 0)
    lab.pause()
    call = lab.put("x", 1)
    assert repr(call) == "put 'x' 1 → waiting"
    for kind in ("Request", "Accept", "Accepted", "Reply"):
        while kind not in {type(flight.message).__name__ for flight in lab.messages()}:
            lab.step()
        lab.deliver(kind)
    until(call.future.done)
    assert repr(call) == "put 'x' 1 → done"
    lab.resume()
    assert cluster.get("x") == 1


def test_the_leader_crashes_is_replaced_and_catches_up(lab: Lab, cluster: Cluster) -> None:
    cluster.put("x", 1)
    leader = cluster.wait_for_leader()
    lab.pause()
    lab.fail(leader, "kept")
    while not (leaders := [server for server in cluster.servers if lab.inspect(server).memory.get("leading") == "yes"]):
        lab.step()
    assert leaders != [leader]
    call = lab.put("x", 2)
    while not call.future.done():
        lab.step()
    lab.restart(leader)
    while not lab.inspect(leader).disk["chain"].startswith("2 blocks"):
        lab.step()
    lab.resume()
    assert cluster.get("x") == 2


def test_one_direction_of_a_link_is_cut_and_mended_while_paused(lab: Lab, cluster: Cluster) -> None:
    lab.pause()
    act(lab, act="cut", a=1, b=2, both=False)
    until(lambda: lab._panel.picture.scene["cut"] == [[1, 2]])
    act(lab, act="cut", a=1, b=2, both=False)
    until(lambda: log(lab)[0] == "the link from server 1 to server 2 is cut already")
    act(lab, act="mend", a=1, b=2)
    until(lambda: lab._panel.picture.scene["cut"] == [])


def test_a_cluster_that_is_paused_in_a_cell_is_stepped_and_let_go_in_a_cell(lab: Lab, cluster: Cluster) -> None:
    cluster.put("x", 1)
    cluster.pause()
    until(lambda: shown(lab)["mode"] == "stepped")
    lab.step()
    cluster.resume()
    until(lambda: shown(lab)["mode"] == "live")
    with pytest.raises(NotNow, match="time goes by: pause first"):
        lab.step()
    assert cluster.get("x") == 1


def test_time_says_where_it_is_and_what_can_be_done(lab: Lab, cluster: Cluster) -> None:
    assert set(shown(lab)["can"]) == {"step", "round", "decision", "back", "forward", "again", "resume"}
    cluster.put("x", 1)
    lab.pause()
    until(lambda: shown(lab)["mode"] == "stepped")
    time_ = shown(lab)
    assert (time_["moment"], time_["branch"], time_["checkpoint"]) == (time_["count"], 1, 0)
    assert time_["can"] == {
        "forward": "this is the end of “as it was”: step on", "pause": "time stands still already"
    }  # fmt: skip
    lab.again()
    until(lambda: shown(lab)["moment"] == 0)
    assert (shown(lab)["did"], shown(lab)["can"]["back"]) == ("the beginning", "this is the beginning")


# By click and by key ---------------------------------------------------------------------------------------


def test_every_way_through_time_can_be_sent_by_the_picture(lab: Lab, cluster: Cluster) -> None:
    cluster.put("x", 1)
    act(lab, act="pause")
    until(lambda: shown(lab)["mode"] == "stepped")
    for way in ("step", "round", "back", "forward", "again", "decision"):
        before = lab._session.changes
        act(lab, act=way)
        until(lambda before=before: lab._session.changes > before)  # type: ignore[misc]
    act(lab, act="quiet", on=True)
    until(lambda: shown(lab)["quiet"])
    act(lab, act="goto", moment=3)
    until(lambda: shown(lab)["moment"] == 3)
    act(lab, act="what_if", event=lab._session.stepper.moment.event.n)
    until(lambda: len(shown(lab)["branches"]) == 2 and shown(lab)["moment"] == 2)
    act(lab, act="name", branch=2, name="  what\nif ")
    until(lambda: shown(lab)["branches"][1]["name"] == "what if")
    act(lab, act="goto", moment=1, branch=1)
    until(lambda: (shown(lab)["moment"], shown(lab)["branch"]) == (1, 1))
    act(lab, act="resume")
    until(lambda: shown(lab)["mode"] == "live")


def test_a_message_is_delivered_dropped_doubled_and_held_by_click(lab: Lab, cluster: Cluster) -> None:
    paused_in_mid_flight(lab, cluster)
    first, second, *_ = accepts(lab)
    for flight in accepts(lab)[2:]:
        lab.drop(flight)  # of the block before
    act(lab, act="choose", choice={"kind": "duplicate", "number": first.number})
    until(lambda: len(accepts(lab)) == 3)
    act(lab, act="choose", choice={"kind": "deliver", "number": first.number})
    until(lambda: len(accepts(lab)) == 2)
    act(lab, act="choose", choice=Choice("drop", second.receiver, second.sender, second.message).as_json())
    until(lambda: len(accepts(lab)) == 1)
    act(lab, act="hold", number=accepts(lab)[0].number)
    until(lambda: any(message.get("held") for message in lab._panel.picture.scene["messages"]))
    act(lab, act="release", number=accepts(lab)[0].number)
    until(lambda: not any(message.get("held") for message in lab._panel.picture.scene["messages"]))
    act(lab, act="choose", choice={"kind": "deliver", "number": second.number})
    until(lambda: "no longer in flight" in log(lab)[0])


@pytest.mark.parametrize(
    "message",
    [
        None, 7, [], "step", {"act": 7}, {"act": "eval"}, {"act": "choose"}, {"act": "choose", "choice": 3},
        {"act": "choose", "choice": {}}, {"act": "choose", "choice": {"kind": "deliver", "node": [], "what": {"x": 1}}},
        {"act": "choose", "choice": {"number": "1"}}, {"act": "choose", "choice": {"kind": None, "number": []}},
        {"act": "hold", "number": -1}, {"act": "release", "number": 10**30}, {"act": "fire", "node": 99},
        {"act": "fire", "node": 1, "timer": {}}, {"act": "fail", "server": 1, "disk": {"a": 1}},
        {"act": "fail", "server": True}, {"act": "cut", "a": "x", "b": 1}, {"act": "link", "a": 1, "b": 2, "loss": "x"},
        {"act": "link", "a": 1, "b": 2, "delay": -1}, {"act": "goto", "moment": -1}, {"act": "goto", "moment": 10**9},
        {"act": "goto", "moment": 0, "branch": "x"}, {"act": "goto", "event": 0}, {"act": "what_if", "event": 0},
        {"act": "name", "branch": 7, "name": "x"}, {"act": "name", "branch": 1, "name": ""},
        {"act": "speed", "factor": 0}, {"act": "speed", "factor": float("nan")}, {"act": "inspect", "node": 99},
        {"act": "block", "hash": "zz"}, {"act": "window", "first": -5},
        {"act": "filter", "servers": 3, "kinds": [None]}, {"act": "panel", "name": "spacetime", "shown": 1},
        {"act": "restart", "server": 1},
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_a_line_in_the_log_at_most(message: Any) -> None:
    lab = Lab.scene("stale leader")
    lab._panel.picture._handle_custom_msg(message, [])
    act(lab, act="step")
    until(lambda: shown(lab)["moment"] > 0)
    assert lab._thread.is_alive()
    assert all("\n" not in line and len(line) < 400 for line in log(lab))
    lab.close()


def test_what_is_inspected_is_shown_and_follows(lab: Lab, cluster: Cluster) -> None:
    cluster.put("x", 1)
    lab.pause()
    act(lab, act="inspect", node=2)
    until(lambda: lab._panel.picture.inspect.get("node") == 2)
    lab.fail(2, "lost")
    until(lambda: lab._panel.picture.inspect["lost"])
    act(lab, act="block", hash=cluster.chain(1)[0].hash[-8:])
    until(lambda: lab._panel.picture.inspect.get("kind") == "block")
    seen = lab.inspect(1)
    assert isinstance(seen, Inspection) and "on disk:\n    promised:" in repr(seen)


def test_the_diagram_is_drawn_when_it_is_looked_at(lab: Lab, cluster: Cluster) -> None:
    for value in range(20):
        cluster.put("x", value)
    lab.pause()
    time.sleep(0.2)
    assert lab._panel.picture.spacetime == {}
    act(lab, act="panel", name="spacetime", shown=True)
    until(lambda: lab._panel.picture.spacetime.get("events"))
    act(lab, act="filter", servers=[1], kinds=None)
    until(lambda: 2 not in lab._panel.picture.spacetime["lines"])
    newest = lab._panel.picture.spacetime["first"]
    act(lab, act="window", first=1)
    until(lambda: lab._panel.picture.spacetime["first"] < newest)


def test_of_the_diagram_only_what_is_new_is_sent(lab: Lab, cluster: Cluster, monkeypatch: Any) -> None:
    for value in range(40):
        cluster.put("x", value)
    lab.pause()
    act(lab, act="panel", name="spacetime", shown=True)
    picture = lab._panel.picture
    until(lambda: len(picture.spacetime.get("events", ())) == 60)
    sent: list[dict[str, Any]] = []
    with lab._session.lock:  # type: ignore[union-attr]  # what is set now has been sent
        monkeypatch.setattr(picture, "_send", lambda message, buffers=None: sent.append(message["state"]))
        diagram = json.loads(json.dumps(picture.spacetime))
    lab.put("x", "new")
    for _ in range(12):
        lab.step()
        until(lambda: picture.time["moment"] == lab._session.stepper.moment.number)  # type: ignore[union-attr]
    until(lambda: picture.spacetime["version"] == sent[-1].get("news", {}).get("version"))
    for state in sent:
        assert "spacetime" not in state
        diagram = patched(diagram, state["news"]) if "news" in state else diagram
    assert max(len(json.dumps(state.get("news"))) for state in sent) < 2_000
    assert diagram == json.loads(json.dumps(picture.spacetime))
    act(lab, act="panel", name="spacetime", shown=True)
    until(lambda: "spacetime" in sent[-1])


def test_links_that_lose_or_are_slow_stand_in_the_network(lab: Lab) -> None:
    act(lab, act="link", a=1, b=2, loss=0.5)
    lab.link(2, 1, delay=3)

    def rows() -> list[Any]:
        return [row for row in lab._panel.picture.network["rows"] if (row["loss"], row["delay"]) != (0.0, 1.0)]

    odd = [
        {"a": 1, "b": 2, "up": True, "loss": 0.5, "delay": 1.0},
        {"a": 2, "b": 1, "up": True, "loss": 0.0, "delay": 3.0},
    ]
    until(lambda: rows() == odd)
    lab.link(1, 2, loss=0)
    lab.link(2, 1, delay=1)
    until(lambda: rows() == [])


def test_speed_has_its_keys(lab: Lab, cluster: Cluster) -> None:
    cluster.latency = 0.4
    lab.speed(2)
    assert cluster.latency == 0.2
    act(lab, act="speed", factor=0.5)
    until(lambda: cluster.latency == 0.4)


# Stories, simulators, traces, scenes -----------------------------------------------------------------------


def test_what_a_check_found_stands_at_the_end_of_its_story() -> None:
    begin = Story(nodes=("paxoskit:Server",) * 3, choices=(Choice("crash", 2), Choice("crash", 3)), claims="none")
    told = replace(begin, says="server 2 promised, and then crashed")
    for lab in (Lab(told), Lab.at(told)):
        lab.goto(0)
        found = []
        for _ in range(2):
            lab.step()
            found.append(lab._session.time().get("found"))
        assert found == [None, told.says]
        lab.step()
        assert "found" not in lab._session.time()
        lab.goto(2)
        assert lab._session.time()["found"] == told.says
        lab.close()
    for silent in (begin, replace(told, claim="agreement")):  # a claim that fell says it itself
        lab = Lab(silent)
        lab.goto(2)
        assert "found" not in lab._session.time()
        lab.close()


def test_a_story_is_stepped_from_its_beginning(story: Lab) -> None:
    assert (story._session.time()["moment"], story._session.time()["count"]) == (0, 20)
    assert story.step() == "server 1 hears its own timer ElectionTimeout"
    story.goto(20)
    assert story._session.time()["count"] == 20
    story.fail(2)
    assert story.story().choices[-1] == Choice("crash", 2)
    with pytest.raises(ValueError, match="server 2 is down already"):
        story.fail(2)


def test_a_simulators_run_is_stepped_and_played() -> None:
    lab = Lab(Simulator(seed=3, nemesis="all"))
    for _ in range(5):
        lab.step()
    reached = lab._session.stepper.moment.number
    lab.speed(50)
    lab.resume()
    until(lambda: lab._session.stepper.moment.number > reached + 20)
    lab.pause()
    stands = lab._session.stepper.moment.number
    time.sleep(0.2)
    assert lab._session.stepper.moment.number == stands
    assert lab._session.judged().violations == []
    lab.close()


def test_a_trace_is_looked_at_and_not_changed(cluster: Cluster) -> None:
    simulator = Simulator(seed=2)
    simulator.run(100)
    lab = Lab(simulator.trace)
    assert lab._session.time()["mode"] == "view"
    lab.step()
    lab.step()
    lab.back()
    for change in (lambda: lab.fail(1), lambda: lab.put("x", 1), lab.resume, lab.pause, lambda: lab.fire(1)):
        with pytest.raises(NotNow, match="this is a recording"):
            change()
    lab.goto(lab._session.time()["count"])
    with pytest.raises(ValueError, match="this is the end"):
        lab.step()
    lab.close()


def test_a_moment_is_opened_again_by_the_line_that_it_gives(lab: Lab, cluster: Cluster) -> None:
    cluster.put("x", [1, "é"])
    lab.pause()
    for _ in range(3):
        lab.back()
    lab.fail(2)
    line = lab.here()
    assert line.startswith("Lab.at('story:") and "\n" not in line
    again = eval(line, {"Lab": Lab})
    assert again.inspect(1).disk == lab.inspect(1).disk
    assert again.inspect(2).says == lab.inspect(2).says
    assert [flight[1:] for flight in again.messages()] == [flight[1:] for flight in lab.messages()]
    again.close()


def test_a_live_clusters_story_is_told_without_stopping_it(lab: Lab, cluster: Cluster) -> None:
    cluster.put("x", 1)
    told = lab.story()
    assert told.replay().chain(1).height == 1
    assert not cluster.paused
    assert cluster.get("x") == 1


@pytest.mark.parametrize(
    "text", ["", "hello", MARK, MARK + "!!!!", MARK + "eJw=", "[]", "{}", at_text(Story(("paxoskit:Server",)))[:-9]]
)
def test_what_is_no_moment_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(StoryError) as caught:
        Lab.at(text)
    assert str(caught.value).startswith("expected a") and "\n" not in str(caught.value)


def test_a_story_in_json_is_a_moment_too() -> None:
    story = Story(("paxoskit:Server",) * 3, (Choice("crash", 2),))
    assert read(json.dumps(story.as_json())) == story == read(at_text(story))
    lab = Lab.at(story)
    assert "server 2, down" in lab.snapshot().svg
    lab.close()


def test_where_there_is_no_client_links_can_be_chosen_and_nobody_can_be_asked() -> None:
    lab = Lab.at(Story(("paxoskit:Server",) * 3, clients=()))
    panel = lab._panel
    assert [name for _, name in panel.sender.options] == [1, 2, 3]
    assert (panel.sender.value, panel.receiver.value) == (1, 2)
    assert [row.layout.display for row in panel.controls] == ["none", None, None]
    lab.close()


def test_classes_of_a_story_are_loaded_only_after_it_was_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    source = "from paxoskit.protocol.server import Server\nprint('running')\nclass Mine(Server):\n    pass\n"
    (tmp_path / "mine.py").write_text(source, encoding="utf-8")
    story = Story(("mine.py:Mine",) * 3)
    lab = Lab.at(story)
    out = capsys.readouterr().out
    assert out.splitlines() == ["paxoskit: the story names the class mine.py:Mine: running that file", "running"]
    assert lab.story().nodes == story.nodes
    lab.close()
    with pytest.raises(StoryError, match=r"the story needs the class mine\.py:Mine"):
        Lab(story)


@pytest.mark.parametrize("paused", [True, False])
def test_of_a_long_way_the_end_is_exported_and_the_page_says_so(
    lab: Lab, cluster: Cluster, tmp_path: Path, monkeypatch: Any, paused: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    for number in range(200):
        cluster.put("x", number)
    if paused:
        lab.pause()
    before = cluster.trace.count
    newest = lab._session.recording(30)  # type: ignore[union-attr]
    assert newest.start.trace.count > 2_000 and newest.differences() == []
    assert newest.events[-1].n >= before
    counted: list[tuple[int, int]] = []
    text = lab.export("end.html", lambda done, of: counted.append((done, of)), most=30).read_text()
    packed = re.search('id="film">(.+?)</script>', text)[1]  # type: ignore[index]
    frames = json.loads(gzip.decompress(base64.b64decode(packed)))["frames"]
    assert len(frames) == len(counted) == 30
    assert re.fullmatch(r"as it stood after event [\d,]+; what was before is left out", frames[0]["says"])
    assert lab._session.mode == ("stepped" if paused else "live")  # type: ignore[union-attr]


def test_the_way_to_a_moment_is_exported(lab: Lab, cluster: Cluster, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    cluster.put("x", 1)
    lab.pause()
    lab.fail(2)
    assert Story.load(lab.export("story.json")).choices[-1] == Choice("crash", 2)
    assert lab.recording().differences() == []
    assert Path(lab.export("story.html")).read_text(encoding="utf-8").startswith("<!doctype html>")
    *_, last = Path(lab.export("story.jsonl")).read_text(encoding="utf-8").splitlines()
    assert '"kind":"crash","node":2' in last


# The ready scenes ------------------------------------------------------------------------------------------


def roles(lab: Lab) -> dict[int, str]:
    return {server: lab.inspect(server).says.split(", ")[1] for server in sorted(lab._panel.processes)}


def heights(lab: Lab) -> list[int]:
    with lab._session.look() as world:
        return [world.chain(server).height for server in world.servers]


@pytest.mark.parametrize("name", SCENES)
def test_a_scene_is_told_by_one_key_forward_and_back(name: str) -> None:
    lab = Lab.scene(name)
    _, beats = begin(name)
    told = [lab.step() for _ in beats]
    assert told == list(beats.values())
    assert [lab.back() for _ in beats] == [*reversed(told[:-1]), "the beginning"]
    assert lab._session.time()["next"] == told[0]
    assert lab._session.judged().violations == []
    assert all(words[0].isupper() or words[0] == "…" for words in told) and max(map(len, told)) < 130
    lab.goto(max(beats))
    lab.again()
    assert lab._session.time()["moment"] == 0
    lab.close()


def test_a_scene_is_the_same_each_time() -> None:
    for name in SCENES:
        one, two = begin(name)[0], begin(name)[0]
        for stepper in (one, two):
            stepper.goto(stepper.trunk.tip.number)
        assert list(one.trace()) == list(two.trace())


def told(name: str, steps: int) -> Lab:
    lab = Lab.scene(name)
    for _ in range(steps):
        lab.step()
    return lab


def test_in_the_dead_leaders_scene_the_next_leader_proposes_the_very_block_that_was_voted_for() -> None:
    lab = told("dead leader after Accept", 3)
    with lab._session.look() as world:
        block = world.disks[2].vote.block
        assert [world.disks[server].vote is not None for server in world.servers] == [True, True, True, False, False]
    lab.step()
    assert roles(lab)[1] == "down"
    for _ in range(9):
        lab.step()
    with lab._session.look() as world:
        assert [list(world.chain(server)) for server in world.servers] == [[block]] * 5
    lab.close()


def test_in_the_duel_nothing_is_decided_until_one_is_left_alone() -> None:
    lab = told("duel", 9)
    ballots = {event.what.ballot for event in lab.trace if type(event.what).__name__ == "Prepare"}
    assert sorted(ballots) == [(1, 1), (1, 3), (2, 1), (3, 3)]
    assert (heights(lab), "leader" in roles(lab).values()) == ([0, 0, 0], False)
    lab.step()
    lab.step()
    assert (heights(lab), roles(lab)[3]) == ([1, 1, 1], "leader")
    lab.close()


def test_in_the_split_only_the_larger_side_decides() -> None:
    lab = told("split 2 and 3", 9)
    assert (heights(lab), roles(lab)[1]) == ([1, 1, 2, 2, 2], "follower")
    for _ in range(3):
        lab.step()
    assert heights(lab) == [3] * 5
    lab.close()


def test_in_the_bridges_scene_only_the_bridge_can_lead() -> None:
    lab = told("bridge", len(begin("bridge")[1]))
    with lab._session.look() as world:
        assert {frozenset(link) for link in world.cut} == {
            frozenset({a, b}) for a in (1, 2, 4, 5) for b in (1, 2, 4, 5) if a != b
        }
    assert (heights(lab), roles(lab)[3]) == ([2] * 5, "leader")
    lab.close()


def test_in_the_stale_leaders_scene_two_lead_and_one_decides() -> None:
    lab = told("stale leader", 6)
    assert (roles(lab), heights(lab)) == ({1: "leader", 2: "leader", 3: "follower"}, [0, 1, 1])
    for _ in range(5):
        lab.step()
    assert (roles(lab)[1], heights(lab)) == ("follower", [2, 2, 2])
    lab.close()


def test_a_choice_of_ones_own_in_a_scene_is_a_branch_of_it() -> None:
    lab = told("duel", 2)
    lab.deliver("Promise", to=1)
    assert [branch["name"] for branch in lab._session.time()["branches"]] == ["duel", "branch 2"]
    while roles(lab)[1] != "leader":
        lab.step()
    lab.close()


@pytest.mark.parametrize("steps", [1, 2, 5])
def test_a_wrong_click_in_a_scene_is_undone_by_one_key_and_the_scene_goes_on(steps: int) -> None:
    lab, other = Lab.scene("duel"), Lab.scene("duel")
    for one in (lab, other):
        for _ in range(steps):
            one.step()
    said = lab._session.did()  # type: ignore[union-attr]
    lab.deliver(lab.messages()[-1])
    assert lab._session.did() != said  # type: ignore[union-attr]
    assert lab.back() == said
    assert lab.messages() == other.messages()
    assert lab.step() == other.step()
    lab.back()
    lab.duplicate(lab.messages()[-1])
    assert len(lab._session.stepper.branches) == 3  # type: ignore[union-attr]
    lab.close()
    other.close()


def test_a_heartbeat_that_was_chosen_is_one_step_to_go_back(lab: Lab, cluster: Cluster) -> None:
    cluster.put("x", 1)
    lab.pause()
    for _ in range(4):
        lab.step()
    lab.quiet(False)
    before = lab._session.stepper.moment  # type: ignore[union-attr]
    lab.quiet(True)
    lab.fire(cluster.wait_for_leader(), "HeartbeatTimeout")
    lab.back()
    assert lab._session.stepper.moment is before  # type: ignore[union-attr]


@pytest.mark.parametrize("name", SCENES)
def test_one_key_past_the_end_of_a_scene_is_undone_by_one_key(name: str) -> None:
    lab = Lab.scene(name)
    for _ in lab._session.beats:
        lab.step()
    end = lab.here()
    lab.step()
    assert lab.here() != end
    lab.back()
    assert lab.here() == end


def test_a_scene_that_is_none_is_named_with_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"scene: expected one of 'dead leader after Accept', .*did you mean 'duel'"):
        Lab.scene("duell")


def test_a_busy_cluster_leaves_no_call_waiting_in_the_book(lab: Lab, cluster: Cluster) -> None:
    for future in [cluster.put_async(key, key, client=key % 2 + 1, timeout=60) for key in range(2_000)]:
        future.result(60)
    cluster.put("x", 1)
    until(lambda: {entry["state"] for entry in lab._panel.picture.calls} == {"answered"})
