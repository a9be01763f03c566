"""Sends a datagram to this machine."""

import socket


def attack():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.sendto(b"hello", ("127.0.0.1", int("@PORT@")))
