"""Waits for nothing."""

import time


def attack():
    time.sleep(1_000)
