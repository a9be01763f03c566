"""The checks of exercise 11. Each is a property of right answers: `pytest exercises/11_chaos` judges them all."""


def test_alone_among_servers_that_say_what_they_may_it_keeps_the_rules(holds):
    holds("alone")


def test_messages_are_lost_doubled_and_late_and_no_claim_falls(holds):
    holds("messages")


def test_links_are_cut_and_servers_split_and_no_claim_falls(holds):
    holds("links")


def test_servers_crash_and_come_back_and_no_claim_falls(holds):
    holds("crashes")


def test_a_server_that_lost_its_disk_learns_and_answers_and_has_no_voice(holds):
    holds("lost_disk")


def test_every_fault_at_once_among_the_kits_servers_breaks_nothing(holds):
    holds("chaos")


def test_every_figure_of_the_report_comes_out_again(holds):
    holds("report")


def test_your_own_test_passes_on_your_answer_and_catches_the_bug(holds):
    holds("own_test")
