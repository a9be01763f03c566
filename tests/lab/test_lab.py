"""The lab without a browser: its widgets are clicked in Python, and what the browser would get is looked at."""

import gc
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest

from paxoskit.lab.lab import PAUSE, Lab
from paxoskit.worlds.cluster import Cluster, NoMajority, Stopped


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with Cluster(3, clients=2) as cluster:
        yield cluster


@pytest.fixture
def lab(cluster) -> Iterator[Lab]:
    lab = Lab(cluster)
    yield lab
    lab.close()


def until(condition: Callable[[], object], seconds: float = 5.0) -> None:
    """Wait until something is so; fail if it takes too long."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.005)


def log(lab: Lab) -> list[str]:
    """What the log says, elections apart: they come when they come."""
    return [line for line in lab._panel.picture.log if "ballot" not in line]


def node(lab: Lab, name: int | str) -> dict:
    return next(node for node in lab._panel.picture.nodes if node["id"] == name)


def threads() -> set[str]:
    return {thread.name for thread in threading.enumerate() if thread.name.startswith("paxoskit")}


# Asking -----------------------------------------------------------------------------------------------------


def test_a_put_and_a_get_by_click_are_answered_in_the_log(lab):
    panel = lab._panel
    panel.key.value, panel.value.value = "{'key1': 'val1'}", "[1, -2]"
    panel.put.click()
    until(lambda: "client 1: put {'key1': 'val1'} [1, -2] → done" in log(lab))
    panel.get.click()
    until(lambda: "client 1: get {'key1': 'val1'} → [1, -2]" in log(lab))


def test_the_chosen_client_asks(lab):
    lab._panel.client.value = 2
    lab._panel.get.click()
    until(lambda: any(line.startswith("client 2: get") for line in log(lab)))


@pytest.mark.parametrize("text", ["hello", "", "<script>alert(1)</script>", "${7*7}", "[" * 10_000, "'\udcff'"])
def test_what_is_no_literal_is_one_line_in_the_log_and_stays_in_its_field(lab, text):
    panel = lab._panel
    panel.key.value = text
    panel.put.click()
    until(lambda: log(lab))
    assert len(log(lab)) == 1 and "\n" not in log(lab)[0] and len(log(lab)[0]) < 300
    assert panel.key.value == text


def test_a_click_asks_for_what_was_typed_at_that_moment(lab):
    lab._panel.key.value = "1"
    lab._panel.put.click()
    lab._panel.key.value = "2"
    until(lambda: "client 1: put 1 'blue' → done" in log(lab))


def test_a_call_shows_its_answer_once_there_is_one(lab):
    call = lab.put("x", [1])
    until(call.future.done)
    assert repr(call) == "put 'x' [1] → done"
    assert lab.get("x").result(timeout=5) == [1]


def test_a_call_that_nobody_answers_says_why(lab):
    lab.fail(1)
    lab.fail(2)
    call = lab.put("x", 1, timeout=0.3)
    assert repr(call) == "put 'x' 1 → waiting"
    with pytest.raises(NoMajority):
        call.result(timeout=5)
    assert "no majority" in repr(call) and "\n" not in repr(call)
    until(lambda: any("whether it takes effect is unknown" in line for line in log(lab)))


# Breaking ---------------------------------------------------------------------------------------------------


def test_a_server_is_failed_and_restarted_by_its_button(lab, cluster):
    button = lab._panel.processes[2]
    button.click()
    until(lambda: button.description == "Restart 2")
    assert node(lab, 2)["role"] == "down"
    button.click()
    until(lambda: button.description == "Fail 2" and node(lab, 2)["role"] != "down")


def test_links_are_cut_and_mended_in_one_direction_or_both(lab):
    panel = lab._panel
    panel.sender.value, panel.receiver.value, panel.both.value = 1, 3, False
    panel.cut.click()
    until(lambda: panel.picture.scene["cut"] == [[1, 3]])
    panel.both.value = True
    panel.cut.click()
    until(lambda: panel.picture.scene["cut"] == [[1, 3], [3, 1]])
    panel.mend.click()
    until(lambda: panel.picture.scene["cut"] == [])


def test_heal_all_mends_and_restarts(lab):
    lab.fail(3)
    lab.cut(1, 2)
    lab._panel.heal.click()
    until(lambda: log(lab)[:1] == ["server 3 restarts"])
    assert lab._panel.picture.scene["cut"] == [] and node(lab, 3)["role"] != "down"


@pytest.mark.parametrize(
    ("message", "line"),
    [
        ({"act": "fail", "server": 2}, "server 2 crashes (disk kept)"),
        ({"act": "restart", "server": 2}, "server 2 is up already"),
        ({"act": "fail", "server": 9}, "server: expected a number from 1 to 3, got 9"),
        ({"act": "cut", "a": 1, "b": 2}, "the link between server 1 and server 2 is cut"),
        ({"act": "mend", "a": 1, "b": "client 1"}, "the link between server 1 and client 1 is mended"),
        ({"act": "cut", "a": 1, "b": 1}, "server 1 has no link to itself"),
    ],
)
def test_what_is_clicked_in_the_picture_is_done_or_said_in_the_log(lab, message, line):
    lab._panel.picture._handle_custom_msg(message, [])
    until(lambda: line in log(lab))


@pytest.mark.parametrize("message", [None, 7, {}, {"act": "fail"}, {"act": "eval", "server": 1}, {"act": "cut"}])
def test_what_the_picture_never_sends_is_not_done(lab, message):
    lab._panel.picture._handle_custom_msg(message, [])
    lab._panel.picture._handle_custom_msg({"act": "fail", "server": 2}, [])
    until(lambda: log(lab))
    assert log(lab) == ["server 2 crashes (disk kept)"]


def test_a_wrong_call_from_a_cell_is_an_error_there(lab):
    with pytest.raises(ValueError, match="server 1 is up already"):
        lab.restart(1)


def test_the_slider_sets_the_speed_and_follows_it(lab, cluster):
    lab._panel.hop.value = 0.25
    until(lambda: cluster.latency == 0.25)
    cluster.latency = 1.5
    until(lambda: lab._panel.hop.value == 1.5)
    cluster.latency = 30
    until(lambda: lab._panel.hop.value == 2.0)
    assert cluster.latency == 30


def test_a_client_that_is_added_can_ask_and_is_drawn(lab, cluster):
    cluster.client(at=[1])
    cluster.put("x", 1)
    until(lambda: len(lab._panel.client.options) == 3)
    assert node(lab, "client 3")["role"] == "client"


# Threads ----------------------------------------------------------------------------------------------------


def test_handlers_only_enqueue_and_one_thread_writes(lab, cluster):
    writers = set()
    lab._panel.picture.observe(lambda _: writers.add(threading.current_thread().name), ["scene", "chain", "log"])
    clicks = [threading.Thread(target=button.click) for button in (*lab._panel.processes.values(), lab._panel.heal)]
    for thread in clicks:
        thread.start()
    cluster.put("x", 1)
    until(lambda: writers)
    time.sleep(3 * PAUSE)
    assert writers == {"paxoskit lab"}


def test_at_most_twenty_pictures_a_second(lab, cluster):
    sent = []
    lab._panel.picture.observe(lambda change: sent.append(time.monotonic()), "scene")
    end = time.monotonic() + 1.5
    number = 0
    while time.monotonic() < end:
        cluster.put("x", number := number + 1)
    assert sent and len([at for at in sent if at < end]) <= 31


def test_the_same_picture_is_not_sent_again(lab, cluster):
    cluster.wait_for_leader()
    time.sleep(3 * PAUSE)
    sent = []
    lab._panel.picture.observe(sent.append, ["scene", "chain", "log"])
    time.sleep(0.5)  # heartbeats go on
    assert sent == []


def test_after_close_no_thread_is_left_and_the_cluster_lives(cluster):
    before = threads()
    lab = Lab(cluster)
    assert threads() == before | {"paxoskit lab"}
    begun = time.monotonic()
    lab.close()
    lab.close()
    assert threads() == before and time.monotonic() - begun < 2
    assert lab._panel.picture.scene["note"] == "this lab is closed: the picture no longer changes"
    assert lab._panel.root.children == (lab._panel.picture,)
    with pytest.raises(Stopped, match="this lab is closed"):
        lab.put("x", 1)
    cluster.put("x", 1)


def test_a_stopped_cluster_ends_the_labs_thread():
    cluster = Cluster(1)
    lab = Lab(cluster)
    cluster.stop()
    until(lambda: not lab._thread.is_alive(), 20)
    assert lab._panel.picture.scene["note"] == "the cluster has stopped"
    assert "<svg" in lab.snapshot().svg


def test_a_new_lab_over_the_same_cluster_closes_the_earlier_one(cluster):
    labs = [Lab(cluster) for _ in range(100)]
    assert [repr(lab) for lab in labs[:-1]] == ["<Lab closed>"] * 99
    assert [lab for lab in labs if lab._thread.is_alive()] == labs[-1:]
    labs[-1].close()


def test_a_cluster_and_a_lab_that_nobody_holds_go_away():
    before = threads()
    lab = Lab(Cluster(1))
    reference = weakref.ref(lab._cluster)
    del lab
    gc.collect()
    until(lambda: reference() is None and threads() == before, 3)


def test_a_cell_run_again_a_hundred_times_leaves_one_lab(monkeypatch):
    before = threading.active_count()
    run = 0
    monkeypatch.setattr("paxoskit.lab.lab._where", lambda: ("a cell", str(run)))
    out = []  # IPython's Out holds each of them
    for run in range(100):  # noqa: B007
        out.append(Lab(Cluster(1)))
    gc.collect()
    until(lambda: threading.active_count() - before <= 4, 5)  # lab, server, clients, clock
    assert [repr(lab) for lab in out[:-1]] == ["<Lab closed>"] * 99
    out[-1]._cluster.stop()
    until(lambda: threading.active_count() == before, 3)


def test_two_labs_of_one_run_of_a_cell_both_live(monkeypatch):
    monkeypatch.setattr("paxoskit.lab.lab._where", lambda: ("another cell", "1"))
    with Cluster(1) as one, Cluster(1) as two:
        labs = [Lab(one), Lab(two)]
        assert "<Lab closed>" not in [repr(lab) for lab in labs]
        for lab in labs:
            lab.close()


# Showing ----------------------------------------------------------------------------------------------------


@pytest.fixture
def shown(monkeypatch):
    """What is shown in a notebook, in order: the content of each display, and whether it replaces an earlier one."""
    found = []
    monkeypatch.setattr("paxoskit.lab.lab.get_ipython", lambda: SimpleNamespace(kernel=True))
    for module in ("lab", "still"):
        publish = lambda data, update=False, **_: found.append((data, update))  # noqa: E731
        monkeypatch.setattr(f"paxoskit.lab.{module}.publish_display_data", publish)
    return found


def test_a_lab_shows_itself_as_a_widget_and_a_still_picture_below_it(lab, shown):
    lab._ipython_display_()
    (widget, _), (picture, again) = shown
    assert set(widget) == {"text/plain", "application/vnd.jupyter.widget-view+json"}
    assert widget["text/plain"] == "<Lab over 3 servers>"
    assert f'data-still="{lab._panel.picture.still}"' in picture["text/html"] and not again


def test_the_still_picture_follows_what_happens_but_not_at_every_step(lab, cluster, shown, monkeypatch):
    monkeypatch.setattr("paxoskit.lab.still.REST", 1e9)
    monkeypatch.setattr("paxoskit.lab.still.EVERY", 1e9)
    lab._ipython_display_()
    lab.fail(1)
    until(lambda: lab._panel.shown["nodes"][0]["role"] == "down")
    assert len(shown) == 2
    monkeypatch.setattr("paxoskit.lab.still.REST", 0.0)
    until(lambda: len(shown) > 2)
    until(lambda: "server 1, down" in shown[-1][0]["text/html"])
    assert all(again for _, again in shown[2:])


def test_a_lab_that_is_closed_leaves_its_last_picture_at_once(lab, cluster, shown):
    lab._ipython_display_()
    lab.fail(1)
    lab.close()
    data, again = shown[-1]
    assert "server 1, down" in data["text/html"] and again


def test_without_a_notebook_a_lab_says_what_it_is(lab, capsys):
    lab._ipython_display_()
    assert capsys.readouterr().out == "<Lab over 3 servers>\n"


def test_a_snapshot_is_a_still_picture(lab):
    snapshot = lab.snapshot()
    lab.fail(1)
    assert "server 1, down" not in snapshot._repr_svg_()
    assert "server 1, down" in lab.snapshot()._repr_svg_()


@pytest.mark.parametrize("wrong", [None, 5, "cluster"])
def test_a_lab_of_something_else_is_refused(wrong):
    with pytest.raises(TypeError, match=r"Lab: expected a Cluster, as in Lab\(Cluster\(5\)\)"):
        Lab(wrong)
