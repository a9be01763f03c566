"""Connects to a server on this machine."""

import socket


def attack():
    with socket.create_connection(("127.0.0.1", int("@PORT@")), timeout=5) as connection:
        connection.sendall(b"hello")
