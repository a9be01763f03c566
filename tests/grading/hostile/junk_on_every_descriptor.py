"""Writes junk wherever it can."""

import contextlib
import os


def attack():
    for descriptor in range(64):
        with contextlib.suppress(OSError):
            os.write(descriptor, b"\xff" * 100 + b'{"points": 5}')
