"""Prints without end, to the screen and past it."""

import os
import sys


def attack():
    line = "x" * (1 << 20)
    for _ in range(2_000):
        print(line)
    for descriptor in (1, 2):
        try:
            for _ in range(2_000):
                os.write(descriptor, line.encode())
        except OSError:
            pass
    sys.__stdout__.write(line)
