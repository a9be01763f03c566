"""Your own test of exercise 08: it passes on a right server, and fails where a promise hides what is decided."""

from paxoskit.protocol.chain import NO_HASH, Content, mine
from paxoskit.protocol.messages import Decide, Prepare, Promise
from paxoskit.protocol.plain import Ballot


def test(answer):
    """Let a server learn a block, and a candidate without it ask for a promise."""
    raise NotImplementedError(
        "own test: answer.Server(1, [1, 2, 3]), .start(), .receive(2, Decide(...)); what does its Promise hold then?"
    )
