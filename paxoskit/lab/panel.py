"""The widgets of a lab: the picture, and below it the controls. What a click puts on the queue; what is sent to see."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from queue import SimpleQueue
from typing import Any

import anywidget
import ipywidgets
import traitlets

from paxoskit.lab import panels
from paxoskit.lab.acts import command_of
from paxoskit.lab.log import Log
from paxoskit.lab.news import news
from paxoskit.lab.page import javascript, style
from paxoskit.lab.scene import Scene, scene
from paxoskit.lab.session import LIVE, Session
from paxoskit.lab.still import Still
from paxoskit.pictures.cluster import QUIET
from paxoskit.pictures.spacetime import spacetime
from paxoskit.protocol.literals import parse, show
from paxoskit.protocol.messages import Get, Put
from paxoskit.protocol.node import title
from paxoskit.trace import Event, Trace
from paxoskit.worlds.cluster import Stopped

PAUSE = 0.05
"""At least so many seconds lie between two pictures."""

QUIET_PAUSE = 0.2
"""While nothing but heartbeats flies, so many seconds."""

SLOW_PAUSE = 0.5
"""While time goes by, so many seconds lie between two drawings of what is costly: the diagram, the inspected server."""

MOST_SEARCHED = 2_000
"""Among so many of the newest choices, the diagram looks for those that it shows."""

SLIDER = 2.0
"""The slider's longest hop, in seconds."""

Command = Callable[[Session], object]


class Picture(anywidget.AnyWidget):
    """What the browser draws. Each part travels by itself, and only when it changed."""

    _esm = javascript()
    _css = style()
    scene = traitlets.Dict().tag(sync=True)
    nodes = traitlets.List(traitlets.Dict()).tag(sync=True)
    chain = traitlets.Dict().tag(sync=True)
    log = traitlets.List(traitlets.Unicode()).tag(sync=True)
    time = traitlets.Dict().tag(sync=True)
    news = traitlets.Dict().tag(sync=True)
    spacetime = traitlets.Dict().tag(sync=True)
    network = traitlets.Dict().tag(sync=True)
    inspect = traitlets.Dict().tag(sync=True)
    verdict = traitlets.Dict().tag(sync=True)
    calls = traitlets.List(traitlets.Dict()).tag(sync=True)
    still = traitlets.Unicode().tag(sync=True)

    def _should_send_property(self, key: str, value: Any) -> bool:
        """Send no whole diagram if what is new in it says the same; a page that is loaded again gets the whole."""
        if key == "spacetime" and value.get("version") == self.news.get("version"):
            return False
        return bool(super()._should_send_property(key, value))


class Panel:
    """The widgets of a lab, and what its thread remembers. It does not hold the cluster, nor the lab."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.inbox: SimpleQueue[Command | None] = SimpleQueue()
        self.log = Log()
        self.gone = False  # when the lab ends, shall the picture go too?
        self.sent = 0.0  # when the last picture was sent
        self.told = [0, 0]  # how many errors and violations are in the log
        self.latency = session.seconds_a_hop()
        self.settings: object = None
        self.slow = 0.0  # when what is costly was drawn last
        self.diagram = False  # is the space-time diagram on the screen?
        self.whole = True  # shall the diagram be sent whole, whatever is new in it?
        self.window: dict[str, Any] = {"first": None, "servers": None, "kinds": None}
        self.inspected: tuple[str, Any] | None = None  # ("node", 2) or ("block", "a1b2c3")
        self.links: object = None  # what the matrix of links was drawn from
        self.waiting: list[Event] = []  # heartbeats, for the next picture
        self.shown = look(session)
        with session.look() as world:
            servers = world.servers
        self.still = Still()
        self.picture = Picture(**parted(self.shown), **self._parts(), still=self.still.name)
        self.picture.on_msg(self._on_message)
        self.controls = (self._asking(), self._servers(servers), self._links())
        self.root = ipywidgets.VBox([self.picture, *self.controls])
        self.root.add_class("paxoskit-lab")
        self._name_everybody()

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
            min(self.latency, SLIDER), min=0, max=SLIDER, step=0.05, description="Seconds a hop", style=CLOSE,
            layout=_wide("24em"), readout_format=".2f", continuous_update=False,
        )  # fmt: skip
        self.hop.observe(self._on_hop, "value")
        return _row("Servers", *self.processes.values(), self.hop)

    def _links(self) -> ipywidgets.Widget:
        self.sender = ipywidgets.Dropdown(description="from", style=CLOSE, layout=_wide("11em"))
        self.receiver = ipywidgets.Dropdown(description="to", style=CLOSE, layout=_wide("10em"))
        self.both = ipywidgets.Checkbox(True, description="both directions", indent=False, layout=_wide("11em"))
        self.cut = self._button("Cut", partial(self._link_chosen, Session.cut))
        self.mend = self._button("Mend", partial(self._link_chosen, Session.mend))
        self.heal = self._button("Heal all", lambda: Session.heal)
        return _row("Links", self.sender, self.receiver, self.both, self.cut, self.mend, self.heal)

    def _button(self, text: str, command: Callable[[], Command], style: str = "") -> ipywidgets.Button:
        """Return a button; `command` says at the click what is to be done, on the lab's thread, a moment later."""
        button = ipywidgets.Button(description=text, button_style=style, layout=_wide("6.5em"))
        button.on_click(lambda _: self.inbox.put(command()))
        return button

    # What a handler puts on the queue: it holds what was typed at that moment -----------------------------------

    def _put_typed(self) -> Command:
        client, key, value = self.client.value, self.key.value, self.value.value
        return lambda session: session.ask(Put(show(parse(key)), show(parse(value))), client)

    def _get_typed(self) -> Command:
        client, key = self.client.value, self.key.value
        return lambda session: session.ask(Get(show(parse(key))), client)

    def _process(self, server: int) -> Command:
        fails = self.processes[server].description.startswith("Fail")
        return lambda session: (session.fail if fails else session.restart)(server)

    def _link_chosen(self, change: Callable[..., None]) -> Command:
        a, b, both = self.sender.value, self.receiver.value, self.both.value
        return lambda session: change(session, a, b, both)

    def _on_message(self, _: object, message: object, buffers: object) -> None:
        command = command_of(message, self)
        if command is not None:
            self.inbox.put(command)

    def _on_hop(self, change: Any) -> None:
        if change["new"] != min(self.latency, SLIDER):
            self.inbox.put(partial(self._set_latency, change["new"]))

    def _set_latency(self, seconds: float, session: Session) -> None:
        self.latency = seconds
        session.set_hop(seconds)

    # On the lab's thread, which alone writes ----------------------------------------------------------------

    def carry_out(self, command: Command) -> None:
        """Do what was asked for; what cannot be done is a line in the log."""
        try:
            command(self.session)
        except (ValueError, TypeError, RuntimeError, OSError) as error:
            self.log.say(str(error))
        except Exception as error:  # a learner's class may raise anything, and the lab's thread must live
            self.log.say(f"this failed: {type(error).__name__}: {error}")

    def refresh(self) -> None:
        """Send what is new, if anything is. What cannot be drawn is a line in the log, and the lab goes on."""
        session = self.session
        with session.lock:  # a cell may step meanwhile
            try:
                session.follow()
                if session.mode == LIVE and session.cluster is not None:
                    self._refresh_live(session)
                else:
                    self._refresh_stepped(session)
                self.still.renew(self.shown)
            except Stopped:  # it ended meanwhile: the thread sees that next
                return
            except Exception as error:  # see carry_out: to look at a learner's class runs it
                self._say_what_failed(f"this cannot be drawn: {type(error).__name__}: {error}")

    def _say_what_failed(self, line: str) -> None:
        """Say once what cannot be drawn, and do not try it again before something happens."""
        self.inspected = None
        if line not in self.log.kept:
            self.log.say(line)
            self.picture.set_trait("log", self.log.lines)
        self.settings = (self.session.seconds_a_hop(), self.session.changes, self.log.count)
        self.sent = time.monotonic()

    def _refresh_live(self, session: Session) -> None:
        events, _ = session.read()
        settings = (session.seconds_a_hop(), session.changes, self.log.count)
        loud = settings != self.settings or any(type(event.what).__name__ not in QUIET for event in events)
        drawn = bool(session.due() or self.shown["messages"])
        late = self._slow_things_wait() and time.monotonic() > self.slow + SLOW_PAUSE
        if not loud and not late and drawn and time.monotonic() < self.sent + QUIET_PAUSE:
            self.waiting += events
            return
        events = self._with_waiting(events)
        if not loud and not late and not (events and drawn):
            return
        self._tell(events, session)
        self._send(look(session))
        self.settings = (*settings[:2], self.log.count)

    def _refresh_stepped(self, session: Session) -> None:
        settings = (session.seconds_a_hop(), session.changes, self.log.count)
        if settings == self.settings:
            return
        events, follows = session.read()
        if not follows:
            self.log.turn_back(session.did(), session.highest())
        self._tell(events, session)
        self._send(look(session))
        self.settings = (*settings[:2], self.log.count)

    def _with_waiting(self, events: list[Event]) -> list[Event]:
        events, self.waiting = [*self.waiting, *events], []
        return events

    def _slow_things_wait(self) -> bool:
        return self.diagram or self.inspected is not None

    def _tell(self, events: list[Event], session: Session) -> None:
        """Let the controls show what was changed elsewhere, and put what happened into the log."""
        if session.seconds_a_hop() != self.latency:
            self.latency = session.seconds_a_hop()
            self.hop.value = min(self.latency, SLIDER)
        self._name_everybody()
        self.log.read(events)
        lines, session.lines = session.lines, []
        for line in lines:
            self.log.say(line)
        fallen = [f"“{one.claim}” is broken: {one.reason}" for one in session.judged().violations]
        broken = list(dict.fromkeys(fallen))  # a claim may fall again at each vote, for the same reason
        for kind, found in enumerate((session.errors(), broken)):
            for line in found[self.told[kind] :]:
                self.log.say(line)
            self.told[kind] = len(found)

    def _name_everybody(self) -> None:
        """Offer all servers and clients (a client may have been added)."""
        with self.session.look() as world:
            clients, servers = world.clients, list(world.servers)
        if self.sender.options and len(self.client.options) == len(clients):
            return
        self.controls[0].layout.display = "" if clients else "none"  # where nobody asks, no row to ask with
        numbers = range(1, len(clients) + 1)
        choices = [(title(name), name) for name in (*servers, *clients)]
        _offer(self.client, [(str(number), number) for number in numbers], 1 if clients else None)
        _offer(self.sender, choices, servers[0])
        _offer(self.receiver, choices, (servers + servers)[1])

    def _parts(self) -> dict[str, Any]:
        """Return what stands beside the picture: small things always, costly ones when somebody looks at them."""
        session = self.session
        parts = {"time": session.time(), "calls": session.book.as_json(), "verdict": panels.verdict(session.judged())}
        parts |= self._network(session)
        now = time.monotonic()
        if self._slow_things_wait() and (session.mode != LIVE or now > self.slow + SLOW_PAUSE):
            self.slow = now
            parts |= self._costly(session)
        return parts

    def _network(self, session: Session) -> dict[str, Any]:
        """Return the matrix of links, if any of them changed."""
        quality = session.link_quality()
        with session.look() as world:
            links = (len(world.clients), set(world.cut), dict(quality))
            if links == self.links:
                return {}
            self.links = links
            loss = {link: share for link, (share, _) in quality.items() if share}
            delay = {link: slow for link, (_, slow) in quality.items() if slow != 1.0}
            return {"network": panels.network(world, loss, delay)}

    def _costly(self, session: Session) -> dict[str, Any]:
        parts: dict[str, Any] = {}
        if self.inspected is not None:
            kind, which = self.inspected
            try:
                with session.look() as world:
                    seen = panels.inspect(world, which) if kind == "node" else panels.block(world, which)
                parts["inspect"] = seen
            except ValueError as error:
                parts["inspect"] = {}
                self.inspected = None
                self.log.say(str(error))
        if self.diagram:
            parts |= self._diagram(session)
        return parts

    def _diagram(self, session: Session) -> dict[str, Any]:
        """Return the diagram, if it is another, and what is new in it since the last one."""
        old = self.picture.spacetime
        version = old.get("version", 0)
        new = spacetime(_events(session, self.window), quiet=session.shows_quiet(), **self.window)
        if {**new, "version": version} == old and not self.whole:
            return {}
        new["version"] = version + 1
        fresh = None if self.whole else news(old, new)
        self.whole = False
        return ({} if fresh is None else {"news": fresh}) | {"spacetime": new}

    def _send(self, seen: Scene, live: bool = True) -> None:
        """Send a picture, the log and what is beside it, in one message, if they differ from those sent last."""
        if {**seen, "at": 0} != {**self.shown, "at": 0} or seen["speed"] == 0.0:
            self.shown = seen
        parts = self._parts() if live else {}
        with self.picture.hold_sync():
            self.picture.set_trait("log", self.log.lines)
            for part, content in {**parted(self.shown), **parts}.items():
                self.picture.set_trait(part, content)
        self.sent = time.monotonic()
        for node in seen["nodes"]:
            if node["role"] != "client":
                verb = "Restart" if node["role"] == "down" else "Fail"
                self.processes[node["id"]].description = f"{verb} {node['id']}"

    def end(self) -> None:
        """Show the last picture and why it is the last; the controls go."""
        session, seen, note = self.session, self.shown, "the cluster has stopped"
        cluster = session.cluster
        if cluster is not None or session.reference is None:
            if session.stepper is None:
                self.log.read(self._with_waiting(session.read()[0]))
            seen = look(session)
            note = "this lab is closed: the picture no longer changes" if session.alive else note
        self.root.children = (self.picture,)
        self._send({**seen, "messages": [], "speed": 0.0, "note": note}, live=False)
        self.still.renew(self.shown, now=True)
        for row in self.controls:
            _close(row)
        if self.gone:
            _close(self.root)


def _events(session: Session, window: dict[str, Any]) -> Trace:
    """Return the events that a window of the diagram may need: the newest ones, or all."""
    return session.trace() if window["first"] is not None else session.newest(MOST_SEARCHED)


def look(session: Session) -> Scene:
    """Return what there is to see now."""
    note = "paused" if session.cluster is not None and session.stepper is not None else ""
    with session.lock:
        due = session.due()
        held = session.held()
        with session.look() as world:
            return scene(world, due, session.clock(), session.pace(), note, held)


def parted(shown: Scene) -> dict[str, Any]:
    """Return the parts of a scene that travel by themselves: what changes seldom is sent seldom."""
    rest = {key: value for key, value in shown.items() if key not in ("nodes", "chain")}
    return {"scene": rest, "nodes": shown["nodes"], "chain": shown["chain"]}


# Little helpers for widgets ---------------------------------------------------------------------------------

CLOSE = {"description_width": "initial"}
"""A style: the description takes the room that it needs, and no more."""


def _wide(width: str) -> dict[str, str]:
    return {"width": width}


def _offer(dropdown: ipywidgets.Dropdown, choices: list[tuple[str, Any]], first: Any) -> None:
    """Change what a dropdown offers; what was chosen stays chosen, if it is still there."""
    chosen = dropdown.value
    dropdown.options = choices
    dropdown.value = chosen if chosen in [value for _, value in choices] else first


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
