"""Looks for the expected answer, or the property itself, in the frames above it."""

import sys


def attack():
    frame = sys._getframe()
    while frame is not None:
        for place in (frame.f_locals, frame.f_globals):
            for name in ("expected", "prop", "properties", "results", "SMALL", "counts"):
                if name in place:
                    raise RuntimeError("the judge is in this process")
        frame = frame.f_back
