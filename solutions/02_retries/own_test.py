"""Your own test of exercise 02: it passes on a right server, and fails on one that does a request again."""

from paxoskit.protocol.messages import Get, Put, Request


def test(answer):
    """Let a request come again after others, and look at what it did."""
    # begin: own test: make a server with answer.KeyValueServer(1, [1]), let it receive requests, and assert its replies
    server = answer.KeyValueServer(1, [1])
    first = Request("client 1/1.1", 1, Put("'x'", "1"))
    server.receive("client 1", first)
    server.receive("client 2", Request("client 2/1.1", 1, Put("'x'", "2")))
    server.receive("client 1", first)
    [(_, reply)] = server.receive("client 2", Request("client 2/1.1", 2, Get("'x'")))
    assert reply.answer == "2"
    # end
