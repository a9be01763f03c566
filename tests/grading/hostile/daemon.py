"""Forks twice and leaves its session, so that no signal to its group reaches it."""

import os
import time


def attack():
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.setpgid(0, 0) if os.getpid() != os.getpgid(0) else None
            time.sleep(1_000)
        os._exit(0)
