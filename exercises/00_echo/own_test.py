"""Your own test of exercise 00: it passes on a right echo, and fails on one whose reply is lost."""

from paxoskit.protocol.messages import Get, Reply, Request


def test(answer):
    """Let a client ask, and compare what the server sends."""
    raise NotImplementedError(
        "own test: make a server with answer.Echo(1, [1]), call receive(sender, message), and assert what it returns"
    )
