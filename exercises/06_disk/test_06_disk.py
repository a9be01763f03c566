"""The checks of exercise 06. Each is a property of right answers: `pytest exercises/06_disk` judges them all."""


def test_a_promise_is_kept_over_every_crash(holds):
    holds("promise")


def test_a_vote_is_reported_over_every_crash(holds):
    holds("report")


def test_a_ballot_is_never_used_again_over_every_crash(holds):
    holds("ballots")


def test_what_worked_before_works_still_and_in_the_next_life_too(holds):
    holds("works")


def test_nothing_but_the_disk_outlives_a_crash(holds):
    holds("only_disk")


def test_the_disk_holds_no_more_than_it_must(holds):
    holds("little")


def test_your_own_test_passes_on_your_answer_and_catches_the_bug(holds):
    holds("own_test")
