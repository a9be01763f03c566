"""The lab: a live cluster as a picture that moves, with everything at hand that can be asked of it or done to it.

Threads. The cluster's threads know nothing of widgets. A handler of a widget puts a command on a queue and returns: it
may run on any thread (since ipykernel 7.4 that varies), and never waits. **One daemon thread is the only writer of
widgets**; it carries out the commands, looks at the cluster, and sends a new picture at most twenty times a second, and
only if there is something new to see. So the picture moves even while a cell blocks.

Lives. The thread and the widgets hold the cluster weakly, a `Lab` holds it until it is closed. A new lab closes the
earlier one of the same cluster, and the earlier ones of the same cell.
"""

from __future__ import annotations

import asyncio
import threading
import time
import weakref
from collections.abc import Callable, Generator
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any
from weakref import WeakKeyDictionary

import anywidget
import ipywidgets
import traitlets
from IPython.core.getipython import get_ipython

from paxoskit.lab.log import Log
from paxoskit.lab.scene import Scene, scene, svg
from paxoskit.pictures.cluster import QUIET
from paxoskit.protocol.literals import parse, show
from paxoskit.protocol.node import title
from paxoskit.protocol.plain import Name
from paxoskit.trace import Event
from paxoskit.worlds.cluster import Cluster, Stopped

PAUSE = 0.05
"""At least so many seconds lie between two pictures."""

QUIET_PAUSE = 0.2
"""While nothing but heartbeats flies, so many seconds."""

SLOWEST = 2.0
"""The slider's longest hop, in seconds."""

Command = Callable[[Cluster], object]


class Picture(anywidget.AnyWidget):
    """The scene and the log, drawn in the browser by scene.js. The chain travels by itself: it changes least often."""

    _esm = Path(__file__).parent / "scene.js"
    _css = Path(__file__).parent / "scene.css"
    scene = traitlets.Dict().tag(sync=True)
    chain = traitlets.Dict().tag(sync=True)
    log = traitlets.List(traitlets.Unicode()).tag(sync=True)


class Lab:
    """A window on a live cluster; as the last line of a cell it shows itself.

        cluster = Cluster(5)
        Lab(cluster)

    Raises TypeError for what is not a cluster.
    """

    def __init__(self, cluster: Cluster) -> None:
        if not isinstance(cluster, Cluster):
            raise TypeError(f"Lab: expected a Cluster, as in Lab(Cluster(5)), got {cluster!r:.60}")
        _make_room(self, cluster)
        self._cluster: Cluster | None = cluster
        self._panel = panel = Panel(cluster)
        self._thread = threading.Thread(
            target=_write, args=(weakref.ref(cluster), panel), name="paxoskit lab", daemon=True
        )
        self._finalizer = weakref.finalize(self, panel.inbox.put, None)  # None ends the thread
        self._thread.start()

    # Asking and breaking, from a cell ----------------------------------------------------------------------

    def put(self, key: Any, value: Any, *, client: int = 1, timeout: float = 5.0) -> Call:
        """Ask for a put and return at once; what is returned shows whether it is answered yet."""
        asked = f"put {show(key)} {show(value)}"
        return Call(asked, self._live().put_async(key, value, client=client, timeout=timeout))

    def get(self, key: Any, *, client: int = 1, timeout: float = 5.0) -> Call:
        """Ask for a get and return at once; what is returned shows whether it is answered yet."""
        return Call(f"get {show(key)}", self._live().get_async(key, client=client, timeout=timeout))

    def fail(self, server: int) -> None:
        """Crash a server; its disk is kept. Raises ValueError if it is down already."""
        self._live().fail_process(server)

    def restart(self, server: int) -> None:
        """Restart a server from its disk. Raises ValueError if it is up already."""
        self._live().restart_process(server)

    def cut(self, a: Name, b: Name, *, both: bool = True) -> None:
        """Cut the link from a to b, and with `both` the one back too. A client is named "client 1"."""
        self._live().fail_link(a, b, both=both)

    def mend(self, a: Name, b: Name, *, both: bool = True) -> None:
        """Mend the link from a to b, and with `both` the one back too."""
        self._live().fix_link(a, b, both=both)

    # Showing -----------------------------------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        """Return the picture of this moment: it stays as it is, in the saved notebook too."""
        return Snapshot(svg(_look(self._cluster) if self._cluster is not None else self._panel.shown))

    def _repr_mimebundle_(self, **_: Any) -> Any:
        bundle = self._panel.root._repr_mimebundle_() or {}
        return bundle | {"text/plain": repr(self), "image/svg+xml": self.snapshot().svg}

    def __repr__(self) -> str:
        state = "closed" if self._cluster is None else f"over {len(self._cluster.servers)} servers"
        return f"<Lab {state}>"

    def close(self) -> None:
        """End the lab's thread and take the controls away; the last picture stays. The cluster goes on."""
        self._close(gone=False)

    def _close(self, gone: bool) -> None:
        if self._cluster is None:
            return
        self._cluster = None
        self._panel.gone = gone
        self._finalizer()
        if self._thread is not threading.current_thread():
            self._thread.join(2.0)

    def _live(self) -> Cluster:
        if self._cluster is None:
            raise Stopped("this lab is closed: make a new one with Lab(cluster)")
        return self._cluster


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


class Snapshot:
    """A still picture: `svg` is its text."""

    def __init__(self, svg: str) -> None:
        self.svg = svg

    def _repr_svg_(self) -> str:
        return self.svg

    def __repr__(self) -> str:
        return f"<Snapshot, {len(self.svg):,} characters of SVG>"


# The controls -----------------------------------------------------------------------------------------------


class Panel:
    """The widgets of a lab, and what its thread remembers. It does not hold the cluster, nor the lab."""

    def __init__(self, cluster: Cluster) -> None:
        self.inbox: SimpleQueue[Command | None] = SimpleQueue()
        self.log = Log()
        self.gone = False  # when the lab ends, shall the picture go too?
        self.seen = 0  # the newest event that was looked at
        self.sent = 0.0  # when the last picture was sent
        self.told = [0, 0]  # how many of the cluster's errors and violations are in the log
        self.latency = cluster.latency
        self.settings: object = None
        self.shown = _look(cluster)
        self.picture = Picture(**_parted(self.shown))
        self.picture.on_msg(self._on_message)
        self.controls = (self._asking(), self._servers(cluster.servers), self._links())
        self.root = ipywidgets.VBox([self.picture, *self.controls])
        self.root.add_class("paxoskit-lab")
        self._name_everybody(cluster)

    def _asking(self) -> ipywidgets.Widget:
        self.client = ipywidgets.Dropdown(description="Client", style=CLOSE, layout=_wide("8em"))
        self.key = ipywidgets.Text("'colour'", description="Key", style=CLOSE, layout=_wide("16em"))
        self.value = ipywidgets.Text("'blue'", description="Value", style=CLOSE, layout=_wide("18em"))
        self.key.tooltip = self.value.tooltip = "a Python literal: 7, 'text', [1, 2], {'key1': 'val1'}"
        self.put = self._button("Put", self._put_typed, "primary")
        self.get = self._button("Get", self._get_typed, "primary")
        return _row("Ask", self.client, self.key, self.value, self.put, self.get)

    def _servers(self, servers: tuple[int, ...]) -> ipywidgets.Widget:
        self.processes = {server: self._button(f"Fail {server}", partial(self._process, server)) for server in servers}
        self.hop = ipywidgets.FloatSlider(
            min(self.latency, SLOWEST), min=0, max=SLOWEST, step=0.05, description="Seconds a hop", style=CLOSE,
            layout=_wide("24em"), readout_format=".2f", continuous_update=False,
        )  # fmt: skip
        self.hop.observe(self._on_hop, "value")
        return _row("Servers", *self.processes.values(), self.hop)

    def _links(self) -> ipywidgets.Widget:
        self.sender = ipywidgets.Dropdown(description="from", style=CLOSE, layout=_wide("11em"))
        self.receiver = ipywidgets.Dropdown(description="to", style=CLOSE, layout=_wide("10em"))
        self.both = ipywidgets.Checkbox(True, description="both directions", indent=False, layout=_wide("11em"))
        self.cut = self._button("Cut", partial(self._link_chosen, Cluster.fail_link))
        self.mend = self._button("Mend", partial(self._link_chosen, Cluster.fix_link))
        self.heal = self._button("Heal all", lambda: Cluster.heal)
        return _row("Links", self.sender, self.receiver, self.both, self.cut, self.mend, self.heal)

    def _button(self, text: str, command: Callable[[], Command], style: str = "") -> ipywidgets.Button:
        """Return a button; `command` says at the click what is to be done, on the lab's thread, a moment later."""
        button = ipywidgets.Button(description=text, button_style=style, layout=_wide("6.5em"))
        button.on_click(lambda _: self.inbox.put(command()))
        return button

    # What a handler puts on the queue: it holds what was typed at that moment -----------------------------------

    def _put_typed(self) -> Command:
        client, key, value = self.client.value, self.key.value, self.value.value
        return lambda cluster: cluster.put_async(parse(key), parse(value), client=client)

    def _get_typed(self) -> Command:
        client, key = self.client.value, self.key.value
        return lambda cluster: cluster.get_async(parse(key), client=client)

    def _process(self, server: int) -> Command:
        fails = self.processes[server].description.startswith("Fail")
        return lambda cluster: (cluster.fail_process if fails else cluster.restart_process)(server)

    def _link_chosen(self, change: Callable[..., None]) -> Command:
        a, b, both = self.sender.value, self.receiver.value, self.both.value
        return lambda cluster: change(cluster, a, b, both=both)

    def _on_message(self, _: object, message: object, buffers: object) -> None:
        match message:
            case {"act": "fail", "server": int(server)}:
                self.inbox.put(lambda cluster: cluster.fail_process(server))
            case {"act": "restart", "server": int(server)}:
                self.inbox.put(lambda cluster: cluster.restart_process(server))
            case {"act": "cut", "a": int() | str() as a, "b": int() | str() as b}:
                self.inbox.put(lambda cluster: cluster.fail_link(a, b))
            case {"act": "mend", "a": int() | str() as a, "b": int() | str() as b}:
                self.inbox.put(lambda cluster: cluster.fix_link(a, b))

    def _on_hop(self, change: Any) -> None:
        if change["new"] != min(self.latency, SLOWEST):
            self.inbox.put(partial(self._set_latency, change["new"]))

    def _set_latency(self, seconds: float, cluster: Cluster) -> None:
        self.latency = cluster.latency = seconds

    # On the lab's thread, which alone writes ----------------------------------------------------------------

    def carry_out(self, command: Command, cluster: Cluster) -> None:
        """Do what was asked for; what cannot be done is a line in the log."""
        try:
            command(cluster)
        except (ValueError, RuntimeError, OSError) as error:
            self.log.say(str(error))

    def refresh(self, cluster: Cluster) -> None:
        """Send what is new, if anything is."""
        events = cluster.events_since(self.seen)
        settings = (cluster.latency, cluster.paused, self.log.count)
        loud = settings != self.settings or any(type(event.what).__name__ not in QUIET for event in events)
        drawn = bool(cluster.due or self.shown["messages"])
        if not loud and drawn and time.monotonic() < self.sent + QUIET_PAUSE:
            return
        self.seen = events[-1].n if events else self.seen
        if not loud and not (events and drawn):
            return
        self._follow(cluster)
        self._read(events, cluster)
        self._send(_look(cluster, _note(cluster)))
        self.settings = (*settings[:2], self.log.count)

    def _follow(self, cluster: Cluster) -> None:
        """Let the controls show what was changed elsewhere."""
        if cluster.latency != self.latency:
            self.latency = cluster.latency
            self.hop.value = min(self.latency, SLOWEST)
        self._name_everybody(cluster)

    def _name_everybody(self, cluster: Cluster) -> None:
        """Offer all servers and clients (a client may have been added)."""
        with cluster.look() as world:
            clients = world.clients
        if len(self.client.options) == len(clients):
            return
        servers, numbers = list(cluster.servers), range(1, len(clients) + 1)
        choices = [(title(name), name) for name in (*servers, *clients)]
        _offer(self.client, [(str(number), number) for number in numbers], 1)
        _offer(self.sender, choices, servers[0])
        _offer(self.receiver, choices, (servers + servers)[1])

    def _read(self, events: list[Event], cluster: Cluster) -> None:
        """Put what happened into the log."""
        self.log.read(events)
        news = (cluster.errors, [f"{fallen.claim} is broken: {fallen.reason}" for fallen in cluster.violations])
        for kind, lines in enumerate(news):
            for line in lines[self.told[kind] :]:
                self.log.say(line)
            self.told[kind] = len(lines)

    def _send(self, seen: Scene) -> None:
        """Send a picture and the log, in one message, if they differ from those that were sent last."""
        if {**seen, "at": 0} != {**self.shown, "at": 0}:
            self.shown = seen
        with self.picture.hold_sync():
            self.picture.set_trait("log", self.log.lines)
            for part, content in _parted(self.shown).items():
                self.picture.set_trait(part, content)
        self.sent = time.monotonic()
        for node in seen["nodes"]:
            if node["role"] != "client":
                verb = "Restart" if node["role"] == "down" else "Fail"
                self.processes[node["id"]].description = f"{verb} {node['id']}"

    def end(self, cluster: Cluster | None) -> None:
        """Show the last picture and why it is the last; the controls go."""
        seen, note = self.shown, "the cluster has stopped"
        if cluster is not None:
            self._read(cluster.events_since(self.seen), cluster)
            seen = _look(cluster)
            note = "this lab is closed: the picture no longer changes" if cluster.running else note
        self.root.children = (self.picture,)
        self._send({**seen, "messages": [], "speed": 0.0, "note": note})
        for row in self.controls:
            _close(row)
        if self.gone:
            _close(self.root)


def _write(reference: weakref.ref[Cluster], panel: Panel) -> None:
    """What the lab's thread does: the only place where widgets are written."""
    soonest = 0.0
    while True:
        try:
            command = panel.inbox.get(timeout=PAUSE)
        except Empty:
            command = _nothing
        cluster = reference()
        if command is None or cluster is None or not cluster.running:
            break
        panel.carry_out(command, cluster)
        if panel.inbox.empty():
            time.sleep(max(0.0, soonest - time.monotonic()))
            panel.refresh(cluster)
            soonest = panel.sent + PAUSE
        del cluster
    panel.end(cluster)


def _nothing(cluster: Cluster) -> None:
    """The command of a moment in which nobody asked for anything."""


def _look(cluster: Cluster, note: str = "") -> Scene:
    with cluster.look() as world:
        return scene(world, cluster.due, cluster.now(), 0.0 if cluster.paused else cluster.speed, note)


def _parted(shown: Scene) -> dict[str, Any]:
    return {"scene": {key: value for key, value in shown.items() if key != "chain"}, "chain": shown["chain"]}


def _note(cluster: Cluster) -> str:
    return "paused" if cluster.paused else ""


# Little helpers for widgets ---------------------------------------------------------------------------------

CLOSE = {"description_width": "initial"}
"""A style: the description takes the room that it needs, and no more."""


def _wide(width: str) -> dict[str, str]:
    return {"width": width}


def _offer(dropdown: ipywidgets.Dropdown, choices: list[tuple[str, Any]], first: Any) -> None:
    """Change what a dropdown offers; what was chosen stays chosen."""
    chosen = first if dropdown.value is None else dropdown.value
    dropdown.options = choices
    dropdown.value = chosen


def _row(label: str, *widgets: ipywidgets.Widget) -> ipywidgets.Widget:
    row = ipywidgets.HBox([ipywidgets.Label(label), *widgets])
    row.add_class("paxoskit-row")
    return row


def _close(widget: ipywidgets.Widget) -> None:
    """Close a widget and all that belongs to it: ipywidgets itself would keep each of them for ever."""
    for child in getattr(widget, "children", ()):
        _close(child)
    for part in ("layout", "style"):
        if isinstance(getattr(widget, part, None), ipywidgets.Widget):
            getattr(widget, part).close()
    widget.close()


# One lab a cluster, and one run of a cell -------------------------------------------------------------------

_of_cluster: WeakKeyDictionary[Cluster, weakref.ref[Lab]] = WeakKeyDictionary()
_of_cell: dict[str, tuple[str, list[Lab]]] = {}  # the labs that a run of a cell has made: they are on the screen


def _make_room(lab: Lab, cluster: Cluster) -> None:
    """Close the labs that a new one replaces: that of the same cluster, those of an earlier run of the same cell."""
    cell, run = _where()
    earlier_run, labs = _of_cell.get(cell, ("", []))
    if cell and earlier_run != run:
        for earlier in labs:
            earlier._close(gone=True)
        labs = []
    reference = _of_cluster.get(cluster)
    same = reference() if reference is not None else None
    if same is not None:
        same._close(gone=False)
    if cell:
        _of_cell[cell] = (run, [*labs, lab])
    _of_cluster[cluster] = weakref.ref(lab)


def _where() -> tuple[str, str]:
    """Return which cell of a notebook is running, and which run of it this is; empty texts outside of notebooks."""
    shell: Any = get_ipython()
    parent = shell.get_parent() if hasattr(shell, "get_parent") else {}
    return str(parent.get("metadata", {}).get("cellId", "")), str(parent.get("header", {}).get("msg_id", ""))
