"""Opens a socket by the number that the call has for programs of another kind (x32), which the system knows too."""

import ctypes


def attack():
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(0x40000000 + 41, 2, 2, 0) < 0:
        raise OSError(ctypes.get_errno(), "no socket")
