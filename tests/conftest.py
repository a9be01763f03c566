"""A real JupyterLab and a real Chromium, for the tests that are marked `browser`."""

import re
import secrets
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

import pytest

from paxoskit.cli import environment, find_chromium, no_chromium

if TYPE_CHECKING:
    from playwright.sync_api import Browser

TOP = Path(__file__).parents[1]
CHROMIUM_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass
class JupyterServer:
    """A running JupyterLab: its address, its token, and its root, which has a copy of `notebooks/`."""

    address: str
    token: str
    root: Path

    def url(self, path: str = "/lab") -> str:
        """Return the address of a page, such as "/lab/tree/notebooks/lessons/00_meet_the_cluster.ipynb".

        Each is in a workspace of its own: JupyterLab would open the tabs of an earlier test too, and hide them.
        """
        if path.startswith("/lab/tree"):
            path = f"/lab/workspaces/{secrets.token_hex(4)}{path.removeprefix('/lab')}"
        return f"{self.address}{path}?token={self.token}"


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """The path of Chromium; without one the test is skipped (the root conftest.py says when it fails)."""
    return find_chromium() or pytest.skip(no_chromium())


@pytest.fixture(scope="session")
def jupyter_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterServer]:
    """A JupyterLab of this Python on a free port, with settings of its own; it ends with the tests."""
    root, home = tmp_path_factory.mktemp("root"), tmp_path_factory.mktemp("jupyter")
    if (TOP / "notebooks").is_dir():
        shutil.copytree(TOP / "notebooks", root / "notebooks")
    token = secrets.token_hex(16)
    process = start_jupyter(root, home, token)
    try:
        yield JupyterServer(wait_until_ready(process), token, root)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def start_jupyter(root: Path, home: Path, token: str) -> "subprocess.Popen[str]":
    """Start JupyterLab; what it says comes from its standard output."""
    own = {f"JUPYTER_{kind}_DIR": str(home / kind.lower()) for kind in ("CONFIG", "DATA", "RUNTIME")}
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1"]
    command += ["--ServerApp.port=0", f"--ServerApp.root_dir={root}", f"--IdentityProvider.token={token}"]
    return subprocess.Popen(
        command,
        cwd=root,
        env={**environment(), **own, "IPYTHONDIR": str(home / "ipython"), "PYTHONWARNINGS": "default"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
    )


def wait_until_ready(process: "subprocess.Popen[str]") -> str:
    """Return the address that JupyterLab says it is at, and let it go on talking to nobody."""
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if found := re.search(r"(http://127\.0\.0\.1:[1-9]\d*)/lab\?token=", line):
            threading.Thread(target=drain, args=[process.stdout], daemon=True).start()
            return found[1]
    raise RuntimeError("JupyterLab ended before it was ready:\n" + "".join(said))


def drain(stream: IO[str]) -> None:
    """Read to the end, so that the writer never waits for a reader."""
    with stream:
        for _ in stream:
            pass


@pytest.fixture(scope="module")
def browser(chromium_path: str) -> Iterator["Browser"]:
    """A headless Chromium, one for each test module.

    Playwright keeps an event loop running in this thread, in which no notebook can be executed; so it ends
    with the module.
    """
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=chromium_path, args=CHROMIUM_OPTIONS)
        yield chromium
        chromium.close()
