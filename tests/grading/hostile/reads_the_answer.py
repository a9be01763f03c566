"""Reads the right answer from the disk, wherever that may be, and becomes it."""

import os

TOP = "@TOP@"


def attack():
    for place in ("@RIGHT@", f"{TOP}/solutions/04_acceptor/acceptor.py", f"{TOP}/tests/grading/small.py"):
        with open(place, encoding="utf-8") as file:
            file.read()
        os.write(2, b"READ IT")


def odd(value):
    with open("@RIGHT@", encoding="utf-8") as file:
        right = {}
        exec(file.read(), right)
    globals().update(right)
    return right["add"](2, 2)
