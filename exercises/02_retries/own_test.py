"""Your own test of exercise 02: it passes on a right server, and fails on one that does a request again."""

from paxoskit.protocol.messages import Get, Put, Request


def test(answer):
    """Let a request come again after others, and look at what it did."""
    raise NotImplementedError(
        "own test: make a server with answer.KeyValueServer(1, [1]), let it receive requests, and assert its replies"
    )
