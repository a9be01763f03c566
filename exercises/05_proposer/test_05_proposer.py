"""The checks of exercise 05. Each is a property of right answers: `pytest exercises/05_proposer` judges them all."""


def test_a_ballot_is_its_proposer_s_own_rises_and_has_one_value(holds):
    holds("ballots")


def test_a_proposal_follows_a_majority_of_promises_and_has_the_value_that_they_demand(holds):
    holds("value")


def test_decided_is_what_a_majority_of_acceptors_voted_for_in_one_ballot(holds):
    holds("counts")


def test_alone_with_a_majority_of_acceptors_a_proposer_decides_whatever_was_lost(holds):
    holds("progress")


def test_a_duel_of_two_proposers_ends(holds):
    holds("duel")


def test_your_own_test_passes_on_your_answer_and_catches_the_bug(holds):
    holds("own_test")
