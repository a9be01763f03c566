"""Ends its process as it is loaded: an exit code of 0 must not count as a pass."""

import os

print("5 passed")
os._exit(0)
