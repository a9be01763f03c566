"""Your own test of exercise 04: it passes on a right acceptor, and fails on one that forgets what it promised."""

from paxoskit.protocol.plain import Ballot
from paxoskit.protocol.synod import Accept, Accepted, Prepare


def test(answer):
    """Let an acceptor promise a ballot, and then ask it to vote in a lower one."""
    raise NotImplementedError(
        "own test: make an acceptor with answer.Acceptor(1, [1, 2, 3]), let it receive, assert its answers"
    )
