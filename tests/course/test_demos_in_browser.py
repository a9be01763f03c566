"""The demos in a real Chromium on a projector's screen: pages without a kernel, and a notebook, by keyboard alone."""

import re
from pathlib import Path

import pytest

from paxoskit.course.demos import DEMOS, begin

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PAGES = Path(__file__).parents[2] / "notebooks" / "demos" / "pages"
DEMO = "/lab/workspaces/demo/tree/notebooks/demos/05_lost_promise.ipynb"
ERROR = ".jp-CodeCell [data-mime-type='application/vnd.jupyter.error']"
SCREEN = {"width": 1920, "height": 1080}
SECONDS = 1000


@pytest.mark.parametrize("name", DEMOS)
def test_a_page_tells_the_scene_by_two_keys_and_asks_nobody(browser, name):
    page, asked, words = browser.new_page(viewport=SCREEN), [], list(begin(name)[1].values())
    page.on("request", lambda request: asked.append(request.url))
    page.goto((PAGES / f"{name}.html").as_uri())
    page.locator("body[data-step='0']").wait_for(timeout=20 * SECONDS)
    said = [page.locator(".says").inner_text()]
    for _ in words[1:]:
        page.keyboard.press("PageDown")
        said.append(page.locator(".says").inner_text())
    page.keyboard.press("PageUp")
    assert said == words
    assert page.locator(".says").inner_text() == words[-2]
    assert asked == [(PAGES / f"{name}.html").as_uri()]
    page.close()


@pytest.fixture(scope="module")
def page(browser, jupyter_server):
    """Demo 5, which has two scenes, after all its cells have run."""
    page = browser.new_page(viewport=SCREEN)
    page.goto(jupyter_server.url(DEMO))
    page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=120 * SECONDS)
    page.locator("#jp-main-statusbar", has_text=re.compile(r"\| Idle")).wait_for(timeout=120 * SECONDS)
    page.locator(".jp-MarkdownCell h1").first.click()
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    page.locator(".paxoskit-scene").or_(page.locator(ERROR)).first.wait_for(timeout=120 * SECONDS, state="attached")
    page.locator("#jp-main-statusbar", has_text=re.compile(r"\| Idle")).wait_for(timeout=120 * SECONDS)
    assert page.locator(ERROR).all_inner_texts() == []
    yield page
    page.close()


@pytest.mark.parametrize(("place", "name"), [(0, "05_lost_promise"), (1, "05_kept_promise")])
def test_both_scenes_of_a_notebook_are_told_in_the_lecture_mode_and_what_comes_is_not_told(page, place, name):
    words = list(begin(name)[1].values())
    lab = page.locator(".paxoskit-scene").nth(place)
    lab.scroll_into_view_if_needed()
    lab.locator(".did", has_text=words[0]).click()
    page.keyboard.press("l")
    for key, says in zip(["PageDown", "."] * len(words), words[1:]):
        page.keyboard.press(key)
        lab.locator(".did").get_by_text(says, exact=True).wait_for(timeout=20 * SECONDS)
        assert not lab.locator(".next").is_visible()
    assert lab.locator("svg.chain .fork").count() == (2 if name == "05_lost_promise" else 0)
    page.keyboard.press("Escape")
