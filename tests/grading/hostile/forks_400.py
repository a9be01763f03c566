"""Forks 400 children that stay."""

import os
import time


def attack():
    for _ in range(400):
        if os.fork() == 0:
            time.sleep(1_000)
            os._exit(0)
