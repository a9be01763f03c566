"""Your own test of exercise 10: it passes on a right `first_fault`, and fails where a bad block is passed over."""

from dataclasses import replace


def test(answer):
    """Mine a chain, spoil a block, and look at which block is named."""
    # begin: own test: mine blocks with answer.mine, spoil one with replace(block, nonce=...), assert what is found
    blocks, tip = [], answer.NO_HASH
    for height in range(3):
        blocks.append(answer.mine(height, tip, (), 1))
        tip = blocks[-1].hash
    assert answer.first_fault(blocks) is None
    blocks[1] = replace(blocks[1], nonce=blocks[1].nonce + 1)
    assert answer.first_fault(blocks) == (1, "hash")
    # end
