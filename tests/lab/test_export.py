"""What is taken away from the lab: files that are whole or not there, and a page that plays without a server."""

import base64
import gzip
import json
import re
import time
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest
from PIL import Image

from paxoskit.lab.export import APART, KEYS, export, page, shown
from paxoskit.lab.progress import Export, export_here
from paxoskit.lab.scene import svg
from paxoskit.pictures.movie import Cancelled, film
from paxoskit.pictures.spacetime import spacetime, spacetime_svg
from paxoskit.protocol.literals import show
from paxoskit.protocol.messages import Accept, ElectionTimeout, Put
from paxoskit.trace import Trace
from paxoskit.worlds.choice import Choice
from paxoskit.worlds.cluster import Cluster
from paxoskit.worlds.simulator import Simulator
from paxoskit.worlds.story import Story
from paxoskit.worlds.world import World

SECONDS = 1000

NASTY = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</svg><script>",
    "</script><!--<script>",
    "${7*7}",
    "__proto__",
    "\u202egnp.exe",
    "x" * 10_000,
    "",
    "\U0001f600",
    "one\ntwo",
    "\x00\x08\x1b\u2028",
    "{title} {0} %s",
]


def settle(world: World) -> None:
    while any(world.is_up(flight.receiver) for flight in world.flying.values()):
        world.deliver(next(flight for flight in world.flying.values() if world.is_up(flight.receiver)))


def run(key: object = "x", value: object = 7) -> World:
    """A leader is elected, its first Accept is lost, the block is decided, a server crashes."""
    world = World(servers=3, clients=1)
    world.happen(Choice("fire", 2, what=ElectionTimeout()))
    settle(world)
    world.ask("client 1", Put(show(key), show(value)))
    while not any(type(flight.message) is Accept for flight in world.flying.values()):
        world.deliver(next(iter(world.flying.values())))
    world.drop(next(flight for flight in world.flying.values() if type(flight.message) is Accept))
    settle(world)
    world.crash(3)
    return world


SHORT = Story(nodes=("paxoskit:Server",) * 3, choices=(Choice("crash", 2), Choice("restart", 2)))


# Files ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".html", ".gif", ".png", ".pdf", ".svg", ".json", ".jsonl"])
def test_a_story_is_written_in_every_form(tmp_path, suffix):
    path = export(SHORT, f"story{suffix}", folder=tmp_path)
    assert path == (tmp_path / f"story{suffix}").resolve()
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    READ[suffix](path)


def open_picture(path: Path) -> None:
    with Image.open(path) as picture:
        assert picture.n_frames == (3 if path.suffix == ".gif" else 1)


def open_story(path: Path) -> None:
    assert Story.load(path) == SHORT


def open_pdf(path: Path) -> None:
    assert path.read_bytes().startswith(b"%PDF")


def open_trace(path: Path) -> None:
    assert Trace.load(path).digest() == SHORT.replay().trace.digest()


def open_page(path: Path) -> None:
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")


READ = {".html": open_page, ".gif": open_picture, ".png": open_picture, ".pdf": open_pdf, ".svg": ET.parse,
        ".json": open_story, ".jsonl": open_trace}  # fmt: skip


def test_a_live_cluster_is_exported_while_it_runs(tmp_path):
    with Cluster(3) as cluster:
        cluster.put("x", 7)
        path = export(cluster, "live.html", folder=tmp_path)
    said = [frame["says"] for frame in played(path.read_text(encoding="utf-8"))["frames"]]
    assert any("put 'x' 7" in sentence for sentence in said)


@pytest.mark.parametrize("path", ["../story.html", "/etc/story.html", "a/../../story.html", "out/story.html"])
def test_a_file_elsewhere_is_refused_in_one_line(tmp_path, path):
    home = tmp_path / "home"
    home.mkdir()
    (home / "out").symlink_to(tmp_path)
    with pytest.raises(ValueError, match=r"^path: expected a file in .* or below it, got ") as refused:
        export(SHORT, path, folder=home)
    assert "\n" not in str(refused.value)
    assert [file.name for file in tmp_path.iterdir()] == ["home"]


@pytest.mark.parametrize("path", ["story", "story.exe", "story.html.", ".html", "", "story.htm"])
def test_an_ending_that_stands_for_nothing_is_one_line_that_says_what_does(tmp_path, path):
    with pytest.raises(ValueError, match=r"^path: expected a name that ends in \.html, \.gif, \.png, ") as refused:
        export(SHORT, path, folder=tmp_path)
    assert "\n" not in str(refused.value)


def test_a_folder_that_is_not_there_is_one_line(tmp_path):
    with pytest.raises(ValueError, match=r"^path: there is no folder .*: make it first$"):
        export(SHORT, "no/story.html", folder=tmp_path)


def test_a_trace_is_no_story(tmp_path):
    with pytest.raises(ValueError, match=r"^\.json holds a Story, and this is a Trace: \.jsonl holds a trace$"):
        export(run().trace, "story.json", folder=tmp_path)


@pytest.mark.parametrize("name", ["story.gif", "story.html"])
def test_what_is_cancelled_leaves_the_old_file_and_no_other(tmp_path, name):
    (tmp_path / name).write_text("old")
    told = []
    with pytest.raises(Cancelled):
        export(SHORT, name, lambda done, of: told.append((done, of)) or done < 2, folder=tmp_path)
    assert told == [(1, 3), (2, 3)]
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [(name, "old")]


def test_what_fails_half_way_leaves_no_file(tmp_path):
    def interrupt(done: int, of: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export(SHORT, "story.gif", interrupt, folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


# The page, as text ------------------------------------------------------------------------------------------


class Outline(HTMLParser):
    """Which elements a page has, and what stands in them, as an HTML parser sees it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.inside: dict[str, str] = {}
        self.place = ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        """Write down an element, and the classes by which it is known."""
        given = dict(attributes)
        self.elements.append(tag)
        self.place = given.get("id") or given.get("class") or tag

    def handle_data(self, data):
        """Write down a text."""
        self.inside[self.place] = self.inside.get(self.place, "") + data


def played(text: str) -> dict:
    return json.loads(gzip.decompress(base64.b64decode(Outline(text).inside["film"])))


def drawings(text: str) -> list[str]:
    """The pictures of a page: its steps, and the diagram."""
    data = played(text)
    return [*(frame["svg"] for frame in data["frames"]), data["time"]]


def test_each_step_is_the_picture_of_the_lab():
    trace = run().trace
    expected = [svg(shown(frame)) for frame in film(trace).frames()]
    assert len(expected) > 15
    *steps, diagram = drawings(page(trace))
    assert steps == expected
    assert diagram == spacetime_svg(spacetime(trace), apart=APART)


def test_heartbeats_are_drawn_only_if_asked_for():
    world = run()
    beat = next(message for node, message in world.timers if type(message).__name__ == "HeartbeatTimeout")
    world.happen(Choice("fire", 2, what=beat))
    world.crash(1)
    assert not any('class="quiet"' in picture for picture in drawings(page(world.trace)))
    assert any('class="quiet"' in picture for picture in drawings(page(world.trace, quiet=True)))


def test_the_page_knows_which_message_is_which():
    frames = played(page(run().trace))["frames"]
    assert [len(frame["ids"]) for frame in frames] == [frame["svg"].count('class="message') for frame in frames]
    landed = [(before, after) for before, after in pairwise(frames) if "landed" in after]
    assert len(landed) > 10
    assert all(after["landed"][0] in before["ids"] for before, after in landed)


def test_sixty_steps_take_less_than_a_hundred_kilobytes():
    world = run()
    for number in range(9):
        world.ask("client 1", Put("'colour'", f"'blue {number}'"))
        settle(world)
    text = page(world.trace, most=60)
    assert len(played(text)["frames"]) == 60
    assert len(text.encode()) < 100_000


def test_a_busy_run_of_five_servers_stays_small():
    simulator = Simulator(3, 5)
    simulator.run(800)
    text = page(simulator.trace, most=60)
    assert len(played(text)["frames"]) == 60
    assert len(text.encode()) < 100_000


def test_the_page_asks_nobody_for_anything():
    text = page(run().trace)
    for part in (text, *drawings(text)):
        assert set(re.findall(r"\w+://[\w.]+", part)) <= {"http://www.w3.org"}
        assert not re.search(r"\b(src|href|import|fetch|url)\b\s*[=(]", part)
    assert "default-src 'none'" in text


def test_left_out_steps_are_counted():
    data = played(page(run().trace, most=5))
    assert (len(data["frames"]), data["dropped"]) == (5, len(film(run().trace)) - 5)


@pytest.mark.parametrize("nasty", NASTY)
def test_no_text_adds_an_element_to_the_page_or_to_a_picture(nasty):
    plain = page(run("plain", "plain").trace, title="plain")
    text = page(run(nasty, nasty).trace, title=nasty)
    assert Outline(plain).elements == Outline(text).elements
    expected = [[element.tag for element in ET.fromstring(picture).iter()] for picture in drawings(plain)]
    assert expected == [[element.tag for element in ET.fromstring(picture).iter()] for picture in drawings(text)]


def test_the_page_has_the_parts_that_it_had():
    outline = Outline(page(SHORT, title="Two lives")).elements
    assert outline[:7] == ["html", "head", "meta", "meta", "meta", "title", "style"]
    counted = {tag: outline.count(tag) for tag in ("h1", "main", "nav", "input", "button", "dialog", "svg", "script")}
    assert counted == {
        "h1": 1, "main": 1, "nav": 1, "input": 1, "button": 10, "dialog": 1, "svg": 0, "script": 2
    }  # fmt: skip


# The page, in a browser -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def story(browser, tmp_path_factory):
    """The page of a run, opened from its file; what it asks the network for, or complains of, fails the test."""
    folder = tmp_path_factory.mktemp("export")
    path = export(run("<b>x</b>", "</script>").trace, "story.html", folder=folder, title="Lost & found")
    opened = browser.new_page(viewport={"width": 1920, "height": 1080}, reduced_motion="reduce")
    opened.complaints = []
    opened.on("console", lambda message: opened.complaints.append(message.text))
    opened.on("pageerror", lambda error: opened.complaints.append(str(error)))
    opened.on("request", lambda request: opened.complaints.append(request.url))
    opened.goto(path.as_uri())
    opened.wait_for_selector("[data-step='0'] .picture svg")
    assert opened.complaints == [path.as_uri()]
    opened.complaints.clear()
    yield opened
    assert opened.complaints == []
    opened.close()


@pytest.fixture
def opened(story):
    """The page at its first step, as it was opened."""
    story.keyboard.press("Home")
    story.keyboard.press("1")
    return story


def step(opened) -> int:
    return int(opened.evaluate("document.body.dataset.step"))


def press(opened, *keys: str) -> int:
    for key in keys:
        opened.keyboard.press(key)
    return step(opened)


browser_test = pytest.mark.browser
LAST = len(film(run().trace)) - 1


@browser_test
@pytest.mark.parametrize(("forward", "back"), [("PageDown", "PageUp"), (".", ","), ("ArrowRight", "ArrowLeft")])
def test_it_is_stepped_to_and_fro_by_keys(opened, forward, back):
    assert press(opened, forward, forward, forward) == 3
    assert press(opened, back) == 2
    assert press(opened, "End") == LAST and press(opened, forward) == LAST
    assert press(opened, "Home") == 0 and press(opened, back) == 0


@browser_test
def test_it_is_stepped_by_buttons_and_by_the_slider(opened):
    for name, expected in (("Next", 1), ("Next", 2), ("Back", 1), ("Last", LAST), ("First", 0)):
        opened.get_by_role("button", name=name, exact=True).click()
        assert step(opened) == expected
    opened.get_by_role("slider", name="step").fill("4")
    assert step(opened) == 4


@browser_test
def test_it_plays_to_the_end_and_stops_there(opened):
    for _ in range(5):
        opened.keyboard.press("+")
    opened.keyboard.press("Space")
    opened.wait_for_selector(f"body[data-step='{LAST}']", timeout=60 * SECONDS)
    assert opened.locator(".play").inner_text() == "Play"
    opened.keyboard.press("Space")
    assert step(opened) == 0 and opened.locator(".play").inner_text() == "Pause"
    opened.keyboard.press("Space")
    assert opened.locator(".play").inner_text() == "Play"


@browser_test
def test_each_step_shows_cluster_chain_diagram_and_sentence(opened):
    press(opened, "End")
    assert opened.locator(".says").inner_text() == "server 3 crashes (disk kept)"
    assert opened.locator("[aria-current='step']").inner_text() == "server 3 crashes (disk kept)"
    assert opened.locator(".picture .down").count() == 1
    assert opened.locator(".picture .block .title").text_content() == "block 0"
    assert opened.locator(".time .later").count() == 0
    press(opened, "Home")
    assert opened.locator(".picture .block").count() == 0
    assert opened.locator(".time .event.later").count() == opened.locator(".time .event[data-n]").count() > 10


@browser_test
def test_what_the_current_step_came_from_is_lit(opened):
    press(opened, "PageDown", "PageDown")
    lit = opened.locator(".time .arrow.related title")
    assert sorted(lit.all_text_contents())[0].startswith("Prepare")


@browser_test
def test_a_click_on_an_event_goes_there(opened):
    opened.locator(".time .event.ask").click()
    assert "is asked to put" in opened.locator(".says").inner_text()


@browser_test
def test_texts_show_as_typed(opened):
    opened.locator(".time .event.ask").click()
    assert opened.locator(".says").inner_text() == "client 1 is asked to put '<b>x</b>' '</script>'"
    assert opened.locator("h1").inner_text() == "Lost & found" == opened.title()
    press(opened, "End")
    assert "put '<b>x</b>'" in opened.locator(".picture .block .mono").all_text_contents()


@browser_test
def test_every_key_of_the_list_does_something_and_the_list_can_be_read(opened):
    press(opened, "?")
    assert opened.locator("dialog").is_visible()
    assert opened.locator("dialog dt").count() == len(KEYS)
    press(opened, "Escape")
    assert not opened.locator("dialog").is_visible()
    for key, hidden in (("2", ".time"), ("3", ".picture")):
        press(opened, key)
        assert not opened.locator(hidden).is_visible()
    press(opened, "1")
    assert opened.locator(".time").is_visible() and opened.locator(".picture").is_visible()


@browser_test
def test_letters_are_large_enough_to_project(opened):
    press(opened, "End")
    measure = """all => Math.min(...all.filter(e => e.checkVisibility()).map(e =>
        parseFloat(getComputedStyle(e).fontSize) * (e.getScreenCTM ? e.getScreenCTM().a : 1)))"""
    for view, what in (("2", ".picture text"), ("3", ".time text:not(.height)")):
        press(opened, view)
        assert opened.locator(f"{what}, button, .says, .where").evaluate_all(measure) >= 24


@browser_test
def test_every_picture_has_its_text_twin(opened):
    press(opened, "End")
    twin = opened.locator(".picture svg").get_attribute("aria-label")
    assert "server 3, down" in twin and "block 0" in twin
    assert "server 3 crashes (disk kept)" in opened.locator(".time svg").get_attribute("aria-label")
    assert opened.locator(".story li").count() == LAST + 1


MOVES = """
window.moves = [];
const real = Element.prototype.animate;
Element.prototype.animate = function (frames, options) {
    window.moves.push(frames.at(-1));
    return real.call(this, frames, options);
};
"""


@browser_test
@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_a_message_lands_at_its_receiver_unless_motion_is_unwanted(browser, tmp_path, motion):
    path = export(run().trace, "story.html", folder=tmp_path)
    opened = browser.new_page(reduced_motion=motion)
    opened.add_init_script(MOVES)
    opened.goto(path.as_uri())
    for number in range(3):
        opened.wait_for_selector(f".picture[data-step='{number}']")
        opened.keyboard.press("PageDown")
    opened.wait_for_selector(".picture[data-step='3']")
    moves = opened.evaluate("window.moves")
    _, x, y = played(path.read_text(encoding="utf-8"))["frames"][2]["landed"]
    expected = [] if motion == "reduce" else [{"transform": f"translate({x}px, {y}px)", "opacity": 0.2}]
    assert [move for move in moves if move == {"transform": f"translate({x}px, {y}px)", "opacity": 0.2}] == expected
    opened.close()


# With a bar -------------------------------------------------------------------------------------------------


def test_a_long_export_goes_on_by_itself_and_says_how_far_it_is(tmp_path):
    begun = Export(SHORT, "story.gif", folder=tmp_path)
    bar = begun._root.children[0]
    assert begun.result(60) == tmp_path.resolve() / "story.gif"
    assert (bar.value, bar.max) == (3, 3)
    until(lambda: begun._root.children == (begun._said,))
    assert re.fullmatch(r"story\.gif is written: [\d,]+ bytes", begun._said.value)


def test_the_button_cancels_and_leaves_no_file(tmp_path):
    begun = Export(run().trace, "story.gif", folder=tmp_path)
    begun._button.click()
    with pytest.raises(Cancelled):
        begun.result(60)
    assert re.fullmatch(r"story\.gif: cancelled after 1 of \d+ pictures; nothing was written", str(begun))
    assert list(tmp_path.iterdir()) == []


def test_a_path_that_cannot_be_is_said_at_once(tmp_path):
    with pytest.raises(ValueError, match=r"^path: expected a file in "):
        Export(SHORT, "../story.gif", folder=tmp_path)


def test_outside_of_a_notebook_nothing_is_shown_and_the_path_comes_back(tmp_path):
    assert export_here(SHORT, "story.html", folder=tmp_path) == tmp_path.resolve() / "story.html"


def until(condition) -> None:
    """Wait until something is so; fail if it takes a minute."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.005)
