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


@pytest.mark.browser
@pytest.mark.slow
def test_jupyterlab_asks_nobody_about_its_news(browser, jupyter_server):
    """It would ask over a learner's first page; where the setting says no, it does not."""
    page = browser.new_page()
    page.goto(jupyter_server.url())
    found = page.request.get(jupyter_server.url("/lab/api/settings/@jupyterlab/apputils-extension:notification"))
    fields = found.json()["schema"]["properties"]
    page.close()
    assert (fields["fetchNews"]["default"], fields["checkForUpdates"]["default"]) == ("false", False)
