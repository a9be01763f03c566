"""What a node is: it hears, speaks, waits, remembers and tells; its own mistakes are said in one line."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Any

import pytest

from paxoskit.protocol.messages import ElectionTimeout, Prepare
from paxoskit.protocol.node import After, Announce, Node, NodeError, Send, freeze, snapshot
from paxoskit.protocol.plain import BOTTOM, Ballot, Message


@dataclass(frozen=True)
class Hello(Message):
    text: str


@dataclass(frozen=True)
class HTTPGetDone(Message):
    """Its handler's name has an abbreviation in it."""


@dataclass(frozen=True)
class Holds(Message):
    what: Any


@dataclass
class Loose(Message):
    text: str


@dataclass(eq=False)
class LooseButHashable(Message):
    text: str


class Scribe(Node):
    """Does what it is told, and writes down what it hears."""

    @dataclass
    class Disk:
        heard: list[str] = field(default_factory=list)
        promised: Ballot = BOTTOM

    def on_hello(self, sender, message):
        self.disk.heard.append(f"{sender}: {message.text}")
        if message.text == "pass it on":
            self.broadcast(Hello("told"))
        elif message.text == "for ever":
            self.send(self.name, message)

    def on_http_get_done(self, sender, message):
        self.announce(message)


@pytest.fixture
def node():
    return Scribe(2, (1, 2, 3))


def wrong(node, *does):
    """Return what a node's own mistake is called."""
    with pytest.raises(NodeError) as error:
        for call in does:
            call(node)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_message_goes_to_the_handler_of_its_name(node):
    assert node.receive(1, Hello("there")) == []
    assert node.disk.heard == ["1: there"]


def test_a_handlers_name_is_the_messages_in_lower_case_words(node):
    assert node.receive(1, HTTPGetDone()) == [Announce(HTTPGetDone())]


def test_a_message_to_oneself_is_heard_as_soon_as_the_handler_ends(node):
    assert node.receive(1, Hello("pass it on")) == [
        Send(1, Hello("told")),
        Send(2, Hello("told")),
        Send(3, Hello("told")),
    ]
    assert node.disk.heard == ["1: pass it on", "2: told"]


def test_effects_come_in_the_order_in_which_they_were_asked_for():
    class Busy(Node):
        def on_hello(self, sender, message):
            self.after((1, 2), Hello("later"))
            self.send(1, message)
            self.announce(Hello("fact"))

    assert Busy(2, (1, 2)).receive(1, Hello("go")) == [
        After(1, 2, Hello("later")),
        Send(1, Hello("go")),
        Announce(Hello("fact")),
    ]


def test_effects_of_one_turn_are_not_those_of_the_next(node):
    first = node.receive(1, Hello("pass it on"))
    assert node.receive(1, Hello("there")) == []
    assert len(first) == 3


def test_on_start_runs_when_a_life_begins():
    class Early(Node):
        def on_start(self):
            self.after((5, 5), ElectionTimeout())

    assert Early(1, (1,)).start() == [After(5, 5, ElectionTimeout())]
    assert Node(1, (1,)).start() == []


def test_a_message_without_a_handler_names_the_method_to_write(node):
    assert wrong(node, lambda n: n.receive(1, Prepare(Ballot(1, 1), 0))) == (
        "server 2 got Prepare(ballot=Ballot(round=1, server=1), height=0) from server 1 "
        "but has no method on_prepare(self, sender, message)"
    )


def test_a_client_is_named_as_one_says_it():
    assert wrong(Node("client 1", (1,)), lambda n: n.receive(1, Hello("x"))).startswith(
        "client 1 got Hello(text='x') from server 1 but"
    )


@pytest.mark.parametrize("name", ["promise", "promisd", "Promised"])
def test_an_undeclared_field_of_the_disk_names_the_nearest(node, name):
    assert wrong(node, lambda n: setattr(n.disk, name, 1)) == (
        f"the disk has no field {name}: did you mean promised? (fields are declared in class Disk, with a type)"
    )


def test_a_disk_without_fields_takes_none():
    class Bare(Node):
        @dataclass
        class Disk:
            pass

    assert wrong(Bare(1, (1,)), lambda n: setattr(n.disk, "x", 1)) == (
        "the disk has no field x (fields are declared in class Disk, with a type)"
    )


def test_a_disk_that_is_no_dataclass_is_refused_when_its_class_is_written():
    with pytest.raises(NodeError, match=r"^Forgot.Disk is not a dataclass: write @dataclass above"):

        class Forgot(Node):
            class Disk:
                pass


def test_a_disk_with_slots_is_refused_when_its_class_is_written():
    with pytest.raises(NodeError, match=r"^Tight.Disk has slots, of which no copy is made: leave them out$"):

        class Tight(Node):
            @dataclass(slots=True)
            class Disk:
                promised: Ballot = BOTTOM


@pytest.mark.parametrize(
    "speak",
    [lambda n, m: n.send(1, m), lambda n, m: n.broadcast(m), lambda n, m: n.after((1, 2), m)],
    ids=["send", "broadcast", "after"],
)
@pytest.mark.parametrize(
    ("message", "says"),
    [
        (Loose("x"), "Loose is not frozen: write @dataclass(frozen=True)"),
        (LooseButHashable("x"), "LooseButHashable is not frozen: write @dataclass(frozen=True)"),
        (Holds([1]), "Holds.what can change after it was sent: use a tuple or frozenset"),
        (Holds({1: 2}), "Holds.what can change after it was sent: use a tuple or frozenset"),
        (Holds(({1},)), "Holds.what can change after it was sent: use a tuple or frozenset"),
        ("hello", "server 2 sends 'hello': expected a message, a frozen dataclass"),
        (Hello, None),
        (None, "server 2 sends None: expected a message, a frozen dataclass"),
    ],
)
def test_what_can_change_or_is_no_message_is_not_sent(node, speak, message, says):
    assert says in (None, wrong(node, lambda n: speak(n, message)))


def test_a_node_that_talks_to_itself_for_ever_is_stopped(node):
    assert wrong(node, lambda n: n.receive(1, Hello("for ever"))) == (
        "server 2 sends messages to itself without end: Hello(text='for ever')"
    )


@pytest.mark.parametrize("wait", [(2, 1), (-1, 1), (float("nan"), 1)])
def test_a_wait_that_ends_before_it_begins_is_refused(node, wait):
    assert wrong(node, lambda n: n.after(wait, Hello("x"))) == (
        f"server 2 waits ({wait[0]}, {wait[1]}): expected 0 <= low <= high, in milliseconds"
    )


def test_the_next_life_has_the_disk_and_nothing_else():
    old = Scribe(2, (1, 2, 3))
    old.receive(1, Hello("there"))
    old.mood = "good"
    new = type(old)(2, (1, 2, 3), old.disk)
    assert new.disk.heard == ["1: there"]
    assert not hasattr(new, "mood")


def test_a_snapshot_of_a_disk_is_safe_from_later_changes(node):
    before = snapshot(node.disk)
    node.receive(1, Hello("there"))
    assert (before.heard, node.disk.heard) == ([], ["1: there"])


def test_a_copy_of_a_node_shares_nothing_that_can_change(node):
    node.moods = {"good": [1]}
    twin = node.copy()
    twin.receive(1, Hello("there"))
    twin.moods["good"].append(2)
    assert (node.disk.heard, node.moods) == ([], {"good": [1]})
    assert type(twin) is Scribe


def test_equal_nodes_have_equal_states_in_whatever_order_they_were_built(node):
    other = Scribe(2, (1, 2, 3))
    node.known, other.known = {"b": {1, 2}, "a": [3]}, {"a": [3], "b": {2, 1}}
    assert node.state() == other.state()
    assert hash(node.state()) == hash(other.state())
    other.receive(1, Hello("there"))
    assert node.state() != other.state()


class Mood(enum.Enum):
    GOOD = 1
    BAD = 2


@dataclass(slots=True)
class Tally:
    votes: Any


@dataclass(slots=True, frozen=True)
class Tale:
    words: Any


@pytest.mark.parametrize("one, other", [(Mood.GOOD, Mood.BAD), (Tally(1), Tally([1])), (Tale((1,)), Tale("1"))])
def test_what_has_no_attributes_of_its_own_is_plain_data_too(node, one, other):
    node.known, twin = {"k": [one]}, None
    twin = node.copy()
    assert twin.state() == node.state()
    twin.known["k"][0] = other
    assert twin.state() != node.state()


def test_what_is_in_a_slot_is_part_of_the_state():
    class Slotted(Scribe):
        __slots__ = ("__hidden", "known")

        def __init__(self, *rest):
            super().__init__(*rest)
            self.known, self.__hidden = [], 1

    node = Slotted(2, (1, 2, 3))
    twin = node.copy()
    twin.known.append(1)
    assert (node.known, twin.known) == ([], [1])
    assert node.state() != twin.state()


def test_a_state_that_holds_itself_is_no_state(node):
    node.known = []
    node.known.append(node.known)
    assert wrong(node, lambda n: n.state()) == "its state holds itself, or is nested too deeply"


def test_what_is_derived_is_no_part_of_the_state(node):
    Derives = type("Derives", (Scribe,), {"derived": frozenset({"cache"})})
    one, two = Derives(2, (1, 2, 3)), Derives(2, (1, 2, 3))
    one.cache, two.cache = 1, object()
    assert one.state() == two.state()


@pytest.mark.parametrize(
    ("where", "says"), [("socket", "socket"), ("known", "known"), ("promised", "disk.promised")]
)
def test_a_state_that_is_not_plain_data_names_the_field(node, where, says):
    value = {"k": object()} if where == "known" else object()
    setattr(node.disk if where == "promised" else node, where, value)
    assert wrong(node, lambda n: n.state()).startswith(f"{says}")


def test_frozen_data_keeps_what_differs_apart():
    values = [[1, 2], [2, 1], {"a": 1}, {"a": 2}, {1, 2}, "12", Hello("x"), Hello("y")]
    assert len({freeze(value) for value in values}) == len(values)


class Part:
    def __init__(self, node):
        self.node, self.disk = node, node.disk


class Composed(Node):
    @dataclass
    class Disk:
        kept: list[int] = field(default_factory=list)

    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.part = Part(self)
        self.waiting = self.also_waiting = []
        self.kept = self.disk.kept


def test_in_a_copy_a_part_knows_the_copy_and_two_names_for_one_list_stay_so():
    node = Composed(1, (1, 2))
    twin = node.copy()
    assert twin.part is not node.part
    assert twin.part.node is twin and twin.part.disk is twin.disk is not node.disk
    assert twin.waiting is twin.also_waiting is not node.waiting
    assert twin.kept is twin.disk.kept is not node.disk.kept
