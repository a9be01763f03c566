"""The lab: a cluster as a picture that moves, with everything at hand that can be asked of it or done to it.

Threads. The cluster's threads know nothing of widgets. A handler of a widget puts a command on a queue and returns: it
may run on any thread (since ipykernel 7.4 that varies), and never waits. **One daemon thread is the only writer of
widgets**; it carries out the commands, looks at the world, and sends a new picture at most twenty times a second, and
only if there is something new to see. So the picture moves even while a cell blocks. A method called in a cell acts at
once, on the cell's thread; the picture follows.

Lives. The thread and the widgets hold the cluster weakly, a `Lab` holds it until it is closed. A new lab closes the
earlier one of the same cluster, and the earlier ones of the same cell.
"""

from __future__ import annotations

import asyncio
import threading
import time
import weakref
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import Future
from pathlib import Path
from queue import Empty
from typing import Any
from weakref import WeakKeyDictionary

from IPython.core.getipython import get_ipython
from IPython.display import publish_display_data

from paxoskit.lab.moment import at_text, opened
from paxoskit.lab.panel import PAUSE, Command, Panel, look
from paxoskit.lab.panels import inspect
from paxoskit.lab.scene import Scene, svg
from paxoskit.lab.scenes import begin
from paxoskit.lab.session import Session
from paxoskit.protocol.literals import show
from paxoskit.protocol.messages import Get, Put
from paxoskit.protocol.node import Node, title
from paxoskit.protocol.plain import Name
from paxoskit.trace import Trace, say
from paxoskit.worlds.choice import KEPT, Choice
from paxoskit.worlds.cluster import Cluster, Stopped
from paxoskit.worlds.recording import Recording
from paxoskit.worlds.simulator import Simulator
from paxoskit.worlds.stepper import Stepper
from paxoskit.worlds.story import Story
from paxoskit.worlds.world import Flight

__all__ = ["PAUSE", "Call", "Lab", "Snapshot"]


class Lab:
    """A window on a live cluster, a simulator's run, a story or a trace; as the last line of a cell it shows itself.

        cluster = Cluster(5)
        Lab(cluster)

    A cluster lives until it is paused; a simulator's run and a story stand still at their beginning; a trace can only
    be looked at. `classes` has the classes that a story names and that are not the kit's own.

    Raises TypeError for anything else.
    """

    def __init__(
        self,
        subject: Cluster | Simulator | Story | Trace | Stepper,
        *,
        classes: Mapping[str, type[Node]] | None = None,
        beats: Mapping[int, str] | None = None,
    ) -> None:
        if not isinstance(subject, (Cluster, Simulator, Story, Trace, Stepper)):
            raise TypeError(
                f"Lab: expected a Cluster, as in Lab(Cluster(5)), a Simulator, a Story or a Trace, got {subject!r:.60}"
            )
        session = Session(subject, classes, beats)
        _make_room(self, subject)
        self._subject: object = subject  # held until the lab is closed
        self._cluster = subject if isinstance(subject, Cluster) else None
        self._session: Session | None = session
        self._panel = panel = Panel(session)
        self._thread = threading.Thread(target=_write, args=(session, panel), name="paxoskit lab", daemon=True)
        self._finalizer = weakref.finalize(self, panel.inbox.put, None)  # None ends the thread
        self._thread.start()

    @classmethod
    def scene(cls, name: str) -> Lab:
        """Return a lab on a ready scene, at its start; one key a step tells it. See `paxoskit.lab.scenes`.

        Raises ValueError, naming the scenes there are, for another name.
        """
        stepper, beats = begin(name)
        return cls(stepper, beats=beats)

    @classmethod
    def at(cls, where: str | Story, *, classes: Mapping[str, type[Node]] | None = None) -> Lab:
        """Open the lab again at a moment: a Story, its JSON, or the text that `here` gives.

        Classes that the story names as FILE:Class are loaded from there, which runs that file, and it is said; those
        in `classes` are taken as they are. Raises StoryError, in one line, for what is no moment.
        """
        return cls(opened(where, classes))

    # Time --------------------------------------------------------------------------------------------------

    def pause(self) -> None:
        """Let time stand still; the world is yours then, to be stepped, turned back and branched."""
        self._open().pause()

    def resume(self) -> None:
        """Let time go by again, from the moment that is shown; what was asked in other branches is abandoned."""
        self._open().resume()

    def step(self) -> str:
        """Let the next thing happen that is due, and say what it was."""
        return self._open().step()

    def round(self) -> str:
        """Let the next thing happen, and with it all messages of its kind that fly."""
        return self._open().round()

    def decision(self) -> str:
        """Step until a block is decided."""
        return self._open().decision()

    def back(self) -> str:
        """Go back to before the last thing that happened, and say what happened last then."""
        return self._open().back()

    def forward(self) -> str:
        """Go forward again on this branch, and say what happened."""
        return self._open().forward()

    def goto(self, moment: int, branch: int | None = None) -> None:
        """Go to the moment with this number, of this branch or of another."""
        self._open().goto(moment, branch)

    def what_if(self, event: int) -> None:
        """Go to the moment before event `event`, on a new branch: what you choose there happens instead."""
        self._open().what_if(event)

    def again(self) -> None:
        """Go to the first moment: a scene from its start."""
        self._open().again()

    def rename(self, branch: int, name: str) -> None:
        """Give a branch a name."""
        self._open().rename(branch, name)

    def speed(self, factor: float) -> None:
        """Let time go by `factor` times as fast."""
        self._open().speed(factor)

    def quiet(self, on: bool = True) -> None:
        """Step over heartbeats and idle timers (as it is at first), or, with False, make each of them a step."""
        self._open().quiet(on)

    # Asking ------------------------------------------------------------------------------------------------

    def put(self, key: Any, value: Any, *, client: int = 1, timeout: float = 5.0) -> Call:
        """Ask for a put and return at once; what is returned shows whether it is answered yet.

        While time stands still, a step brings the answer; in a branch that is left, the call ends with Abandoned.
        """
        operation = Put(show(key), show(value))
        return Call(" ".join(operation.words), self._open().ask(operation, client, timeout))

    def get(self, key: Any, *, client: int = 1, timeout: float = 5.0) -> Call:
        """Ask for a get and return at once; what is returned shows whether it is answered yet."""
        operation = Get(show(key))
        return Call(" ".join(operation.words), self._open().ask(operation, client, timeout))

    # Messages and timers -----------------------------------------------------------------------------------

    def messages(self) -> list[Flight]:
        """Return the messages in flight, the oldest first."""
        with self._open().look() as world:
            return list(world.flying.values())

    def deliver(self, message: str | int | Flight, to: Name | None = None, by: Name | None = None,
                *, crash: str | None = None) -> str:  # fmt: skip
        """Bring a message in flight to its node, now: the oldest of that name (`"Accept"`), `to` and `by` whom if said.

        `crash`: "before" or "after", the server crashes before its save or after it. A number, or a Flight from
        `messages()`, names one message. Raises ValueError if there is none.
        """
        session = self._open()
        return session.deliver(self._find(message, to, by), crash)

    def drop(self, message: str | int | Flight, to: Name | None = None, by: Name | None = None) -> str:
        """Lose a message in flight. See `deliver`; this can be done to a live cluster too."""
        session = self._open()
        return session.drop(self._find(message, to, by))

    def duplicate(self, message: str | int | Flight, to: Name | None = None, by: Name | None = None) -> str:
        """Send a second copy of a message in flight. See `deliver`; this can be done to a live cluster too."""
        session = self._open()
        return session.duplicate(self._find(message, to, by))

    def hold(self, message: str | int | Flight, to: Name | None = None, by: Name | None = None) -> None:
        """Let a message in flight wait: steps pass it by."""
        self._open().hold(self._find(message, to, by).number)

    def release(self, message: str | int | Flight, to: Name | None = None, by: Name | None = None) -> None:
        """Let a message that is held be due again."""
        self._open().release(self._find(message, to, by).number)

    def fire(self, node: Name, timer: str | None = None) -> str:
        """Let a timer of a node ring: the one of that name, if it has several."""
        return self._open().fire(node, timer)

    def choose(self, choice: Choice) -> str:
        """Let any choice happen, and say what it was."""
        return self._open().choose(choice)

    def _find(self, message: str | int | Flight, to: Name | None, by: Name | None) -> Flight:
        for flight in self.messages():
            named = message in (flight.number, type(flight.message).__name__, say(flight.message))
            if (named or message == flight) and to in (None, flight.receiver) and by in (None, flight.sender):
                return flight
        whose = f"{f' from {title(by)}' if by is not None else ''}{f' to {title(to)}' if to is not None else ''}"
        raise ValueError(f"no {message if isinstance(message, str) else 'such message'}{whose} is in flight")

    # Breaking ----------------------------------------------------------------------------------------------

    def fail(self, server: int, disk: str = KEPT) -> None:
        """Crash a server; `disk` is "kept", "last save lost" or "lost". Raises ValueError if it is down already."""
        self._open().fail(server, disk)

    def restart(self, server: int) -> None:
        """Restart a server from its disk. Raises ValueError if it is up already."""
        self._open().restart(server)

    def cut(self, a: Name, b: Name, *, both: bool = True) -> None:
        """Cut the link from a to b, and with `both` the one back too. A client is named "client 1"."""
        self._open().cut(a, b, both)

    def mend(self, a: Name, b: Name, *, both: bool = True) -> None:
        """Mend the link from a to b, and with `both` the one back too."""
        self._open().mend(a, b, both)

    def heal(self) -> None:
        """Mend every link, and restart every server that is down and may come back."""
        self._open().heal()

    def link(self, a: Name, b: Name, *, loss: float | None = None, delay: float | None = None) -> None:
        """Let the link from a to b lose a share of its messages (0 to 1), or take `delay` times as long."""
        self._open().link(a, b, loss, delay)

    # Showing -----------------------------------------------------------------------------------------------

    def inspect(self, server: int) -> Inspection:
        """Return all that a server holds: what is on its disk, what only in memory, which timers run."""
        with self._open().look() as world:
            return Inspection(inspect(world, server))

    def snapshot(self) -> Snapshot:
        """Return the picture of this moment: it stays as it is, in the saved notebook too."""
        return Snapshot(svg(self._look()))

    def _look(self) -> Scene:
        return look(self._session) if self._session is not None else self._panel.shown

    def story(self) -> Story:
        """Return the story that leads to the moment that is shown. Raises StoryError if its beginning is forgotten."""
        return self._open().story()

    def recording(self) -> Recording:
        """Return the way to the moment that is shown: where it begins, and every event since."""
        return self._open().recording()

    @property
    def trace(self) -> Trace:
        """What happened on the way to the moment that is shown."""
        return self._open().trace()

    def here(self) -> str:
        """Return a line of Python that opens the lab again at this very moment."""
        return f"Lab.at({at_text(self.story())!r})"

    def export(self, path: str | Path, progress: Callable[[int, int], object] | None = None, **options: Any) -> Any:
        """Write the way to this moment to a file below this folder: .html, .gif, .png, .pdf, .svg, .json or .jsonl.

        Of a long way, a page and a GIF show its end, `most` pictures (300), and say so; a figure shows this moment.
        Returns its path; what takes longer than a second in a notebook goes on by itself, with a bar and a button.
        `progress(done, of)` is called after each picture; if it answers False, the export ends and leaves no file.
        """
        from paxoskit.lab.progress import export_here  # matplotlib comes with it: only who exports waits for it
        from paxoskit.pictures.movie import MOST_FRAMES

        match Path(path).suffix:
            case ".json":
                source: Story | Recording = self.story()
            case ".jsonl":
                source = self.recording()
            case ".html" | ".gif":
                most = options.get("most", MOST_FRAMES)
                source = self._open().recording(most - 1 if type(most) is int else None)
            case _:
                source = self._open().recording(1)
        return export_here(source, path, progress, **options)

    def _ipython_display_(self) -> None:
        if not hasattr(get_ipython(), "kernel"):
            print(self)
            return
        widget = (self._panel.root._repr_mimebundle_() or {}) | {"text/plain": repr(self)}
        publish_display_data(widget)  # type: ignore[no-untyped-call]
        self._panel.still.show(self._look())

    def __repr__(self) -> str:
        if self._session is None:
            return "<Lab closed>"
        with self._session.look() as world:
            return f"<Lab over {len(world.servers)} servers>"

    def close(self) -> None:
        """End the lab's thread and take the controls away; the last picture stays. The cluster goes on."""
        self._close(gone=False)

    def _close(self, gone: bool) -> None:
        if self._session is None:
            return
        self._session = self._cluster = self._subject = None
        self._panel.gone = gone
        self._finalizer()
        if self._thread is not threading.current_thread():
            self._thread.join(2.0)

    def _open(self) -> Session:
        if self._session is None:
            raise Stopped("this lab is closed: make a new one with Lab(cluster)")
        return self._session


class Call:
    """What a client asked through the lab. It shows its answer once there is one, and can be awaited."""

    def __init__(self, asked: str, future: Future[Any]) -> None:
        self.asked = asked
        self.future = future

    def __repr__(self) -> str:
        return f"{self.asked} → {self._state()}"

    def _state(self) -> str:
        if not self.future.done():
            return "waiting"
        if self.future.cancelled():
            return "cancelled"
        error = self.future.exception()
        if error is not None:
            return str(error).removeprefix(f"{self.asked}: ")
        return "done" if self.asked.startswith("put") else show(self.future.result())

    def __await__(self) -> Generator[Any, None, Any]:
        return asyncio.wrap_future(self.future).__await__()

    def result(self, timeout: float | None = None) -> Any:
        """Wait for the answer and return it; raise what went wrong, or TimeoutError after `timeout` seconds."""
        return self.future.result(timeout)


class Inspection:
    """What a server holds, in words: `says`, and by their names `disk`, `memory`, `derived`; `timers`, and `lost`.

    What is on disk survives a crash; what is only in memory does not; what is derived is made from the disk again.
    """

    def __init__(self, seen: Mapping[str, Any]) -> None:
        self.says: str = seen["says"]
        self.lost: bool = seen["lost"]
        self.disk: dict[str, str] = dict(seen["disk"])
        self.memory: dict[str, str] = dict(seen["memory"])
        self.derived: dict[str, str] = dict(seen["derived"])
        self.timers: list[str] = list(seen["timers"])

    def __repr__(self) -> str:
        lines = [self.says]
        for heading, fields in (("on disk", self.disk), ("in memory", self.memory), ("derived", self.derived)):
            lines += [f"  {heading}:"] + [f"    {name}: {value}" for name, value in fields.items()] if fields else []
        if self.lost:
            lines.append("  on disk: lost")
        return "\n".join([*lines, f"  timers: {', '.join(self.timers) or 'none'}"])


class Snapshot:
    """A still picture: `svg` is its text."""

    def __init__(self, svg: str) -> None:
        self.svg = svg

    def _repr_svg_(self) -> str:
        return self.svg

    def __repr__(self) -> str:
        return f"<Snapshot, {len(self.svg):,} characters of SVG>"


# The lab's thread -------------------------------------------------------------------------------------------


def _write(session: Session, panel: Panel) -> None:
    """What the lab's thread does: the only place where widgets are written."""
    soonest = 0.0
    while True:
        command: Command | None
        try:
            command = panel.inbox.get(timeout=PAUSE)
        except Empty:
            command = _nothing
        cluster = session.cluster  # held for as long as it is looked at
        if command is None or not session.alive:
            break
        panel.carry_out(command)
        if panel.inbox.empty():
            time.sleep(max(0.0, soonest - time.monotonic()))
            panel.refresh()
            soonest = panel.sent + PAUSE
        del cluster
    panel.end()


def _nothing(session: Session) -> None:
    """The command of a moment in which nobody asked for anything."""


# One lab a cluster, and one run of a cell -------------------------------------------------------------------

_of_subject: WeakKeyDictionary[Any, weakref.ref[Lab]] = WeakKeyDictionary()
_of_cell: dict[str, tuple[str, list[Lab]]] = {}  # the labs that a run of a cell has made: they are on the screen


def _make_room(lab: Lab, subject: object) -> None:
    """Close the labs that a new one replaces: that of the same cluster, those of an earlier run of the same cell."""
    cell, run = _where()
    earlier_run, labs = _of_cell.get(cell, ("", []))
    if cell and earlier_run != run:
        for earlier in labs:
            earlier._close(gone=True)
        labs = []
    if isinstance(subject, (Cluster, Simulator)):
        reference = _of_subject.get(subject)
        same = reference() if reference is not None else None
        if same is not None:
            same._close(gone=False)
        _of_subject[subject] = weakref.ref(lab)
    if cell:
        _of_cell[cell] = (run, [*labs, lab])


def _where() -> tuple[str, str]:
    """Return which cell of a notebook is running, and which run of it this is; empty texts outside of notebooks."""
    shell: Any = get_ipython()
    parent = shell.get_parent() if hasattr(shell, "get_parent") else {}
    return str(parent.get("metadata", {}).get("cellId", "")), str(parent.get("header", {}).get("msg_id", ""))
