"""Your own test of exercise 11: it passes on a right server, and fails where a lost disk takes no voice away."""

from paxoskit.protocol.messages import Prepare, Promise
from paxoskit.protocol.node import Send
from paxoskit.protocol.plain import Ballot


def test(answer):
    """Ask a server that lost its disk, and one that did not, to promise."""
    # begin: own test: answer.Server(1, [1, 2, 3], answer.Server.Disk(voter=False)), .start(); what may it not send?
    for voter in (True, False):
        server = answer.Server(1, [1, 2, 3], answer.Server.Disk(voter=voter))
        server.start()
        said = server.receive(2, Prepare(Ballot(1, 2), 0))
        assert any(type(one) is Send and type(one.message) is Promise for one in said) == voter
    # end
