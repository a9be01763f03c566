"""A small exercise of the tests' own: a server that counts the gets it hears, and two functions. Five points."""

from pathlib import Path

from paxoskit.grading.grade import Task, judge_answer
from paxoskit.grading.properties import Exercise, Failed, Property
from paxoskit.grading.workshop import Limits
from paxoskit.protocol.messages import Get, Reply

HOSTILE = Path(__file__).parent / "hostile"

RIGHT = '''
from paxoskit.protocol.node import Node
from paxoskit.protocol.messages import Reply

class Counter(Node):
    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.heard = 0

    def on_get(self, sender, get):
        self.heard += 1
        self.send(sender, Reply("s", self.heard, get.key))

def add(a, b):
    return a + b

def pairs(items):
    return [(a, b) for a in items for b in items if a < b]
'''

WRONG = '''
from paxoskit.protocol.node import Node
from paxoskit.protocol.messages import Reply

attack = globals().get("attack", lambda: None)
odd = globals().get("odd", lambda value: value)

class Counter(Node):
    def on_get(self, sender, get):
        attack()
        self.send(sender, Reply("s", odd(7), get.key))

def add(a, b):
    attack()
    return odd(a + b + 1)

def pairs(items):
    return [(a, b) for a in items for b in items if a < b]
'''
"""Two of five points: it never counts, and adds wrongly. It calls `attack()`, and passes what it answers by `odd`."""


def counts(subject, seed):
    """A server answers with how many gets it heard."""
    heard = replies(subject, 1, ["a", "b", "a"])
    if heard != [[("client 1", Reply("s", number, key))] for number, key in enumerate("aba", 1)]:
        raise Failed(f"the third get is the third: it answered {heard}", staff="three gets")


def begins_anew(subject, seed):
    """Each server counts for itself, from one."""
    for name in (1, 2, 1):
        heard = replies(subject, name, ["a"])
        if heard != [[("client 1", Reply("s", 1, "a"))]]:
            raise Failed(f"server {name} begins at one: it answered {heard}")


def replies(subject, name, keys):
    """Return what a server of that name answers to gets of these keys."""
    node = subject.node("Counter")(name, (1, 2, 3))
    return [node.receive("client 1", Get(key)) for key in keys]


def adds(subject, seed):
    """Two and two are four, and so on."""
    for a, b in ((2, 2), (3, 5)):
        answer = subject.call("add", a, b)
        if type(answer) is not int or answer != a + b:
            raise Failed(f"{a} + {b} is {a + b}, and came out as {answer!r}")


def finds_pairs(subject, seed):
    """All pairs, the smaller first."""
    answer = subject.call("pairs", [1, 2, 3])
    if answer != [(1, 2), (1, 3), (2, 3)]:
        raise Failed(f"three numbers have three pairs, and came {answer!r}")


SMALL = Exercise(
    "99_small", "small", ("Counter", "add", "pairs"),
    (
        Property("counts", "A server counts what it hears", 1, counts),
        Property("anew", "Each server counts for itself", 1, begins_anew),
        Property("adds", "Two and two are four", 1, adds),
        Property("pairs", "All pairs are found", 2, finds_pairs),
    ),
)  # fmt: skip


def hand_in(folder, source, **files):
    """Write an answer, and what lies beside it, into a folder; return the task of judging it."""
    place = folder / "answer"
    place.mkdir(parents=True, exist_ok=True)
    (place / "small.py").write_text(source, encoding="utf-8")
    for name, text in files.items():
        (place / f"{name}.py").write_text(text, encoding="utf-8")
    return Task(SMALL.id, str(folder), {}, "", "", (), 0, False)


def judged(folder, source, alone=True, **files):
    """Return the report of an answer to the small exercise."""
    return judge_answer(SMALL, hand_in(folder, source, **files), {}, Limits(call=0.2, alone=alone))


def points(report):
    """Return the points of each property."""
    return {result.id: result.points for result in report.properties}
