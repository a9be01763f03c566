"""Lesson 0 in a real JupyterLab, in a real Chromium: run, clicked, typed into, looked at."""

import re

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LESSON = "/lab/workspaces/lesson/tree/notebooks/lessons/00_meet_the_cluster.ipynb"
ERROR = ".jp-CodeCell [data-mime-type='application/vnd.jupyter.error']"
SECONDS = 1000


@pytest.fixture(scope="module")
def page(browser, jupyter_server):
    """The lesson, after all its cells have run."""
    page = browser.new_page(viewport={"width": 1600, "height": 1000})
    page.goto(jupyter_server.url(LESSON))
    page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=120 * SECONDS)
    # Cells that are run before the kernel is there are skipped without a word.
    page.locator("#jp-main-statusbar", has_text=re.compile(r"\| Idle")).wait_for(timeout=120 * SECONDS)
    page.locator(".jp-MarkdownCell").first.click()  # the notebook has the focus, and the menu speaks of it
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    last = page.locator(".jp-CodeCell").last.locator(".jp-OutputArea-output")
    last.or_(page.locator(ERROR)).first.wait_for(timeout=60 * SECONDS, state="attached")
    assert page.locator(ERROR).all_inner_texts() == []
    # What follows is about the first, live lab: the lesson's others are taken off the page.
    page.evaluate("[...document.querySelectorAll('.paxoskit-lab')].slice(1).forEach((lab) => lab.remove())")
    page.locator(".paxoskit-lab").evaluate("lab => lab.scrollIntoView({block: 'start'})")
    yield page
    page.close()


def server(page, number):
    return page.locator(f'.paxoskit-scene .face[aria-label^="server {number},"]')


def button(page, name):
    return page.locator(".paxoskit-lab").get_by_role("button", name=name, exact=True)


def until_says(page, selector, pattern):
    """Wait until the label of what the selector finds matches; return the label."""
    said = "([selector, pattern]) => document.querySelector(selector)?.getAttribute('aria-label').match(pattern)"
    page.wait_for_function(said, arg=[selector, pattern], timeout=10 * SECONDS)
    return page.locator(selector).get_attribute("aria-label")


def until_logged(page, text):
    page.locator(".paxoskit-scene .log li", has_text=text).first.wait_for(timeout=10 * SECONDS)


def heal(page):
    button(page, "Heal all").click()
    healed = "!document.querySelector('.paxoskit-scene .down, .paxoskit-scene .cut')"
    page.wait_for_function(healed, timeout=10 * SECONDS)


def heights(page):
    return [int(n) for n in re.findall(r"block (\d+),", " ".join(page.locator(".paxoskit-scene .block").evaluate_all(
        "all => all.map(block => block.getAttribute('aria-label'))")))]  # fmt: skip


def test_the_lesson_runs_without_an_error(page):
    assert page.locator(ERROR).count() == 0
    assert server(page, 1).count() == 1


def test_a_put_and_a_get_are_asked_by_click(page):
    before = max(heights(page))
    key, value = (page.locator(".paxoskit-lab").get_by_label(name, exact=True) for name in ("Key", "Value"))
    key.fill("{'key1': 'val1'}")
    value.fill("(1, 'two')")
    button(page, "Put").click()
    until_logged(page, "put {'key1': 'val1'} (1, 'two') → done")
    button(page, "Get").click()
    until_logged(page, "get {'key1': 'val1'} → (1, 'two')")
    assert max(heights(page)) == before + 2


def test_what_is_typed_shows_as_typed(page):
    elements = page.evaluate("document.querySelectorAll('script, img, iframe').length")
    page.locator(".paxoskit-lab").get_by_label("Key", exact=True).fill("'\"><img src=x onerror=alert(1)>'")
    page.locator(".paxoskit-lab").get_by_label("Value", exact=True).fill("'</svg><script>alert(1)</script>'")
    button(page, "Put").click()
    until_logged(page, "'\"><img src=x onerror=alert(1)>' '</svg><script>alert(1)</script>' → done")
    assert page.evaluate("document.querySelectorAll('script, img, iframe').length") == elements


def test_a_server_is_failed_in_the_picture_and_restarted_by_its_button(page):
    heal(page)
    server(page, 3).click()
    page.get_by_role("menuitem", name="Crash, the disk is kept").click()
    until_says(page, '[aria-label^="server 3,"]', "down")
    until_logged(page, "server 3 crashes (disk kept)")
    button(page, "Restart 3").click()
    until_says(page, '[aria-label^="server 3,"]', "follower|candidate|leader")


def test_a_server_is_failed_by_its_button_and_its_successor_leads(page):
    heal(page)
    page.wait_for_selector(".paxoskit-scene .leader", timeout=10 * SECONDS)
    old = re.match(r"server (\d)", page.locator(".paxoskit-scene .leader .face").get_attribute("aria-label"))[1]
    button(page, f"Fail {old}").click()
    until_says(page, f'[aria-label^="server {old},"]', "down")
    page.wait_for_selector(".paxoskit-scene .leader", timeout=10 * SECONDS)
    heal(page)


def test_a_link_is_cut_and_mended_by_keyboard_alone(page):
    link = '[aria-label^="link between server 1 and server 2"]'
    page.locator(link).focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")  # the first of the menu: cut both directions
    until_says(page, link, "cut both ways")
    page.keyboard.press("m")
    until_says(page, link, "up")
    assert page.locator(link).evaluate("link => link === document.activeElement")


def test_one_direction_of_a_link_is_cut_with_the_controls(page):
    lab = page.locator(".paxoskit-lab")
    lab.get_by_label("from", exact=True).select_option("server 4")
    lab.get_by_label("to", exact=True).select_option("server 2")
    lab.get_by_label("both directions").uncheck()
    button(page, "Cut").click()
    until_says(page, '[aria-label^="link between server 2 and server 4"]', "cut from server 4 to server 2")
    heal(page)


def test_no_key_pressed_in_the_lab_is_a_shortcut_of_jupyterlab(page):
    kinds = "cells => cells.map(cell => cell.className.match(/jp-(Code|Markdown|Raw)Cell/)[0])"
    before = page.locator(".jp-Cell").evaluate_all(kinds)
    for target in (server(page, 1), page.locator(".paxoskit-scene"), button(page, "Put")):
        target.focus()
        for key in ("d", "d", "x", "b", "a", "m", "y", "z"):
            page.keyboard.press(key)
    assert page.locator(".jp-Cell").evaluate_all(kinds) == before


def test_messages_fly_when_a_hop_takes_time(page, tmp_path):
    slider = page.locator(".paxoskit-lab .noUi-handle")
    slider.focus()
    for _ in range(8):
        page.keyboard.press("ArrowRight")
    button(page, "Put").click()
    page.wait_for_selector(".paxoskit-scene .message", timeout=10 * SECONDS)
    page.screenshot(path=tmp_path / "lesson0.png")
    assert (tmp_path / "lesson0.png").stat().st_size > 10_000
    page.wait_for_function("!document.querySelector('.paxoskit-scene .message')", timeout=20 * SECONDS)
    slider.focus()
    page.keyboard.press("Home")


def test_the_letters_are_large_enough_to_project(page):
    seen = "all.filter(t => t.checkVisibility())"
    size = "t => parseFloat(getComputedStyle(t).fontSize) * t.getScreenCTM().a"
    sizes = page.locator(".paxoskit-scene svg text").evaluate_all(f"all => {seen}.map({size})")
    assert min(sizes) > 15


def test_the_cell_run_again_has_one_lab_that_works(page):
    cell = page.locator(".jp-CodeCell", has_text="lab = Lab(cluster)").first
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+Enter")
    page.wait_for_function(
        "document.querySelector('.paxoskit-scene') && !document.querySelector('.paxoskit-scene .block')",
        timeout=20 * SECONDS,
    )
    assert page.locator(".paxoskit-scene").count() == 1
    button(page, "Put").click()
    until_logged(page, "→ done")
