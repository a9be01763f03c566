"""What holds for every test: browser tests need a Chromium, and the last line says whether they ran."""

import functools
import importlib.util
import os
import re

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
    """Begin with the browser tests: they take longest."""
    items.sort(key=lambda item: item.get_closest_marker("browser") is None)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Let one process run every file with browser tests: they share a JupyterLab, and a file's tests build on another.

    What looks at one lesson's run stays in one process too: it need not be made again.

    xdist's own groups would do, but it cannot mark tests with them under this pytest (3.8.0 under 9.2.0).
    """
    from xdist.scheduler import LoadScopeScheduling

    @functools.cache
    def browses(file: str) -> bool:
        return "mark.browser" in (config.rootpath / file).read_text(encoding="utf-8")

    class OneBrowser(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            if browses(nodeid.partition("::")[0]):
                return "browser"
            lesson = re.search(r"test_notebooks\.py::.*\[(\d\d)\b", nodeid)  # it is run once, and looked at often
            return f"lesson {lesson[1]}" if lesson else nodeid

    return OneBrowser(config, log)


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
