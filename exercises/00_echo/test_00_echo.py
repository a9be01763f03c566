"""The checks of exercise 00. Each is a property of right answers: `pytest exercises/00_echo` judges them all."""


def test_every_request_is_answered_and_so_is_every_copy_of_it(holds):
    holds("answered")


def test_an_answer_goes_to_the_client_that_asked_and_to_nobody_else(holds):
    holds("right_node")


def test_the_answer_names_the_request_session_number_and_echoes_its_text(holds):
    holds("words")


def test_the_same_request_gets_the_same_answer_whatever_came_before(holds):
    holds("no_memory")


def test_your_own_test_passes_on_your_answer_and_catches_the_bug(holds):
    holds("own_test")
