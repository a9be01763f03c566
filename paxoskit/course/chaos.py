"""Chaos day: experiments with the simulator, their pictures, and a run that failed as a story short enough to read.

    found = trials([Forgetful], ["none", "crash"], seeds=range(5))
    draw_trials(found)
    print(report("Does a crash cost a promise?", "yes, sometimes", found))

A trial is one run of a simulator: its seed and its set-up say all of it, so whoever reads a report can run it again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from paxoskit import __version__
from paxoskit.claims.claim import Claim, Violation
from paxoskit.claims.safety import safety_claims
from paxoskit.protocol.messages import Answered, Ask, Elected
from paxoskit.protocol.node import Node
from paxoskit.protocol.server import Server
from paxoskit.worlds.beginnings import choices_of
from paxoskit.worlds.choice import Choice
from paxoskit.worlds.simulator import Simulator
from paxoskit.worlds.story import BEAT, Story, story_name
from paxoskit.worlds.world import World

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_REPLAYS = 20_000
"""While a story is cut down, at most so many choices are made again."""


class Trial(NamedTuple):
    """What one run came to. `fallen` is the first claim that fell, empty if none did; `ms` is virtual time."""

    server: str
    nemesis: str
    seed: int
    servers: int
    steps: int
    ms: float
    asked: int
    answered: int
    elections: int
    fallen: str
    digest: str

    def __str__(self) -> str:
        fell = f"“{self.fallen}” fell" if self.fallen else "no claim fell"
        return (
            f"{self.server}, nemesis {self.nemesis}, seed {self.seed}: {fell} in {self.steps:,} steps; "
            f"{self.answered} of {self.asked} answered, elections {self.elections}"
        )


def trial(seed: int, nemesis: str = "none", server: type[Node] = Server, servers: int = 5, steps: int = 2_000) -> Trial:
    """Run a simulator for so many steps, or until a claim falls.

    >>> trial(seed=1, servers=3, steps=300).fallen
    ''
    """
    return trial_of(ran(seed, nemesis, server, servers, steps))


def ran(
    seed: int, nemesis: str = "none", server: type[Node] = Server, servers: int = 5, steps: int = 2_000
) -> Simulator:
    """Return a simulator that ran for so many steps, or until a claim fell."""
    run = Simulator(seed, servers=servers, server=server, nemesis=nemesis)
    run.run(steps)
    return run


def trial_of(run: Simulator, nemesis: str = "") -> Trial:
    """Return what a run came to; `nemesis` is the name of its trouble, if it has another one than the kit's."""
    outcome = run.outcome()
    cls = run.world.classes[run.world.servers[0]]
    fallen = outcome.violations[0].claim if outcome.violations else ""
    return Trial(
        cls.__name__, nemesis or _name_of(run), run.seed, len(run.world.servers), run.steps, run.trace.now,
        outcome.asked, outcome.acknowledged, outcome.elections, fallen, outcome.digest,
    )  # fmt: skip


def _name_of(run: Simulator) -> str:
    from paxoskit.worlds.simulator import NEMESES

    return next((name for name, nemesis in NEMESES.items() if nemesis == run.nemesis), "of its own")


def trials(
    classes: Iterable[type[Node]], nemeses: Sequence[str], seeds: Iterable[int], servers: int = 5, steps: int = 2_000
) -> list[Trial]:
    """Run every class of server under every nemesis, once with each seed."""
    numbers = list(seeds)
    return [trial(seed, nemesis, cls, servers, steps) for cls in classes for nemesis in nemeses for seed in numbers]


# Pictures ----------------------------------------------------------------------------------------------------


def draw_trials(found: Sequence[Trial]) -> Figure:
    """Draw a table: for each server and nemesis, in how many of its runs a claim fell."""
    import matplotlib.pyplot as plt

    rows, columns = (list(dict.fromkeys(getattr(one, field) for one in found)) for field in ("server", "nemesis"))
    cells = [[[bool(one.fallen) for one in found if (one.server, one.nemesis) == (row, column)] for column in columns]
             for row in rows]  # fmt: skip
    figure, axes = plt.subplots(figsize=(1.6 + 1.2 * len(columns), 0.8 + 0.5 * len(rows)), layout="constrained")
    shares = [[sum(cell) / max(1, len(cell)) for cell in row] for row in cells]
    axes.imshow(shares, cmap="OrRd", vmin=0, vmax=1.6, aspect="auto")
    for y, row in enumerate(cells):
        for x, cell in enumerate(row):
            axes.text(x, y, f"{sum(cell)} of {len(cell)}", ha="center", va="center")
    axes.set(xticks=range(len(columns)), xticklabels=columns, yticks=range(len(rows)), yticklabels=rows,
             title="runs in which a claim fell")  # fmt: skip
    plt.close(figure)
    return figure


def draw_run(run: Simulator) -> Figure:
    """Draw a run: answers so far over virtual time; a line where a leader was elected, a cross at each fault."""
    import matplotlib.pyplot as plt
    from matplotlib.ticker import MaxNLocator

    events = list(run.trace)
    answered = [event.at / 1000 for event in events if isinstance(event.what, Answered) and event.kind == "announce"]
    elected = [event.at / 1000 for event in events if isinstance(event.what, Elected)]
    faults = [event.at / 1000 for event in events if event.kind in ("crash", "cut")]
    figure, axes = plt.subplots(figsize=(8, 2.4), layout="constrained")
    end = max(0.001, run.trace.now / 1000)
    axes.step([0, *answered, end], [*range(len(answered) + 1), len(answered)], where="post", label="answers")
    for number, at in enumerate(elected):
        axes.axvline(at, color="#b45309", linestyle=":", label="election" if number == 0 else None)
    if faults:
        axes.plot(faults, [0] * len(faults), "x", color="#b91c1c", label="crash or cut", clip_on=False)
    axes.set(xlabel="seconds", ylabel="answers", xlim=(0, end), ylim=(0, max(1, 1.05 * len(answered))))
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(loc="upper left", fontsize=8)
    plt.close(figure)
    return figure


def draw_spread(groups: Mapping[float, Sequence[float]], x: str, y: str) -> Figure:
    """Draw a dot for each measurement, and a line through the medians."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(5, 2.6), layout="constrained")
    axes.plot([at for at, values in groups.items() for _ in values],
              [value for values in groups.values() for value in values], "o", alpha=0.6)  # fmt: skip
    axes.plot(list(groups), [median(values) for values in groups.values()], "-")
    axes.set(xlabel=x, ylabel=y, ylim=(0, None), xticks=list(groups))
    plt.close(figure)
    return figure


# A story that can be read -------------------------------------------------------------------------------------


def short_story(run: Simulator, claims: Callable[[], Sequence[Claim]] = safety_claims) -> Story:
    """Return a story in which the claim that fell in a run falls again, with what it does not need left out.

    It need not be the shortest. Raises ValueError if no claim fell.
    """
    if not run.world.violations:
        raise ValueError("no claim fell in this run: there is nothing to cut down")
    fell = run.world.violations[0].claim
    names = [run.world.classes[server] for server in run.world.servers]
    begin = Story(tuple(map(story_name, names)), clients=((),) * len(run.world.clients))
    classes = {story_name(cls): cls for cls in names}

    def tell(choices: Sequence[Choice]) -> tuple[list[Choice], Violation | None]:
        world, done = begin.world(classes, claims()), []
        for choice in choices:
            world.trace.now += BEAT
            try:
                if choice.kind == "ask" and not _may_ask(world, choice):
                    continue
                world.happen(choice)
            except ValueError:
                continue  # what it needs was left out
            world.fresh.clear()
            done.append(choice)
            if world.violations:
                return done, world.violations[0] if world.violations[0].claim == fell else None
        return done, None

    best, violation = tell(choices_of(run.trace))
    left, size = MOST_REPLAYS, max(1, len(best) // 2)
    while violation is not None and size and left > 0:
        shorter, at = False, len(best) - size
        while at > -size and left > 0:
            fewer = best[: max(0, at)] + best[max(0, at) + size :]
            left -= len(fewer)
            done, again = tell(fewer)
            if again is not None and len(done) < len(best):
                best, violation, shorter = done, again, True
            at = min(at, len(best)) - size
        size = size if shorter and size == 1 else size // 2
    says = violation.reason if violation else "it did not fall again"
    return Story(begin.nodes, tuple(best), begin.clients, claim=fell, says=says)


def _may_ask(world: World, choice: Choice) -> bool:
    """Say whether a client may ask in this session: it asks one thing at a time, and names sessions in order."""
    session = choice.what.session if isinstance(choice.what, Ask) else ""
    return session in world.sessions(choice.node, len(world.idle[choice.node]) + 1)


# The report ---------------------------------------------------------------------------------------------------


def report(question: str, expected: str, found: Sequence[Trial]) -> str:
    """Return a report on trials as Markdown: what numbers can say is filled in, the rest is for the one who asks."""
    fallen = [one for one in found if one.fallen]
    servers, steps = sorted({one.servers for one in found}), max(one.steps for one in found)
    groups = list(dict.fromkeys((one.server, one.nemesis) for one in found))
    lines = [
        f"**Question.** {question}", f"**Expected.** {expected}",
        f"**Set-up.** paxoskit {__version__}, {' or '.join(map(str, servers))} servers, seeds "
        f"{min(one.seed for one in found)} to {max(one.seed for one in found)}, at most {steps:,} steps a run.",
        "**Result.** (A run ends when a claim falls.)",
    ]  # fmt: skip
    table = ["| server | nemesis | runs | a claim fell in | answered, median |", "|---|---|---|---|---|"]
    for group in groups:
        ones = [one for one in found if (one.server, one.nemesis) == group]
        middle = f"{median(one.answered for one in ones):g}"
        table.append(f"| {' | '.join(group)} | {len(ones)} | {sum(bool(one.fallen) for one in ones)} | {middle} |")
    lines += ["\n".join(table), "**Replays.**" if fallen else "**Replays.** None: no claim fell."]
    for one in {one.server: one for one in reversed(fallen)}.values():  # of each server, the first that fell
        lines.append(f"* “{one.fallen}”: `ran({one.seed}, {one.nemesis!r}, {one.server}, {one.servers}, {one.steps})`, "
                     f"digest {one.digest[:8]}")  # fmt: skip
    lines += ["**Not covered.** …", "**So.** …"]
    return "\n\n".join(lines)
