"""What a click or a key in the browser asks for: a small JSON object each, turned into a command.

What the picture never sends is not done, and raises nothing; what makes no sense now is said in the log when the
command is carried out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from paxoskit.lab.session import Session
from paxoskit.protocol.plain import Name
from paxoskit.worlds.choice import KEPT

if TYPE_CHECKING:
    from paxoskit.lab.panel import Panel

Command = Callable[[Session], object]

PLAIN: dict[str, Command] = {
    "pause": Session.pause,
    "resume": Session.resume,
    "step": Session.step,
    "round": Session.round,
    "decision": Session.decision,
    "back": Session.back,
    "forward": Session.forward,
    "again": Session.again,
    "heal": Session.heal,
}
"""Acts that need nothing but their name."""


def command_of(message: object, panel: Panel) -> Command | None:
    """Return what an act asks for, None for what is no act."""
    if not isinstance(message, dict):
        return None
    match message.get("act"):
        case str(act) if act in PLAIN:
            return PLAIN[act]
        case "choose" | "hold" | "release" | "fire":
            return _on_messages(message)
        case "fail" | "restart" | "cut" | "mend" | "link":
            return _on_things(message)
        case "goto" | "what_if" | "name" | "speed" | "quiet":
            return _on_time(message)
        case "inspect" | "block" | "window" | "filter" | "panel":
            return _on_panels(message, panel)
    return None


def _on_messages(message: dict[str, Any]) -> Command | None:
    match message:
        case {"act": "choose", "choice": dict(choice)}:
            return lambda session: session.choose(choice)
        case {"act": "hold", "number": int(number)}:
            return lambda session: session.hold(number)
        case {"act": "release", "number": int(number)}:
            return lambda session: session.release(number)
        case {"act": "fire", "choice": dict(choice)}:
            return lambda session: session.choose({"kind": "fire", **choice})
        case {"act": "fire", "node": int() | str() as node, **rest}:
            timer = rest.get("timer")
            return lambda session: session.fire(node, timer)
    return None


def _on_things(message: dict[str, Any]) -> Command | None:
    match message:
        case {"act": "fail", "server": int(server), **rest}:
            return lambda session: session.fail(server, rest.get("disk", KEPT))
        case {"act": "restart", "server": int(server)}:
            return lambda session: session.restart(server)
        case {"act": "cut", "a": int() | str() as a, "b": int() | str() as b, **rest}:
            return lambda session: session.cut(a, b, rest.get("both") is not False)
        case {"act": "mend", "a": int() | str() as a, "b": int() | str() as b, **rest}:
            return lambda session: session.mend(a, b, rest.get("both") is not False)
        case {"act": "link", "a": int() | str() as a, "b": int() | str() as b, **rest}:
            return lambda session: session.link(a, b, rest.get("loss"), rest.get("delay"))
    return None


def _on_time(message: dict[str, Any]) -> Command | None:
    match message:
        case {"act": "goto", "event": int(event)}:
            return lambda session: session.goto(event=event)
        case {"act": "goto", "moment": int(moment), **rest}:
            return lambda session: session.goto(moment, rest.get("branch"))
        case {"act": "what_if", "event": int(event)}:
            return lambda session: session.what_if(event)
        case {"act": "name", "branch": int(branch), "name": str(name)}:
            return lambda session: session.rename(branch, name)
        case {"act": "speed", "factor": int() | float() as factor}:
            return lambda session: session.speed(factor)
        case {"act": "quiet", "on": bool(on)}:
            return lambda session: session.quiet(not on)  # on: heartbeats are steps too
    return None


def _on_panels(message: dict[str, Any], panel: Panel) -> Command | None:
    match message:
        case {"act": "inspect", "node": int(node)}:
            return lambda session: _inspect(session, panel, ("node", node))
        case {"act": "block", "hash": str(ending)}:
            return lambda session: _inspect(session, panel, ("block", ending))
        case {"act": "window", "first": (int() | None) as first}:
            return lambda session: _window(session, panel, first=None if first is None else max(1, first))
        case {"act": "filter", **rest}:
            servers, kinds = rest.get("servers"), rest.get("kinds")
            return lambda session: _window(session, panel, servers=_names(servers), kinds=_names(kinds))
        case {"act": "panel", "name": "spacetime", "shown": bool(shown)}:
            return lambda session: _diagram(session, panel, shown)
    return None


def _inspect(session: Session, panel: Panel, which: tuple[str, Any]) -> None:
    panel.inspected, panel.slow = which, 0.0
    session.look_again()


def _window(session: Session, panel: Panel, **changes: Any) -> None:
    panel.window = {**panel.window, **changes}
    panel.slow = 0.0
    session.look_again()


def _diagram(session: Session, panel: Panel, shown: bool) -> None:
    panel.diagram, panel.whole, panel.slow = shown, True, 0.0
    session.look_again()


def _names(values: object) -> list[Name] | None:
    """Return a list of names or kinds; None, which stands for all, for anything else."""
    if isinstance(values, list) and all(type(value) in (int, str) for value in values):
        return list(values)
    return None
