"""Writes a whole answer into the pipe, before the worker does: for the request that it runs in."""

import os
import struct


def attack():
    for number in range(1, 12):
        text = b'{"n":%d,"answer":4,"printed":""}' % number
        os.write(4, struct.pack(">I", len(text)) + text)
