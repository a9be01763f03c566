"""A page with the lab's JavaScript, and a model that tells what it is sent: the lab without JupyterLab.

Also the worlds that are shown on it, and the same JavaScript in Node for what needs no page.
"""

import json
import subprocess
from functools import cache
from typing import Any

from paxoskit.lab import panels
from paxoskit.lab.log import Log
from paxoskit.lab.page import javascript, style
from paxoskit.lab.panel import parted
from paxoskit.lab.scene import scene
from paxoskit.pictures.spacetime import spacetime
from paxoskit.protocol.literals import show
from paxoskit.protocol.messages import ElectionTimeout, Put
from paxoskit.trace import sentence
from paxoskit.worlds.choice import Choice
from paxoskit.worlds.world import World

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
"""Texts that a learner may type (faults.md)."""

MODEL = """
const heard = {};
const model = {get: (name) => window.state[name], send: (message) => window.sent.push(message),
               on: (name, act) => (heard[name] ??= []).push(act),
               off: (name, act) => (heard[name] = heard[name].filter((other) => other !== act))};
window.show = (state) => {
  Object.assign(window.state, state);
  for (const name of Object.keys(state)) (heard[`change:${name}`] ?? []).forEach((act) => act());
};
window.heard = heard;
const animate = window.requestAnimationFrame.bind(window);
window.requestAnimationFrame = (act) => ((window.frames_ += 1), animate(act));
window.again = () => {
  window.end?.();
  document.body.replaceChildren();
  window.state = {scene: {}, nodes: [], chain: {}, log: [], time: {}, spacetime: {}, network: {}, inspect: {},
                  verdict: {}, calls: []};
  window.sent = [];
  window.end = render({model, el: document.body.appendChild(document.createElement("div"))});
};
window.frames_ = 0;
window.again();
window.ready = true;
"""

SMALL = """least => {
  const small = [], top = document.querySelector('.paxoskit-lab.lecture') ?? document.body;
  const walk = document.createTreeWalker(top, NodeFilter.SHOW_TEXT);
  for (let node; (node = walk.nextNode()); ) {
    const element = node.parentElement, range = document.createRange();
    range.selectNodeContents(node);
    const box = range.getBoundingClientRect();
    if (!node.textContent.trim() || !box.width || !element.checkVisibility({visibilityProperty: true})) continue;
    if (element.closest('script, style, title, .unseen, .in-words:not(.show-words *)')) continue;
    const scale = element.ownerSVGElement ? element.getScreenCTM().a : 1;
    const size = parseFloat(getComputedStyle(element).fontSize) * scale;
    if (size < least) small.push([node.textContent, size]);
  }
  for (const field of top.querySelectorAll('input:not([type=checkbox], [type=range]), select'))
    if (field.checkVisibility() && parseFloat(getComputedStyle(field).fontSize) < least) small.push([field.value, 0]);
  return small;
}"""
"""Every text that can be seen and is smaller than so many pixels."""

CAN = dict.fromkeys(("step", "back", "forward", "pause", "resume"))
STEPPED = {
    "mode": "stepped", "moment": 3, "count": 9, "branch": 1, "branches": [{"id": 1, "name": "as it was", "parent": None,
    "at": 0, "length": 9}], "can": CAN, "did": "server 2 is elected", "next": "server 1 gets Accept", "checkpoint": 0,
}  # fmt: skip
LIVE = {**STEPPED, "mode": "live", "branches": []}


def new_stage(browser: Any, **size: int) -> Any:
    """Return a page on which the lab stands, empty."""
    page = browser.new_page(viewport={"width": 1200, "height": 900, **size})
    page.set_content("<!doctype html><html><body style='margin: 0'></body></html>")
    page.add_style_tag(content=style())
    page.add_script_tag(type="module", content=javascript() + MODEL)
    page.wait_for_function("window.ready")
    return page


def show_state(page: Any, state: dict[str, Any]) -> None:
    """Let the model have this state, and wait until it is drawn."""
    page.evaluate("state => window.show(state)", state)
    page.evaluate("() => new Promise(resolve => requestAnimationFrame(() => requestAnimationFrame(resolve)))")


def traits(world: World, time: dict[str, Any] | None = None, speed: float = 0, **more: Any) -> dict[str, Any]:
    """Return all that Python sends for a world in which time stands still, at 150."""
    due = dict.fromkeys(world.flying, (100.0, 200.0))
    seen = scene(world, due, now=150, speed=speed, held=more.pop("held", ()))
    log = Log()
    log.read(world.trace)
    return {
        **parted(seen),
        "log": log.lines, "time": {**STEPPED, "did": sentence(world.trace[-1]), **(time or {})},
        "spacetime": spacetime(world.trace), "network": panels.network(world), "verdict": panels.verdict(world),
        "calls": panels.calls(world.trace), "inspect": {},
    } | more  # fmt: skip


def settle(world: World) -> None:
    """Deliver until nothing flies."""
    while any(world.is_up(flight.receiver) for flight in world.flying.values()):
        world.deliver(next(flight for flight in world.flying.values() if world.is_up(flight.receiver)))


def with_a_block(servers: int = 5, clients: int = 1, **options: Any) -> World:
    """Return a world in which server 2 leads, and one block is decided."""
    world = World(servers=servers, clients=clients, **options)
    world.happen(Choice("fire", 2, what=ElectionTimeout()))
    settle(world)
    ask(world, "x", 7)
    settle(world)
    return world


def ask(world: World, key: Any, value: Any) -> None:
    """Let client 1 ask for a put."""
    world.ask("client 1", Put(show(key), show(value)))


@cache
def node() -> str:
    """Return the path of the Node that Playwright brings along."""
    from playwright._impl._driver import compute_driver_executable

    return str(compute_driver_executable()[0])


def in_node(expression: str) -> Any:
    """Return what a JavaScript expression is worth, in Node, after all parts of the lab were read."""
    before = "globalThis.window = {matchMedia: () => ({matches: false})};\n"
    after = f"\nprocess.stdout.write(JSON.stringify({expression}));"
    done = subprocess.run([node(), "--input-type=module", "-"], input=before + javascript() + after,
                          capture_output=True, text=True, encoding="utf-8", timeout=60)  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
