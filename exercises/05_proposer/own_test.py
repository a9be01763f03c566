"""Your own test of exercise 05: it passes on a right proposer, and fails on one that does not hear of earlier votes."""

from paxoskit.protocol.plain import Ballot
from paxoskit.protocol.synod import Accept, Promise, Propose, Vote


def test(answer):
    """Let a promise report a vote, and look at what is proposed then."""
    raise NotImplementedError(
        "own test: make a proposer with answer.Proposer(4, [1, 2, 3]), let it receive, assert what it sends"
    )
