"""What a stale or hostile page sends to the kernel: nothing of it raises there, and the lab goes on."""

import json
import random
from collections.abc import Callable

import pytest

from paxoskit.lab.acts import PLAIN, command_of
from paxoskit.lab.panel import Panel
from paxoskit.lab.scenes import begin
from paxoskit.lab.session import Session
from paxoskit.protocol.server import Server
from paxoskit.worlds.cluster import Cluster
from paxoskit.worlds.simulator import Simulator
from tests.lab.stage import NASTY

ACTS = [*PLAIN, "choose", "hold", "release", "fire", "fail", "restart", "cut", "mend", "link", "goto", "what_if",
        "name", "speed", "quiet", "inspect", "block", "window", "filter", "panel", "close", "nothing", 3]  # fmt: skip
KEYS = ["number", "choice", "node", "timer", "server", "disk", "a", "b", "both", "loss", "delay", "event", "moment",
        "branch", "name", "factor", "on", "hash", "first", "servers", "kinds", "shown", "no such key"]  # fmt: skip
KINDS = ["deliver", "drop", "duplicate", "fire", "crash", "restart", "cut", "mend", "ask", "start", "no such kind", 3]
VALUES = [*NASTY, None, True, False, 0, 1, 2, 3, -1, 10**30, -(10**30), 1.5, float("nan"), float("inf"), [], [[1]], {},
          "client 1", "client 99", "kept", "lost", "last save lost", "before", "ElectionTimeout", "\ud800"]  # fmt: skip


def simulated() -> Simulator:
    simulator = Simulator(7, 5)
    simulator.run(100)
    return simulator


SUBJECTS: dict[str, Callable[[], object]] = {
    "a cluster": lambda: Cluster(3, seed=1),
    "a simulator": simulated,
    "a scene": lambda: begin("duel")[0],
    "a trace": lambda: simulated().trace,
}


def message(dice: random.Random) -> object:
    """Return something that is nearly an act."""
    if dice.random() < 0.03:
        return dice.choice(VALUES)
    found = {key: dice.choice(VALUES) for key in dice.sample(KEYS, dice.randrange(8))}
    found["act"] = dice.choice(ACTS)
    if found["act"] in ("choose", "fire"):
        names = ["number", "crash", "node", "timer", "peer", "what", "copy", "disk", "no such key"]
        parts = {name: dice.choice(VALUES) for name in dice.sample(names, dice.randrange(6))}
        found["choice"] = {"kind": dice.choice(KINDS), **parts}
    if found["act"] == "panel":
        found |= {"name": "spacetime", "shown": dice.random() < 0.5}
    return found


@pytest.mark.parametrize("subject", SUBJECTS)
def test_nothing_that_a_page_sends_raises_in_the_kernel(subject):
    what, dice = SUBJECTS[subject](), random.Random(subject)
    panel = Panel(Session(what))
    for number in range(500):
        command = command_of(message(dice), panel)
        if command is not None:
            panel.carry_out(command)
        if number % 5 == 0:
            panel.refresh()
    assert not [line for line in panel.log.lines if "this failed" in line or "cannot be drawn" in line]
    assert all(len(line) < 1_000 for line in panel.log.lines)
    if isinstance(what, Cluster):
        what.stop()


def test_a_trace_goes_back_to_before_its_clients_were_born():
    panel = Panel(Session(simulated().trace))
    for act in ("forward", "again", "step", "again"):
        for _ in range(12 if act in ("forward", "step") else 1):
            panel.carry_out(command_of({"act": act}, panel))
        panel.refresh()
        with panel.session.look() as world:
            assert len(panel.client.options) == len(world.clients)
    assert not [line for line in panel.log.lines if "cannot be drawn" in line]


class Unspeakable:
    """Something in a learner's server that cannot be put into words."""

    def __str__(self) -> str:
        raise KeyError("no words")


class Odd(Server):
    def on_start(self) -> None:
        super().on_start()
        self.odd = Unspeakable()


def test_what_cannot_be_drawn_is_one_line_and_the_lab_goes_on():
    simulator = Simulator(7, servers=[Odd, Server, Server])
    panel = Panel(Session(simulator))
    for _ in range(3):
        panel.carry_out(command_of({"act": "inspect", "node": 1}, panel))
        panel.refresh()
    assert [line for line in panel.picture.log if "no words" in line] == ["this cannot be drawn: KeyError: 'no words'"]
    before = panel.picture.time["moment"]
    panel.carry_out(command_of({"act": "step"}, panel))
    panel.refresh()
    assert panel.picture.time["moment"] > before


def test_a_step_costs_less_than_two_kilobytes():
    panel = Panel(Session(simulated()))
    told = []
    panel.picture.observe(lambda change: told.append({change["name"]: change["new"]}))
    for _ in range(100):
        panel.carry_out(command_of({"act": "step"}, panel))
        panel.refresh()
    assert len(json.dumps(told)) < 100 * 2_000
