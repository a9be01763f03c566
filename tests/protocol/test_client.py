"""One client, message by message."""

import pytest

from paxoskit.protocol.client import Client
from paxoskit.protocol.messages import (
    Answered,
    Ask,
    Asks,
    GaveUp,
    Get,
    Put,
    Replies,
    Reply,
    Request,
    Requests,
    RetryTimeout,
)
from paxoskit.protocol.node import After, Announce, Send

NAME, SESSION, OTHER = "client 1", "client 1/1.1", "client 1/1.2"
LOOK = After(*Client.LOOK, RetryTimeout())
PUT, GET = Put("'x'", "7"), Get("'x'")


@pytest.fixture
def client():
    return Client(NAME, (1, 2, 3))


def ask(client, operation=PUT, session=SESSION, patience=0):
    return client.receive(NAME, Ask(session, operation, patience))


def look(client, times=1):
    """Let the client look at the clock; return what it did the last time."""
    return [client.receive(NAME, RetryTimeout()) for _ in range(times)][-1]


def test_a_client_sends_its_request_to_one_server_and_looks_at_the_clock(client):
    assert ask(client) == [LOOK, Send(1, Request(SESSION, 1, PUT))]


def test_a_client_numbers_the_requests_of_each_session_from_one(client):
    ask(client)
    client.receive(1, Reply(SESSION, 1, "done"))
    assert ask(client, GET)[-1] == Send(1, Request(SESSION, 2, GET))
    assert ask(client, GET, OTHER)[-1] == Send(1, Request(OTHER, 1, GET))


def test_a_client_that_waits_already_sets_no_second_timer(client):
    ask(client)
    assert ask(client, GET, OTHER) == [Send(1, Request(OTHER, 1, GET))]


def test_many_requests_leave_in_one_message(client):
    asks = Asks((Ask(SESSION, PUT), Ask(OTHER, GET)))
    assert client.receive(NAME, asks) == [
        LOOK,
        Send(1, Requests((Request(SESSION, 1, PUT), Request(OTHER, 1, GET)))),
    ]


def test_an_answer_is_told(client):
    ask(client)
    assert client.receive(1, Reply(SESSION, 1, "done")) == [Announce(Answered(SESSION, 1, "done"))]
    assert client.waiting == {}


def test_many_answers_may_come_at_once(client):
    client.receive(NAME, Asks((Ask(SESSION, PUT), Ask(OTHER, GET))))
    assert client.receive(1, Replies((Reply(OTHER, 1, None), Reply(SESSION, 1, "done")))) == [
        Announce(Answered(OTHER, 1, None)),
        Announce(Answered(SESSION, 1, "done")),
    ]


def test_an_answer_that_comes_twice_is_told_once(client):
    ask(client)
    client.receive(1, Reply(SESSION, 1, "done"))
    assert client.receive(1, Reply(SESSION, 1, "done")) == []


def test_an_answer_is_matched_to_its_request(client):
    ask(client)
    client.receive(1, Reply(SESSION, 1, "done"))
    ask(client, GET)
    assert client.receive(1, Reply(SESSION, 1, "done")) == []
    assert client.receive(1, Reply(SESSION, 3, "9")) == []
    assert client.receive(1, Reply(OTHER, 2, "9")) == []
    assert client.receive(1, Reply(SESSION, 2, "7")) == [Announce(Answered(SESSION, 2, "7"))]


def test_a_client_stays_with_the_server_that_answered(client):
    ask(client)
    client.receive(3, Reply(SESSION, 1, "done"))
    assert ask(client)[-1] == Send(3, Request(SESSION, 2, PUT))


def test_an_answer_from_a_stranger_moves_nobody(client):
    ask(client)
    assert client.receive(9, Reply(SESSION, 1, "done")) == [Announce(Answered(SESSION, 1, "done"))]
    assert client.favourite == 1


def test_a_client_is_patient_for_one_look(client):
    ask(client)
    assert look(client) == [LOOK]


def test_a_client_asks_again_elsewhere_with_the_same_number(client):
    ask(client)
    assert look(client, 2) == [Send(2, Request(SESSION, 1, PUT)), LOOK]
    assert look(client, 2) == [Send(3, Request(SESSION, 1, PUT)), LOOK]
    assert look(client, 2) == [Send(1, Request(SESSION, 1, PUT)), LOOK]


def test_only_what_waited_long_is_asked_again(client):
    ask(client)
    look(client)
    ask(client, GET, OTHER)
    assert look(client) == [Send(2, Request(SESSION, 1, PUT)), LOOK]
    assert look(client) == [Send(3, Request(OTHER, 1, GET)), LOOK]


def test_a_client_with_nothing_to_wait_for_stops_looking(client):
    ask(client)
    client.receive(1, Reply(SESSION, 1, "done"))
    assert look(client) == []


def test_a_client_gives_up_when_its_patience_ends_and_says_so(client):
    ask(client, patience=3)
    look(client, 2)
    assert look(client) == [Announce(GaveUp(SESSION, 1))]
    assert client.receive(1, Reply(SESSION, 1, "done")) == []


def test_a_client_with_no_limit_never_gives_up(client):
    ask(client)
    assert look(client, 1_000)[-1] == LOOK


def test_giving_one_request_up_keeps_the_others(client):
    ask(client, patience=1)
    ask(client, GET, OTHER)
    assert look(client) == [Announce(GaveUp(SESSION, 1)), LOOK]
    assert list(client.waiting) == [OTHER]
