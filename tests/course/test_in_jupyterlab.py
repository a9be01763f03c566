"""Lesson 4 in a real JupyterLab, in a real Chromium: run as a whole, then answered, by hand and by keyboard."""

import json
import re

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LESSON = "/lab/tree/notebooks/lessons/04_acceptor.ipynb"
ERROR = ".jp-CodeCell [data-mime-type='application/vnd.jupyter.error']"
SECONDS = 1000


@pytest.fixture(scope="module")
def page(browser, jupyter_server):
    """The lesson, after all its cells have run, on a page so tall that every cell is drawn."""
    page = browser.new_page(viewport={"width": 1400, "height": 3000})
    page.goto(jupyter_server.url(LESSON))
    page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=120 * SECONDS)
    page.locator("#jp-main-statusbar", has_text=re.compile(r"\| Idle")).wait_for(timeout=120 * SECONDS)
    page.locator(".jp-MarkdownCell").first.click()
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    page.locator(".paxoskit-question").or_(page.locator(ERROR)).first.wait_for(timeout=120 * SECONDS, state="attached")
    page.locator("#jp-main-statusbar", has_text=re.compile(r"\| Idle")).wait_for(timeout=120 * SECONDS)
    assert page.locator(ERROR).all_inner_texts() == []
    page.locator(".jp-WindowedPanel-outer").first.evaluate("panel => panel.scrollTo(0, 0)")
    yield page
    page.close()


def question(page, text):
    return page.locator(".paxoskit-question", has_text=text)


def test_the_run_appears_only_after_the_commitment_and_the_answer_is_on_the_disk(page, jupyter_server):
    first = question(page, "What can still be chosen?")
    first.scroll_into_view_if_needed()
    assert page.get_by_text("held back until you commit").count() > 0
    assert page.get_by_text("server 2: vote 1.5 blue").count() == 0
    first.get_by_label("both").check()
    first.get_by_role("button").click()
    page.get_by_text("server 2: vote 1.5 blue").wait_for(timeout=20 * SECONDS)
    assert "✗ Not so. One vote of three is no majority." in first.inner_text()
    kept = jupyter_server.root / "notebooks" / "lessons" / ".paxoskit" / "predictions.json"
    assert json.loads(kept.read_text(encoding="utf-8"))["answers"]["04"]["first"]["chosen"] == ["both"]


def test_by_keyboard_and_the_notebooks_own_keys_sleep_meanwhile(page):
    """`d d` deletes a cell, if JupyterLab hears it."""
    cells = page.locator(".jp-Cell").count()
    second = question(page, "Servers 1 and 2 vote red")
    second.scroll_into_view_if_needed()
    second.get_by_role("radio").first.focus()
    place = second.locator("label").all_inner_texts().index("red was chosen, then blue is chosen too")
    for key in ("d", "d", "x", "b", "m", "Space", *["ArrowDown"] * place, "Tab", "Enter"):
        page.keyboard.press(key)
    second.get_by_text("✓ Right.").wait_for(timeout=20 * SECONDS)
    assert page.locator(".jp-Cell").count() == cells


def test_the_source_of_a_question_is_folded(page):
    first = page.locator(".jp-CodeCell", has=question(page, "What can still be chosen?"))
    assert "nothing, ever" not in first.locator(".jp-InputArea, .jp-Cell-inputWrapper").first.inner_text()


def test_what_a_check_says_begins_beside_its_property_and_points_stand_on_one_line(page):
    row = page.locator(".paxoskit-report tbody tr").first
    row.scroll_into_view_if_needed()
    row.locator("td").last.evaluate("cell => cell.append('\\nmore'.repeat(20))")
    tops = row.evaluate("""row => [...row.cells].map(cell => {
        const range = document.createRange();
        range.selectNodeContents(cell);
        return [range.getBoundingClientRect().top, range.getClientRects().length];
    })""")
    assert max(top for top, _ in tops) - min(top for top, _ in tops) < 5
    assert tops[1][1] == 1
