"""Answers with what is no JSON: not a number, a number of 20,000 digits."""

import itertools
import sys

sys.set_int_max_str_digits(0)
turn = itertools.cycle([float("nan"), float("inf"), 10**20_000, -0.0, 1e308 * 10])


def odd(value):
    return next(turn)
