"""The checks of exercise 08. Each is a property of right answers: `pytest exercises/08_log` judges them all."""


def test_a_promise_is_kept_for_all_slots_and_tells_what_a_candidate_lacks(holds):
    holds("promise")


def test_a_vote_is_for_a_good_block_of_the_next_slot(holds):
    holds("votes")


def test_a_majority_of_promises_makes_a_leader_who_first_finishes_what_may_be_chosen(holds):
    holds("lead")


def test_decided_blocks_are_appended_in_order_each_once_and_stay_as_they_are(holds):
    holds("decide")


def test_among_the_kits_servers_the_claims_hold_and_everything_is_answered(holds):
    holds("cluster")


def test_your_own_test_passes_on_your_answer_and_catches_the_bug(holds):
    holds("own_test")
