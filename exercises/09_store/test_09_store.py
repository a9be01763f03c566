"""The checks of exercise 09. Each is a property of right answers: `pytest exercises/09_store` judges them all."""


def test_a_get_answers_the_value_put_last_a_put_the_value_that_it_replaced(holds):
    holds("values")


def test_a_request_takes_effect_once_however_often_it_comes_or_is_decided(holds):
    holds("once")


def test_nothing_is_answered_that_is_not_decided(holds):
    holds("log")


def test_what_is_decided_is_answered_and_again_when_it_is_asked_again(holds):
    holds("answered")


def test_the_client_sends_one_request_at_a_time_in_order_numbered_in_its_session(holds):
    holds("line")


def test_the_client_takes_the_answer_to_its_own_request_once_and_no_other(holds):
    holds("matched")


def test_the_client_asks_again_and_elsewhere_when_no_answer_comes(holds):
    holds("again")


def test_among_the_kits_servers_it_is_linearizable_and_everything_is_answered(holds):
    holds("cluster")


def test_your_own_test_passes_on_your_answer_and_catches_the_bug(holds):
    holds("own_test")
