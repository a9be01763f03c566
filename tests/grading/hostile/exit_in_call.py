"""Ends its process in a call."""

import os


def attack():
    os._exit(0)
