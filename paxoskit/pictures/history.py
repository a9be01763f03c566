"""A history as a picture: each operation is a bar from its beginning to its end, each process a row.

A legal history shows the moments at which the operations took effect, in a witness's order. An illegal one shows the
operation that cannot be placed, and what led to it; of a history made from a trace, the text twin also tells which
messages led to that operation's answer.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from paxoskit.claims.linearizable import Operation, Verdict, caused
from paxoskit.claims.linearizable.history import canonical, show
from paxoskit.pictures.chain import shortened
from paxoskit.pictures.cluster import AMBER, BLUE, GREY, INK, PAPER, RED

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from paxoskit.trace import Trace

MOST_BARS = 40
"""So many operations are drawn; more would leave no room for their words."""

WIDTH = 60
"""Columns of the time axis in the text twin."""


class Bar(NamedTuple):
    """An operation in a picture: its row, where it begins and ends in time, its place in the witness's order."""

    operation: Operation
    row: int
    begins: float
    ends: float
    kind: str
    place: int | None


class Picture(NamedTuple):
    """What is drawn: rows (names of processes), bars, a title, and how many operations are left out."""

    rows: tuple[str, ...]
    bars: tuple[Bar, ...]
    says: str
    left_out: int


def history_picture(verdict: Verdict, most: int = MOST_BARS) -> Picture:
    """Return what there is to draw of a verdict: all of a short history, else what stands around its fault.

    Of an illegal history only the key at fault is drawn, up to the operation that cannot be placed. A bar's `kind` is
    "stuck" for that one, "unknown", "failed", or "done".

    >>> from paxoskit.claims.linearizable import linearizable
    >>> said = [Operation(0, "write", "x", 1, 1, 2), Operation(1, "get", "x", None, 3, 5)]
    >>> picture = history_picture(linearizable(said))
    >>> [(bar.operation.words, bar.kind) for bar in picture.bars]
    [('write 1 to x', 'done'), ('get x → null', 'stuck')]

    Raises ValueError if `most` is not a number above 0.
    """
    if type(most) is not int or most < 1:
        raise ValueError(f"most: expected a number of operations above 0, got {most!r}")
    stuck = verdict.stuck
    operations = list(verdict.history)
    if stuck is not None and stuck.completed is not None:
        key = canonical(stuck.key)
        operations = [
            each for each in verdict.history.by_key[key] if each.invoked <= stuck.completed and each.outcome != "fail"
        ]
    shown = operations[-most:] if stuck is not None else operations[:most]
    if stuck is not None and stuck not in shown:
        shown = [stuck, *shown[1:]]
    latest = max((each.completed or each.invoked for each in shown), default=0.0)
    until = latest + max(1.0, 0.04 * (latest - min((each.invoked for each in shown), default=0.0)))
    rows = tuple(dict.fromkeys(canonical(each.process) for each in shown))
    names = tuple(show(next(each.process for each in shown if canonical(each.process) == row)) for row in rows)
    places = {id(each): number for number, each in enumerate(verdict.order, 1)}
    bars = tuple(
        Bar(each, rows.index(canonical(each.process)), each.invoked, _ends(each, until), _kind(each, stuck),
            places.get(id(each)))
        for each in shown
    )  # fmt: skip
    says = verdict.why if stuck is not None else _says(verdict)
    return Picture(names, bars, says, len(operations) - len(shown))


def _ends(operation: Operation, until: float) -> float:
    """An operation that may take effect at any later time reaches to the end of the picture."""
    return until if operation.completed is None or operation.outcome == "info" else operation.completed


def _kind(operation: Operation, stuck: Operation | None) -> str:
    if operation is stuck:
        return "stuck"
    return {"ok": "done", "info": "unknown", "fail": "failed"}[operation.outcome]


def _says(verdict: Verdict) -> str:
    if verdict.ok is None:
        return f"undecided: {verdict.why}"
    return f"linearizable: {len(verdict.order)} operations, the numbers are an order that explains every answer"


FILLS = {"done": BLUE, "unknown": PAPER, "failed": GREY, "stuck": AMBER}


def draw_history(verdict: Verdict, ax: Axes | None = None, most: int = MOST_BARS) -> Figure:
    """Draw a verdict with matplotlib and return the figure; see `history_picture` for what is drawn."""
    from matplotlib.patches import Rectangle

    picture = history_picture(verdict, most)
    figure, ax = _canvas(ax, len(picture.rows))
    begins = min((bar.begins for bar in picture.bars), default=0.0)
    ends = max((bar.ends for bar in picture.bars), default=1.0)
    length = max(ends - begins, 1e-9)
    for bar in picture.bars:
        width = max(bar.ends - bar.begins, 0.004 * length)
        ax.add_patch(
            Rectangle((bar.begins, bar.row - 0.32), width, 0.64, facecolor=FILLS[bar.kind], linewidth=2.4 if
                      bar.kind == "stuck" else 1.2, edgecolor=RED if bar.kind == "stuck" else INK,
                      linestyle="--" if bar.kind == "unknown" else "-")
        )  # fmt: skip
        number = f"{bar.place}  " if bar.place is not None else "✗  " if bar.kind == "stuck" else ""
        room = max(3, int(110 * width / length))
        ax.text(bar.begins + 0.004 * length, bar.row, number + shortened(bar.operation.words, room), fontsize=8,
                va="center", color=INK, parse_math=False, clip_on=True)  # fmt: skip
    ax.set_xlim(begins - 0.01 * length, ends + 0.01 * length)
    ax.set_ylim(len(picture.rows) - 0.4, -0.6)
    ax.set_yticks(range(len(picture.rows)), [shortened(name, 24) for name in picture.rows], parse_math=False)
    ax.set_xlabel(verdict.history.unit)
    left = f"\n({picture.left_out} operations are not drawn)" if picture.left_out else ""
    ax.set_title(_folded(picture.says) + left, fontsize=9, loc="left", parse_math=False)
    return figure


def _canvas(ax: Axes | None, rows: int) -> tuple[Figure, Axes]:
    """Return a figure and its axes. pyplot is asked, so that a notebook shows the figure, and then forgets it."""
    if ax is None:
        import matplotlib.pyplot as plt

        figure, ax = plt.subplots(figsize=(12, 1.3 + 0.42 * max(rows, 1)), layout="constrained")
        plt.close(figure)
    drawn = ax.get_figure(root=True)
    assert drawn is not None
    return drawn, ax


def _folded(text: str, width: int = 140) -> str:
    import textwrap

    return "\n".join(textwrap.wrap(text, width))


def history_text(verdict: Verdict, trace: Trace | None = None, most: int = MOST_BARS) -> str:
    """Return the picture as text: a line for each operation, its bar, and what it is.

    With the `trace` that the history was made from, the events that led to the fault's answer follow.

    >>> from paxoskit.claims.linearizable import linearizable
    >>> said = [Operation(0, "write", None, 1, 1, 2), Operation(1, "read", None, None, 2, 3, 1)]
    >>> print(history_text(linearizable(said)))
    linearizable: 2 operations, the numbers are an order that explains every answer
      0  |==============================------------------------------|  1  write 1
      1  |------------------------------==============================|  2  read → 1
    """
    picture = history_picture(verdict, most)
    begins = min((bar.begins for bar in picture.bars), default=0.0)
    ends = max((bar.ends for bar in picture.bars), default=1.0)
    width = max(map(len, picture.rows), default=0)
    lines = [picture.says]
    if picture.left_out:
        lines.append(f"({picture.left_out} operations are not shown)")
    for bar in picture.bars:
        number = str(bar.place) if bar.place is not None else ""
        sign = {"stuck": "cannot be placed", "unknown": "outcome unknown", "failed": "failed", "done": ""}[bar.kind]
        says = "  ".join(filter(None, [number, bar.operation.words, sign]))
        lines.append(f"  {picture.rows[bar.row]:<{width}}  |{_line(bar, begins, ends)}|  {says}")
    if trace is not None and verdict.stuck is not None:
        lines += ["", "what led to that answer:", *_told(trace, verdict.stuck)]
    return "\n".join(lines)


def _line(bar: Bar, begins: float, ends: float) -> str:
    scale = WIDTH / max(ends - begins, 1e-9)
    start = min(WIDTH - 1, math.floor((bar.begins - begins) * scale))
    stop = max(start + 1, min(WIDTH, math.ceil((bar.ends - begins) * scale)))
    sign = {"stuck": "#", "unknown": "~", "failed": "x", "done": "="}[bar.kind]
    return "-" * start + sign * (stop - start) + "-" * (WIDTH - stop)


def _told(trace: Trace, operation: Operation) -> Iterable[str]:
    return [f"  {event.n:>6}  {event}" for event in caused(trace, operation)]
