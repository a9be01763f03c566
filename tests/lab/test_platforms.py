"""The lab in Notebook 7 and in Voilà, in a real Chromium: paused, asked from a cell, delivered by click to the reply.

The kernel is the one that is installed (`python -c "import ipykernel; print(ipykernel.__version__)"`).
benchmarks/README.md says with which other ones this file was run by hand.
"""

import re
import textwrap

import nbformat
import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SECONDS = 1000

CELLS = [
    """
    from paxoskit import Cluster, Lab
    cluster = Cluster(3)
    cluster.put('a', 1)
    lab = Lab(cluster)
    lab
    """,
    "call = lab.put('b', 2)",
    "print(call)",
    "cluster.stop()",
]


def write_book(folder, name, cells):
    """Write a notebook of these cells, and a last one that holds text."""
    book = nbformat.v4.new_notebook(metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})
    book.cells = [nbformat.v4.new_code_cell(textwrap.dedent(cell).strip()) for cell in cells]
    nbformat.write(book, folder / name)


@pytest.fixture(scope="module")
def notebook(browser, jupyter_server):
    """A notebook in Notebook 7 whose first cell has run."""
    write_book(jupyter_server.root, "platform.ipynb", CELLS)
    page = browser.new_page(viewport={"width": 1500, "height": 1100})
    page.goto(jupyter_server.url("/notebooks/platform.ipynb"))
    page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=120 * SECONDS)
    run_first_cell(page)
    page.wait_for_selector(".paxoskit-scene .node", timeout=120 * SECONDS)
    page.locator(".paxoskit-scene .leader").wait_for(timeout=30 * SECONDS)
    yield page
    run_cell(page, 3)
    page.close()


def run_first_cell(page):
    """Run the first cell. What is run before the kernel is there is skipped without a word: then again."""
    from playwright.sync_api import TimeoutError as NotYet

    prompt = page.locator(".jp-CodeCell").first.locator(".jp-InputPrompt", has_text=re.compile(r"\[[*\d]"))
    for _ in range(60):
        run_cell(page, 0)
        try:
            return prompt.wait_for(timeout=2 * SECONDS)
        except NotYet:
            continue
    pytest.fail("the kernel did not come")


def run_cell(page, number):
    """Run a cell by keyboard, as people do."""
    page.locator(".jp-CodeCell").nth(number).locator(".cm-content").click()
    page.keyboard.press("Control+Enter")


def button(page, name):
    return page.locator(".paxoskit-lab, .paxoskit-scene").get_by_role("button", name=name).first


def pause(page):
    """Stop the world, by the button."""
    button(page, "Pause").click()
    button(page, "Resume").wait_for(timeout=30 * SECONDS)


def deliver_until_logged(page, text):
    """Click each message, and in its menu what delivers it, until the log says `text`."""
    line = page.locator(".paxoskit-scene .log li", has_text=text).first
    message = page.locator(".paxoskit-scene .message:not(.landing)").first
    for _ in range(30):
        message.or_(line).first.wait_for(timeout=30 * SECONDS)
        if line.count():
            return
        before = moment(page)
        message.click()
        page.get_by_role("menuitem", name="Deliver now").click()
        later = "before => document.querySelector('.paxoskit-scene .when').textContent !== before"
        page.wait_for_function(later, arg=before, timeout=30 * SECONDS)
    pytest.fail(f"thirty deliveries did not bring {text!r}")


def moment(page):
    """Where in time the lab says it is."""
    return page.locator(".paxoskit-scene .when").text_content()


def test_notebook_7_pause_put_from_a_cell_deliver_by_click_to_the_reply(notebook):
    pause(notebook)
    run_cell(notebook, 1)
    deliver_until_logged(notebook, "put 'b' 2 → done")
    run_cell(notebook, 2)
    said = notebook.locator(".jp-CodeCell").nth(2).locator(".jp-OutputArea-output", has_text="put 'b' 2")
    said.wait_for(timeout=30 * SECONDS)
    assert said.inner_text().strip() == "put 'b' 2 → done"
    button(notebook, "Resume").click()
    button(notebook, "Pause").wait_for(timeout=30 * SECONDS)


def test_notebook_7_no_key_pressed_in_the_lab_is_a_shortcut_of_the_notebook(notebook):
    kinds = "cells => cells.map(cell => cell.className.match(/jp-(Code|Markdown|Raw)Cell/)[0])"
    before = notebook.locator(".jp-Cell").evaluate_all(kinds)
    assert len(before) == len(CELLS)
    notebook.locator(".paxoskit-scene").focus()
    for key in ["PageDown", "PageUp", "?", "Escape", *".,odfppqqr+-11yy", *"ddxbmaz"]:
        notebook.keyboard.press(key)
    assert notebook.evaluate("document.activeElement.closest('.paxoskit-scene') !== null")
    assert notebook.locator(".jp-Cell").evaluate_all(kinds) == before


def test_voila_pause_put_by_the_controls_deliver_by_click_to_the_reply(browser, jupyter_server):
    write_book(jupyter_server.root, "voila.ipynb", CELLS[:1])
    page = browser.new_page(viewport={"width": 1500, "height": 1100})
    page.goto(jupyter_server.url("/voila/render/voila.ipynb"), timeout=120 * SECONDS)
    page.locator(".paxoskit-scene .leader").wait_for(timeout=120 * SECONDS)
    pause(page)
    lab = page.locator(".paxoskit-lab")
    lab.get_by_label("Key", exact=True).fill("'à'")
    lab.get_by_label("Value", exact=True).fill("(1, 'two')")
    lab.get_by_role("button", name="Put", exact=True).click()
    deliver_until_logged(page, "put 'à' (1, 'two') → done")
    labels = "all => all.map(block => block.getAttribute('aria-label'))"
    said = page.locator(".paxoskit-scene .block").evaluate_all(labels)
    assert any("put 'à', (1, 'two')" in block for block in said)
    page.close()
