"""Your own test of exercise 09: it passes on a right store, and fails where a store forgets what took effect before."""

from paxoskit.protocol.messages import Block, Put, Reply, Request


def test(answer):
    """Let a request take effect, and come again."""
    raise NotImplementedError(
        "own test: give a Store(1, [1, 2, 3], disk) blocks on its disk; assert what a retry is answered"
    )
