"""The checks of exercise 10. Each is a property of right answers: `pytest exercises/10_chain` judges them all."""


def test_a_mined_block_has_the_smallest_good_nonce_of_its_miner_and_the_hash_of_its_fields(holds):
    holds("mine")


def test_the_first_check_that_a_block_fails_is_named(holds):
    holds("verify")


def test_the_first_bad_block_of_a_chain_is_named_and_the_check_that_it_fails(holds):
    holds("first_fault")


def test_a_vote_is_for_a_good_block_and_a_bad_one_is_rejected_by_the_name_of_its_check(holds):
    holds("accept")


def test_decided_blocks_are_appended_in_order_each_once_and_good_ones_only(holds):
    holds("blocks")


def test_a_new_block_holds_what_waits_and_points_at_the_newest_decided_block(holds):
    holds("next_block")


def test_among_the_kits_servers_the_claims_hold_and_everything_is_answered(holds):
    holds("cluster")


def test_your_own_test_passes_on_your_answer_and_catches_the_bug(holds):
    holds("own_test")
