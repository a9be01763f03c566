"""Your own test of exercise 06: it passes where the disk outlives a crash, and fails where each life begins empty."""

from paxoskit.protocol.plain import Ballot
from paxoskit.protocol.synod import Nack, Prepare


def test(answer):
    """Let an acceptor promise, crash it, and ask its next life for less."""
    # begin: own test: a crash is `second = answer.Acceptor(1, [1, 2, 3], first.disk)`; assert what the next life says
    first = answer.Acceptor(1, [1, 2, 3])
    first.start()
    first.receive(5, Prepare(Ballot(2, 5)))
    second = answer.Acceptor(1, [1, 2, 3], first.disk)
    second.start()
    [(_, message)] = second.receive(4, Prepare(Ballot(1, 4)))
    assert isinstance(message, Nack)
    # end
