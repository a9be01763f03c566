"""Your own test of exercise 00: it passes on a right echo, and fails on one whose reply is lost."""

from paxoskit.protocol.messages import Get, Reply, Request


def test(answer):
    """Let a client ask, and compare what the server sends."""
    # begin: own test: make a server with answer.Echo(1, [1]), call receive(sender, message), and assert what it returns
    request = Request("client 1/1.1", 1, Get("'hello'"))
    effects = answer.Echo(1, [1]).receive("client 1", request)
    assert effects == [("client 1", Reply("client 1/1.1", 1, "'hello'"))]
    # end
