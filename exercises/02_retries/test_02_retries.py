"""The checks of exercise 02. Each is a property of right answers: `pytest exercises/02_retries` judges them all."""


def test_each_request_is_answered_to_its_client_with_its_session_and_number(holds):
    holds("answered")


def test_a_get_answers_the_value_put_last_a_put_the_value_before_it(holds):
    holds("values")


def test_a_get_of_a_key_that_was_never_put_answers_none(holds):
    holds("missing")


def test_a_request_that_comes_again_takes_effect_once_and_is_answered_as_the_first_time(holds):
    holds("once")


def test_requests_of_different_sessions_are_different_requests(holds):
    holds("sessions")


def test_a_request_that_comes_after_a_later_one_of_its_session_is_not_lost(holds):
    holds("overtaken")


def test_the_six_histories_of_the_lesson_linearizable_or_not(holds):
    holds("six_histories")


def test_any_history_of_one_key_linearizable_or_not(holds):
    holds("histories")


def test_your_own_test_passes_on_your_answer_and_catches_the_bug(holds):
    holds("own_test")
