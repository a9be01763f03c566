"""Overflows Python's own stack."""

import sys


def attack():
    sys.setrecursionlimit(10**9)

    def deeper():
        return deeper()

    deeper()
