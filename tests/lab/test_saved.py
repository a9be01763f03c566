"""A notebook with a lab is saved, its kernel ends, and it is opened again, in Lab 4 and Notebook 7: what is seen?"""

import re
import textwrap

import nbformat
import pytest

from paxoskit.lab.scene import scene
from paxoskit.lab.still import still
from paxoskit.worlds.world import World

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SECONDS = 1000
CELLS = [
    """
    from paxoskit import Cluster, Lab
    cluster = Cluster(3)
    lab = Lab(cluster)
    lab
    """,
    "cluster.put('colour', 'blue')",
]
STILL = ".paxoskit-still img"
WIDE = "picture => picture.complete && picture.naturalWidth > 0 && picture.getBoundingClientRect().width > 300"


def write_book(path, cells=CELLS):
    book = nbformat.v4.new_notebook(metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})
    book.cells = [nbformat.v4.new_code_cell(textwrap.dedent(cell).strip()) for cell in cells]
    nbformat.write(book, path)


def opened(browser, address):
    page = browser.new_page(viewport={"width": 1400, "height": 900})
    page.goto(address)
    page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=120 * SECONDS)
    if "/lab/" in address:
        page.locator("#jp-main-statusbar", has_text=re.compile(r"\| Idle")).wait_for(timeout=120 * SECONDS)
    return page


def run(page, number):
    """Run a cell, and wait until it is done. What is run before the kernel is there is skipped: then again."""
    from playwright.sync_api import TimeoutError as NotYet

    prompt = page.locator(".jp-CodeCell").nth(number).locator(".jp-InputPrompt")
    for _ in range(60):
        page.locator(".jp-CodeCell").nth(number).locator(".cm-content").click()
        page.keyboard.press("Control+Enter")
        try:
            prompt.filter(has_text=re.compile(r"\[[*\d]")).wait_for(timeout=2 * SECONDS)
        except NotYet:
            continue
        return prompt.filter(has_text=re.compile(r"\[\d+\]")).wait_for(timeout=60 * SECONDS)
    pytest.fail("the kernel did not come")


def until_saved(page, path, before):
    """Wait until the file on the disk is a later one."""
    for _ in range(200):
        if path.stat().st_mtime_ns > before:
            return
        page.wait_for_timeout(100)
    pytest.fail("it was never saved")


def end_kernels(page, address):
    """Shut all kernels down, as an evening does."""
    page.evaluate("""async (address) => {
        const [base, token] = address.split('?');
        const api = new URL(base).origin + '/api/sessions?' + token;
        for (const {id} of await (await fetch(api)).json())
            await fetch(api.replace('sessions', `sessions/${id}`), {method: 'DELETE',
                headers: {'X-XSRFToken': document.cookie.match(/_xsrf=([^;]*)/)?.[1] ?? ''}});
    }""", address)  # fmt: skip


def until_the_lab_is_missed(page):
    """Wait until the front end says, in the page or hidden in it, that it does not know the widget."""
    page.locator(".jp-OutputArea-output", has_text="model not found").wait_for(state="attached", timeout=60 * SECONDS)


KINDS = "cells => cells.map(cell => cell.className.match(/jp-(Code|Markdown|Raw)Cell/)[0])"


@pytest.mark.parametrize("front", ["/lab/tree/", "/notebooks/"])
def test_a_lab_is_saved_by_its_shortcut_and_is_a_still_picture_when_its_kernel_is_gone(browser, jupyter_server, front):
    path = jupyter_server.root / f"saved{front.count('/')}.ipynb"
    write_book(path)
    address = jupyter_server.url(f"{front}{path.name}")
    page = opened(browser, address)
    run(page, 0)
    page.locator(".paxoskit-scene .leader").wait_for(timeout=30 * SECONDS)
    assert not page.locator(STILL).is_visible()
    run(page, 1)
    renewed = "document.querySelector('.paxoskit-still img').alt.includes('1 block')"
    page.wait_for_function(renewed, timeout=30 * SECONDS)

    assert "block 0" not in path.read_text(encoding="utf-8")
    for focus in (page.locator(".paxoskit-scene"), page.get_by_label("Key", exact=True)):
        focus.focus()
        before = path.stat().st_mtime_ns
        page.keyboard.press("Control+s")
        until_saved(page, path, before)
        for key in [*"ddxbm", "Control+Backspace", "Control+x"]:
            page.keyboard.press(key)
        assert page.locator(".jp-Cell").evaluate_all(KINDS) == ["jp-CodeCell"] * len(CELLS)
    assert "block 0" in path.read_text(encoding="utf-8") and path.stat().st_size < 20_000
    end_kernels(page, address)
    page.close()

    page = opened(browser, jupyter_server.url(f"{front}{path.name}"))
    until_the_lab_is_missed(page)
    assert page.locator(STILL).evaluate(WIDE)
    assert "model not found" not in page.locator(".jp-Notebook").inner_text()
    page.close()


OPENS = """
from IPython.display import HTML, display
import ipywidgets
from paxoskit import Cluster, Lab
button, below, labs = ipywidgets.Button(description="Open"), ipywidgets.Output(), []
def clicked(_):
    with below:
        labs.append(Lab(Cluster(3)))
        display(labs[0])
button.on_click(clicked)
display(HTML("<p>a report</p>"), ipywidgets.VBox([button, below]))
"""


def test_a_lab_that_a_button_opens_hides_its_own_still_picture_and_nothing_else(browser, jupyter_server):
    """As the report of `check` does: the lab's outputs lie in an output of the cell."""
    path = jupyter_server.root / "button.ipynb"
    write_book(path, [OPENS])
    page = opened(browser, jupyter_server.url(f"/lab/tree/{path.name}"))
    run(page, 0)
    page.get_by_role("button", name="Open").click()
    page.locator(".paxoskit-scene .leader").wait_for(timeout=30 * SECONDS)
    page.locator(STILL).wait_for(state="attached", timeout=30 * SECONDS)
    assert not page.locator(STILL).is_visible()
    assert page.get_by_text("a report", exact=True).last.is_visible()
    assert page.get_by_role("button", name="Open").is_visible()
    page.close()


def test_a_notebook_that_is_not_trusted_shows_the_picture_too(browser, jupyter_server):
    shown = still(scene(World(servers=3), {}, now=0, speed=1), "one")
    unknown = {"application/vnd.jupyter.widget-view+json": {"model_id": "0" * 32, "version_major": 2,
                                                           "version_minor": 0}, "text/plain": "<Lab>"}  # fmt: skip
    path = jupyter_server.root / "untrusted.ipynb"
    write_book(path)
    book = nbformat.read(path, 4)
    book.cells[0].outputs = [nbformat.v4.new_output("display_data", data) for data in (unknown, {"text/html": shown})]
    nbformat.write(book, path)
    page = opened(browser, jupyter_server.url(f"/lab/tree/{path.name}"))
    page.locator(".jp-RenderedHTMLCommon img[alt^='server 1, follower']").wait_for(timeout=60 * SECONDS)
    assert page.locator(".jp-RenderedHTMLCommon img[alt^='server 1, follower']").evaluate(WIDE)
    assert page.locator(".jp-OutputArea style").count() == 0  # so nothing that this notebook brings was trusted
    page.close()
