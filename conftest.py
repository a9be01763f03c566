"""What holds for every test: browser tests need a Chromium, and the last line says whether they ran."""

import importlib.util
import os

import pytest

from paxoskit.cli import find_chromium, no_chromium

pytest_plugins = ["paxoskit.grading.pytest_plugin"]

outcomes = pytest.StashKey[dict[str, str]]()


def no_browser() -> str | None:
    """Return why the browser tests cannot run here, None if they can."""
    if importlib.util.find_spec("playwright") is None:
        return "playwright is not installed: `pip install -e '.[test]'`"
    return None if find_chromium() else no_chromium()


def demanded() -> bool:
    """Did someone ask for the browser tests with `test --browser`?"""
    return os.environ.get("PAXOSKIT_BROWSER") == "required"


def pytest_configure(config: pytest.Config) -> None:
    """Remember what becomes of each browser test; where many processes share the work, their head does."""
    config.addinivalue_line("markers", "xdist_group(name): tests that one process runs, one after the other")
    if not hasattr(config, "workerinput"):
        config.stash[outcomes] = {}
        config.pluginmanager.register(Counter(config.stash[outcomes]))


class Counter:
    """Notes the outcome of each browser test."""

    def __init__(self, found: dict[str, str]) -> None:
        self.found = found

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note what became of a test, here or in another process."""
        if "browser" in report.keywords and report.when == "call":
            self.found[report.nodeid] = report.outcome


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let one process run all browser tests, and begin with them: they share a JupyterLab, and take longest."""
    items.sort(key=lambda item: item.get_closest_marker("browser") is None)
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.xdist_group("browser"))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a browser test where it cannot run; fail it where it must."""
    if item.get_closest_marker("browser") and (reason := no_browser()):
        (pytest.fail if demanded() else pytest.skip)(reason)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Demanded and not run is a failure, however green the rest."""
    if outcomes not in session.config.stash or session.exitstatus not in (pytest.ExitCode.OK, 5):
        return
    if demanded() and not ran(session.config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Say, after everything else, whether the browser tests ran."""
    if config.option.collectonly or outcomes not in config.stash:
        return
    if ran(config):
        print(f"browser tests: ran {ran(config)}")
    else:
        reason = no_browser() or "none was selected"
        print(f"browser tests: not run ({reason.rstrip('.')}); `test --browser` demands them")


def ran(config: pytest.Config) -> int:
    """Count the browser tests that were not skipped."""
    return sum(outcome != "skipped" for outcome in config.stash[outcomes].values())
