"""Journeys through the lab in a real JupyterLab, in a real Chromium: what a lecturer and a student do with it."""

import re

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tests.lab.stage import SMALL

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SECONDS = 1000
ERROR = ".jp-CodeCell [data-mime-type='application/vnd.jupyter.error']"
CELLS = {
    "begin": "from paxoskit.worlds.cluster import Cluster\nfrom paxoskit.lab.lab import Lab\nimport threading",
    "branches": "cluster = Cluster(5, seed=1)\ncluster.put('first', 1)\ncluster.latency = 3.0\nlab = Lab(cluster)\nlab",
    "after": (
        "keys = [set(cluster.store(server)) for server in cluster.servers]\n"
        "servers = [thread.name for thread in threading.enumerate() if thread.name.startswith('paxoskit server')]\n"
        "print(len(servers), any(\"'lost'\" in key for key in keys), cluster.violations)\ncluster.stop()"
    ),
    "leader": "second = Cluster(5, seed=2)\nsecond.put('first', 1)\nLab(second)",
    "link": "third = Cluster(5, seed=3)\nLab(third)",
    "wrong": "Lab.scene('duel')",
    "duel": "Lab.scene('duel')",
    "end": "second.stop(); third.stop(); print('done')",
}


@pytest.fixture(scope="module")
def page(browser, jupyter_server):
    """A notebook with a cell for each journey; the first has run."""
    cells = [new_markdown_cell("# Journeys"), *(new_code_cell(text, id=name) for name, text in CELLS.items())]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = new_notebook(cells=cells, metadata={"kernelspec": kernel})
    nbformat.write(notebook, jupyter_server.root / "journeys.ipynb")
    page = browser.new_page(viewport={"width": 1600, "height": 1000})
    page.goto(jupyter_server.url("/lab/workspaces/journeys/tree/journeys.ipynb"))
    page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=120 * SECONDS)
    page.locator("#jp-main-statusbar", has_text=re.compile(r"\| Idle")).wait_for(timeout=120 * SECONDS)
    run(page, "begin")
    yield page
    page.close()


def cell(page, name):
    return page.locator(".jp-CodeCell").nth(list(CELLS).index(name))


def run(page, name):
    """Run a cell, wait until it is done, and return what it printed."""
    here = cell(page, name)
    here.locator(".cm-content").click()
    page.keyboard.press("Control+Enter")
    here.locator(".jp-InputPrompt", has_text=re.compile(r"\[\d+\]")).wait_for(timeout=60 * SECONDS)
    assert page.locator(ERROR).all_inner_texts() == []
    return here.locator(".jp-OutputArea-output").all_inner_texts()


def open_lab(page, name):
    """Run a cell that shows a lab; return the picture when it is drawn."""
    run(page, name)
    picture = cell(page, name).locator(".paxoskit-scene")
    picture.locator(".node").first.wait_for(timeout=30 * SECONDS)
    picture.evaluate("picture => picture.scrollIntoView({block: 'start'})")
    return picture


def until(page, picture, script, argument=None):
    """Wait until a function of the picture's element (and an argument) says yes."""
    page.wait_for_function(f"([picture, argument]) => ({script})(picture, argument)",
                           arg=[picture.element_handle(), argument], timeout=20 * SECONDS)  # fmt: skip


def when(picture):
    """Where in time a paused lab stands: its moment, and how many there are."""
    return tuple(map(int, re.search(r"paused: (\d+) of (\d+)", picture.locator(".when").inner_text()).groups()))


def press_and_move(page, picture, key):
    """Press a key that goes through time, and wait until the picture stands elsewhere."""
    before = picture.locator(".when").inner_text()
    page.keyboard.press(key)
    until(page, picture, "(picture, before) => picture.querySelector('.when').innerText !== before", before)


def test_drop_an_accept_go_back_deliver_it_and_live_on(page):
    picture = open_lab(page, "branches")
    lab = cell(page, "branches").locator(".paxoskit-lab")
    lab.get_by_role("button", name="Put", exact=True).click()
    accept = picture.locator(".message", has_text=re.compile("^Accept$")).first
    accept.wait_for(timeout=20 * SECONDS)
    accept.dispatch_event("click")  # it flies: no two looks find it at one place
    until(page, picture, "picture => picture.querySelector('.when').innerText.includes('paused')")
    menu = picture.get_by_role("menu")
    receiver = re.search(r"to server (\d)", menu.get_attribute("aria-label"))[1]
    begun, _ = when(picture)
    menu.get_by_role("menuitem", name="Drop").click()
    until(page, picture, "picture => picture.querySelector('.did').innerText.endsWith('is lost')")

    lab.get_by_label("Key", exact=True).fill("'lost'")
    lab.get_by_role("button", name="Put", exact=True).click()  # in the branch that will be left
    until(page, picture, "picture => picture.querySelector('.did').innerText.includes(\"put 'lost'\")")
    picture.focus()
    page.keyboard.press("d")
    blocks = "[...picture.querySelectorAll('.block:not(.pending)')]"
    decided = f"picture => {blocks}.some(block => block.ariaLabel.startsWith('block 1'))"
    until(page, picture, decided)
    while when(picture)[0] > begun:
        press_and_move(page, picture, "PageUp")
    assert when(picture)[0] == begun

    again = picture.locator(f'.message[aria-label^="Accept"][aria-label*="to server {receiver}"]')
    again.focus()
    page.keyboard.press("v")
    delivered = "(picture, to) => picture.querySelector('.did').innerText.startsWith(`server ${to} gets Accept`)"
    until(page, picture, delivered, receiver)
    page.keyboard.press("8")
    until(page, picture, "picture => picture.querySelectorAll('.tree .branch').length === 2")
    page.keyboard.press("5")
    page.keyboard.press("p")
    until(page, picture, "picture => picture.querySelector('.when').innerText.includes('live')")
    for _ in range(8):
        page.keyboard.press("+")
    until(page, picture, decided)
    struck = "[...picture.querySelectorAll('.calls s')].map(call => call.innerText)"
    until(page, picture, f"(picture, put) => {struck}.some(asked => asked.includes(put))", "put 'lost'")
    assert run(page, "after")[-1].strip() == "5 False []"


def test_the_leader_is_crashed_by_menu_another_one_leads_and_it_comes_back(page):
    picture = open_lab(page, "leader")
    picture.locator(".node.leader").wait_for(timeout=20 * SECONDS)
    name = picture.locator(".node.leader .face").get_attribute("aria-label").split(",")[0]
    face = picture.locator(f'.face[aria-label^="{name},"]')
    face.click()
    picture.get_by_role("menuitem", name="Crash, the disk is kept").click()
    picture.locator(f'.face[aria-label^="{name}, down"]').wait_for(timeout=20 * SECONDS)
    picture.locator(".node.leader").wait_for(timeout=20 * SECONDS)
    assert picture.locator(f'.node.leader .face[aria-label^="{name},"]').count() == 0
    cell(page, "leader").get_by_role("button", name="Put", exact=True).click()
    picture.locator(".log li", has_text="→ done").first.wait_for(timeout=20 * SECONDS)
    face.click()
    picture.get_by_role("menuitem", name="Restart").click()
    labels = "[...picture.querySelectorAll('.face')].map(face => face.ariaLabel)"
    follows = "label.startsWith(`${name}, follower`) && label.endsWith('2 blocks')"
    caught_up = f"(picture, name) => {labels}.some(label => {follows})"
    until(page, picture, caught_up, name)


def test_one_direction_of_a_link_is_cut_by_keyboard_only(page):
    picture = open_lab(page, "link")
    picture.focus()
    for _ in range(80):  # Tab by Tab, as somebody without a mouse does
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.ariaLabel ?? ''").startswith("link between server 2 and server 4"):
            break
    page.keyboard.press("Enter")
    picture.get_by_role("menuitem", name="Cut from server 2 to server 4").wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    picture.get_by_role("button", name="link between server 2 and server 4, cut from server 2 to server 4").wait_for()
    page.keyboard.press(">")
    picture.get_by_role("button", name="link between server 2 and server 4, up").wait_for()


def test_a_wrong_click_is_undone_by_one_key_and_the_next_click_branches(page):
    picture = open_lab(page, "wrong")
    picture.focus()
    for _ in range(3):
        press_and_move(page, picture, "PageDown")
    labels = "picture => [...picture.querySelectorAll('.message:not(.landing)')].map(one => one.ariaLabel).sort()"
    before = [picture.locator(".did").inner_text(), picture.locator(".when").inner_text(), picture.evaluate(labels)]
    wrong = picture.locator('.message[aria-label^="Promise"]').first
    wrong.click()
    picture.get_by_role("menuitem", name="Deliver now").click()
    until(page, picture, "(picture, told) => picture.querySelector('.did').innerText !== told", before[0])

    page.keyboard.press("PageUp")
    until(page, picture, "(picture, told) => picture.querySelector('.did').innerText === told", before[0])
    page.wait_for_function("!document.querySelector('.landing')")
    assert [before[0], picture.locator(".when").inner_text().partition(",")[0], picture.evaluate(labels)] == before

    picture.locator('.message[aria-label^="Prepare"]').first.click()
    picture.get_by_role("menuitem", name="Deliver now").click()
    until(page, picture, "picture => picture.querySelector('.when').innerText.includes('branch 3')")
    page.keyboard.press("PageUp")
    until(page, picture, "(picture, told) => picture.querySelector('.did').innerText === told", before[0])
    page.keyboard.press("PageDown")
    until(page, picture, "picture => picture.querySelector('.did').innerText.startsWith('Servers 2 and 1 promise 1.3')")


EVERY_KEY = ["PageDown", ".", "Space", "ArrowRight", "PageUp", ",", "ArrowLeft", *"odfrqcwy+=-", *"123456789987654321",
             "[", "]", "{", "}", "?", "Escape", *"ddxbm"]  # fmt: skip


def test_the_duel_is_told_in_lecture_mode_with_one_key(page):
    picture = open_lab(page, "duel")
    cells = "cells => cells.map(cell => cell.className.match(/jp-(Code|Markdown|Raw)Cell/)[0])"
    before = page.locator(".jp-Cell").evaluate_all(cells)
    page.set_viewport_size({"width": 1920, "height": 1080})
    picture.focus()
    page.keyboard.press("l")
    full = "picture.matches('.lecture') && picture.getBoundingClientRect().width >= innerWidth - 20"
    until(page, picture, f"picture => {full}")
    assert page.evaluate(SMALL, 24) == []
    told = []
    while (at := when(picture))[0] < at[1]:
        press_and_move(page, picture, "PageDown")
        told.append(picture.locator(".did").inner_text())
    assert told[0].startswith("Server 1 hears no leader") and told[-1].startswith("A client puts colour = green")
    assert len(told) == len(set(told)) >= 9
    assert picture.locator(".block").count() == 1
    for key in EVERY_KEY:
        page.keyboard.press(key)
    assert page.locator(".jp-Cell").evaluate_all(cells) == before
    while picture.evaluate("picture => picture.matches('.lecture')"):
        page.keyboard.press("Escape")
    assert run(page, "end")[-1].strip() == "done"
