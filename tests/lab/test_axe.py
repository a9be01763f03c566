"""axe-core on the real page, the lab in JupyterLab: no serious finding but what others must mend."""

import re

import nbformat
import pytest

from paxoskit.lab.export import export
from paxoskit.worlds.choice import Choice
from paxoskit.worlds.story import Story

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SECONDS = 1000

UPSTREAM = [
    ("aria-allowed-attr", "jp-button", "JupyterLab, Voilà in it: a toolbar's button has aria-pressed, and no role"),
    ("aria-input-field-name", ".jp-Notebook .cm-content", "JupyterLab: a cell's editor has no name"),
    ("aria-required-children", ".jp-WindowedPanel-viewport", "JupyterLab: the feed of cells has other children too"),
    ("aria-input-field-name", ".noUi-handle", "ipywidgets: a slider's handle has no name; its label stands beside it"),
]
"""What is not the kit's to mend: rule, elements, whose fault and which. An entry that finds nothing must go."""

FIND = """async upstream => {
    const found = await axe.run(document, {resultTypes: ['violations'], elementRef: true});
    const serious = found.violations.filter(({impact}) => impact === 'serious' || impact === 'critical');
    const known = (id, element) => upstream.findIndex(([rule, selector]) => rule === id && element.matches(selector));
    const nodes = serious.flatMap(({id, help, nodes}) => nodes.map(({element, html}) =>
        ({id, help, html: html.slice(0, 200), known: known(id, element)})));
    return {ran: found.passes.length, nodes};
}"""

CELL = """
from paxoskit import Cluster, Lab
cluster = Cluster(3)
cluster.put('a', 1)
lab = Lab(cluster)
lab
"""


@pytest.fixture(scope="module")
def page(browser, jupyter_server):
    """A notebook in JupyterLab with the lab in it, and axe-core."""
    from axe_playwright_python.base import AXE_SCRIPT

    book = nbformat.v4.new_notebook(metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})
    book.cells = [nbformat.v4.new_code_cell(cell) for cell in (CELL.strip(), "cluster.stop()")]
    nbformat.write(book, jupyter_server.root / "axe.ipynb")
    page = browser.new_page(viewport={"width": 1600, "height": 1200})
    page.goto(jupyter_server.url("/lab/tree/axe.ipynb"))
    page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=120 * SECONDS)
    page.locator("#jp-main-statusbar", has_text=re.compile(r"\| Idle")).wait_for(timeout=120 * SECONDS)
    run_cell(page, 0)
    page.locator(".paxoskit-scene .leader").wait_for(timeout=60 * SECONDS)
    page.evaluate(AXE_SCRIPT)
    yield page
    page.locator(".paxoskit-scene").press("Escape")
    run_cell(page, 1)
    page.close()


def run_cell(page, number):
    page.locator(".jp-CodeCell").nth(number).locator(".cm-content").click()
    page.keyboard.press("Control+Enter")


def live(page):
    """The lab as it comes."""


def paused_with_a_menu(page):
    """A world that stands still, a message in flight, its menu open."""
    page.locator(".paxoskit-scene").get_by_role("button", name="Pause").click()
    page.locator(".paxoskit-lab").get_by_role("button", name="Put", exact=True).click()
    page.locator(".paxoskit-scene .message").first.wait_for(timeout=30 * SECONDS)
    page.locator(".paxoskit-scene .message").first.click()
    page.locator(".paxoskit-scene [role=menu]").wait_for(timeout=30 * SECONDS)


def in_words(page):
    """The pictures in words."""
    page.keyboard.press("Escape")
    page.locator(".paxoskit-scene").focus()
    page.keyboard.press("y")


def with_a_server_open(page):
    """A server inspected, pictures again."""
    page.keyboard.press("y")
    page.locator('.paxoskit-scene [aria-label^="server 2,"]').first.focus()
    page.keyboard.press("i")


def lecture(page):
    """Large, for a lecture hall."""
    page.locator(".paxoskit-scene").focus()
    page.keyboard.press("l")


STATES = [live, paused_with_a_menu, in_words, with_a_server_open, lecture]


@pytest.fixture(scope="module")
def findings(page):
    """What axe-core finds in each state, one after the other."""
    found = {}
    for state in STATES:
        state(page)
        page.wait_for_function("document.getAnimations().every(a => a.playState !== 'running')", timeout=30 * SECONDS)
        result = page.evaluate(FIND, [[rule, elements] for rule, elements, _ in UPSTREAM])
        assert result["ran"] > 20
        found[state.__name__] = result["nodes"]
    return found


@pytest.mark.parametrize("state", [state.__name__ for state in STATES])
def test_axe_finds_nothing_serious_of_ours(findings, state):
    ours = [f"{node['id']}: {node['help']}: {node['html']}" for node in findings[state] if node["known"] < 0]
    assert ours == []


def test_every_upstream_fault_is_still_there(findings):
    seen = {node["known"] for nodes in findings.values() for node in nodes}
    assert [entry for place, entry in enumerate(UPSTREAM) if place not in seen] == []


def test_axe_finds_nothing_at_all_in_an_exported_page(browser, tmp_path):
    from axe_playwright_python.base import AXE_SCRIPT

    story = Story(nodes=("paxoskit:Server",) * 3, choices=(Choice("crash", 2), Choice("restart", 2)))
    opened = browser.new_page(viewport={"width": 1920, "height": 1080}, reduced_motion="reduce")
    opened.goto(export(story, "story.html", folder=tmp_path).as_uri())
    opened.wait_for_selector(".picture svg")
    opened.evaluate(AXE_SCRIPT)
    for key in ("1", "2", "3", "End", "?"):
        opened.keyboard.press(key)
        found = opened.evaluate("axe.run(document, {resultTypes: ['violations']})")
        assert [f"{key}: {one['id']}: {one['nodes'][0]['html']}" for one in found["violations"]] == []
    opened.close()


def test_axe_would_find_a_button_without_a_name(page):
    page.evaluate("document.querySelector('.paxoskit-scene').append(document.createElement('button'))")
    nodes = page.evaluate(FIND, [])["nodes"]
    page.evaluate("document.querySelector('.paxoskit-scene').lastElementChild.remove()")
    assert "button-name" in {node["id"] for node in nodes}
