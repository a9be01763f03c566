"""Your own test of exercise 05: it passes on a right proposer, and fails on one that does not hear of earlier votes."""

from paxoskit.protocol.plain import Ballot
from paxoskit.protocol.synod import Accept, Promise, Propose, Vote


def test(answer):
    """Let a promise report a vote, and look at what is proposed then."""
    # begin: own test: make a proposer with answer.Proposer(4, [1, 2, 3]), let it receive, assert what it sends
    proposer = answer.Proposer(4, [1, 2, 3])
    proposer.start()
    (_, prepare), *_ = proposer.receive(4, Propose("mine"))
    proposer.receive(1, Promise(prepare.ballot, None))
    sent = proposer.receive(2, Promise(prepare.ballot, Vote(Ballot(0, 5), "theirs")))
    assert (1, Accept(prepare.ballot, "theirs")) in sent
    # end
