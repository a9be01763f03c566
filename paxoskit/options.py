"""The options of a command: what is wrong with them is said in one line, and the exit code is 2."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import NoReturn

from paxoskit.cli import COMMANDS


class Options(argparse.ArgumentParser):
    """The parser of the command `name`, to which its options are added."""

    def __init__(self, name: str, more: str) -> None:
        says = COMMANDS[name].says
        super().__init__(
            prog=f"python3 -m paxoskit {name}",
            description=f"{says[0].upper()}{says[1:]}. {more}",
            allow_abbrev=False,
        )

    def error(self, message: str) -> NoReturn:
        """Say in one line what is wrong, without the usage that `--help` gives, and end with code 2."""
        self.exit(2, f"paxoskit: {message.removeprefix('argument ')}\n")


def whole(low: int, high: int) -> Callable[[str], int]:
    """Return a reader of whole numbers from `low` to `high`.

    >>> whole(1, 99)("3")
    3
    """

    def read(text: str) -> int:
        if not (text.isascii() and text.isdecimal() and len(text) < 20 and low <= int(text) <= high):
            raise argparse.ArgumentTypeError(f"expected a whole number from {low} to {high}, got {text!r}")
        return int(text)

    return read


def seconds(text: str) -> float:
    """Read a number of seconds, above 0 and at most an hour.

    >>> seconds("2.5")
    2.5
    """
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number <= 3600:
        raise argparse.ArgumentTypeError(f"expected seconds above 0 and at most 3600, got {text!r}")
    return number
