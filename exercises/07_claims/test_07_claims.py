"""The checks of exercise 07. Each is a property of right answers: `pytest exercises/07_claims` judges them all."""


def test_no_claim_is_raised_against_right_servers_and_each_can_be_raised(holds):
    holds("quiet")


def test_every_broken_promise_is_found(holds):
    holds("promise_kept")


def test_every_promise_that_hides_a_vote_is_found(holds):
    holds("promise_complete")


def test_every_second_chosen_value_is_found(holds):
    holds("agreement")


def test_a_claim_names_the_first_event_that_breaks_it(holds):
    holds("place")


def test_your_own_test_passes_on_your_answer_and_catches_the_bug(holds):
    holds("own_test")
