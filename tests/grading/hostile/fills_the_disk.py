"""Writes a file without end."""


def attack():
    with open("big", "wb") as file:
        for _ in range(2_000):
            file.write(b"x" * (1 << 20))
