"""Raises what ends a program, past every `except Exception`."""


def attack():
    raise SystemExit(0)
