"""A learner's node hears each message made anew: who compares with `is` learns it in practice, not in the marks."""

from paxoskit.grading.packed import afresh
from paxoskit.grading.subject import LocalSubject
from paxoskit.protocol.messages import Block, Promise, Put, Request, Vote
from paxoskit.protocol.node import Node
from paxoskit.protocol.plain import OURS, Ballot, from_json, to_json
from paxoskit.protocol.synod import Accept

BALLOT = Ballot(1_000, 4)
BLOCK = Block(1, "0" * 64, (Request("client 1's", 1, Put("x", "1")),), 7, "1" * 64)


class Keeper(Node):
    """Keeps what it hears."""

    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.heard = []

    def on_accept(self, sender, accept):
        self.heard.append(accept)


def test_the_same_message_comes_as_another_object_each_time():
    node = LocalSubject(names={"Keeper": Keeper}).node("Keeper")(1, (1,))
    accept = Accept(BALLOT, "red")
    for _ in range(2):
        node.receive(4, accept)
    first, second = node.heard
    assert first == second == accept
    for part in (lambda it: it, lambda it: it.ballot, lambda it: it.value, lambda it: it.ballot.round):
        assert part(first) is not part(second)
        assert part(first) is not part(accept)


def test_a_vote_within_a_message_is_made_anew_and_a_block_is_not():
    promise = Promise(BALLOT, 1, Vote(Ballot(2, 3), BLOCK), ())
    again = afresh(promise)
    assert again == promise and hash(again) == hash(promise)
    assert again.vote is not promise.vote and again.vote.ballot is not promise.vote.ballot
    assert again.vote.block is BLOCK  # its hash is computed once, not with each message


def test_every_message_of_the_kit_is_equal_to_itself_made_anew():
    for message in (BLOCK, Accept(BALLOT, ""), Promise(BALLOT, 1, None, (BLOCK,)), BLOCK.operations[0]):
        again = afresh(message)
        assert type(again) in OURS and again is not message
        assert again == message == from_json(to_json(again))
