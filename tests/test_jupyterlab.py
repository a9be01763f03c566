"""The set-up's own browser test: JupyterLab opens in Chromium."""

import pytest


@pytest.mark.browser
@pytest.mark.slow
def test_jupyterlab_opens_in_chromium(browser, jupyter_server):
    page = browser.new_page()
    page.goto(jupyter_server.url())
    page.wait_for_selector("#jp-main-dock-panel", timeout=120_000)
    title = page.title()
    page.close()
    assert title.endswith("JupyterLab")
