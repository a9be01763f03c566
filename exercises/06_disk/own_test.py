"""Your own test of exercise 06: it passes where the disk outlives a crash, and fails where each life begins empty."""

from paxoskit.protocol.plain import Ballot
from paxoskit.protocol.synod import Nack, Prepare


def test(answer):
    """Let an acceptor promise, crash it, and ask its next life for less."""
    raise NotImplementedError(
        "own test: a crash is `second = answer.Acceptor(1, [1, 2, 3], first.disk)`; assert what the next life says"
    )
