"""The chain: what is mined, what is verified, and what no hash can tell."""

import copy
import json
from dataclasses import replace
from hashlib import sha256

import pytest

from paxoskit.protocol.chain import (
    NO_HASH,
    Chain,
    ChainError,
    Content,
    Fault,
    chain_of,
    check_difficulty,
    hash_of,
    is_good,
    mine,
    verify,
)
from paxoskit.protocol.messages import Get, Put, Request

PUT = Request("client 1/1.1", 1, Put("'x'", "7"))
GET = Request('client "2"/1.1', 3, Get("'é'"))


def blocks(count=4, start=0):
    """A good chain of blocks; block 1 holds two requests."""
    found, before = [], NO_HASH
    for height in range(count):
        operations = (PUT, GET) if height == 1 else ()
        found.append(mine(Content(height, before, operations), start))
        before = found[-1].hash
    return found


def test_a_blocks_hash_is_that_of_its_canonical_json():
    block = blocks()[1]
    fields = {
        "height": 1,
        "previous_hash": block.previous_hash,
        "operations": [["client 1/1.1", 1, "put", "'x'", "7"], ['client "2"/1.1', 3, "get", "'é'"]],
        "nonce": block.nonce,
    }
    text = json.dumps(fields, separators=(",", ":"))
    assert block.hash == hash_of(block) == sha256(text.encode()).hexdigest()


def test_fields_cannot_run_into_one_another():
    """M43: joined without separators, "ab" + "c" would be "a" + "bc"."""
    one = Request("client 1/1.1", 1, Put("ab", "c"))
    two = Request("client 1/1.1", 1, Put("a", "bc"))
    assert mine(Content(0, NO_HASH, (one,))).hash != mine(Content(0, NO_HASH, (two,))).hash


@pytest.mark.parametrize("difficulty", [1, 2, 3])
def test_the_miner_finds_the_smallest_good_nonce_from_its_start(difficulty):
    content = Content(0, NO_HASH, (PUT,))
    block = mine(content, 100, difficulty)
    assert set(block.hash[-difficulty:]) <= set("012")
    assert block.nonce >= 100
    for nonce in range(100, block.nonce):
        assert not is_good(hash_of(replace(block, nonce=nonce)), difficulty)


def test_another_start_gives_another_block_from_the_same_content():
    content = Content(0, NO_HASH, (PUT,))
    assert mine(content, 0).hash != mine(content, 1_000).hash


@pytest.mark.parametrize("difficulty", [0, 7, -1, 2.5, "3", True, None])
def test_a_difficulty_that_would_mine_for_hours_is_refused(difficulty):
    says = f"difficulty: expected a whole number from 1 to 6, got {difficulty!r}"
    for refuses in (check_difficulty, Chain, lambda d: mine(Content(0, NO_HASH, ()), 0, d)):
        with pytest.raises(ValueError) as error:
            refuses(difficulty)
        assert str(error.value) == says


def test_a_good_chain_has_no_fault():
    assert verify(blocks()) is None
    assert verify([]) is None


@pytest.mark.parametrize(
    ("field", "value", "check"),
    [
        ("height", 7, "height"),
        ("previous_hash", "f" * 64, "previous_hash"),
        ("nonce", 12_345, "hash"),
        ("operations", (PUT,), "hash"),
        ("operations", (GET, PUT), "hash"),
        ("hash", "0" * 64, "hash"),
        ("hash", "f" * 64, "nonce"),
    ],
)
@pytest.mark.parametrize("height", [0, 1, 3])
def test_verify_names_the_first_bad_height_and_the_check_that_failed(height, field, value, check):
    tampered = blocks()
    tampered[height] = replace(tampered[height], **{field: value})
    fault = verify(tampered)
    assert (fault.height, fault.check) == (height, check)


def test_the_checks_come_in_order_height_previous_hash_nonce_hash():
    good = blocks()[1]
    chain = chain_of(blocks()[:1])
    worst = replace(good, height=7, previous_hash="f" * 64, nonce=1, hash="f" * 64)
    found = []
    for field in ("height", "previous_hash", "hash", "nonce"):
        found.append(chain.fault(worst).check)
        value = {"height": 1, "previous_hash": chain.hash, "hash": "0" * 64, "nonce": good.nonce}[field]
        worst = replace(worst, **{field: value})
    assert found == ["height", "previous_hash", "nonce", "hash"]


def test_a_hash_that_no_longer_fits_cannot_tell_which_field_was_changed():
    good = blocks(1)[0]
    by_nonce = verify([replace(good, nonce=good.nonce + 1)])
    by_content = verify([replace(good, operations=(PUT,))])
    assert by_nonce == by_content == Fault(
        0, "hash", "the fields of block 0 do not give the hash it carries"
    )


def test_a_remined_suffix_passes_every_hash():
    """Whoever mines a new end of the chain is not found by hashes: only other servers' chains show it."""
    original = blocks()
    forged = [*original[:1], mine(Content(1, original[0].hash, (replace(PUT, number=2),)))]
    for height in (2, 3):
        forged.append(mine(Content(height, forged[-1].hash, ())))
    assert verify(forged) is None
    assert [one.hash == other.hash for one, other in zip(original, forged)] == [True, False, False, False]


def test_verify_computes_every_hash_anew():
    """A hash that was remembered from before the change must not pass."""
    block = blocks(1)[0]
    assert block.recomputed == block.hash
    object.__setattr__(block, "nonce", block.nonce + 1)
    assert verify([block]).check == "hash"


def test_a_chain_takes_no_bad_block():
    chain = Chain()
    with pytest.raises(ChainError) as error:
        chain.append(blocks()[1])
    assert str(error.value) == "expected a block of height 0, got 1"
    assert error.value.fault == Fault(0, "height", str(error.value))


def test_appending_leaves_the_shorter_chain_as_it_was():
    first, second = blocks(2)
    shorter = chain_of([first])
    longer = shorter.append(second)
    assert (len(shorter), shorter.hash) == (1, first.hash)
    assert (len(longer), longer.hash, longer.parent) == (2, second.hash, shorter)


def test_a_chain_gives_its_blocks_from_any_height():
    made = blocks()
    chain = chain_of(made)
    assert list(chain) == made
    assert chain.from_height(2) == tuple(made[2:])
    assert chain.from_height(4) == chain.from_height(9) == ()


def test_chains_are_equal_by_height_and_newest_hash():
    assert chain_of(blocks()) == chain_of(blocks())
    assert hash(chain_of(blocks())) == hash(chain_of(blocks()))
    assert chain_of(blocks(3)) != chain_of(blocks(4))
    assert chain_of(blocks(2)) != chain_of(blocks(2, start=1_000))
    assert Chain() != ()


def test_a_chain_is_never_copied():
    chain = chain_of(blocks())
    assert copy.deepcopy(chain) is chain


def test_a_chains_json_is_its_height_and_newest_hash():
    made = blocks(2)
    assert chain_of(made).as_json() == {"Chain": {"height": 2, "hash": made[1].hash}}


def test_a_chain_keeps_its_difficulty():
    block = mine(Content(0, NO_HASH, ()), 0, 2)
    chain = chain_of([block], 2)
    easy = next(one for n in range(100) if not is_good((one := mine(Content(1, block.hash, ()), n)).hash, 2))
    assert chain.fault(easy).check == "nonce"
