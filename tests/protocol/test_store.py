"""The store is what the chain's requests leave behind, each done once."""

import copy

import pytest

from paxoskit.protocol.chain import Chain, Content, mine
from paxoskit.protocol.messages import Get, Put, Request
from paxoskit.protocol.store import NOTHING_DONE, Done, Store

ONE, TWO = "client 1/1.1", "client 2/1.1"


@pytest.fixture
def store():
    return Store()


def test_a_put_is_answered_done_and_a_get_with_the_value(store):
    assert store.apply(Request(ONE, 1, Put("'x'", "7"))) == Done(1, "done")
    assert store.apply(Request(ONE, 2, Get("'x'"))) == Done(2, "7")


def test_a_key_never_put_is_answered_none(store):
    assert store.apply(Request(ONE, 1, Get("'x'"))) == Done(1, None)


def test_the_last_put_counts(store):
    store.apply(Request(ONE, 1, Put("'x'", "7")))
    store.apply(Request(TWO, 1, Put("'x'", "8")))
    assert store.data == {"'x'": "8"}


def test_a_retried_put_takes_effect_once(store):
    """M38: client 1's answer was lost, client 2 puts, client 1 asks again."""
    first = Request(ONE, 1, Put("'x'", "1"))
    store.apply(first)
    store.apply(Request(TWO, 1, Put("'x'", "2")))
    assert store.apply(first) == Done(1, "done")
    assert store.data == {"'x'": "2"}


def test_a_retried_get_is_answered_as_the_first_time(store):
    get = Request(ONE, 1, Get("'x'"))
    store.apply(get)
    store.apply(Request(TWO, 1, Put("'x'", "2")))
    assert store.apply(get) == Done(1, None)


def test_a_lower_number_takes_no_effect(store):
    store.apply(Request(ONE, 2, Put("'x'", "2")))
    assert store.apply(Request(ONE, 1, Put("'x'", "1"))) == Done(2, "done")
    assert store.data == {"'x'": "2"}


def test_the_last_request_of_each_session_is_remembered(store):
    store.apply(Request(ONE, 1, Put("'x'", "7")))
    assert (store.last(ONE), store.last(TWO)) == (Done(1, "done"), NOTHING_DONE)


def test_equal_chains_give_equal_stores():
    requests = (Request(ONE, 1, Put("'x'", "7")), Request(TWO, 1, Get("'x'")))
    chain = Chain().append(mine(Content(0, Chain().hash, requests)))
    folded = Store()
    for request in requests:
        folded.apply(request)
    assert Store.fold(chain) == Store.fold(chain) == folded
    assert Store.fold(Chain()) != folded


def test_a_copy_of_a_store_goes_its_own_way(store):
    store.apply(Request(ONE, 1, Put("'x'", "7")))
    twin = copy.deepcopy(store)
    twin.apply(Request(ONE, 2, Put("'x'", "8")))
    assert (store.data, twin.data) == ({"'x'": "7"}, {"'x'": "8"})
    assert store.last(ONE) == Done(1, "done")
