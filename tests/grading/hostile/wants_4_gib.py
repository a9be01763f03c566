"""Takes 4 GiB."""


def attack():
    return bytearray(4 << 30)
