"""The checks of exercise 01. Each is a property of right answers: `pytest exercises/01_clock` judges them all."""


def test_of_two_events_of_one_process_the_later_has_the_later_time(holds):
    holds("own_order")


def test_a_message_is_received_at_a_later_time_than_it_was_sent(holds):
    holds("message_order")


def test_a_clock_begins_at_0_and_is_raised_no_further_than_needed(holds):
    holds("no_faster")


def test_the_six_pairs_of_the_lesson_before_after_or_concurrent(holds):
    holds("six_pairs")


def test_before_after_or_concurrent_is_right_for_every_pair_of_every_run(holds):
    holds("order")


def test_your_own_test_passes_on_your_answer_and_catches_the_bug(holds):
    holds("own_test")
