"""Your own test of exercise 09: it passes on a right store, and fails where a store forgets what took effect before."""

from paxoskit.protocol.messages import Block, Put, Reply, Request


def test(answer):
    """Let a request take effect, and come again."""
    # begin: own test: give a Store(1, [1, 2, 3], disk) blocks on its disk; assert what a retry is answered
    first = Request("client 1/1.1", 1, Put("'x'", "1"))
    second = Request("client 1/1.1", 2, Put("'x'", "2"))
    disk = answer.Store.Disk(blocks=(Block(0, "0" * 64, (first, second), 0, ""),))
    store = answer.Store(1, [1, 2, 3], disk)
    store.start()
    assert ("client 1", Reply("client 1/1.1", 2, "1")) in store.receive("client 1", second)
    # end
