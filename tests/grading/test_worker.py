"""A submission in workers: her own classes work unchanged, nodes share nothing, and what is shared is found out."""

import copy
import json
import os
import time
from collections import Counter, deque
from enum import Enum
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest

from paxoskit.grading import remote
from paxoskit.grading.grade import judge_answer
from paxoskit.grading.launcher import children
from paxoskit.grading.remote import GIVEN, IsolationError, WorkerSubject
from paxoskit.grading.subject import MISSING, NOT_WRITTEN, LearnerError, LocalSubject, Odd
from paxoskit.grading.worker import canonical, duplicate
from paxoskit.grading.workshop import ENDED, LOOK, SOON, Limits, Watch, Workshop
from paxoskit.protocol.chain import NO_HASH, Content, mine
from paxoskit.protocol.messages import Decide, Get, Reply
from paxoskit.protocol.node import NodeError, Send
from paxoskit.protocol.plain import Ballot, Message, to_json
from paxoskit.worlds.checker import explore
from paxoskit.worlds.choice import Choice
from paxoskit.worlds.story import Story
from paxoskit.worlds.world import World
from tests.grading.small import RIGHT, SMALL, WRONG, hand_in, points

ORDINARY = '''
from collections import deque
from dataclasses import dataclass, field
from paxoskit.protocol.node import Node
from paxoskit.protocol.plain import Ballot, Message
from paxoskit.protocol.messages import Get, Nack, Promise
import helper

@dataclass(frozen=True)
class Gossip(Message):
    seen: frozenset
    ballot: tuple

class Ledger:
    """A class of her own."""
    def __init__(self):
        self.names = set()

@dataclass
class Entry:
    who: object
    key: str

class Server(Node):
    @dataclass
    class Disk:
        promised: Ballot = Ballot(0, 0)
        entries: list = field(default_factory=list)
        by_name: dict = field(default_factory=dict)

    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.ledger = Ledger()
        self.queue = deque()

    def on_start(self):
        self.after((10, 20), Gossip(frozenset(), (0, 0)))

    def on_get(self, sender, get):
        print("asked for", get.key)
        self.ledger.names.add(get.key)
        self.queue.append(get.key)
        self.disk.entries.append(Entry(sender, get.key))
        self.disk.by_name[get.key] = {sender}
        self.disk.promised = Ballot(len(self.disk.entries), self.name)
        self.broadcast(Gossip(frozenset(self.ledger.names), (helper.ONE, 2)))
        self.send(sender, Nack((1, 2), self.disk.promised))

    def on_gossip(self, sender, gossip):
        assert type(gossip) is Gossip and type(gossip.seen) is frozenset and type(gossip.ballot) is tuple
        assert all(isinstance(entry, Entry) for entry in self.disk.entries)
        self.ledger.names |= gossip.seen
'''


@pytest.fixture
def subject(tmp_path):
    """Return how to make a subject in workers of a source; each ends with the test."""
    made = []

    def make(source, own_test="", **more):
        beside = {"helper": "ONE = 1"} | ({"own_test": own_test} if own_test else {})
        task = hand_in(tmp_path, source, **beside)
        made.append(WorkerSubject(Path(task.folder) / "answer" / "small.py", **more))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def ordinary(subject):
    return subject(ORDINARY)


# Her own code works as it is ---------------------------------------------------------------------------------


def test_her_own_messages_sets_and_classes_work_in_a_world(ordinary):
    world = World([ordinary.node("Server")] * 3, clients=1)
    node = world.awake(1)
    effects = node.receive("client 1", Get("k"))
    assert [effect.to for effect in effects] == [1, 2, 3, "client 1"]
    assert str(effects[-1].message.ballot) == "1.2"
    gossip = effects[1].message
    assert (type(gossip).__name__, isinstance(gossip, Message)) == ("Gossip", True)
    assert to_json(gossip) == {"Gossip": {"seen": {"set": ["k"]}, "ballot": [1, 2]}}
    assert world.awake(2).receive(1, gossip) == []
    assert ordinary.printed() == "asked for k\n"


def test_a_world_of_workers_tells_the_same_story_as_one_in_this_process(subject):
    far = subject(RIGHT)
    local = LocalSubject(far.path)
    choices = (Choice("crash", 2), Choice("restart", 2), Choice("cut", 1, 2))
    story = Story(("small.py:Counter",) * 2, choices, clients=())
    digests = []
    for one in (far, local):
        world = story.replay(classes={"small.py:Counter": one.node("Counter")})
        replies = [world.awake(1).receive(2, Get(key)) for key in "abc"]
        assert replies[-1] == [Send(2, Reply("s", 3, "c"))]
        digests.append(world.trace.digest())
    assert digests[0] == digests[1]


def test_a_disk_shows_its_fields_and_survives_a_crash(ordinary):
    world = World([ordinary.node("Server")] * 2, clients=0)
    effects = world.awake(1).receive("client 1", Get("k"))
    world._turn("deliver", 1, "client 1", Get("k"), 1, effects[:0])
    assert world.disks[1].promised == Ballot(1, 1)
    assert world.disks[1].by_name == {"k": {"client 1"}}
    assert world.disks[1].entries == [Odd("Entry")]
    world.crash(1)
    world.restart(1)
    assert world.awake(1).receive(2, effects[1].message) == []
    assert world.awake(1).disk.promised == Ballot(1, 1)


def test_a_copy_goes_its_own_way_and_equal_states_have_one_number(ordinary):
    node = ordinary.node("Server")(1, (1, 2))
    one, other = node.copy(), node.copy()
    assert node.state() == one.state()
    one.receive(2, Get("k"))
    assert one.state() != node.state()
    other.receive(2, Get("k"))
    assert one.state() == other.state()


def test_what_cannot_be_compared_says_so_when_it_is_searched_and_runs_otherwise(subject):
    odd = subject(RIGHT.replace("self.heard = 0", "self.heard = 0; self.how = lambda: 1"))
    node = odd.node("Counter")(1, (1, 2))
    assert node.receive(2, Get("k")) == [Send(2, Reply("s", 1, "k"))]
    with pytest.raises(NodeError, match=r"^how: expected data .* got a function$"):
        node.state()


ORDERLY = """
from paxoskit.protocol.node import Node
from paxoskit.protocol.messages import Reply

class Part:
    def __init__(self, node):
        self.node = node

    def hear(self, sender, get):
        self.node.heard[get.key] = sender
        for key, to in self.node.heard.items():
            self.node.send(to, Reply("s", 1, key))

class Counter(Node):
    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.heard, self.part = {}, Part(self)

    def on_get(self, sender, get):
        self.part.hear(sender, get)
"""


def test_a_node_may_send_in_the_order_of_a_dict_and_its_parts_may_know_it(subject):
    made = subject(ORDERLY)
    states = []
    for keys in ("ab", "ba", "abc", "bac"):
        node = made.node("Counter")(1, (1, 2))
        for key in keys:
            effects = node.receive(2, Get(key))
        assert effects == [Send(2, Reply("s", 1, key)) for key in keys]
        states.append(node.state())
    assert states[0] == states[1] != states[2] == states[3]  # equal data, whatever was heard first
    assert made.recheck() == ""


def test_values_cross_by_their_exact_types(subject):
    source = "def same(value): return value\nclass Mine(str): pass\ndef mine(): return [Mine('x'), 1]\n"
    made = subject(source)
    for value in [(1, [2, {3: (4,)}], {5}), Ballot(1, 2), b"x", True, 1.5, Get("k"), frozenset({("a", 1)}), None, ""]:
        assert repr(made.call("same", value)) == repr(value)
    assert made.call("mine") == [Odd("Mine"), 1]


def test_a_worker_that_has_answered_and_is_not_heard_yet_does_not_sleep(subject):
    adds = subject("def add(a, b):\n    return a + b\n")
    assert adds.call("add", 1, 2) == 3
    assert soon(adds.main.is_asleep)  # it waits for the next question
    asked = json.dumps([77, "call", [], "add", [1, 2]]).encode()
    adds.main._write(len(asked).to_bytes(4, "big") + asked, 1)
    assert soon(lambda: adds.main._stat()[0] == "S") and not adds.main.is_asleep()
    assert adds.main._hear(77)["answer"] == 3
    assert soon(adds.main.is_asleep)


def soon(is_so):
    """Say whether something is so within ten seconds."""
    end = time.monotonic() + 10
    while not is_so() and time.monotonic() < end:
        time.sleep(0.01)
    return is_so()


def test_the_judge_looks_again_when_a_call_may_be_over(subject):
    for call, pause in ((0.05, 0.05), (0.001, SOON), (60.0, LOOK)):
        watch = Watch(subject("x = 1", limits=Limits(call=call)).channel())
        assert watch.pause == SOON and not watch.is_over() and watch.pause == pause


def test_naps_without_end_are_too_long_in_all_and_a_busy_machine_is_not(subject):
    naps = subject("import time\ndef add(a, b):\n    time.sleep(0.3)\n    return a + b\n", limits=Limits(idle=0.5))
    with pytest.raises(LearnerError, match="took too long in all"):
        for _ in range(10):
            naps.look_at = 0.0
            naps.call("add", 1, 2)
    patient = subject("def add(a, b): return a + b\n", limits=Limits(idle=0.5))
    assert patient.call("add", 1, 2) == 3
    patient.main.waited = 1_000.0  # the worker had no turn
    patient.look_at = 0.0
    assert patient.call("add", 1, 2) == 3


def test_what_is_printed_before_an_exception_is_kept(subject):
    made = subject("def add(a, b):\n    print('so far', a)\n    return a / 0\n")
    with pytest.raises(LearnerError, match="ZeroDivisionError"):
        made.call("add", 1, 2)
    assert made.printed() == "so far 1\n"


def test_a_worker_that_stops_to_read_does_not_stop_its_judge(subject):
    forged = """import os, struct
def add(a, b):
    text = b'{"n":2,"answer":4,"printed":""}'
    os.write(4, struct.pack(">I", len(text)) + text)
    while True: pass
"""
    made = subject(forged, limits=Limits(call=0.2))
    assert made.call("add", 1, 2) == 4
    with pytest.raises(LearnerError, match="loop that never ends"):
        made.call("add", "x" * 500_000, 2)


def test_what_a_worker_keeps_is_not_found_among_all_objects(subject):
    made = subject(
        "import gc\nkept = []\ndef find(): return len(gc.get_objects())\n"
        "def keep(): kept.extend([] for _ in range(10_000)); return find()"
    )
    before = made.call("find")
    assert made.call("keep") >= before + 10_000
    assert made.call("find") < before + 1_000  # who hunts through them in each turn does not search all former turns


def test_an_object_keeps_its_memory_between_calls(subject):
    made = subject("class Sum:\n    at = 0\n    def add(self, n):\n        self.at += n; return self.at\n")
    thing = made.make("Sum")
    assert [thing.call("add", 2), thing.call("add", 3)] == [2, 5]
    with pytest.raises(LearnerError, match="Sum has no method sub"):
        thing.call("sub")


@pytest.mark.parametrize(
    ("source", "says", "why"),
    [
        ("class Server(", "small.py, line 1:\n    class Server(\nSyntaxError: '(' was never closed", "raised"),
        ("x = 1\ny = -y", "small.py, line 2:\n    y = -y\nNameError: name 'y' is not defined", "raised"),
        ("def ad(): pass", "there is no add in small.py; did you mean ad?", MISSING),
        ("def add(a, b):\n    raise NotImplementedError('add them')", "add them", NOT_WRITTEN),
        (
            "def add(a, b):\n    return a / 0",
            "small.py, line 2, in add:\n    return a / 0\nZeroDivisionError: division by zero",
            "raised",
        ),
        (
            "from paxoskit.protocol.server import Server",
            "small.py, line 1:\n    from paxoskit.protocol.server import Server\nModuleNotFoundError: "
            "paxoskit.protocol.server is not there while an answer is judged; there are paxoskit.protocol.literals, "
            "paxoskit.protocol.messages, paxoskit.protocol.node, paxoskit.protocol.plain, paxoskit.protocol.synod",
            "raised",
        ),
    ],
)
def test_an_error_is_told_with_her_own_line(source, says, why, subject):
    made = subject(source)
    with pytest.raises(LearnerError) as told:
        made.call("add", 1, 2)
    assert (told.value.says, told.value.why) == (says, why)


def test_words_are_those_of_practice_in_this_process(subject):
    far = subject(RIGHT.replace("self.heard += 1", "self.heared += 1"))
    told = []
    for made in (far, LocalSubject(far.path)):
        with pytest.raises(LearnerError) as error:
            made.node("Counter")(1, (1, 2)).receive(2, Get("k"))
        told.append(error.value.says)
    assert told[0] == told[1]


def test_a_message_of_the_kit_with_a_field_of_another_type_is_for_the_check_to_judge(subject):
    made = subject(RIGHT.replace('Reply("s", self.heard, get.key)', 'Reply("s", "1", get.key)'))
    assert made.node("Counter")(1, (1, 2)).receive(2, Get("k")) == [Send(2, Reply("s", "1", "k"))]


def test_her_own_test_runs_there_with_and_without_a_bug(subject):
    made = subject(RIGHT, own_test="def test(answer):\n    assert answer.add(1, 2) == 3\n")
    bug = "def plant(answer):\n    answer.add = lambda a, b: 0\n    return answer\n"
    assert made.own_test().ended == "passed"
    assert made.own_test(bug).ended == "failed"
    assert made.call("add", 1, 2) == 3


def test_dice_and_the_order_of_sets_are_the_same_in_every_worker(subject):
    source = RIGHT.replace("self.heard += 1", "import random; self.heard = random.randint(1, 10**9)")
    words = "def words():\n    return list({'a', 'b', 'c', 'd', 'e', 'f'})\n"
    seen = set()
    unseeded = "def thrown():\n    import random\n    return random.Random().random()\n"
    for _ in range(3):
        made = subject(source + words + unseeded)
        replies = made.node("Counter")(1, (1, 2)).receive(2, Get("k"))
        seen.add((str(replies), str(made.call("words")), str(made.call("thrown"))))
        assert made.recheck() == ""
        assert len(seen) == 1


def test_what_an_object_draws_as_it_is_made_is_the_same_each_time(subject):
    source = "from random import Random, random\nclass Coin:\n    def __init__(self, name):\n"
    source += "        self.fell = random(), Random().random()\n    def told(self): return self.fell\n"
    made = subject(source)
    first, again, other = (made.make("Coin", name).call("told") for name in (1, 1, 2))
    assert first == again
    assert first[0] != first[1] and first != other


class Cell:
    def __init__(self, held):
        self.held = held


class Slotted:
    __slots__ = ("held",)


class Kept(Cell):
    def __getstate__(self):
        return {"held": 0}


def test_a_copy_is_that_of_deepcopy():
    shared = [1]
    cell = Cell(shared)
    cell.itself = cell
    slotted = Slotted()
    slotted.held = shared
    value = {"a": shared, "b": (shared, {2, (3, 4)}), "c": cell, "d": deque([shared]), "e": Counter("aab"),
             "f": slotted, ("g", Ballot(1, 2)): Kept([5]), "h": Random(1), "i": frozenset({Get("k")})}  # fmt: skip
    fast, slow = duplicate(value, {}), copy.deepcopy(value)
    for twin in (fast, slow):
        kept = twin["a"]
        assert kept is not shared and kept is twin["b"][0] is twin["c"].held is twin["d"][0] is twin["f"].held
        assert twin["c"].itself is twin["c"] is not cell
        twin["c"].itself = None  # what holds itself has no canonical form
        assert twin["g", Ballot(1, 2)].held == 0
        assert (type(twin["e"]), twin["h"].random()) == (Counter, Random(1).random())
    assert canonical(fast) == canonical(slow)
    fixed, ring = ((1, (2, "a")), Ballot(1, 2)), ([],)
    ring[0].append(ring)
    assert duplicate(fixed, {}) is fixed
    for twin in (duplicate(ring, {}), copy.deepcopy(ring)):
        assert twin is twin[0][0] is not ring


class Phase(Enum):
    IDLE, ASKING = 1, 2


class Pair(NamedTuple):
    phase: Phase
    held: list


def test_members_of_an_enumeration_and_named_tuples_are_copied_and_told_as_what_they_are():
    pair, fixed = Pair(Phase.IDLE, [1]), Pair(Phase.ASKING, 2)
    twin = duplicate(pair, {})
    assert (type(twin), twin, twin.held is pair.held) == (Pair, pair, False)
    assert duplicate(fixed, {}) is fixed
    forms = [canonical(value) for value in (Phase.IDLE, Phase.ASKING, pair, fixed, (Phase.IDLE, [1]), 1, "IDLE")]
    assert len(set(forms)) == len(forms)
    assert canonical(twin) == canonical(pair)
    assert canonical(Phase.IDLE) == ("member", "Phase", "IDLE")  # not all that an enumeration holds


def test_a_disk_keeps_whatever_lies_on_it(subject):
    source = """
from collections import deque
from dataclasses import dataclass, field
from enum import Enum
from fractions import Fraction
from paxoskit.protocol.messages import Get
from paxoskit.protocol.node import Node

class Phase(Enum):
    IDLE, ASKING = 1, 2

class Book:
    def __init__(self):
        self.phase, self.kept = Phase.IDLE, deque()

class Server(Node):
    @dataclass
    class Disk:
        book: Book = field(default_factory=Book)
        share: Fraction = Fraction(1, 2)

    def on_get(self, sender, get):
        book = self.disk.book
        self.send(2, Get(f"{book.phase.name} {list(book.kept)} {self.disk.share}"))
        book.phase = Phase.ASKING
        book.kept.append(get.key)
        self.disk.share += 1
"""
    cls = subject(source).node("Server")
    first = cls(1, (1, 2))
    said = [first.receive(2, Get(key))[0].message.key for key in "ab"]
    again = cls(1, (1, 2), first.disk)
    said += [again.receive(2, Get("c"))[0].message.key]
    assert said == ["IDLE [] 1/2", "ASKING ['a'] 3/2", "ASKING ['a', 'b'] 5/2"]


def test_states_are_alike_whatever_attribute_was_set_first(subject):
    made = subject(RIGHT.replace("self.heard += 1", "setattr(self, get.key, 1)"))
    nodes = []
    for keys in (("x", "y"), ("y", "x"), ("x", "z")):
        node = made.node("Counter")(1, (1, 2))
        for key in keys:
            node.receive(2, Get(key))
        nodes.append(node)
    assert nodes[0].state() == nodes[1].state() != nodes[2].state()
    assert nodes[0].number != nodes[1].number
    assert made.recheck() == ""


def test_equal_data_has_one_canonical_form_and_other_types_another():
    forms = [canonical(value) for value in ([1], (1,), [True], [1.0], ["1"], {1}, {1: 1}, Cell(1), Cell([1]), Kept(1))]
    assert len(set(forms)) == len(forms)
    assert canonical({"a": 1, "b": [Cell(2)]}) == canonical({"b": [Cell(2)], "a": 1})
    with pytest.raises(NodeError, match=r"^c\.held.*expected data .* got a function$"):
        canonical({"c": Cell({"how": len and (lambda: 1)})})


def test_a_block_that_a_node_keeps_and_sends_crosses(subject):
    source = RIGHT.replace("    def on_get(", """    def on_decide(self, sender, decide):
        from paxoskit.protocol.chain import NO_HASH, Content, mine
        self.block = mine(Content(0, NO_HASH, ()), 7)
        self.send(sender, decide)
        self.send(sender, type(decide)(self.block))

    def on_get(""")  # fmt: skip
    made = subject(source, given=(*GIVEN, "chain"))
    block = mine(Content(0, NO_HASH, ()), 7)
    sent = made.node("Counter")(1, (1, 2)).receive(2, Decide(mine(Content(0, NO_HASH, ()), 900)))
    assert sent[1].message == Decide(block)
    assert made.recheck() == ""


# What is foreseen ----------------------------------------------------------------------------------------------


def heard(keys):
    """Return a run of gets, one for each letter."""
    return [(2, Get(key)) for key in keys]


def replies(made, keys):
    """Return the numbers of the replies to a run, from birth on."""
    node = made.node("Counter")(1, (1, 2))
    return [node.receive(*hearing)[0].message.number for hearing in heard(keys)]


def test_what_was_foreseen_is_remembered_and_asked_for_once(subject):
    made = subject(RIGHT)
    made.foresee(made.node("Counter")(1, (1, 2)), [heard("ab"), heard("ac"), heard("abcd"), []])
    place = made.place("Counter", 1)
    asked = next(place.channel.numbers)
    assert (replies(made, "ab"), replies(made, "ac"), replies(made, "abcd")) == ([1, 2], [1, 2], [1, 2, 3, 4])
    assert next(place.channel.numbers) == asked + 1
    assert len([key for key in place.turns if key[0] == "receive"]) == 5  # a, ab, ac, abc, abcd
    assert replies(made, "ad") == [1, 2]  # and what was not foreseen is asked for as ever
    assert made.recheck() == ""


def test_a_long_life_is_foreseen_in_few_questions(subject):
    made = subject(RIGHT)
    node = made.node("Counter")(1, (1, 2))
    place = made.place("Counter", 1)
    asked = next(place.channel.numbers)
    made.foresee(node, [heard("a" * 300), heard("a" * 5 + "b" * 100)])
    assert next(place.channel.numbers) <= asked + 6
    asked = next(place.channel.numbers)
    assert replies(made, "a" * 5 + "b" * 100) == [*range(1, 106)]
    assert replies(made, "a" * 300) == [*range(1, 301)]
    assert next(place.channel.numbers) == asked + 1
    assert made.recheck() == ""


def test_all_turns_of_a_search_are_taken_again_and_some_of_many_lives_each_from_its_birth_on(subject):
    made = subject(RIGHT.replace("self.heard += 1", "self.heard = f'{self.heard}{get.key}'"))
    born = made.node("Counter")(1, (1, 2))
    made.foresee(born, [heard(life) for life in map(str, range(1_000, 2_000, 3))])
    for others in range(3, 9):
        made.node("Counter")(1, tuple(range(1, others + 1)))
    place = made.place("Counter", 1)
    node = copy.copy(born)
    for key in "19":
        node.receive(2, Get(key))
    for key in "abc":
        node.copy().receive(2, Get(key))
    doubted = list(place.doubted())
    assert remote.SPREAD < len(doubted) < 2.5 * remote.SPREAD < len(place.turns)
    assert {key for key in place.turns if key[0] == "born" or key[1] == node.number} < set(doubted)
    reached = {place.turns[key].state for key in doubted}
    assert {key[1] for key in doubted if key[0] != "born"} <= reached
    assert made.recheck() == ""


def test_turns_that_say_and_hear_much_are_taken_again_in_several_messages(subject):
    made = subject(RIGHT.replace("self.heard += 1", "self.heard += 1\n        self.send(2, Get('x' * 20_000))")
                   .replace("import Reply", "import Get, Reply"))  # fmt: skip
    node = made.node("Counter")(1, (1, 2))
    for number in range(120):
        node.receive(2, Get(f"{number}" * 5_000))
    assert made.recheck() == ""


@pytest.mark.parametrize(("does", "says", "names"), [
    ("raise RuntimeError('three')", "RuntimeError: three", ""),
    ("while True: pass", "no answer came", "Counter hearing Get: "),
    ("import os; os._exit(0)", ENDED, ""),
    ("raise SystemExit(3)", "SystemExit: 3", ""),
])  # fmt: skip
def test_what_goes_wrong_ahead_is_told_when_it_is_asked_for(does, says, names, subject):
    source = RIGHT.replace("self.heard += 1", f"self.heard += 1\n        if self.heard == 3:\n            {does}")
    made = subject(source, limits=Limits(call=0.2))
    made.foresee(made.node("Counter")(1, (1, 2)), [heard("ab"), heard("abcd")])
    assert replies(made, "ab") == [1, 2]
    with pytest.raises(LearnerError) as told:
        replies(made, "abcd")
    assert says in told.value.says
    assert told.value.says.startswith(names)


def test_a_second_call_without_an_end_is_waited_for_half_as_long(subject):
    source = "def add(a, b):\n    while True: pass\n\ndef sub(a, b):\n    return a - b\n"
    made = subject(source, limits=Limits(call=0.4))
    with pytest.raises(LearnerError, match="loop that never ends"):
        made.call("add", 1, 2)
    made.renew()
    assert made.call("sub", 5, 3) == 2
    assert [channel.limits.call for channel in made.open] == [0.2]


def test_no_worker_works_ahead_for_long(subject):
    made = subject("import time\n" + RIGHT.replace("self.heard += 1", """self.heard += 1
        end = time.process_time() + 0.15
        while time.process_time() < end: pass"""), limits=Limits(call=0.4))  # fmt: skip
    made.foresee(made.node("Counter")(1, (1, 2)), [heard(key) for key in "abcdefgh"])
    assert 1 < len([key for key in made.place("Counter", 1).turns if key[0] == "receive"]) < 8
    assert [replies(made, key) for key in "abcdefgh"] == [[1]] * 8


# What is shared is found out -----------------------------------------------------------------------------------

BARE = RIGHT.replace("self.heard = 0", "pass")
SHARED = {
    "a global": ("heard = 0\n" + BARE, "globals()['heard']"),
    "a class attribute": (BARE.replace("(Node):", "(Node):\n    n = 0\n"), "Counter.n"),
    "a default argument": (BARE.replace("self, sender, get)", "self, sender, get, kept=[0])"), "kept[0]"),
}


@pytest.mark.parametrize("how", SHARED)
def test_memory_outside_a_node_is_named_shared_memory(how, tmp_path):
    source, shared = SHARED[how]
    report = judge_answer(SMALL, hand_in(tmp_path, source.replace("self.heard", shared)), {})
    result = next(one for one in report.properties if one.id == "counts")
    assert (result.points, result.says.partition(":")[0]) == (0, "shared memory")
    assert points(report)["adds"] == 1


def test_a_file_that_remembers_is_named_shared_memory(tmp_path):
    source = RIGHT.replace("self.heard += 1", "open('n', 'a').write('x'); self.heard = len(open('n').read())")
    report = judge_answer(SMALL, hand_in(tmp_path, source), {})
    assert next(one for one in report.properties if one.id == "counts").says.startswith("shared memory")


def test_an_eq_that_merges_states_merges_none(subject):
    lazy = "class Same(int):\n    __eq__ = lambda a, b: True\n    __hash__ = lambda a: 0\n"
    made = subject(lazy + RIGHT.replace("self.heard += 1", "self.heard = Same(self.heard + 1)").replace(
        '"s", self.heard', '"s", int(self.heard)'))  # fmt: skip
    node = made.node("Counter")(1, (1, 2))
    states = {node.state()}
    for number in (1, 2, 3):
        assert node.receive(2, Get("k")) == [Send(2, Reply("s", number, "k"))]
        states.add(node.state())
    assert len(states) == 4
    assert made.recheck() == ""


def test_servers_cannot_reach_each_other_through_a_global(subject):
    source = "told = []\n" + RIGHT.replace("self.heard += 1", "told.append(1); self.heard = len(told)")
    made = subject(source)
    servers = [made.node("Counter")(name, (1, 2)) for name in (1, 2)]
    assert [server.receive(9, Get("k"))[0].message.number for server in servers] == [1, 1]


@pytest.mark.parametrize("name", ["solutions/04_acceptor/acceptor.py",
                                  "tests/answers/04_acceptor/wrong/M2_accept_not_compared.py"])  # fmt: skip
def test_a_search_over_workers_finds_what_a_search_in_this_process_finds(name, tmp_path):
    file = Path(__file__).parents[2] / name
    far, near = WorkerSubject(file), LocalSubject(file)
    found = [explore(one.node("Acceptor"), ballots=2, claims=["agreement"]) for one in (far, near)]
    again = far.recheck()
    far.close()
    assert found[0].states == found[1].states
    assert found[0].violation == found[1].violation
    assert (found[0].violation is None) == name.startswith("solutions")
    assert again == ""


# The process ---------------------------------------------------------------------------------------------------


def test_the_report_says_which_isolation_was_in_force(tmp_path):
    report = judge_answer(SMALL, hand_in(tmp_path, WRONG), {})
    assert report.isolation.startswith("a process of its own, without the kit's servers; limits on memory, CPU")
    assert report.practice is False


def test_required_isolation_that_cannot_be_had_runs_nothing(tmp_path, monkeypatch, subject):
    ran = tmp_path / "ran"
    monkeypatch.setattr(remote, "is_shut_in", lambda force: False)
    made = subject(f"open({str(ran)!r}, 'w')", required=True)
    with pytest.raises(IsolationError, match=r"^--isolation=required: this system has no Landlock"):
        made.call("add", 1, 2)
    assert not ran.exists()


def test_a_worker_without_a_launcher_works_too(subject):
    made = subject(RIGHT, direct=True)
    assert made.call("add", 1, 2) == 3
    assert made.node("Counter")(1, (1, 2)).receive(2, Get("k")) == [Send(2, Reply("s", 1, "k"))]
    assert "Landlock" not in made.isolation
    processes = [channel.process for channel in made.open]
    made.close()
    assert [process.poll() is None for process in processes] == [False, False]


def test_a_loop_without_a_launcher_ends_too(subject):
    made = subject("def add(a, b):\n    while True: pass\n", direct=True, limits=Limits(call=0.2))
    with pytest.raises(LearnerError, match="loop that never ends"):
        made.call("add", 1, 2)


def test_renewing_ends_every_worker_and_forgets_everything(subject):
    made = subject("n = [0]\ndef count():\n    n[0] += 1\n    return n[0]\n")
    assert [made.call("count"), made.call("count")] == [1, 2]
    boxes = [channel.box for channel in made.open]
    made.renew()
    assert children(Workshop.of(GIVEN).process.pid) == []
    assert not any(Path(box).exists() for box in boxes)
    assert made.call("count") == 1


def test_when_the_judge_is_gone_the_launcher_ends_all_workers():
    shop = Workshop(GIVEN)
    asks, answers = os.pipe(), os.pipe()
    order = {"box": shop.boxes, "limits": Limits().of_process()}
    worker = shop.order(order, [asks[0], answers[1], answers[1]])["worker"]
    assert children(shop.process.pid) == [worker]
    shop.socket.close()
    assert shop.process.wait(30) is not None
    assert not Path(f"/proc/{worker}").exists()
    assert not Path(shop.boxes).exists()
    shop.close()


def test_a_story_of_her_own_messages_can_be_written_down(ordinary):
    effects = ordinary.node("Server")(1, (1, 2)).receive(2, Get("k"))
    choice = Choice("deliver", 2, 1, effects[1].message)
    assert json.dumps(choice.as_json())
