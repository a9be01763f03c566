"""Answers with more than the pipe takes."""


def odd(value):
    return "x" * (2 << 20)
