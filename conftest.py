"""What holds for every test: browser tests need a Chromium, and the last line says whether they ran."""

import importlib.util
import os
from collections.abc import Iterator

import pytest

from paxoskit.cli import find_chromium, no_chromium

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
    config.stash[outcomes] = {}


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a browser test where it cannot run; fail it where it must."""
    if item.get_closest_marker("browser") and (reason := no_browser()):
        (pytest.fail if demanded() else pytest.skip)(reason)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Remember what became of each browser test."""
    report = yield
    if item.get_closest_marker("browser") and report.when == "call":
        item.config.stash[outcomes][item.nodeid] = report.outcome
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Demanded and not run is a failure, however green the rest."""
    if demanded() and not ran(session.config) and session.exitstatus in (pytest.ExitCode.OK, 5):
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
