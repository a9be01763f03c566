"""Runs another program."""

import subprocess


def attack():
    subprocess.run(["/bin/sleep", "1000"])
