"""What lesson 7 says in words of a search that would keep a class waiting."""

import pytest

from paxoskit.course.given import Acceptor
from paxoskit.protocol.synod import Accepted, Vote
from paxoskit.worlds.checker import explore


class Newest(Acceptor):
    """The lesson's wrong acceptor: its vote does not raise its promise."""

    def on_accept(self, sender, accept):
        if accept.ballot >= self.promised:
            self.vote = Vote(accept.ballot, accept.value)
            self.send(sender, Accepted(accept.ballot, accept.value))


def answers(found, acceptor):
    """Return what server 3 says in the story, each with the round of its ballot, if it is such an acceptor."""
    classes = {name: acceptor if cls is Newest else cls for name, cls in found.setting.classes.items()}
    sends = [event for event in found.story.replay(classes=classes).trace if event.kind == "send"]
    return [(type(event.what).__name__, event.what.ballot.round) for event in sends if event.node == 3]


@pytest.mark.slow
def test_a_third_ballot_breaks_agreement_after_60_000_states_and_a_closer_claim_falls_in_two_after_less_than_100():
    outcome = explore(Newest, claims=["agreement"], ballots=3)
    assert outcome.violation.claim == "agreement" and outcome.states > 60_000
    closer = explore(Newest, ballots=2)
    assert closer.violation.claim == "a promise is complete" and closer.states < 100


def test_with_the_missing_line_no_late_message_of_the_story_is_answered():
    """As the lesson says of its counterexample: the right acceptor refuses both late messages."""
    found = explore(Newest, ballots=2)
    assert answers(found, Newest) == [("Accepted", 2), ("Accepted", 1), ("Promise", 1)]
    assert answers(found, Acceptor) == [("Accepted", 2)]
