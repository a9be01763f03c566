"""One server, message by message: what it hears, what it says, what it remembers."""

from dataclasses import replace

import pytest

from paxoskit.protocol.chain import NO_HASH, Chain, Content, chain_of, mine
from paxoskit.protocol.messages import (
    Accept,
    Accepted,
    Applied,
    Block,
    Blocks,
    Decide,
    Elected,
    ElectionTimeout,
    Get,
    Heartbeat,
    HeartbeatHeard,
    HeartbeatTimeout,
    Nack,
    Prepare,
    Promise,
    Put,
    Rejected,
    Replies,
    Reply,
    Request,
    Requests,
    SteppedDown,
    Vote,
    WantBlocks,
)
from paxoskit.protocol.node import After, Announce, Send
from paxoskit.protocol.plain import BOTTOM, Ballot
from paxoskit.protocol.server import Server
from paxoskit.protocol.store import Done

PEERS = (1, 2, 3)
ELECTION = After(*Server.ELECTION, ElectionTimeout())
ONE, TWO, THREE = Ballot(1, 1), Ballot(2, 2), Ballot(3, 3)
PUT = Request("client 1/1.1", 1, Put("'x'", "7"))
GET = Request("client 2/1.1", 1, Get("'x'"))


def block(chain=None, *requests, start=0):
    """The next block of a chain."""
    chain = Chain() if chain is None else chain
    return mine(Content(chain.height, chain.hash, requests), start)


B0 = block(None, PUT)
OTHER = block(None, PUT, start=1_000)
B1 = block(chain_of([B0]), GET)
B2 = block(chain_of([B0, B1]))


def server(name=2, promised=BOTTOM, vote=None, blocks=(), voter=True, peers=PEERS):
    return Server(name, peers, Server.Disk(promised, vote, chain_of(blocks), voter))


def broadcast(message, peers=PEERS):
    return [Send(peer, message) for peer in peers]


def candidate(name=1, blocks=(), vote=None, peers=PEERS):
    """A server that stands for election in ballot 1 of its own, and has its own promise."""
    one = server(name, blocks=blocks, vote=vote, peers=peers)
    one.receive(name, ElectionTimeout())
    return one


def leader(name=1, blocks=(), peers=PEERS):
    """A server that was elected in ballot 1 of its own."""
    one = candidate(name, blocks, peers=peers)
    for peer in [peer for peer in peers if peer != name][: len(peers) // 2]:
        one.receive(peer, Promise(one.ballot, len(blocks), None, ()))
    assert one.leading
    return one


# A new life --------------------------------------------------------------------------------------------


def test_a_new_server_waits_for_a_leader():
    assert server().start() == [ELECTION]


def test_a_server_begins_with_an_empty_disk_and_a_vote():
    assert Server(2, PEERS).disk == Server.Disk(BOTTOM, None, Chain(), True)


def test_a_restart_keeps_the_disk_and_nothing_else():
    old = leader(blocks=[B0])
    old.receive("client 1", GET)
    new = Server(1, PEERS, old.disk)
    assert (new.leading, new.ballot, new.leader, new.queue, new.open) == (False, BOTTOM, None, {}, None)
    assert new.disk.promised == ONE
    assert new.disk.vote == Vote(ONE, old.open)
    assert new.store.data == {"'x'": "7"}


@pytest.mark.parametrize(("servers", "majority"), [(1, 1), (2, 2), (3, 2), (4, 3), (5, 3), (7, 4)])
def test_a_majority_is_more_than_half(servers, majority):
    assert Server(1, range(1, servers + 1)).majority == majority


# A client asks -----------------------------------------------------------------------------------------


def test_a_follower_forwards_a_request_of_a_client_once():
    one = server()
    one.receive(1, Heartbeat(ONE, 0))
    assert one.receive("client 1", PUT) == [Send(1, PUT)]


def test_a_follower_forwards_no_request_that_a_server_forwarded():
    one = server()
    one.receive(1, Heartbeat(ONE, 0))
    assert one.receive(3, PUT) == []


def test_a_server_without_a_leader_keeps_silent():
    assert server().receive("client 1", PUT) == []


def test_a_follower_keeps_no_queue():
    one = server()
    one.receive(1, Heartbeat(ONE, 0))
    one.receive("client 1", PUT)
    assert one.queue == {}


def test_a_retry_is_answered_from_the_store_by_anyone():
    one = server(blocks=[B0, B1])
    assert one.receive("client 1", PUT) == [Send("client 1", Reply(PUT.session, 1, "done"))]
    assert one.receive(3, GET) == [Send("client 2", Reply(GET.session, 1, "7"))]


def test_a_lower_number_is_ignored():
    later = replace(PUT, number=2)
    one = server(blocks=[block(None, PUT, later)])
    assert one.receive("client 1", PUT) == []


def test_the_leader_proposes_a_request_that_was_forwarded():
    one = leader()
    effects = one.receive(3, PUT)
    accept = Accept(ONE, one.open)
    assert one.open.operations == (PUT,)
    assert effects == [
        *broadcast(accept),
        Send(1, Accepted(ONE, 0, one.open.hash)),
    ]


def test_requests_wait_while_a_slot_is_open_and_the_next_block_takes_them_all():
    one = leader()
    one.receive("client 1", PUT)
    first = one.open
    others = [Request(f"client {n}/1.1", 1, Get("'x'")) for n in range(2, 5)]
    assert [one.receive(request.client, request) for request in others] == [[], [], []]
    one.receive(2, Accepted(ONE, 0, first.hash))
    assert one.open.operations == tuple(others)
    assert one.open.previous_hash == first.hash


def test_a_request_that_waits_already_is_not_proposed_twice():
    one = leader()
    one.receive("client 1", PUT)
    one.receive("client 2", GET)
    one.receive("client 2", GET)
    one.receive(2, Accepted(ONE, 0, one.open.hash))
    assert one.open.operations == (GET,)


def test_a_block_takes_no_more_than_block_size():
    class Small(Server):
        BLOCK_SIZE = 2

    one = leader()
    one.__class__ = Small
    one.receive("client 1", PUT)
    for n in range(2, 5):
        one.receive(f"client {n}", Request(f"client {n}/1.1", 1, Get("'x'")))
    one.receive(2, Accepted(ONE, 0, one.open.hash))
    assert [request.client for request in one.open.operations] == ["client 2", "client 3"]
    assert list(one.queue) == ["client 2/1.1", "client 3/1.1", "client 4/1.1"]


def test_many_requests_at_once_are_led_like_one():
    one = leader()
    one.receive("client 1", Requests((PUT, GET)))
    assert one.open.operations == (PUT,)
    assert list(one.queue) == [PUT.session, GET.session]


# Phase 1: promises -------------------------------------------------------------------------------------


def test_an_acceptor_promises_a_higher_ballot_and_remembers_it():
    one = server(promised=ONE)
    assert one.receive(2, Prepare(TWO, 0)) == [Send(2, Promise(TWO, 0, None, ()))]
    assert one.disk.promised == TWO


def test_an_acceptor_promises_an_equal_ballot_again():
    one = server(promised=TWO)
    assert one.receive(2, Prepare(TWO, 0)) == [Send(2, Promise(TWO, 0, None, ()))]


def test_an_acceptor_refuses_a_lower_ballot_and_says_which_it_promised():
    one = server(promised=TWO)
    assert one.receive(1, Prepare(ONE, 0)) == [Send(1, Nack(ONE, TWO))]
    assert one.disk.promised == TWO


def test_the_ballot_is_checked_before_the_height():
    one = server(promised=TWO, blocks=[B0])
    assert one.receive(1, Prepare(ONE, 0)) == [Send(1, Nack(ONE, TWO))]


def test_a_promise_brings_the_vote():
    one = server(vote=Vote(ONE, B0))
    assert one.receive(3, Prepare(THREE, 0)) == [Send(3, Promise(THREE, 0, Vote(ONE, B0), ()))]


def test_a_promise_brings_the_blocks_that_the_candidate_lacks_and_the_vote_after_them():
    one = server(vote=Vote(ONE, B2), blocks=[B0, B1])
    assert one.receive(3, Prepare(THREE, 1)) == [Send(3, Promise(THREE, 1, Vote(ONE, B2), (B1,)))]


def test_a_promise_to_one_who_is_ahead_brings_no_block():
    one = server(blocks=[B0])
    assert one.receive(3, Prepare(THREE, 2)) == [Send(3, Promise(THREE, 2, None, ()))]


def test_who_heard_its_leader_ignores_a_prepare():
    one = server()
    one.receive(1, Heartbeat(ONE, 0))
    assert one.receive(3, Prepare(THREE, 0)) == []
    assert one.disk.promised == ONE


def test_an_accept_counts_as_hearing_the_leader():
    one = server()
    one.receive(1, Accept(ONE, B0))
    assert one.receive(3, Prepare(THREE, 0)) == []


def test_a_prepare_does_not_count_as_hearing_a_leader():
    one = server()
    one.receive(1, Prepare(ONE, 0))
    assert one.receive(3, Prepare(THREE, 0)) == [Send(3, Promise(THREE, 0, None, ()))]


def test_who_heard_no_leader_for_a_whole_wait_listens_again():
    one = server()
    one.receive(1, Heartbeat(ONE, 0))
    assert one.receive(2, ElectionTimeout()) == [ELECTION]
    assert one.receive(3, Prepare(THREE, 0)) == [Send(3, Promise(THREE, 0, None, ()))]


def test_a_candidate_gives_way_to_a_higher_ballot():
    one = candidate()
    assert one.receive(3, Prepare(THREE, 0)) == [Send(3, Promise(THREE, 0, None, ()))]
    assert one.ballot == BOTTOM
    assert one.receive(2, Promise(ONE, 0, None, ())) == []


def test_a_server_without_a_vote_promises_nothing():
    one = server(voter=False)
    assert one.receive(3, Prepare(THREE, 0)) == []
    assert one.disk == Server.Disk(voter=False)


# Phase 1: candidates -----------------------------------------------------------------------------------


def test_who_hears_no_leader_stands_for_election_and_promises_itself():
    one = server(blocks=[B0])
    ballot = Ballot(1, 2)
    assert one.receive(2, ElectionTimeout()) == [
        ELECTION,
        *broadcast(Prepare(ballot, 1)),
        Send(2, Promise(ballot, 1, None, ())),
    ]
    assert one.disk.promised == ballot


def test_a_new_ballot_is_above_the_promise_and_every_nack():
    one = server(promised=Ballot(4, 3))
    one.receive(2, ElectionTimeout())
    assert one.ballot == Ballot(5, 2)
    one.receive(3, Nack(Ballot(5, 2), Ballot(9, 3)))
    one.receive(2, ElectionTimeout())
    assert one.ballot == Ballot(10, 2)


def test_who_heard_its_leader_does_not_stand():
    one = server()
    one.receive(1, Heartbeat(ONE, 0))
    assert one.receive(2, ElectionTimeout()) == [ELECTION]
    assert one.ballot == BOTTOM


def test_a_leader_does_not_stand_again():
    one = leader()
    one.receive(1, ElectionTimeout())
    assert one.receive(1, ElectionTimeout()) == [ELECTION]
    assert one.leading


def test_a_server_without_a_vote_never_stands():
    one = server(voter=False)
    assert one.receive(2, ElectionTimeout()) == [ELECTION]


def test_a_candidacy_that_failed_starts_anew_in_a_higher_ballot():
    one = candidate()
    one.receive(1, ElectionTimeout())
    assert one.ballot == Ballot(2, 1)
    assert one.receive(2, Promise(ONE, 0, None, ())) == []


def test_a_majority_of_promises_makes_a_leader_who_says_so_at_once():
    one = candidate()
    assert one.receive(2, Promise(ONE, 0, None, ())) == [
        Announce(Elected(ONE)),
        After(*Server.HEARTBEAT, HeartbeatTimeout(ONE)),
        *broadcast(Heartbeat(ONE, 0)),
        Send(1, HeartbeatHeard(ONE, 0)),
    ]
    assert one.leading


def test_a_promise_counts_once_however_often_it_comes():
    one = candidate(peers=(1, 2, 3, 4, 5))
    assert one.receive(2, Promise(ONE, 0, None, ())) == []
    assert one.receive(2, Promise(ONE, 0, None, ())) == []
    assert not one.leading


def test_a_leader_asks_its_own_acceptor_which_remembers():
    """M10: who counts itself unasked has neither on its disk."""
    one = leader()
    assert one.disk == Server.Disk(ONE)
    one.receive("client 1", PUT)
    assert one.votes == {1}
    assert one.disk == Server.Disk(ONE, Vote(ONE, one.open))


def test_a_stranger_promises_nothing_votes_for_nothing_and_hears_nobody():
    one = candidate()
    assert one.receive("client 1", Promise(ONE, 0, None, (B0,))) == []
    assert one.receive(9, Promise(ONE, 0, None, ())) == []
    assert (one.leading, one.disk.chain) == (False, Chain())
    one = leader()
    one.receive("client 1", PUT)
    assert one.receive("client 1", Accepted(ONE, 0, one.open.hash)) == []
    assert one.receive(9, Accepted(ONE, 0, one.open.hash)) == []
    for _ in range(5):
        one.receive(9, HeartbeatHeard(ONE, 0))
        one.receive(1, HeartbeatTimeout(ONE))
    assert not one.leading


def test_a_promise_in_another_ballot_is_not_counted():
    one = candidate()
    assert one.receive(2, Promise(TWO, 0, None, ())) == []
    assert not one.leading


def test_a_promise_beyond_the_majority_changes_nothing():
    one = leader()
    assert one.receive(3, Promise(ONE, 0, Vote(Ballot(0, 3), OTHER), ())) == []
    assert one.open is None


def test_a_new_leader_proposes_the_reported_block():
    one = candidate()
    effects = one.receive(2, Promise(ONE, 0, Vote(Ballot(0, 2), B0), ()))
    assert effects[-5:] == [
        *broadcast(Accept(ONE, B0)),
        Send(1, HeartbeatHeard(ONE, 0)),
        Send(1, Accepted(ONE, 0, B0.hash)),
    ]


def test_a_new_leader_inherits_the_highest_ballot_not_the_last_or_the_first():
    for promises in ({2: 1, 3: 2, 4: 1}, {2: 2, 3: 1, 4: 1}, {2: 1, 3: 1, 4: 2}):
        one = candidate(7, peers=(1, 2, 3, 4, 5, 6, 7))
        for peer, rounds in promises.items():
            vote = Vote(Ballot(0, rounds), B0 if rounds == 2 else OTHER)
            one.receive(peer, Promise(one.ballot, 0, vote, ()))
        assert one.open == B0


def test_a_new_leader_inherits_its_own_vote_too():
    one = candidate(vote=Vote(Ballot(0, 2), B0))
    one.receive(2, Promise(one.ballot, 0, None, ()))
    assert one.open == B0


def test_a_vote_for_a_slot_that_is_decided_is_not_inherited():
    one = candidate(blocks=[B0])
    one.receive(2, Promise(ONE, 1, Vote(Ballot(0, 2), OTHER), ()))
    assert one.open is None


def test_a_candidate_appends_what_a_promise_brings_before_it_inherits():
    one = candidate()
    effects = one.receive(2, Promise(ONE, 0, Vote(Ballot(0, 2), B1), (B0,)))
    assert effects[0] == Announce(Applied(0, B0.hash))
    assert one.open == B1
    assert one.disk.chain == chain_of([B0])


def test_the_inherited_block_comes_before_any_clients_command():
    one = candidate()
    one.receive(2, Promise(ONE, 0, Vote(Ballot(0, 2), B0), ()))
    one.receive("client 2", GET)
    assert one.open == B0
    one.receive(2, Accepted(ONE, 0, B0.hash))
    assert one.open.operations == (GET,)


def test_an_inherited_block_is_not_mined_again():
    one = candidate()
    one.receive(2, Promise(ONE, 0, Vote(Ballot(0, 2), OTHER), ()))
    assert one.open is OTHER


def test_a_nack_ends_a_candidacy():
    one = candidate()
    assert one.receive(2, Nack(ONE, TWO)) == []
    assert one.ballot == BOTTOM


def test_a_nack_of_a_lower_ballot_ends_nothing():
    one = candidate()
    one.receive(2, Nack(BOTTOM, BOTTOM))
    assert one.ballot == ONE


def test_a_nack_ends_an_office():
    one = leader()
    one.receive("client 1", PUT)
    assert one.receive(2, Nack(ONE, TWO)) == [Announce(SteppedDown(ONE))]
    assert (one.leading, one.queue, one.open) == (False, {}, None)


def test_a_nack_to_a_follower_only_raises_its_next_ballot():
    one = server()
    assert one.receive(1, Nack(ONE, Ballot(6, 1))) == []
    one.receive(2, ElectionTimeout())
    assert one.ballot == Ballot(7, 2)


# Phase 2: votes ----------------------------------------------------------------------------------------


def test_an_acceptor_votes_for_the_next_block_and_remembers_it():
    one = server(promised=ONE)
    assert one.receive(1, Accept(ONE, B0)) == [Send(1, Accepted(ONE, 0, B0.hash))]
    assert one.disk == Server.Disk(ONE, Vote(ONE, B0))


def test_an_acceptor_votes_in_a_higher_ballot_than_it_promised_and_raises_its_promise():
    one = server(promised=ONE)
    assert one.receive(3, Accept(THREE, B0)) == [Send(3, Accepted(THREE, 0, B0.hash))]
    assert one.disk.promised == THREE


def test_an_acceptor_does_not_vote_below_its_promise():
    one = server(promised=TWO)
    assert one.receive(1, Accept(ONE, B0)) == [Send(1, Nack(ONE, TWO))]
    assert one.disk == Server.Disk(TWO)


def test_a_vote_in_a_higher_ballot_replaces_the_older_one():
    one = server(promised=ONE, vote=Vote(ONE, B0))
    one.receive(2, Accept(TWO, OTHER))
    assert one.disk.vote == Vote(TWO, OTHER)


def test_an_accept_that_comes_twice_is_answered_twice():
    one = server()
    assert one.receive(1, Accept(ONE, B0)) == one.receive(1, Accept(ONE, B0))


def test_an_acceptor_votes_only_for_the_slot_at_its_own_height():
    one = server()
    assert one.receive(1, Accept(ONE, B1)) == [Send(1, WantBlocks(0))]
    assert one.disk.vote is None


def test_an_accept_for_a_decided_slot_is_answered_with_the_decided_blocks():
    one = server(blocks=[B0, B1])
    assert one.receive(1, Accept(ONE, OTHER)) == [Send(1, Blocks((B0, B1)))]
    assert one.disk.vote is None


def test_a_server_without_a_vote_follows_and_does_not_vote():
    one = server(voter=False)
    assert one.receive(1, Accept(ONE, B0)) == []
    assert one.disk == Server.Disk(ONE, None, voter=False)
    assert one.leader == 1


def spoilt(field, good=B0):
    """The block with one field changed, and what a server says of it."""
    bad_nonce = next(n for n in range(100) if block_with_nonce(n).hash[-1] not in "012")
    return {
        "previous_hash": (replace(good, previous_hash="1" * 64), BAD_LINK),
        "operations": (replace(good, operations=(GET,)), BAD_HASH),
        "nonce": (replace(good, nonce=good.nonce + 1), BAD_HASH),
        "hash": (replace(good, hash=OTHER.hash), BAD_HASH),
        "rule": (
            block_with_nonce(bad_nonce),
            "the hash of block 0 ends in a digit that is not 0, 1 or 2",
        ),
    }[field]


def block_with_nonce(nonce):
    bare = Block(0, NO_HASH, (PUT,), nonce, "")
    return replace(bare, hash=bare.recomputed)


BAD_LINK = "block 0 does not point at the block before it"
BAD_HASH = "the fields of block 0 do not give the hash it carries"
SPOILT = ["previous_hash", "operations", "nonce", "hash", "rule"]


@pytest.mark.parametrize("field", SPOILT)
def test_a_tampered_block_gets_no_vote(field):
    bad, says = spoilt(field)
    one = server()
    assert one.receive(1, Accept(ONE, bad)) == [Announce(Rejected(0, says))]
    assert one.disk == Server.Disk(ONE)


@pytest.mark.parametrize("field", SPOILT)
@pytest.mark.parametrize("arrives", [Decide, lambda bad: Blocks((bad, B1))], ids=["decide", "catch-up"])
def test_a_tampered_block_is_not_appended(arrives, field):
    bad, says = spoilt(field)
    one = server(vote=Vote(ONE, B0))
    assert one.receive(1, arrives(bad)) == [Announce(Rejected(0, says))]
    assert one.disk == Server.Disk(vote=Vote(ONE, B0))


@pytest.mark.parametrize("field", SPOILT)
def test_a_tampered_block_in_a_promise_is_not_appended(field):
    bad, says = spoilt(field)
    one = candidate()
    assert one.receive(2, Promise(ONE, 0, None, (bad,)))[0] == Announce(Rejected(0, says))
    assert one.disk.chain == Chain()


def test_a_block_at_a_changed_height_is_asked_for_and_not_voted_for():
    assert server().receive(1, Accept(ONE, replace(B0, height=1))) == [Send(1, WantBlocks(0))]


# Phase 2: the leader counts ----------------------------------------------------------------------------


def test_a_block_without_a_majority_is_not_decided():
    one = leader(peers=(1, 2, 3, 4, 5))
    one.receive("client 1", PUT)
    assert one.receive(2, Accepted(ONE, 0, one.open.hash)) == []
    assert one.receive(2, Accepted(ONE, 0, one.open.hash)) == []
    assert one.disk.chain == Chain()


def test_a_majority_of_votes_decides_and_the_client_is_answered():
    one = leader()
    one.receive("client 1", PUT)
    chosen = one.open
    assert one.receive(3, Accepted(ONE, 0, chosen.hash)) == [
        *broadcast(Decide(chosen)),
        Send("client 1", Reply(PUT.session, 1, "done")),
        Announce(Applied(0, chosen.hash)),
    ]
    assert one.disk == Server.Disk(ONE, None, chain_of([chosen]))
    assert one.queue == {}


def test_a_vote_in_an_older_ballot_is_not_counted():
    one = leader()
    one.receive("client 1", PUT)
    assert one.receive(3, Accepted(Ballot(0, 1), 0, one.open.hash)) == []


def test_a_vote_for_another_block_is_not_counted():
    one = leader()
    one.receive("client 1", PUT)
    assert one.receive(3, Accepted(ONE, 0, OTHER.hash)) == []


def test_a_vote_that_comes_after_the_decision_is_not_counted():
    one = leader()
    one.receive("client 1", PUT)
    chosen = one.open
    one.receive(3, Accepted(ONE, 0, chosen.hash))
    assert one.receive(2, Accepted(ONE, 0, chosen.hash)) == []


def test_a_leader_answers_the_requests_of_a_block_that_it_inherited():
    one = candidate()
    one.receive(2, Promise(ONE, 0, Vote(Ballot(0, 2), B0), ()))
    effects = one.receive(2, Accepted(ONE, 0, B0.hash))
    assert Send("client 1", Reply(PUT.session, 1, "done")) in effects


def test_the_leader_answers_what_the_block_holds_and_not_what_waits():
    one = candidate()
    one.receive(2, Promise(ONE, 0, Vote(Ballot(0, 2), B0), ()))
    one.receive("client 2", GET)
    effects = one.receive(2, Accepted(ONE, 0, B0.hash))
    answers = [effect for effect in effects if type(effect) is Send and isinstance(effect.message, Reply)]
    assert answers == [Send("client 1", Reply(PUT.session, 1, "done"))]


def test_answers_to_one_client_travel_together():
    one = leader()
    one.receive("client 9", Request("client 9/1.9", 1, Get("'y'")))
    asked = (PUT, replace(GET, session="client 1/1.2"), GET)
    for request in asked:
        one.receive(request.client, request)
    one.receive(3, Accepted(ONE, 0, one.open.hash))
    effects = one.receive(3, Accepted(ONE, 1, one.open.hash))
    assert effects[3:5] == [
        Send("client 1", Replies((Reply("client 1/1.1", 1, "done"), Reply("client 1/1.2", 1, "7")))),
        Send("client 2", Reply(GET.session, 1, "7")),
    ]


def test_two_leaders_mine_two_blocks_from_the_same_requests():
    first, second = leader(1), leader(2)
    first.receive("client 1", PUT)
    second.receive("client 1", PUT)
    assert first.open.operations == second.open.operations
    assert first.open.hash != second.open.hash
    assert first.open.nonce >= 1_001_000


def test_the_next_block_points_at_the_decided_chain_not_at_an_own_proposal():
    """D1: a block chosen in another ballot lies below, and not the one that this leader had proposed."""
    one = leader()
    one.receive("client 1", PUT)
    mine_, other = one.open, block(None, GET)
    one.receive(2, Decide(other))
    assert one.open.previous_hash == other.hash != mine_.hash
    assert one.open.operations == (PUT,)


# Decisions ---------------------------------------------------------------------------------------------


def test_a_follower_appends_applies_and_answers_nobody():
    one = server(vote=Vote(ONE, B0))
    assert one.receive(1, Decide(B0)) == [Announce(Applied(0, B0.hash))]
    assert one.disk == Server.Disk(chain=chain_of([B0]))
    assert one.store.last(PUT.session) == Done(1, "done")


def test_a_decision_that_comes_twice_is_appended_once():
    one = server(blocks=[B0])
    assert one.receive(1, Decide(B0)) == []
    assert one.disk.chain == chain_of([B0])


def test_an_old_decision_does_not_wipe_the_vote_for_a_later_slot():
    """M21."""
    one = server(blocks=[B0], vote=Vote(ONE, B1))
    assert one.receive(1, Decide(B0)) == []
    assert one.disk.vote == Vote(ONE, B1)


def test_a_decision_of_another_block_for_a_decided_slot_changes_nothing():
    one = server(blocks=[B0])
    one.receive(1, Decide(OTHER))
    assert one.disk.chain == chain_of([B0])


def test_a_decision_above_the_chain_is_asked_for_from_the_first_missing_block():
    one = server(blocks=[B0])
    assert one.receive(1, Decide(B2)) == [Send(1, WantBlocks(1))]
    assert one.disk.chain == chain_of([B0])


def test_catching_up_appends_all_that_is_new():
    one = server(blocks=[B0])
    assert one.receive(3, Blocks((B0, B1, B2))) == [
        Announce(Applied(1, B1.hash)),
        Announce(Applied(2, B2.hash)),
    ]
    assert one.disk.chain == chain_of([B0, B1, B2])


def test_catching_up_stops_at_the_first_bad_block():
    one = server()
    bad = replace(B1, nonce=B1.nonce + 1)
    effects = one.receive(3, Blocks((B0, bad, B2)))
    assert [type(effect.fact) for effect in effects] == [Applied, Rejected]
    assert one.disk.chain == chain_of([B0])


def test_blocks_with_a_gap_are_ignored():
    one = server()
    assert one.receive(3, Blocks((B1, B2))) == []


def test_whoever_wants_blocks_gets_them():
    one = server(blocks=[B0, B1, B2])
    assert one.receive(3, WantBlocks(1)) == [Send(3, Blocks((B1, B2)))]
    assert one.receive(3, WantBlocks(3)) == [Send(3, Blocks(()))]


def test_a_server_without_a_vote_learns_and_serves_blocks():
    one = server(voter=False)
    one.receive(1, Decide(B0))
    assert one.receive(3, WantBlocks(0)) == [Send(3, Blocks((B0,)))]


def test_a_leader_that_learns_its_open_slot_from_another_proposes_again_above_it():
    one = leader()
    one.receive("client 1", PUT)
    one.receive(2, Decide(block(None, GET)))
    assert (one.open.height, one.open.operations) == (1, (PUT,))


# Staying together --------------------------------------------------------------------------------------


def test_a_follower_answers_a_heartbeat_with_its_height():
    one = server(blocks=[B0])
    assert one.receive(1, Heartbeat(ONE, 1)) == [Send(1, HeartbeatHeard(ONE, 1))]
    assert (one.leader, one.disk.promised) == (1, ONE)


def test_a_follower_that_is_behind_asks_for_blocks():
    assert server().receive(1, Heartbeat(ONE, 2)) == [Send(1, WantBlocks(0)), Send(1, HeartbeatHeard(ONE, 0))]


def test_a_follower_that_is_ahead_sends_its_leader_the_blocks():
    assert server(blocks=[B0]).receive(1, Heartbeat(ONE, 0)) == [
        Send(1, Blocks((B0,))),
        Send(1, HeartbeatHeard(ONE, 1)),
    ]


def test_a_stale_heartbeat_gets_a_nack():
    one = server(promised=TWO)
    assert one.receive(1, Heartbeat(ONE, 0)) == [Send(1, Nack(ONE, TWO))]
    assert one.leader is None


def test_a_leader_that_hears_a_higher_leader_follows_it():
    one = leader()
    assert one.receive(3, Heartbeat(THREE, 0)) == [
        Announce(SteppedDown(ONE)),
        Send(3, HeartbeatHeard(THREE, 0)),
    ]
    assert (one.leading, one.leader) == (False, 3)


def test_an_accept_that_lingers_from_heartbeat_to_heartbeat_goes_again_to_those_who_have_not_voted():
    one = leader(peers=(1, 2, 3, 4, 5))
    one.receive("client 1", PUT)
    one.receive(2, Accepted(ONE, 0, one.open.hash))
    accept = Accept(ONE, one.open)
    beat = [After(*Server.HEARTBEAT, HeartbeatTimeout(ONE)), *broadcast(Heartbeat(ONE, 0), (1, 2, 3, 4, 5))]
    heard = Send(1, HeartbeatHeard(ONE, 0))
    assert one.receive(1, HeartbeatTimeout(ONE)) == [*beat, heard]
    again = [Send(peer, accept) for peer in (3, 4, 5)]
    assert one.receive(1, HeartbeatTimeout(ONE)) == [*beat, *again, heard]
    assert one.receive(1, HeartbeatTimeout(ONE)) == [*beat, *again, heard]


def test_the_heartbeat_timer_of_an_ended_office_is_ignored():
    one = leader()
    assert one.receive(1, HeartbeatTimeout(Ballot(0, 1))) == []
    assert server().receive(2, HeartbeatTimeout(BOTTOM)) == []


def beats(one, most=20):
    """Let the heartbeat timer ring until the leader steps down; return how many heartbeats it sent."""
    for count in range(most):
        effects = one.receive(one.name, HeartbeatTimeout(one.ballot))
        if not one.leading:
            assert effects == [Announce(SteppedDown(ONE))]
            return count
    return most


def test_a_leader_steps_down_after_four_silent_heartbeats():
    """The first heartbeat goes out with the election; nobody ever answers."""
    assert 1 + beats(leader()) == 4


def test_a_leader_steps_down_four_heartbeats_after_the_last_that_was_heard():
    one = leader()
    for _ in range(10):
        one.receive(2, HeartbeatHeard(ONE, 0))
        one.receive(1, HeartbeatTimeout(ONE))
    assert 1 + beats(one) == 4


def test_a_leader_heard_by_a_majority_stays():
    one = leader(peers=(1, 2, 3, 4, 5))
    for _ in range(20):
        for peer in (2, 3):
            one.receive(peer, HeartbeatHeard(ONE, 0))
        one.receive(1, HeartbeatTimeout(ONE))
    assert one.leading


def test_the_same_follower_heard_twice_is_no_majority():
    one = leader(peers=(1, 2, 3, 4, 5))
    for _ in range(20):
        for _ in range(2):
            one.receive(2, HeartbeatHeard(ONE, 0))
        one.receive(1, HeartbeatTimeout(ONE))
    assert not one.leading


def test_an_echo_of_an_older_ballot_is_not_counted():
    one = leader()
    for _ in range(20):
        one.receive(2, HeartbeatHeard(Ballot(0, 1), 0))
        one.receive(1, HeartbeatTimeout(one.ballot))
    assert not one.leading


def test_who_stepped_down_is_silent_until_its_election_timer_rings():
    one = leader()
    beats(one)
    assert one.receive("client 1", PUT) == []
    assert one.receive(2, HeartbeatHeard(ONE, 0)) == []
    one.receive(1, ElectionTimeout())
    one.receive(1, ElectionTimeout())
    assert one.ballot == Ballot(2, 1)


def test_a_cluster_of_one_elects_itself_and_decides_alone():
    one = Server(1, (1,))
    assert Announce(Elected(ONE)) in one.receive(1, ElectionTimeout())
    assert Send("client 1", Reply(PUT.session, 1, "done")) in one.receive("client 1", PUT)
    for _ in range(10):
        one.receive(1, HeartbeatTimeout(ONE))
    assert one.leading


def test_the_same_state_and_input_give_the_same_effects():
    one, two = leader(), leader()
    assert one.state() == two.state()
    assert one.receive("client 1", PUT) == two.receive("client 1", PUT)
    assert one.state() == two.state()


def test_a_copy_goes_its_own_way():
    one = leader()
    two = one.copy()
    before = two.state()
    one.receive("client 1", PUT)
    one.receive(2, Accepted(ONE, 0, one.open.hash))
    assert two.state() == before
    assert two.store.data == {}
