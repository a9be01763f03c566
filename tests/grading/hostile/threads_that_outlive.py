"""Leaves threads behind that never end."""

import threading
import time


def attack():
    for _ in range(20):
        threading.Thread(target=time.sleep, args=(1_000,)).start()
