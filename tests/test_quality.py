"""The checks of the code itself: style, types, and the examples in docstrings."""

import doctest
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).parents[1]


def modules_with_examples() -> list[str]:
    """Return the names of the modules that have examples, importing none of them."""
    files = sorted((TOP / "paxoskit").rglob("*.py"))
    with_examples = [file for file in files if ">>> " in file.read_text(encoding="utf-8")]
    names = [".".join(file.relative_to(TOP).with_suffix("").parts) for file in with_examples]
    return [name.removesuffix(".__init__") for name in names]


@pytest.mark.parametrize("name", modules_with_examples())
def test_the_examples_in_docstrings_run(name):
    result = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert result.attempted > 0
    assert result.failed == 0


def test_ruff_finds_nothing():
    assert complaints("ruff", "check", "--output-format=concise", ".") == ""


@pytest.mark.slow
def test_mypy_finds_nothing_in_strict_mode():
    assert complaints("mypy", "--strict", "paxoskit") == ""


def complaints(tool: str, *arguments: str) -> str:
    """Run a checker on the clone and return what it says if it fails."""
    command = [sys.executable, "-m", tool, *arguments]
    done = subprocess.run(command, cwd=TOP, capture_output=True, text=True, encoding="utf-8")
    return done.stdout + done.stderr if done.returncode else ""
