"""Your own test of exercise 10: it passes on a right `first_fault`, and fails where a bad block is passed over."""

from dataclasses import replace


def test(answer):
    """Mine a chain, spoil a block, and look at which block is named."""
    raise NotImplementedError(
        "own test: mine blocks with answer.mine, spoil one with replace(block, nonce=...), assert what is found"
    )
