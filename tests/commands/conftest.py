"""Runs a command of the kit in a process of its own, as a user does."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

TOP = Path(__file__).parents[2]


class Done(NamedTuple):
    """What a command came to: exit code, the lines it said, the lines of its complaint."""

    code: int
    said: list[str]
    complaint: list[str]


@pytest.fixture(scope="session")
def paxoskit() -> Callable[..., Done]:
    """Run `python3 -S -m paxoskit …`: without any third-party package in reach."""

    def run(*arguments: str, typed: str | bytes = "", cwd: Path = TOP) -> Done:
        command = [sys.executable, "-S", "-m", "paxoskit", *arguments]
        done = subprocess.run(
            command,
            cwd=cwd,
            input=typed if isinstance(typed, bytes) else typed.encode(),
            capture_output=True,
            timeout=120,
            env={"PYTHONPATH": str(TOP), "PYTHONUTF8": "1"},
        )
        return Done(done.returncode, done.stdout.decode().splitlines(), done.stderr.decode().splitlines())

    return run
