"""scene.js in a real browser, without JupyterLab: it draws what scene.py draws, and says what was clicked."""

import re
import xml.etree.ElementTree as ET

import pytest

from paxoskit.lab.scene import HERE, scene, svg
from paxoskit.protocol.literals import show
from paxoskit.protocol.messages import ElectionTimeout, Put
from paxoskit.worlds.choice import Choice
from paxoskit.worlds.world import World

pytestmark = pytest.mark.browser

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
]

MODEL = """
window.state = {scene: {}, chain: {}, log: []};
window.sent = [];
const heard = [];
const model = {get: (name) => window.state[name], send: (message) => window.sent.push(message),
               on: (name, act) => heard.push(act), off: () => {}};
window.show = (scene, log = []) => { window.state = {scene, chain: scene.chain, log}; heard.forEach((act) => act()); };
render({model, el: document.body});
window.ready = true;
"""


@pytest.fixture
def page(browser):
    """A page with scene.js and a model that tells what it is sent."""
    page = browser.new_page(viewport={"width": 1200, "height": 800})
    page.add_style_tag(path=HERE / "scene.css")
    page.add_script_tag(type="module", content=(HERE / "scene.js").read_text(encoding="utf-8") + MODEL)
    page.wait_for_function("window.ready")
    yield page
    page.close()


def settle(world: World) -> None:
    while any(world.is_up(flight.receiver) for flight in world.flying.values()):
        world.deliver(next(flight for flight in world.flying.values() if world.is_up(flight.receiver)))


@pytest.fixture
def world() -> World:
    world = World(servers=5, clients=1)
    world.happen(Choice("fire", 2, what=ElectionTimeout()))
    settle(world)
    world.ask("client 1", Put("'x'", "7"))
    settle(world)
    return world


def still(world: World) -> dict:
    """A scene in which time stands still, at 150."""
    return scene(world, {number: (100.0, 200.0) for number in world.flying}, now=150, speed=0)


def show_scene(page, shown: dict, log: list[str] | None = None) -> None:
    page.evaluate("([scene, log]) => window.show(scene, log)", [shown, log or []])
    page.evaluate("() => new Promise(requestAnimationFrame)")


def texts(page) -> list[str]:
    visible = "all => all.filter(text => text.style.display !== 'none').map(text => text.textContent)"
    return sorted(filter(None, page.eval_on_selector_all("svg text", visible)))


def test_it_writes_every_word_that_the_still_picture_has(page, world):
    world.crash(5)
    world.set_link(1, 3, cut=True)
    world.ask("client 1", Put("'x'", "8"))
    shown = still(world)
    show_scene(page, shown)
    words = [element.text for element in ET.fromstring(svg(shown)).iter("{http://www.w3.org/2000/svg}text")]
    assert texts(page) == sorted(filter(None, words))


def test_it_draws_everything_where_the_still_picture_has_it(page, world):
    world.set_link(1, 3, cut=True)
    world.ask("client 1", Put("'x'", "8"))
    shown = still(world)
    show_scene(page, shown)
    expected = sorted(round(float(n)) for spot in spots(svg(shown)) for n in spot)
    drawn = page.eval_on_selector_all(".cluster [transform]", "all => all.map(e => e.getAttribute('transform'))")
    assert expected == sorted(round(float(n)) for spot in drawn for n in numbers(spot))


def spots(picture: str) -> list[list[str]]:
    """The places of what stands in the cluster's half of a still picture."""
    cluster = picture.split("<g transform=")[1]
    return [numbers(spot) for spot in re.findall(r' transform="(translate[^"]*)"', cluster)]


def numbers(text: str) -> list[str]:
    return re.findall(r"-?[\d.]+", text)


def test_a_message_flies_by_itself_and_stops_at_the_rim(page, world):
    world.ask("client 1", Put("'x'", "8"))
    shown = scene(world, {number: (0.0, 300.0) for number in world.flying}, now=0, speed=1)
    show_scene(page, shown)
    places = []
    for _ in range(4):
        places.append(float(numbers(page.locator(".message").get_attribute("transform"))[0]))
        page.wait_for_timeout(150)
    assert places == sorted(places) and places[-1] > places[0]
    assert places[-1] < 640


def test_clicks_say_what_is_to_be_done(page, world):
    world.crash(5)
    world.set_link(3, 4, cut=True)
    show_scene(page, still(world))
    page.locator('[aria-label^="server 1,"]').click()
    page.locator('[aria-label^="server 5,"]').click()
    page.get_by_role("button", name="link between server 3 and server 4").focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="link between server 1 and server 2").focus()
    page.keyboard.press("Space")
    assert page.evaluate("window.sent") == [
        {"act": "fail", "server": 1},
        {"act": "restart", "server": 5},
        {"act": "mend", "a": 3, "b": 4},
        {"act": "cut", "a": 1, "b": 2},
    ]


def test_the_focus_stays_where_it_was_when_the_picture_changes(page, world):
    show_scene(page, still(world))
    page.locator('[aria-label^="server 3,"]').focus()
    world.crash(3)
    show_scene(page, still(world))
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "server 3, down, ballot 1.2, 1 block"


def test_no_key_leaves_the_picture(page, world):
    page.evaluate("window.keys = []; document.addEventListener('keydown', (event) => window.keys.push(event.key))")
    show_scene(page, still(world))
    page.locator('[aria-label^="server 3,"]').focus()
    for key in ("d", "d", "x", "b", "m", "Enter", "Escape"):
        page.keyboard.press(key)
    assert page.evaluate("window.keys") == []
    assert page.evaluate("document.activeElement.dataset.lmSuppressShortcuts") == "true"


@pytest.mark.parametrize("text", NASTY)
def test_every_text_shows_as_typed_and_adds_no_element(page, world, text):
    plain, nasty = world.fork(), world.fork()
    for fork, typed in ((plain, "plain"), (nasty, text)):
        fork.ask("client 1", Put(show(typed), show(typed)))
        settle(fork)
    count = "document.querySelectorAll('*').length"
    show_scene(page, still(plain), ["plain"])
    expected = page.evaluate(count)
    show_scene(page, still(nasty), [text])
    assert page.evaluate(count) == expected
    assert page.locator(".log li").all_text_contents() == [text]
    assert any(part.startswith(show(text)[:9]) for part in texts(page))


def test_reduced_motion_keeps_messages_still(page, world):
    page.emulate_media(reduced_motion="reduce")
    world.ask("client 1", Put("'x'", "8"))
    show_scene(page, scene(world, {number: (0.0, 200.0) for number in world.flying}, now=0, speed=1))
    before = page.locator(".message").get_attribute("transform")
    page.wait_for_timeout(150)
    assert page.locator(".message").get_attribute("transform") == before
