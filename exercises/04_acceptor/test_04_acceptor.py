"""The checks of exercise 04. Each is a property of right answers: `pytest exercises/04_acceptor` judges them all."""


def test_a_promise_is_kept_after_it_no_promise_and_no_vote_in_a_lower_ballot(holds):
    holds("promise")


def test_a_promise_reports_the_vote_in_the_highest_ballot_that_was_cast(holds):
    holds("report")


def test_a_vote_is_for_the_ballot_and_the_value_that_were_proposed(holds):
    holds("votes")


def test_everything_is_answered_and_nothing_is_refused_without_need(holds):
    holds("answers")


def test_your_own_test_passes_on_your_answer_and_catches_the_bug(holds):
    holds("own_test")
