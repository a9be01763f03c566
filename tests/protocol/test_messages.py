"""Messages: frozen, equal by content, unchanged by a journey as JSON; malformed ones get one clear line."""

import copy
import dataclasses
import json
import types
import typing

import pytest

import paxoskit.protocol.messages as messages
from paxoskit.protocol.chain import NO_HASH, Content, mine
from paxoskit.protocol.plain import BOTTOM, Ballot, Message, field_types, fits, from_json, to_json

PUT = messages.Request("client 1/1.1", 1, messages.Put("'x'", "7"))
SAMPLES = {
    int: 3,
    str: "text, é and \"quotes\"",
    Ballot: Ballot(2, 1),
    messages.Operation: messages.Put("'x'", "{'a': 1}"),
    str | None: None,
    messages.Block: mine(Content(0, NO_HASH, (PUT,))),
    messages.Vote | None: messages.Vote(Ballot(1, 1), mine(Content(0, NO_HASH, ()))),
    tuple[messages.Block, ...]: (mine(Content(0, NO_HASH, (PUT,))), mine(Content(0, NO_HASH, ()))),
    tuple[messages.Request, ...]: (PUT,),
    tuple[messages.Ask, ...]: (messages.Ask("client 1/1.1", messages.Get("'x'")),),
    tuple[messages.Reply, ...]: (messages.Reply("client 1/1.1", 1, None),),
}
WRONG = {
    int: ["3", 2.5, True, None, {"Ballot": [1, 2]}],
    str: [3, None, True, ["a"]],
    Ballot: [[1, 2], {"Ballot": [1]}, {"Ballot": [1, "2"]}, {"Ballot": [True, 1]}, None, {"Ballot": 7}],
    tuple: [7, "ab", {}, [7], [None], {"set": 5}],
}
CLASSES = [cls for cls in vars(messages).values() if isinstance(cls, type) and issubclass(cls, Message)]
CLASSES.remove(Message)


def sample(cls):
    return cls(**{field: SAMPLES[kind] for field, kind in field_types(cls).items()})


def wrong_values(kind):
    """Yield JSON that is not of this type."""
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        return [7, True, {"NoSuch": {}}, ["x"]]
    return WRONG.get(origin or kind, [7, None, "x", {"Get": {"key": "k", "more": 1}}, {"NoSuch": {}}, {}])


FIELDS = [(cls, field, kind) for cls in CLASSES for field, kind in field_types(cls).items()]


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_a_message_is_the_same_after_a_journey_as_json(cls):
    message = sample(cls)
    text = json.dumps(to_json(message))
    assert from_json(json.loads(text)) == message
    assert json.dumps(to_json(from_json(json.loads(text)))) == text


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_a_message_is_frozen_hashable_and_says_what_it_means(cls):
    message = sample(cls)
    assert hash(message) == hash(sample(cls))
    assert message == sample(cls)
    assert copy.deepcopy(message) is copy.copy(message) is message
    assert cls.__doc__.endswith((".", "?", ")"))
    for field in field_types(cls):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(message, field, 1)


@pytest.mark.parametrize(
    ("cls", "field", "kind"), FIELDS, ids=[f"{cls.__name__}.{field}" for cls, field, _ in FIELDS]
)
def test_a_wrong_value_in_any_field_is_refused_in_one_line(cls, field, kind):
    for wrong in wrong_values(kind):
        data = to_json(sample(cls))
        data[cls.__name__][field] = wrong
        refused(data)


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_a_missing_field_is_refused_in_one_line(cls):
    fields = field_types(cls)
    for field in fields:
        data = to_json(sample(cls))
        del data[cls.__name__][field]
        assert refused(data).startswith(f"expected {cls.__name__} with the fields {', '.join(fields)}, got ")


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_a_field_too_many_is_refused_in_one_line(cls):
    data = to_json(sample(cls))
    data[cls.__name__]["more"] = 1
    assert refused(data).startswith(f"expected {cls.__name__} with the fields ")


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"Nonsense": {}}, "expected the name of a message, got 'Nonsense': no message is called that"),
        ({"__import__": {}}, "expected the name of a message, got '__import__': no message is called that"),
        ({}, "expected an object with one key, the name of a message, got {}"),
        ({"Get": {"key": "k"}, "Put": {}}, None),
        ({"Get": 7}, "expected Get with the fields key, got 7"),
        ({"Get": ["k"]}, "expected Get with the fields key, got ['k']"),
        ({"Ballot": "1.2"}, "expected a ballot as [round, server], got '1.2'"),
        ({"set": 5}, "expected a set as a list of what it holds, got 5"),
        ({"set": "ab"}, "expected a set as a list of what it holds, got 'ab'"),
        ({"set": [{"dict": []}]}, None),
        ({"dict": [1]}, "expected a dict as a list of what it holds, got [1]"),
        ({"dict": [[1]]}, "expected a dict as a list of what it holds, got [[1]]"),
        ({"dict": [[{"dict": []}, 1]]}, None),
        ({"Get": {"key": "k" * 10_000 and {"x": "k" * 10_000}}}, None),
    ],
)
def test_what_is_no_message_is_refused_in_one_line(data, says):
    assert says in (None, refused(data))


def refused(data):
    with pytest.raises(ValueError) as error:
        from_json(data)
    text = str(error.value)
    assert "\n" not in text
    assert len(text) < 400
    assert text.startswith("expected ")
    return text


@pytest.mark.parametrize(
    "value", [{1, 2}, frozenset({"a"}), {"a": (1, 2.5)}, {}, (None, True, ("x",)), Ballot(1, 2)]
)
def test_plain_collections_travel_too(value):
    assert from_json(json.loads(json.dumps(to_json(value)))) == value


def test_sets_travel_in_one_order_only():
    assert to_json({"b", "a", "c"}) == {"set": ["a", "b", "c"]}


def test_what_is_not_plain_data_does_not_travel():
    with pytest.raises(TypeError, match=r"^expected plain data .* got object$"):
        to_json(object())


def test_ballots_are_compared_round_first_and_none_is_never_needed():
    assert sorted([Ballot(2, 1), Ballot(1, 3), BOTTOM, Ballot(1, 2)]) == [BOTTOM, (1, 2), (1, 3), (2, 1)]
    assert Ballot(1, 2) == (1, 2)
    assert str(Ballot(12, 3)) == "12.3"


def test_a_number_is_no_truth_value_and_a_truth_value_no_number():
    assert [fits(True, int), fits(1, bool), fits(1, int), fits(1.0, int)] == [False, False, True, False]


def test_a_request_knows_its_client_and_its_canonical_text():
    assert PUT.client == "client 1"
    assert PUT.text == '["client 1/1.1",1,"put","\'x\'","7"]'
