"""What a lab does to a world, in a cell, by a click or by a key: the same few methods for all three.

A session looks at a **live** cluster, whose threads choose; at a world that somebody **steps** (a paused cluster, a
story, a simulator's run); or at a recording, which can only be **viewed**. What makes no sense now raises an error
whose message is one line, and changes nothing.

Methods may be called on any thread: one lock holds them apart. None of them touches a widget.
"""

from __future__ import annotations

import itertools
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, InvalidStateError
from contextlib import contextmanager, suppress
from functools import update_wrapper
from types import SimpleNamespace
from typing import Any, Concatenate, ParamSpec, TypeVar

from paxoskit.lab.book import Book
from paxoskit.lab.scene import meant
from paxoskit.protocol.literals import parse
from paxoskit.protocol.messages import Answered, GaveUp, Get, Operation, Put
from paxoskit.protocol.node import Node, title
from paxoskit.protocol.plain import Name
from paxoskit.trace import Event, Trace, say
from paxoskit.worlds.choice import KEPT, Choice
from paxoskit.worlds.cluster import HOP, Cluster, NoMajority, Stopped, set_quality
from paxoskit.worlds.moments import Moment
from paxoskit.worlds.recording import Recording
from paxoskit.worlds.simulator import Simulator
from paxoskit.worlds.stepper import Abandoned, Stepper, named
from paxoskit.worlds.steppers import stepper_of_simulator, stepper_of_story, stepper_of_trace, story_of
from paxoskit.worlds.story import Story
from paxoskit.worlds.world import Flight, World

LIVE, STEPPED, VIEW = "live", "stepped", "view"

PLAYED_HOP = 0.5
"""Seconds that a message takes when a story or a simulator's run is played."""

FASTEST, SLOWEST = 0.01, 60.0
"""Between so many seconds a hop, keys change the speed."""

MOST_AT_ONCE = 500
"""So many things at most happen between two pictures of a run that is played."""

P = ParamSpec("P")
T = TypeVar("T")
Subject = Cluster | Simulator | Story | Trace | Stepper


class NotNow(RuntimeError):
    """This makes no sense at this moment; the message says why, in one line."""


def _held(method: Callable[Concatenate[Session, P], T]) -> Callable[Concatenate[Session, P], T]:
    """Let a method run under the session's lock, and note that there may be something new to see."""

    def locked(self: Session, /, *arguments: P.args, **options: P.kwargs) -> T:
        with self.lock:
            self.changes += 1
            return method(self, *arguments, **options)

    update_wrapper(locked, method)
    return locked


class Session:
    """One window on one world. It holds a cluster weakly, and anything else for as long as it lives."""

    def __init__(
        self, subject: Subject, classes: Mapping[str, type[Node]] | None = None,
        beats: Mapping[int, str] | None = None,
    ) -> None:  # fmt: skip
        self.lock = threading.RLock()
        self.changes = 0
        self.reference: weakref.ref[Cluster] | None = None
        self.stepper: Stepper | None = None
        self.view = isinstance(subject, Trace)
        self.beats = dict(beats or {})  # of a scene: the words for some moments of the first branch
        self.stepped_quietly = True
        self.lines: list[str] = []  # what shall go into the log
        self.book = Book()
        self.seen = 0  # the newest event of the live cluster that was read
        self.told: Moment | None = None  # the moment up to which events were read
        self.playing: tuple[float, float] | None = None  # since when (in seconds), and from which world time
        self.hop = PLAYED_HOP
        self.quality: dict[tuple[Name, Name], tuple[float, float]] = {}
        if isinstance(subject, Cluster):
            self.reference = weakref.ref(subject)
        else:
            self.stepper = _stepper(subject, classes)
            self.stepper.quality = self.quality
            if not isinstance(subject, Stepper):
                self.stepper.goto(0)

    # Where are we? -----------------------------------------------------------------------------------------

    @property
    def cluster(self) -> Cluster | None:
        """The cluster, if this is one and it lives."""
        return None if self.reference is None else self.reference()

    @property
    def alive(self) -> bool:
        """Say whether there is still something to look at."""
        if self.reference is None:
            return True
        cluster = self.reference()
        return cluster is not None and cluster.running

    @property
    def mode(self) -> str:
        """Whether threads choose (or the run is played), somebody steps, or it can only be looked at."""
        if self.view:
            return VIEW
        return LIVE if self.stepper is None or self.playing is not None else STEPPED

    def follow(self) -> None:
        """Take in what happened elsewhere: a cell may pause the cluster, and let it go on; a played run goes on."""
        with self.lock:
            cluster = self.cluster
            if cluster is not None and cluster.running:
                if cluster.paused and self.stepper is None:
                    self._take_over(cluster)
                elif not cluster.paused and self.stepper is not None:
                    self._let_go(cluster)
            self._play()

    def _take_over(self, cluster: Cluster) -> None:
        self.stepper = cluster.stepper()
        self.stepper.quiet = self.stepped_quietly
        self.told = self.stepper.moment
        self.changes += 1

    def _let_go(self, cluster: Cluster) -> None:
        """Time goes by again: what happened in the branch that goes on is known already."""
        with cluster.look() as world:
            self.seen = world.trace.count
        stepper, self.stepper = self.stepper, None
        self.changes += 1
        if stepper is not None:
            left = [branch.name for branch in stepper.branches if branch is not stepper.branch]
            self.book.leave(stepper)
            if stepper.moment is not stepper.origin or len(left) > 1:
                self.lines.append(f"time goes on in “{stepper.branch.name}”, after event {stepper.moment.count:,}")

    def _now(self) -> Stepper:
        """Return the stepper. Raises NotNow if threads choose."""
        self.follow()
        if self.stepper is None or self.playing is not None:
            raise NotNow("time goes by: pause first")
        return self.stepper

    def _changeable(self) -> Stepper:
        stepper = self._now()
        if self.view:
            raise NotNow("this is a recording: it can be looked at, not changed")
        return stepper

    def _alive(self) -> Cluster:
        cluster = self.cluster
        if cluster is None:
            raise Stopped("the cluster is stopped: make a new one")
        return cluster

    @property
    def _live_cluster(self) -> Cluster | None:
        """The cluster, if its threads choose at this moment."""
        self.follow()
        return self._alive() if self.reference is not None and self.stepper is None else None

    # Time --------------------------------------------------------------------------------------------------

    @_held
    def pause(self) -> None:
        """Let time stand still, between two events."""
        reason = self.why_not_pause()
        if reason is not None:
            raise NotNow(reason)
        if self.reference is None:
            self.playing = None
            return
        cluster = self._alive()
        cluster.pause()
        self._take_over(cluster)

    @_held
    def resume(self) -> None:
        """Let time go by again, from the moment at which one stands.

        Calls of a branch that is left end with Abandoned. Raises ValueError where a cluster on a file cannot go on.
        """
        reason = self.why_not_resume()
        if reason is not None:
            raise NotNow(reason)
        stepper = self._now()
        if self.reference is None:
            self.playing = (time.monotonic(), stepper.world.trace.now)
            return
        cluster = self._alive()
        cluster.resume(stepper)
        self._let_go(cluster)

    def why_not_pause(self) -> str | None:
        """Return why time cannot be stopped, None if it can."""
        if self.view:
            return "this is a recording: it stands still"
        return None if self.mode == LIVE else "time stands still already"

    def why_not_resume(self) -> str | None:
        """Return why time cannot go on, None if it can."""
        if self.view:
            return "this is a recording: step through it"
        return "time goes by already" if self.mode == LIVE else None

    def why_not_step(self) -> str | None:
        """Return why no step can be made, None if one can."""
        if self.mode == LIVE or self.stepper is None:
            return "time goes by: pause first"
        if self.view:
            return self.stepper.why_not_forward() and "this is the end of the recording"
        if self.stepper.why_not_forward() is None or self.stepper.next() is not None:
            return None
        return "nothing is due: no message flies and no timer runs"

    @_held
    def step(self) -> str:
        """Let the next thing happen that is due; return it in words."""
        stepper = self._now()
        beat = self._next_beat(stepper)
        if beat is not None:
            stepper.goto(beat)
        elif self.view:
            stepper.forward()
        else:
            stepper.step()
        return self.did()

    @_held
    def round(self) -> str:
        """Let the next thing happen, and all messages of its kind that fly; return the last in words."""
        stepper = self._now()
        stepper.forward() if self.view else stepper.round()
        return self.did()

    @_held
    def decision(self) -> str:
        """Step until a block is decided; return the last event in words."""
        stepper = self._now()
        if self.view:
            raise NotNow("this is a recording: step through it")
        if stepper.decision() is None:
            self.lines.append("nothing was decided within five seconds: has anybody asked for something?")
        return self.did()

    @_held
    def back(self) -> str:
        """Go back to before the last thing that happened; return what happened last then.

        Who leaves a scene by a choice of her own, and takes that back, stands in the scene again.
        """
        stepper = self._now()
        earlier = [number for number in (0, *self.beats) if number < stepper.moment.number]
        if self.beats and stepper.branch is stepper.trunk and stepper.moment.number <= max(self.beats) and earlier:
            stepper.goto(max(earlier))
        else:
            stepper.back()
            branch = stepper.branch
            if self.beats and branch.base is stepper.moment and branch.parent is not None:
                stepper.goto(stepper.moment.number, branch.parent.number)
            elif self.beats and branch is stepper.trunk and stepper.moment.number < max(self.beats):
                stepper.goto(max(self.beats))  # one key too many led past the scene's end
        return self.did()

    @_held
    def forward(self) -> str:
        """Go forward again on this branch; return what happened."""
        stepper = self._now()
        beat = self._next_beat(stepper)
        if beat is None:
            stepper.forward()
        else:
            stepper.goto(beat)
        return self.did()

    def _next_beat(self, stepper: Stepper) -> int | None:
        """Return the next moment of a scene that has words, while one is on its way."""
        if stepper.branch is not stepper.trunk:
            return None
        return next((number for number in sorted(self.beats) if number > stepper.moment.number), None)

    @_held
    def goto(self, moment: int | None = None, branch: int | None = None, event: int | None = None) -> None:
        """Go to a moment by its number, or to the one right before an event."""
        stepper = self._now()
        if event is None:
            stepper.goto(0 if moment is None else moment, branch)
        else:
            stepper.goto(stepper.branch.after(event).number - 1)

    @_held
    def what_if(self, event: int) -> None:
        """Go to the moment before an event, on a new branch."""
        self._changeable().what_if(event)

    @_held
    def again(self) -> None:
        """Go to the first moment, on the first branch: a scene from its start."""
        stepper = self._now()
        stepper.goto(0, stepper.trunk.number)

    @_held
    def rename(self, branch: int, name: str) -> None:
        """Give a branch a name."""
        self._now().rename(branch, name)

    @_held
    def quiet(self, on: bool) -> None:
        """Step over heartbeats and idle timers (True), or make each of them a step."""
        self.stepped_quietly = on
        if self.stepper is not None:
            self.stepper.quiet = on

    @_held
    def set_hop(self, seconds: float) -> None:
        """Let a message take so many seconds on average."""
        if self.reference is not None:
            self._alive().latency = seconds
            return
        if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 <= seconds <= SLOWEST:
            raise ValueError(f"hop: expected seconds from 0 to {SLOWEST:g}, got {seconds!r}")
        if self.playing is not None and self.stepper is not None:
            self.playing = (time.monotonic(), self.clock())
        self.hop = max(FASTEST, float(seconds))

    @_held
    def speed(self, factor: float) -> None:
        """Let time go by so many times as fast."""
        if isinstance(factor, bool) or not isinstance(factor, (int, float)) or not 0.01 <= factor <= 100:
            raise ValueError(f"speed: expected a factor from 0.01 to 100, got {factor!r}")
        hop = self.seconds_a_hop() / factor
        if self.reference is not None and factor > 1 and hop < FASTEST:
            hop = 0.0  # as fast as it goes
        elif self.reference is not None and self.seconds_a_hop() == 0.0 and factor < 1:
            hop = 0.05
        self.set_hop(min(SLOWEST, hop))

    def seconds_a_hop(self) -> float:
        """Return how many seconds a message takes on average."""
        return self._alive().latency if self.reference is not None else self.hop

    def clock(self) -> float:
        """Return the world's time, in milliseconds."""
        if self.playing is not None:
            since, begun = self.playing
            return begun + (time.monotonic() - since) * self.pace()
        if self.stepper is not None:
            return self.stepper.world.trace.now
        return self._alive().now()

    def pace(self) -> float:
        """Return how many milliseconds of the world go by in a real one; 0 while it stands still."""
        if self.playing is not None:
            return HOP / (self.hop * 1_000.0) * 1_000.0
        return 0.0 if self.stepper is not None else self._alive().speed

    def _play(self) -> None:
        """Let happen what is due in a run that is played."""
        if self.playing is None or self.stepper is None:
            return
        stepper, now, quiet = self.stepper, self.clock(), self.stepper.quiet
        stepper.quiet = False
        try:
            for _ in range(MOST_AT_ONCE):
                at = stepper.due_next()
                if at is None or at > now:
                    return
                stepper.step()
                self.changes += 1
            self.playing = (time.monotonic(), stepper.world.trace.now)
        except ValueError as error:
            self.playing = None
            self.lines.append(str(error))
        finally:
            stepper.quiet = quiet

    # Choosing ----------------------------------------------------------------------------------------------

    @_held
    def choose(self, choice: Choice | Mapping[str, Any]) -> str:
        """Let a choice happen: a Choice, its JSON, or what a click meant; return what happened in words."""
        stepper = self._changeable()
        stepper.choose(choice if isinstance(choice, Choice) else meant(stepper.world, choice)).by_hand = True
        return self.did()

    @_held
    def deliver(self, flight: Flight, crash: str | None = None) -> str:
        """Bring a message to its node now, which may crash before its save, or after it."""
        stepper = self._changeable()
        return self.choose(named(stepper.world, "deliver", flight, crash))

    @_held
    def drop(self, flight: Flight) -> str:
        """Lose a message."""
        cluster = self._live_cluster
        if cluster is not None:
            cluster.drop(flight.number)
            return ""
        return self.choose(named(self._changeable().world, "drop", flight))

    @_held
    def duplicate(self, flight: Flight) -> str:
        """Send a second copy of a message on its way."""
        cluster = self._live_cluster
        if cluster is not None:
            cluster.duplicate(flight.number)
            return ""
        return self.choose(named(self._changeable().world, "duplicate", flight))

    @_held
    def hold(self, number: int) -> None:
        """Let a message wait: steps pass it by."""
        stepper = self._changeable()
        stepper.hold(_flight(stepper.world, number))

    @_held
    def release(self, number: int) -> None:
        """Let a message that is held be due again."""
        stepper = self._changeable()
        stepper.release(_flight(stepper.world, number))

    @_held
    def fire(self, node: Name, timer: str | None = None) -> str:
        """Let a timer of a node ring: the one of that name, or the only one."""
        stepper = self._changeable()
        running = [message for name, message in stepper.world.timers if name == node]
        fitting = [message for message in running if timer in (None, say(message), type(message).__name__)]
        if len(fitting) != 1:
            there = ", ".join(map(say, running)) or "none"
            raise ValueError(f"fire: expected one of the timers of {title(node)} ({there}), got {timer!r}")
        return self.choose(Choice("fire", node, what=fitting[0]))

    @_held
    def fail(self, server: int, disk: str = KEPT) -> None:
        """Crash a server; `disk` is "kept", "last save lost" or "lost"."""
        cluster = self._live_cluster
        if cluster is not None:
            cluster.fail_process(server, disk)
        else:
            self._changeable().choose(Choice("crash", server, disk=disk))

    @_held
    def restart(self, server: int) -> None:
        """Begin a server's next life, from what is left of its disk."""
        cluster = self._live_cluster
        if cluster is not None:
            cluster.restart_process(server)
        else:
            self._changeable().choose(Choice("restart", server))

    @_held
    def cut(self, a: Name, b: Name, both: bool = True) -> None:
        """Cut the link from `a` to `b`, and with `both` the one back too."""
        self._set_link("cut", a, b, both)

    @_held
    def mend(self, a: Name, b: Name, both: bool = True) -> None:
        """Mend the link from `a` to `b`, and with `both` the one back too."""
        self._set_link("mend", a, b, both)

    def _set_link(self, kind: str, a: Name, b: Name, both: bool) -> None:
        cluster = self._live_cluster
        if cluster is not None:
            (cluster.fail_link if kind == "cut" else cluster.fix_link)(a, b, both=both)
            return
        stepper = self._changeable()
        choices = [Choice(kind, b, a), Choice(kind, a, b)][: 1 + both]
        reasons = [stepper.why_not(choice) for choice in choices]
        if None not in reasons:
            raise ValueError(reasons[0])
        for choice, reason in zip(choices, reasons):
            if reason is None:
                stepper.choose(choice)

    @_held
    def heal(self) -> None:
        """Mend every link, and restart every server that is down and may come back."""
        cluster = self._live_cluster
        if cluster is not None:
            cluster.heal()
            return
        stepper = self._changeable()
        choices = [Choice("mend", b, a) for a, b in sorted(stepper.world.cut, key=repr)]
        for choice in choices + [Choice("restart", server) for server in stepper.world.servers]:
            if stepper.why_not(choice) is None:
                stepper.choose(choice)

    @_held
    def link(self, a: Name, b: Name, loss: float | None = None, delay: float | None = None) -> None:
        """Let the link from `a` to `b` lose a share of its messages, or be so many times slower."""
        if self.reference is not None:
            self._alive().set_link_quality(a, b, loss=loss, delay=delay, both=False)
        else:
            set_quality(self.quality, self._changeable().world, a, b, loss, delay)

    @_held
    def ask(self, operation: Operation, client: int = 1, timeout: float = 5.0) -> Future[Any]:
        """Let a client ask; return a future for the answer."""
        cluster = self._live_cluster
        if cluster is not None:
            if isinstance(operation, Put):
                return cluster.put_async(parse(operation.key), parse(operation.value), client=client, timeout=timeout)
            return cluster.get_async(parse(operation.key), client=client, timeout=timeout)
        stepper = self._changeable()
        if self.reference is not None:
            return self._alive().ask_in(stepper, operation, client=client, timeout=timeout)
        future: Future[Any] = Future()
        stepper.ask(f"client {client}", operation, 0, lambda fact: _answer(future, operation, fact))
        return future

    # Looking -----------------------------------------------------------------------------------------------

    @contextmanager
    def look(self) -> Iterator[World]:
        """Look at the world as it is shown: keep it short, change nothing."""
        with self.lock:
            stepper, cluster = self.stepper, self.cluster
            if stepper is not None:
                yield stepper.world
            elif cluster is not None:
                with cluster.look() as world:
                    yield world
            else:
                raise Stopped("the cluster is stopped: make a new one")

    def due(self) -> dict[int, tuple[float, float]]:
        """Return when each message that is drawn was sent and is due."""
        if self.stepper is not None:
            return self.stepper.flying()
        return dict(self._alive().due)

    def link_quality(self) -> Mapping[tuple[Name, Name], tuple[float, float]]:
        """Return the links that lose messages or are slow."""
        return self._alive().link_quality if self.reference is not None else self.quality

    def held(self) -> set[int]:
        """Return the numbers of the messages that are held back."""
        return set() if self.stepper is None else set(self.stepper.held) & set(self.stepper.world.flying)

    def shows_quiet(self) -> bool:
        """Say whether heartbeats count as steps, and so are drawn."""
        return not self.stepped_quietly

    def errors(self) -> list[str]:
        """Return what learners' handlers raised, in lines."""
        errors = list(self.cluster.errors) if self.cluster is not None else []
        return errors + (self.stepper.errors if self.stepper is not None else [])

    def highest(self) -> int:
        """Return how many blocks the longest chain has."""
        with self.look() as world:
            return max((world.chain(server).height for server in world.servers), default=0)

    @_held
    def look_again(self) -> None:
        """Somebody wants to see something else: what is shown is not what was sent."""

    def judged(self) -> Any:
        """Return what the verdict is made of: the claims that judge, and those that fell."""
        if self.stepper is None:
            cluster = self._alive()
            with cluster.look() as world:
                return SimpleNamespace(claims=list(world.claims), violations=list(world.violations))
        names = self.stepper.names if self.stepper.judged else []
        claims = [SimpleNamespace(name=name) for name in names]
        return SimpleNamespace(claims=claims, violations=self.stepper.violations)

    def events(self, most: int = 1_000) -> list[Event]:
        """Return the newest events on the way to what is shown."""
        if self.stepper is not None:
            return self.stepper.events(most)
        with self._alive().look() as world:
            return world.trace.since(max(0, world.trace.count - most), most)

    def newest(self, most: int) -> Trace:
        """Return the end of the trace: about so many choices on the way to what is shown, and what followed."""
        if self.stepper is not None:
            return self.stepper.newest(most)
        with self._alive().look() as world:
            trace = Trace(len(world.servers))
            trace.records.extendleft(itertools.islice(reversed(world.trace.records), most))
            trace.count = world.trace.count
            return trace

    def trace(self) -> Trace:
        """Return what happened on the way to what is shown, as far back as it is remembered."""
        return self.stepper.trace() if self.stepper is not None else self._alive().trace

    def read(self) -> tuple[list[Event], bool]:
        """Return the events since the last reading, and whether they follow upon it (False: time was turned)."""
        with self.lock:
            if self.stepper is None:
                events, seen = self._alive().events_since(self.seen), self.seen
                self.seen = events[-1].n if events else self.seen
                self.book.read(events)
                if events and events[0].n > seen + 1:  # a busy cluster: some were never read
                    with self.look() as world:
                        self.book.close_what_is_done(world)
                return events, True
            events, follows = self._read_moments(self.stepper)
            if follows:
                self.book.read(events)
            else:
                self.book.begin_anew(self.stepper)
            return events, follows

    def _read_moments(self, stepper: Stepper) -> tuple[list[Event], bool]:
        told, self.told = self.told, stepper.moment
        trace, moment = Trace(), stepper.moment
        while moment is not told and moment.parent is not None and moment.number > (told.number if told else 0):
            trace.records.extendleft(reversed(moment.records))
            moment = moment.parent
        follows = moment is told or (told is None and moment.parent is None)
        return (list(trace), True) if follows else ([], False)

    def did(self) -> str:
        """Say what happened last; in a scene, tell it."""
        stepper = self.stepper
        if stepper is None:
            return ""
        if stepper.branch is stepper.trunk and stepper.moment.number in self.beats:
            return self.beats[stepper.moment.number]
        return str(stepper.moment)

    def coming(self) -> str:
        """Say what a step would do."""
        stepper = self.stepper
        if stepper is None or self.playing is not None:
            return ""
        beat = self._next_beat(stepper)
        if beat is not None:
            return self.beats[beat]
        if self.view and stepper.why_not_forward() is not None:
            return ""
        return stepper.foresee() or ""

    def time(self) -> dict[str, Any]:
        """Return where in time this is, for the picture: small, and equal while nothing changes."""
        stepper, mode = self.stepper, self.mode
        if stepper is None:
            return {"mode": mode, "quiet": not self.stepped_quietly, "can": self._can(), "did": "", "next": ""}
        branches = [
            {"id": branch.number, "name": branch.name, "parent": branch.parent.number if branch.parent else None,
             "at": branch.base.number if branch.base else 0, "length": branch.tip.number}
            for branch in stepper.branches
        ]  # fmt: skip
        first = stepper.branch.moment(0).count
        return {
            "mode": mode, "moment": stepper.moment.number, "count": stepper.branch.tip.number,
            "branch": stepper.branch.number, "branches": branches, "quiet": not stepper.quiet, "can": self._can(),
            "did": "" if mode == LIVE else self.did(), "next": self.coming(),
            "checkpoint": 0 if stepper.birth else first + 1, **self._finding(stepper),
        }  # fmt: skip

    def _finding(self, stepper: Stepper) -> dict[str, str]:
        """Return what somebody found in this story, once it is told to its end; a claim that fell says so itself."""
        story = stepper.begin
        if isinstance(story, Story) and story.says and not story.claim and stepper.moment is stepper.origin:
            return {"found": story.says}
        return {}

    def _can(self) -> dict[str, str]:
        """Return why ways through time make no sense now; those that do are left out."""
        return {way: reason for way, reason in self._reasons().items() if reason is not None}

    def _reasons(self) -> dict[str, str | None]:
        live = None if self.mode != LIVE else "time goes by: pause first"
        stepper = self.stepper
        if stepper is None or live is not None:
            ways = dict.fromkeys(("step", "round", "decision", "back", "forward", "again"), live)
            return ways | {"pause": self.why_not_pause(), "resume": self.why_not_resume()}
        step = self.why_not_step()
        return {
            "step": step, "round": step, "decision": "this is a recording" if self.view else step,
            "back": stepper.why_not_back(), "forward": stepper.why_not_forward(),
            "again": None if stepper.moment.parent is not None else "this is the beginning",
            "pause": self.why_not_pause(), "resume": self.why_not_resume(),
        }  # fmt: skip

    # Taking it elsewhere -----------------------------------------------------------------------------------

    @_held
    def story(self) -> Story:
        """Return the story that leads to what is shown. Raises StoryError if its beginning is forgotten."""
        cluster = self._live_cluster
        if cluster is None:
            assert self.stepper is not None
            return story_of(self.stepper)
        stepper = cluster.stepper()
        try:
            return story_of(stepper)
        finally:
            cluster.resume()

    @_held
    def recording(self, newest: int | None = None) -> Recording:
        """Return the way to what is shown: where it begins, and every event since; or its end (see `Stepper`)."""
        if self.stepper is not None:
            return self.stepper.recording(newest)
        cluster = self._alive()
        if newest is None:
            return cluster.recording()
        stepper = cluster.stepper()
        cluster.resume()
        return stepper.recording(newest)


def _stepper(subject: Simulator | Story | Trace | Stepper, classes: Mapping[str, type[Node]] | None) -> Stepper:
    if isinstance(subject, Stepper):
        return subject
    if isinstance(subject, Simulator):
        return stepper_of_simulator(subject)
    return stepper_of_story(subject, classes) if isinstance(subject, Story) else stepper_of_trace(subject)


def _flight(world: World, number: int) -> Flight:
    flight = world.flying.get(number)
    if flight is None:
        raise ValueError(f"this message is no longer in flight (number {number!r:.20})")
    return flight


def _answer(future: Future[Any], operation: Operation, fact: Answered | GaveUp) -> None:
    """Give the answer that a step brought, in a world that is no cluster's."""
    with suppress(InvalidStateError):
        if isinstance(fact, GaveUp):
            words = " ".join(operation.words)
            future.set_exception(NoMajority(f"{words}: no answer in time; it may still take effect"))
        elif isinstance(operation, Get) and fact.answer is not None:
            future.set_result(parse(fact.answer))
        else:
            future.set_result(None)


__all__ = ["Abandoned", "NotNow", "Session"]
