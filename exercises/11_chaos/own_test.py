"""Your own test of exercise 11: it passes on a right server, and fails where a lost disk takes no voice away."""

from paxoskit.protocol.messages import Prepare, Promise
from paxoskit.protocol.node import Send
from paxoskit.protocol.plain import Ballot


def test(answer):
    """Ask a server that lost its disk, and one that did not, to promise."""
    raise NotImplementedError(
        "own test: answer.Server(1, [1, 2, 3], answer.Server.Disk(voter=False)), .start(); what may it not send?"
    )
