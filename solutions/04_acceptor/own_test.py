"""Your own test of exercise 04: it passes on a right acceptor, and fails on one that forgets what it promised."""

from paxoskit.protocol.plain import Ballot
from paxoskit.protocol.synod import Accept, Accepted, Prepare


def test(answer):
    """Let an acceptor promise a ballot, and then ask it to vote in a lower one."""
    # begin: own test: make an acceptor with answer.Acceptor(1, [1, 2, 3]), let it receive, assert its answers
    acceptor = answer.Acceptor(1, [1, 2, 3])
    acceptor.receive(5, Prepare(Ballot(2, 5)))
    answers = acceptor.receive(4, Accept(Ballot(1, 4), "red"))
    assert not any(isinstance(message, Accepted) for _, message in answers)
    # end
