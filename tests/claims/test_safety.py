"""Each claim falls, alone where that is possible, in a history that is written by hand.

Here the network may forge: a promise can be delivered that nobody sent. Without forgery some claims cannot
fall alone, because the others forbid every such history (see test_mutants.py).
"""

import copy
from dataclasses import dataclass, field, replace

import pytest

from paxoskit.claims.claim import Claim, Violation
from paxoskit.claims.safety import PRUNE, safety_claims
from paxoskit.protocol.chain import NO_HASH, Chain, Content, hash_of, is_good, mine
from paxoskit.protocol.messages import (
    Accept,
    Accepted,
    Answered,
    Ask,
    Block,
    Get,
    Promise,
    Put,
    Reply,
    Request,
    Vote,
)
from paxoskit.protocol.plain import Ballot
from paxoskit.protocol.server import Server
from paxoskit.trace import Event

ONE, TWO, THREE = Ballot(1, 1), Ballot(2, 2), Ballot(3, 3)
PUT = Request("client 1/1.1", 1, Put("'x'", "7"))
GET = Request("client 2/1.1", 1, Get("'x'"))


def block(height=0, before=NO_HASH, *requests, start=0):
    return mine(Content(height, before, requests), start)


EMPTY, OTHER = block(), block(start=1_000)
FIRST = block(0, NO_HASH, PUT)


@dataclass
class History:
    """Three servers, and what all claims say of the events that are written here."""

    servers: tuple[int, ...] = (1, 2, 3)
    claims: list[Claim] = field(default_factory=safety_claims)
    fallen: list[Violation] = field(default_factory=list)
    count: int = 0

    def __post_init__(self):
        self.nodes = {name: Server(name, self.servers) for name in self.servers}
        self.disks = {name: Server.Disk() for name in self.servers}
        for claim in self.claims:
            claim.start(self)

    def event(self, kind, node, peer=None, what=None):
        self.count += 1
        event = Event(self.count, 0.0, kind, node, peer, what)
        heard = "append" if kind == "save" else kind
        found = [claim.see(event) for claim in self.claims if claim.hears(heard, type(what))]
        self.fallen += [violation for violation in found if violation is not None]
        return event

    def promise(self, node, ballot, vote=None, blocks=(), height=0, forged=False):
        """A promise to the ballot's server, sent and delivered (only delivered, if forged)."""
        promise = Promise(ballot, height, vote, blocks)
        sent = None if forged else self.event("send", node, ballot.server, promise)
        if node != ballot.server:
            self.event("deliver", ballot.server, node, promise)
        return sent

    def elect(self, ballot, *voters, forged=False):
        for node in voters:
            self.promise(node, ballot, forged=forged)

    def propose(self, ballot, block):
        return self.event("send", ballot.server, ballot.server, Accept(ballot, block))

    def vote(self, node, ballot, block):
        return self.event("send", node, ballot.server, Accepted(ballot, block.height, block.hash))

    def choose(self, block, ballot=ONE, voters=(1, 2)):
        """Elect, propose and vote, as it should be."""
        if block.height == 0:
            self.elect(ballot, *voters)
        self.propose(ballot, block)
        return [self.vote(node, ballot, block) for node in voters]

    def append(self, node, *blocks, store=True):
        """The server's chain grows by these blocks, and so does its store."""
        for one in blocks:
            self.disks[node] = Server.Disk(chain=self.disks[node].chain.append_unverified(one))
            for request in one.operations if store else ():
                self.nodes[node].store.apply(request)
        return self.event("save", node, None, self.disks[node])

    def ask(self, request):
        return self.event("ask", request.client, None, Ask(request.session, request.operation))

    def reply(self, request, answer, node=1):
        return self.event("send", node, request.client, Reply(request.session, request.number, answer))

    def answered(self, request, answer):
        return self.event("announce", request.client, None, Answered(request.session, request.number, answer))

    def finish(self):
        self.fallen += [found for claim in self.claims if (found := claim.finish()) is not None]

    @property
    def says(self):
        return [str(violation) for violation in self.fallen]


@pytest.fixture
def history():
    return History()


def test_no_claim_falls_where_all_is_right(history):
    history.ask(PUT)
    history.choose(FIRST)
    for node in (1, 2):
        history.append(node, FIRST)
    history.reply(PUT, "done")
    history.answered(PUT, "done")
    history.ask(GET)
    second = block(1, FIRST.hash, GET)
    history.choose(second)
    for node in (1, 2):
        history.append(node, second)
    history.reply(GET, "7")
    history.answered(GET, "7")
    history.promise(3, TWO)
    history.promise(2, TWO, blocks=(FIRST, second))
    history.event("crash", 2)
    history.event("restart", 2)
    history.finish()
    assert history.says == []


# Paxos -------------------------------------------------------------------------------------------------


def test_agreement_falls_when_two_blocks_have_a_majority(history):
    votes = history.choose(EMPTY)
    others = [history.vote(node, ONE, OTHER) for node in (2, 3)]
    assert history.fallen == [
        Violation(
            "agreement",
            f"two blocks were chosen for slot 0: {EMPTY.hash[:8]} in ballot 1.1 by server 1, server 2, "
            f"and {OTHER.hash[:8]} in ballot 1.1 by server 2, server 3",
            (*votes, *others),
        )
    ]


def test_votes_in_two_ballots_are_no_majority_together(history):
    history.elect(ONE, 1, 2)
    history.propose(ONE, EMPTY)
    history.vote(1, ONE, EMPTY)
    history.elect(TWO, 2, 3)
    history.propose(TWO, EMPTY)
    history.vote(2, TWO, EMPTY)
    history.append(3, EMPTY)
    assert [violation.claim for violation in history.fallen] == ["only chosen blocks are applied"]


def test_a_vote_sent_twice_counts_once(history):
    history.elect(ONE, 1, 2)
    history.propose(ONE, EMPTY)
    history.vote(1, ONE, EMPTY)
    history.vote(1, ONE, EMPTY)
    history.append(1, EMPTY)
    assert [violation.claim for violation in history.fallen] == ["only chosen blocks are applied"]


def test_p2b_falls_when_another_block_is_proposed_above_a_chosen_one(history):
    history.elect(ONE, 2, 3, forged=True)
    history.propose(ONE, EMPTY)
    votes = [history.vote(node, ONE, EMPTY) for node in (1, 2)]
    history.elect(TWO, 1, 3, forged=True)
    proposal = history.propose(TWO, OTHER)
    assert history.fallen == [
        Violation(
            "P2b",
            f"server 2 proposed {OTHER.hash[:8]} for slot 0 in ballot 2.2, though {EMPTY.hash[:8]} was "
            "chosen in the lower ballot 1.1 by server 1, server 2",
            (*votes, proposal),
        )
    ]


def test_p2b_falls_when_a_block_is_chosen_below_another_proposal(history):
    history.elect(ONE, 2, 3, forged=True)
    history.propose(ONE, EMPTY)
    history.elect(TWO, 1, 3, forged=True)
    proposal = history.propose(TWO, OTHER)
    votes = [history.vote(node, ONE, EMPTY) for node in (1, 2)]
    assert [(violation.claim, violation.events) for violation in history.fallen] == [
        ("P2b", (*votes, proposal))
    ]


def test_p2b_falls_when_the_lower_of_two_blocks_is_chosen_last(history):
    history.elect(ONE, 2, 3, forged=True)
    history.propose(ONE, EMPTY)
    history.elect(TWO, 1, 3, forged=True)
    proposal = history.propose(TWO, OTHER)
    for node in (2, 3):
        history.vote(node, TWO, OTHER)
    votes = [history.vote(node, ONE, EMPTY) for node in (1, 2)]
    assert [violation.claim for violation in history.fallen] == ["agreement", "P2b"]
    assert history.fallen[1].events == (*votes, proposal)


def test_p2c_falls_when_a_reported_vote_is_passed_over(history):
    history.elect(ONE, 1, 2)
    history.propose(ONE, EMPTY)
    history.vote(1, ONE, EMPTY)
    history.promise(1, TWO, vote=Vote(ONE, EMPTY))
    history.promise(2, TWO)
    proposal = history.propose(TWO, OTHER)
    (violation,) = history.fallen
    assert str(violation) == (
        f"P2c: server 2 proposed {OTHER.hash[:8]} for slot 0 in ballot 2.2, but no majority of the 2 "
        f"promises it had heard allows that block: server 1 reported {EMPTY.hash[:8]} in ballot 1.1; "
        "server 2 reported no vote"
    )
    assert violation.events[-1] == proposal
    assert len(violation.events) == 3


def test_p2c_falls_when_the_lower_of_two_reported_votes_is_taken(history):
    history.elect(ONE, 1, 2)
    history.propose(ONE, EMPTY)
    history.vote(1, ONE, EMPTY)
    history.elect(TWO, 2, 3)
    history.propose(TWO, OTHER)
    history.vote(2, TWO, OTHER)
    history.promise(1, THREE, vote=Vote(ONE, EMPTY))
    history.promise(2, THREE, vote=Vote(TWO, OTHER))
    history.propose(THREE, EMPTY)
    assert [violation.claim for violation in history.fallen] == ["P2c"]


@pytest.mark.parametrize(("proposed", "falls"), [(OTHER, True), (EMPTY, False)])
def test_p2c_takes_a_decided_block_that_a_promise_lists_for_the_highest_vote(history, proposed, falls):
    history.choose(EMPTY)
    history.promise(1, THREE, blocks=(EMPTY,))
    history.promise(2, THREE, vote=Vote(ONE, EMPTY))
    history.propose(THREE, proposed)
    assert ("P2c" in {violation.claim for violation in history.fallen}) == falls
    report = f"server 1 reported {EMPTY.hash[:8]} in ballot "
    assert all(report in one.reason for one in history.fallen if one.claim == "P2c")


def test_p2c_lets_any_majority_of_the_promises_speak(history):
    history.elect(ONE, 1, 2)
    history.propose(ONE, EMPTY)
    history.vote(1, ONE, EMPTY)
    history.promise(1, TWO, vote=Vote(ONE, EMPTY))
    history.promise(2, TWO)
    history.promise(3, TWO)
    history.propose(TWO, OTHER)
    assert history.says == []


def test_p2c_takes_whoever_promises_twice_at_either_word(history):
    history.promise(1, TWO, vote=Vote(ONE, EMPTY))
    history.promise(1, TWO)
    history.promise(2, TWO)
    history.propose(TWO, OTHER)
    assert "P2c" not in [violation.claim for violation in history.fallen]


def test_p2c_falls_without_a_majority_of_promises(history):
    history.promise(2, ONE)
    history.propose(ONE, EMPTY)
    assert [violation.claim for violation in history.fallen] == ["P2c"]


def test_p2c_counts_no_promise_that_was_heard_by_someone_else(history):
    history.promise(3, ONE)
    history.promise(2, ONE)
    history.event("send", 2, 2, Accept(ONE, EMPTY))
    assert [violation.claim for violation in history.fallen] == ["P2c"]
    assert "it had heard none" in history.says[0]


def test_a_promise_is_kept_falls_on_a_lower_vote(history):
    promise = history.promise(3, TWO)
    vote = history.vote(3, ONE, EMPTY)
    assert history.fallen == [
        Violation(
            "a promise is kept",
            "server 3 promised ballot 2.2, then sent Accepted in the lower ballot 1.1",
            (promise, vote),
        )
    ]


def test_a_promise_is_kept_falls_on_a_lower_promise_over_a_restart_too(history):
    high = history.promise(3, TWO)
    history.event("crash", 3, None, "kept")
    history.event("restart", 3)
    low = history.promise(3, ONE)
    assert [(violation.claim, violation.events) for violation in history.fallen] == [
        ("a promise is kept", (high, low))
    ]


def test_a_vote_alone_binds_nobody(history):
    history.elect(TWO, 2, 3)
    history.propose(TWO, EMPTY)
    history.vote(1, TWO, EMPTY)
    history.promise(1, ONE, vote=Vote(TWO, EMPTY))
    assert history.says == []


def test_a_promise_is_complete_falls_when_a_vote_is_left_out(history):
    history.elect(ONE, 1, 2)
    history.propose(ONE, EMPTY)
    vote = history.vote(2, ONE, EMPTY)
    promise = history.promise(2, TWO)
    assert history.fallen == [
        Violation(
            "a promise is complete",
            f"server 2 voted for {EMPTY.hash[:8]} in slot 0, ballot 1.1, but its promise for ballot 2.2 "
            "does not say so",
            (vote, promise),
        )
    ]


@pytest.mark.parametrize(
    "vote",
    [Vote(ONE, EMPTY), Vote(TWO, EMPTY), Vote(TWO, block(1, OTHER.hash))],
    ids=["an older vote", "another block", "another slot"],
)
def test_a_promise_is_complete_falls_when_something_else_is_reported(history, vote):
    history.elect(ONE, 1, 2)
    history.propose(ONE, EMPTY)
    history.vote(2, ONE, EMPTY)
    history.elect(TWO, 1, 3, forged=True)
    history.propose(TWO, OTHER)
    history.vote(2, TWO, OTHER)
    history.promise(2, THREE, vote=vote)
    assert [violation.claim for violation in history.fallen] == ["a promise is complete"]


def test_a_promise_is_complete_with_the_decided_block_in_place_of_the_vote(history):
    history.choose(EMPTY)
    history.append(2, EMPTY)
    history.promise(2, TWO, blocks=(EMPTY,))
    assert history.says == []


def test_a_promise_is_not_complete_with_another_block_in_place_of_the_decided_one(history):
    history.choose(EMPTY)
    history.promise(2, TWO, blocks=(OTHER,))
    assert [violation.claim for violation in history.fallen] == ["a promise is complete"]


def test_a_promise_need_not_list_what_the_candidate_has(history):
    history.choose(EMPTY)
    history.promise(2, TWO, height=1)
    assert history.says == []


def test_one_value_falls_when_a_ballot_proposes_two_blocks_for_a_slot(history):
    history.elect(ONE, 1, 2)
    first = history.propose(ONE, EMPTY)
    second = history.propose(ONE, OTHER)
    assert history.fallen == [
        Violation(
            "one value per ballot and slot",
            f"two blocks were proposed for slot 0 in ballot 1.1: {EMPTY.hash[:8]} by server 1, "
            f"{OTHER.hash[:8]} by server 1",
            (first, second),
        )
    ]


# The chain ---------------------------------------------------------------------------------------------


def test_only_chosen_falls_when_a_minority_is_enough_for_somebody(history):
    history.elect(ONE, 1, 2)
    history.propose(ONE, EMPTY)
    vote = history.vote(1, ONE, EMPTY)
    save = history.append(1, EMPTY)
    assert history.fallen == [
        Violation(
            "only chosen blocks are applied",
            f"server 1 appended {EMPTY.hash[:8]} at height 0, which no majority voted for "
            "(votes in one ballot: server 1; a majority is 2)",
            (vote, save),
        )
    ]


def test_only_chosen_looks_at_every_block_of_a_save(history):
    history.choose(EMPTY)
    history.append(1, EMPTY, block(1, EMPTY.hash))
    assert [violation.claim for violation in history.fallen] == ["only chosen blocks are applied"]
    assert "at height 1" in history.says[0]


def test_prefix_falls_when_a_chain_is_cut_short(history):
    history.choose(EMPTY)
    history.append(1, EMPTY)
    history.disks[1] = Server.Disk()
    save = history.event("save", 1, None, history.disks[1])
    assert history.fallen == [
        Violation("chains are prefixes of one another", "server 1 replaced blocks of its chain of 1", (save,))
    ]


def test_prefix_falls_when_two_chains_differ(history):
    history.choose(EMPTY)
    history.append(1, EMPTY)
    save = history.append(2, OTHER)
    assert history.fallen[-1] == Violation(
        "chains are prefixes of one another",
        f"the chains of server 1 and server 2 differ at height 0: {EMPTY.hash[:8]} and {OTHER.hash[:8]}",
        (save,),
    )


def test_prefix_lets_a_lost_disk_start_again(history):
    history.choose(EMPTY)
    history.append(1, EMPTY)
    history.disks[1] = None
    history.event("crash", 1, None, "lost")
    history.disks[1] = Server.Disk(voter=False)
    history.event("restart", 1)
    history.append(1, EMPTY)
    assert history.says == []


def bad_nonce(good: Block) -> Block:
    while is_good(good.hash, 1):
        good = replace(good, nonce=good.nonce + 1)
        good = replace(good, hash=hash_of(good))
    return good


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (replace(EMPTY, nonce=EMPTY.nonce + 1), "whose hash is not that of its fields"),
        (replace(EMPTY, hash=OTHER.hash), "whose hash is not that of its fields"),
        (replace(EMPTY, operations=(PUT,)), "whose hash is not that of its fields"),
        (bad_nonce(EMPTY), "whose nonce is not good"),
        (block(0, OTHER.hash), "that does not follow the block below it"),
    ],
    ids=["nonce", "hash", "operations", "rule", "link"],
)
def test_links_falls_when_a_bad_block_is_appended(history, bad, says):
    history.ask(PUT)
    history.choose(bad)
    save = history.append(1, bad)
    assert history.fallen == [
        Violation("links and nonces hold", f"server 1 appended at height 0 a block {says}", (save,))
    ]


# The store ---------------------------------------------------------------------------------------------


def test_store_falls_when_a_put_has_no_effect(history):
    history.ask(PUT)
    history.choose(FIRST)
    save = history.append(1, FIRST, store=False)
    assert history.fallen == [
        Violation(
            "store = fold(chain)",
            "the store of server 1 has None under 'x', but its chain of 1 says 7",
            (save,),
        )
    ]


def test_store_falls_when_it_has_a_key_too_many(history):
    history.ask(PUT)
    history.choose(FIRST)
    history.nodes[1].store.data["'y'"] = "8"
    history.append(1, FIRST)
    assert history.says == [
        "store = fold(chain): the store of server 1 has 8 under 'y', but its chain of 1 says None"
    ]


def test_store_falls_at_the_end_when_another_key_changed(history):
    history.ask(PUT)
    history.choose(FIRST)
    for node in (1, 2):
        history.append(node, FIRST)
    history.nodes[2].store.data["'x'"] = "9"
    history.finish()
    assert history.says == [
        "store = fold(chain): the store of server 2 has 9 under 'x', but its chain of 1 says 7"
    ]


def test_store_counts_a_repeated_request_once(history):
    later = Request(PUT.session, 2, Put("'x'", "8"))
    history.ask(PUT)
    history.ask(later)
    double = block(0, NO_HASH, PUT, later, PUT)
    history.choose(double)
    history.append(1, double)
    assert history.says == []


def test_once_falls_when_a_retry_is_answered_differently(history):
    history.ask(GET)
    chosen = block(0, NO_HASH, GET)
    history.choose(chosen)
    history.reply(GET, None)
    reply = history.reply(GET, "7", node=2)
    assert history.fallen == [
        Violation(
            "each request takes effect once",
            "server 2 answered 7 to request 1 of client 2/1.1, which took effect at height 0 "
            "with the answer None",
            (reply,),
        )
    ]


def test_once_falls_when_an_old_copy_gets_the_new_answer(history):
    later = Request(GET.session, 2, Put("'x'", "8"))
    history.ask(GET)
    history.ask(later)
    history.choose(block(0, NO_HASH, GET, later))
    history.reply(later, "done")
    history.reply(GET, "done")
    assert [violation.claim for violation in history.fallen] == ["each request takes effect once"]


@pytest.mark.parametrize(
    "wrong",
    [replace(PUT, session="client 9/1.1"), replace(PUT, number=2), replace(PUT, operation=Put("'x'", "8"))],
    ids=["session", "number", "operation"],
)
def test_validity_falls_when_nobody_asked(history, wrong):
    history.ask(PUT)
    votes = history.choose(block(0, NO_HASH, wrong))
    (violation,) = history.fallen
    assert violation.claim == "only asked values"
    assert violation.events == tuple(votes)
    assert violation.reason == (
        f"block 0 holds request {wrong.number} of {wrong.session} (put 'x' {wrong.operation.value}), "
        "which nobody asked"
    )


def test_linearizable_falls_when_an_answer_is_not_that_of_its_place(history):
    asked = history.ask(GET)
    history.choose(block(0, NO_HASH, GET))
    answered = history.answered(GET, "7")
    assert history.fallen == [
        Violation(
            "linearizable per key",
            "get 'x' was answered 7; at its place, height 0, None is right",
            (asked, answered),
        )
    ]


def test_linearizable_falls_when_what_was_answered_is_in_no_block(history):
    asked = history.ask(GET)
    answered = history.answered(GET, None)
    assert history.fallen == [
        Violation(
            "linearizable per key",
            "get 'x' was answered None before any block that holds it was chosen",
            (asked, answered),
        )
    ]


def test_linearizable_falls_when_an_answer_is_taken_for_another_question(history):
    history.ask(GET)
    history.choose(block(0, NO_HASH, GET))
    history.answered(replace(GET, number=2), None)
    assert history.says == ["linearizable per key: client 2 took an answer to request 2, not asked now"]


def test_linearizable_falls_when_an_operation_takes_effect_before_it_was_asked(history):
    """Then something was chosen that nobody had asked, so one other claim falls as well, and first."""
    history.ask(PUT)
    early = block(0, NO_HASH, GET)
    history.choose(early)
    history.choose(block(1, early.hash, PUT))
    history.answered(PUT, "done")
    history.ask(GET)
    history.answered(GET, None)
    assert [violation.claim for violation in history.fallen] == ["only asked values", "linearizable per key"]
    assert history.says[1].endswith(
        "get 'x' took effect at height 0, before an operation that was answered already "
        "when it was asked (height 1)"
    )


def test_durability_falls_when_an_answer_comes_before_the_block_is_chosen(history):
    history.ask(PUT)
    history.elect(ONE, 1, 2)
    history.propose(ONE, FIRST)
    history.vote(1, ONE, FIRST)
    reply = history.reply(PUT, "done")
    assert history.fallen == [
        Violation(
            "no acknowledged write is lost",
            "server 1 acknowledged request 1 of client 1/1.1 before any block that holds it was chosen: until then "
            "nothing keeps it from being lost",
            (reply,),
        )
    ]


def test_durability_falls_when_too_few_disks_hold_an_acknowledged_block(history):
    history.ask(PUT)
    history.choose(FIRST)
    history.append(1, FIRST)
    history.disks[2] = Server.Disk(vote=Vote(ONE, FIRST))
    history.reply(PUT, "done")
    history.event("restart", 3)
    assert history.says == []
    history.disks[2] = Server.Disk()
    restart = history.event("restart", 2)
    assert history.fallen == [
        Violation(
            "no acknowledged write is lost",
            "block 0 is acknowledged, but only 1 of 3 disks hold it or a vote for it",
            (restart,),
        )
    ]


def test_durability_takes_no_vote_for_another_block_as_a_copy(history):
    history.ask(PUT)
    history.choose(FIRST)
    history.append(1, FIRST)
    history.reply(PUT, "done")
    history.disks[2] = Server.Disk(vote=Vote(ONE, OTHER))
    history.event("restart", 2)
    assert [violation.claim for violation in history.fallen] == ["no acknowledged write is lost"]


def test_durability_does_not_blame_a_lost_disk(history):
    history.ask(PUT)
    history.choose(FIRST)
    history.append(1, FIRST)
    history.reply(PUT, "done")
    history.disks[2] = Server.Disk(voter=False)
    history.event("restart", 2)
    assert history.says == []


def test_durability_falls_at_the_end_when_a_majority_lacks_the_block(history):
    history.ask(PUT)
    history.choose(FIRST)
    history.append(1, FIRST)
    history.reply(PUT, "done")
    history.finish()
    assert history.says == [
        "no acknowledged write is lost: block 0 is acknowledged, but only 1 disks hold it"
    ]


# The ghost ---------------------------------------------------------------------------------------------


def test_claims_begin_with_what_the_disks_hold(history):
    chain = Chain().append(FIRST)
    reopened = History.__new__(History)
    reopened.servers, reopened.claims, reopened.fallen, reopened.count = (1, 2, 3), safety_claims(), [], 0
    reopened.disks = {1: Server.Disk(chain=chain), 2: Server.Disk(chain=chain), 3: Server.Disk()}
    reopened.nodes = {name: Server(name, (1, 2, 3), disk) for name, disk in reopened.disks.items()}
    for claim in reopened.claims:
        claim.start(reopened)
    reopened.append(3, FIRST)
    reopened.reply(PUT, "done", node=3)
    assert reopened.says == []


def test_the_ghost_forgets_old_slots(history):
    before, longest = NO_HASH, 3 * PRUNE
    history.elect(ONE, 1, 2)
    for height in range(longest):
        one = block(height, before)
        history.propose(ONE, one)
        for node in (1, 2, 3):
            history.vote(node, ONE, one)
        for node in (1, 2, 3):
            history.append(node, one)
        before = one.hash
    ghost = history.claims[0]
    assert history.says == []
    assert len(ghost.votes) == len(ghost.proposals) <= 2 * PRUNE
    assert len(ghost.blocks) <= 2 * PRUNE


def test_a_copied_set_of_claims_goes_its_own_way(history):
    history.elect(ONE, 1, 2)
    history.propose(ONE, EMPTY)
    history.vote(1, ONE, EMPTY)
    twin = copy.copy(history)
    twin.claims, twin.fallen, twin.disks = copy.deepcopy(history.claims), [], dict(history.disks)
    twin.vote(2, ONE, EMPTY)
    twin.append(1, EMPTY)
    history.append(1, EMPTY)
    assert (twin.says, [violation.claim for violation in history.fallen]) == (
        [],
        ["only chosen blocks are applied"],
    )


def test_an_unknown_claim_cannot_be_switched_off():
    with pytest.raises(ValueError, match=r"^without: expected names of claims \(agreement, .*got 'p2c'$"):
        safety_claims(without=["p2c"])


def test_a_claim_without_see_says_so():
    with pytest.raises(TypeError, match="Claim is a claim without a method see"):
        Claim().see(Event(1, 0.0, "crash", 1))


def test_a_promise_with_many_blocks_is_read_a_few_times_and_not_once_for_each_of_them():
    class Blocks(tuple):
        read = 0

        def __iter__(self):
            for one in super().__iter__():
                Blocks.read += 1
                yield one

    history, blocks = History(), []
    for height in range(100):
        blocks.append(block(height, blocks[-1].hash if blocks else NO_HASH))
        history.choose(blocks[-1])
    for node in (1, 2):
        history.promise(node, THREE, blocks=Blocks(blocks))
    for height in range(100, 150):
        blocks.append(block(height, blocks[-1].hash))
        history.choose(blocks[-1], THREE)
    assert history.fallen == []
    assert 100 <= Blocks.read <= 2 * 5 * 100, "two promises, each by what claims ask of them"


def test_a_copy_of_a_claim_shares_only_what_never_changes():
    class Own(Claim):
        """A learner's claim, which remembers whatever it likes."""

    own = Own()
    own.start(History())
    own.names = {"lists": {1: [ONE]}, "pairs": {1: (ONE, [TWO])}, "facts": {1: (ONE, Event(1, 0.0, "ask", 1))}}
    own.same = own.names["lists"]
    twin = copy.deepcopy(own)
    assert (twin.names, twin.world) == (own.names, own.world)
    assert twin.same is twin.names["lists"]
    own.names["lists"][1].append(TWO)
    own.names["pairs"][1][1].append(ONE)
    own.names["facts"][2] = ()
    assert twin.names == {"lists": {1: [ONE]}, "pairs": {1: (ONE, [TWO])}, "facts": {1: own.names["facts"][1]}}
    assert twin.names["facts"][1] is own.names["facts"][1]
