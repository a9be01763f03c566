"""question.js in a real browser, without JupyterLab: by keyboard, in words for everyone, and text stays text."""

import json

import pytest

from paxoskit.course import predict as module

pytestmark = pytest.mark.browser

NASTY = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</label><script>",
    "${7*7}",
    "__proto__",
    "x" * 10_000,
    "\U0001f600",
    "one\ntwo",
]
FOLDER = module.Path(module.__file__).parent
STATE = {
    "kind": "predict", "question": "Does it vote in `1.4`?", "answers": ["yes", "no", "perhaps"], "chosen": "",
    "reason": "", "verdict": "", "locked": False, "instead": [],
}  # fmt: skip
MODEL = """
window.state = %s;
window.sent = [];
window.keys = [];
document.addEventListener("keydown", (event) => window.keys.push(event.key));
const heard = [];
const model = {get: (name) => window.state[name], send: (message) => window.sent.push(message),
               on: (name, act) => heard.push(act)};
window.tell = (state) => { Object.assign(window.state, state); heard.forEach((act) => act()); };
window.again = () => render({model, el: document.body});
window.again();
window.ready = true;
"""


@pytest.fixture
def show(browser):
    pages = []

    def show(**state):
        page = browser.new_page(viewport={"width": 1000, "height": 700})
        pages.append(page)
        page.on("pageerror", lambda error: pytest.fail(str(error)))
        page.add_style_tag(path=FOLDER / "question.css")
        script = (FOLDER / "question.js").read_text(encoding="utf-8").replace("export default { render };", "")
        page.add_script_tag(type="module", content=script + MODEL % json.dumps({**STATE, **state}))
        page.wait_for_function("window.ready")
        return page

    yield show
    for page in pages:
        page.close()


def test_it_is_answered_by_keyboard_and_no_key_reaches_the_notebook(show):
    page = show()
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.dataset.lmSuppressShortcuts") == "true"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Commit to this answer"
    page.keyboard.press("Enter")
    assert page.evaluate("window.sent") == [{"commit": "no"}]
    assert set(page.evaluate("window.keys")) <= {"Tab"}  # the one that came from outside


def test_nothing_can_be_committed_before_an_answer_is_picked(show):
    page = show()
    assert page.get_by_role("button").is_disabled()
    page.get_by_label("perhaps").check()
    assert page.get_by_role("button").is_enabled()


def test_while_the_kernel_is_busy_the_answer_is_locked_and_that_is_said(show):
    page = show()
    page.get_by_label("yes").check()
    page.get_by_role("button").click()
    assert page.get_by_label("no").is_disabled()
    assert "as soon as the kernel is free" in page.get_by_role("status").first.text_content()


IN_A_CELL = """() => {
  const cell = document.body.appendChild(document.createElement("div"));
  cell.className = "jp-Cell"; cell.tabIndex = 0;
  cell.append(document.querySelector(".paxoskit-question"));
}"""


@pytest.mark.parametrize(("locked", "focused"), [(True, "jp-Cell"), (False, "yes")])
def test_after_the_verdict_the_next_key_goes_on_from_there(show, locked, focused):
    page = show(kind="explain")
    page.evaluate(IN_A_CELL)
    page.get_by_label("yes").check()
    page.get_by_role("button").click()
    verdict = "right" if locked else "wrong"
    page.evaluate("state => tell(state)", {"chosen": "yes", "reason": "…", "verdict": verdict, "locked": locked})
    active = "const at = document.activeElement; return at.className || at.closest('label').textContent"
    assert focused in page.evaluate(f"() => {{ {active} }}")


def test_a_verdict_that_she_did_not_ask_for_takes_no_focus(show):
    page = show()
    page.evaluate(IN_A_CELL)
    page.evaluate("tell({chosen: 'yes', reason: '…', verdict: 'right', locked: true})")
    assert page.evaluate("document.activeElement === document.body")


def test_a_wrong_prediction_shows_its_reason_and_what_is_right(show):
    page = show()
    page.evaluate("tell({chosen: 'yes', reason: 'It promised `2.5`.', verdict: 'wrong', locked: true,"
                  " instead: ['no', 'It keeps its word.']})")  # fmt: skip
    said = page.get_by_role("status").all_text_contents()
    assert said == ["✗ Not so. It promised 2.5.", "→ no. It keeps its word."]
    assert page.get_by_label("yes").is_checked() and page.get_by_label("no").is_disabled()
    assert page.get_by_role("button").count() == 0


def test_after_a_wrong_reason_one_may_choose_again(show):
    page = show(kind="explain")
    page.get_by_label("yes").check()
    page.get_by_role("button", name="That is the reason").click()
    page.evaluate("tell({chosen: 'yes', reason: 'No.', verdict: 'wrong'})")
    assert page.get_by_role("button").is_disabled()
    page.get_by_label("no").check()
    page.get_by_role("button").click()
    assert page.evaluate("window.sent") == [{"commit": "yes"}, {"commit": "no"}]


def test_it_is_a_group_with_its_question_as_its_name(show):
    page = show()
    group = page.get_by_role("group", name="Predict Does it vote in 1.4?")
    assert group.count() == 1 and group.get_by_role("radio").count() == 3
    assert page.locator("legend code").text_content() == "1.4"


def test_what_is_stressed_is_stressed_and_a_lonely_mark_stays(show):
    page = show(question="Told *done* by `2.5`: 2 * 3 * 4, *so it is, `or not")
    assert page.locator("legend em").all_text_contents() == ["done"]
    assert page.locator("legend code").all_text_contents() == ["2.5"]
    assert page.locator("legend span").last.text_content() == "Told done by 2.5: 2 * 3 * 4, *so it is, `or not"


def test_two_questions_on_one_page_do_not_share_their_answers(show):
    page = show()
    page.evaluate("window.again()")
    page.get_by_label("yes").first.check()
    page.get_by_label("no").last.check()
    assert page.get_by_label("yes").first.is_checked()


def test_text_shows_as_typed_and_adds_no_element(show):
    text = " ".join(NASTY)
    page = show(question=text, answers=NASTY, chosen=NASTY[0], reason=text, verdict="wrong", locked=True,
                instead=[text, text])  # fmt: skip
    assert page.locator("legend span").last.text_content() == text
    assert page.locator("label span").all_text_contents() == NASTY
    assert page.get_by_role("status").first.text_content() == f"✗ Not so. {text}"
    assert page.locator("fieldset script, img, fieldset fieldset").count() == 0
