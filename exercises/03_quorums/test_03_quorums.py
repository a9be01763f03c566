"""The checks of exercise 03. Each is a property of right answers: `pytest exercises/03_quorums` judges them all."""


def test_every_quorum_of_phase_1_meets_every_quorum_of_either_phase(holds):
    holds("meet")


def test_more_than_half_is_enough_in_phase_1_half_in_phase_2(holds):
    holds("enough")


def test_votes_are_counted_by_server_one_that_comes_twice_counts_once(holds):
    holds("by_server")


def test_only_servers_of_the_cluster_are_counted(holds):
    holds("strangers")


def test_every_safe_pair_of_sizes_for_four_servers(holds):
    holds("four")


def test_every_safe_pair_of_sizes_for_any_number_of_servers(holds):
    holds("all_sizes")


def test_your_own_test_passes_on_your_answer_and_catches_the_bug(holds):
    holds("own_test")
