"""Threads choose: a live cluster, one thread a server, answering real gets and puts.

Each server's thread takes the next message from its inbox and runs the handler without the world's lock (mining on one
server must not stop the others); the effects are applied, numbered and written down under it. So the trace orders
everything, and a recording of it replays, choice by choice, with no difference.

Clients have no thread: their handlers are short, and run where the answer arrives.
"""

from __future__ import annotations

import contextlib
import gc
import math
import sys
import threading
import time
import traceback
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import contextmanager
from functools import lru_cache, partial
from pathlib import Path
from queue import Empty, SimpleQueue
from random import Random
from typing import Any, NamedTuple

from paxoskit.claims.claim import Claim, Violation
from paxoskit.claims.safety import safety_claims
from paxoskit.protocol.client import Client
from paxoskit.protocol.literals import parse, show
from paxoskit.protocol.messages import Answered, Ask, Asks, GaveUp, Get, Operation, Put
from paxoskit.protocol.node import Effect, Node, snapshot, title
from paxoskit.protocol.plain import Name
from paxoskit.protocol.server import Server
from paxoskit.protocol.store import Store
from paxoskit.trace import Event, Trace
from paxoskit.worlds.choice import BEFORE, KEPT
from paxoskit.worlds.clock import Clock
from paxoskit.worlds.recording import Recording
from paxoskit.worlds.stepper import Abandoned, Stepper
from paxoskit.worlds.storage import FileStorage, StorageError
from paxoskit.worlds.world import MOST_CLIENTS, Flight, Timer, World, check_count

HOP = 40.0
"""World milliseconds that a message takes on average, when messages take time at all."""

_AS_USUAL = (0.0, 1.0)  # a link that loses nothing and is not slow

KEEP = 75_000
"""A live cluster remembers about so many events: never more than this and a checkpoint's worth, 100,000 in all."""

HOLD = 0.0005
"""Seconds without a message after which a server waits no longer for the next requests of callers it answered."""

CHECKPOINT = 25_000
"""A recording begins at a checkpoint; one is made every so many events."""


class NoMajority(TimeoutError):
    """No answer came in time; whether the request takes effect later is unknown. The message says what is missing."""


class NoWayBack(RuntimeError):
    """A server keeps what cannot be copied, so that there is no way back to what it was."""


class Stopped(RuntimeError):
    """The cluster was stopped."""


class Paused(RuntimeError):
    """The cluster is paused: a call that waits would wait forever."""


class _Answer:
    """A future for one caller who waits at once: half the price, without lists of waiters and callbacks."""

    def __init__(self) -> None:
        self.arrived = threading.Lock()
        self.arrived.acquire()
        self.value: Any = None
        self.error: Exception | None = None

    def set_result(self, value: Any) -> None:
        """Let the caller go on."""
        self.value = value
        self.arrived.release()

    def set_exception(self, error: Exception) -> None:
        """Let the caller fail."""
        self.error = error
        self.arrived.release()

    def wait(self, seconds: float) -> bool:
        """Wait, and say whether the answer arrived."""
        return self.arrived.acquire(timeout=seconds)

    def result(self) -> Any:
        """Return the answer, or raise the error."""
        if self.error is not None:
            raise self.error
        return self.value


class _Call(NamedTuple):
    """A caller who waits."""

    client: str
    operation: Operation
    patience: int
    default: Any
    answer: Future[Any] | _Answer


class Cluster:
    """A live cluster of `servers` servers (a number, or a list of classes) and `clients` clients.

    `latency`: seconds that a message takes on average; 0 means as fast as it goes. Timers stretch with it.
    `loss`: the share of messages that are lost, 0 to 1. `difficulty`: of the nonce, 1 to 6.
    `storage`: None (memory), or the path of a file in which the disks outlive the process.
    `claims`: True to let every safety claim watch, False for none, or claims. `seed`: for loss and waiting times.

    >>> with Cluster(3) as cluster:
    ...     cluster.put("x", [1, 2])
    ...     cluster.get("x")
    [1, 2]

    Raises ValueError for arguments that make no cluster, StorageError for a file that cannot be used.
    """

    def __init__(
        self,
        servers: int | Sequence[type[Node]] = 5,
        clients: int = 1,
        *,
        server: type[Node] = Server,
        latency: float = 0.0,
        loss: float = 0.0,
        difficulty: int = 1,
        storage: str | Path | None = None,
        claims: bool | Iterable[Claim] = True,
        seed: int | None = None,
    ) -> None:
        check_count("clients", clients, 1, MOST_CLIENTS)
        self._running = False
        _collect_garbage_less_often()
        _check_latency(latency)
        self._loss = _check_share("loss", loss)
        watching = (safety_claims() if claims else ()) if isinstance(claims, bool) else claims
        self._storage: FileStorage | None = None
        disks: dict[Name, Any] = {}
        if storage is not None:
            classes = list(World(servers, server=server, clients=0, difficulty=difficulty).classes.values())
            self._storage = FileStorage(storage, classes, difficulty)
            disks = self._storage.disks
        self._world = World(
            servers, server=server, clients=clients, difficulty=difficulty, claims=watching, disks=disks,
            incarnation=self._storage.incarnation if self._storage else 1,
        )  # fmt: skip
        self._lock = threading.Lock()
        self._gates = {name: threading.Lock() for name in self._world.servers}
        self._inboxes: dict[Name, SimpleQueue[Any]] = {name: SimpleQueue() for name in self._world.servers}
        self._calls: dict[str, _Call] = {}  # by session
        self._outbox: SimpleQueue[Any] = SimpleQueue()
        self._late: list[_Call] = []  # asked right before a pause, to be sent after it
        self._dice = Random(seed)
        self._quality: dict[tuple[Name, Name], tuple[float, float]] = {}  # loss and slowness, where not as usual
        self._stepper: weakref.ref[Stepper] | None = None  # who has the world in hand while the cluster is paused
        self._latency = latency
        self._paused = False
        self._judging = 0.0  # when claims may next be copied into a checkpoint: copying must stay cheap
        self._checkpoints = [self._checkpoint()]
        self._next_checkpoint = CHECKPOINT
        self._born = self._world.trace.count
        self._seed = 0 if seed is None else seed
        self.due: dict[int, tuple[float, float]] = {}
        self.errors: list[str] = []
        self._no_way_back = ""  # why the checkpoints are worth nothing
        ring = _weakly(self, "_ring")
        self._clock = Clock(ring, _speed(latency))
        turn, resolve, ask = _weakly(self, "_turn"), _weakly(self, "_resolve"), _weakly(self, "_ask_later")
        self._threads = [
            _thread(f"server {name}", _serve, turn, resolve, name, self._inboxes, self._gates[name])
            for name in self._world.servers
        ]
        self._threads.append(_thread("clients", _collect, ask, self._outbox))
        queues = [*self._inboxes.values(), self._outbox]
        self._finalizer = weakref.finalize(self, _end, self._clock, queues, self._storage)
        self._running = True
        if self._storage is not None:
            for name in self._world.servers:
                self._storage.save(name, self._world.disks[name])
        with self._changing():
            pass
        for thread in [*self._threads, self._clock.thread]:
            thread.start()

    # Asking ------------------------------------------------------------------------------------------------

    def put(self, key: Any, value: Any, *, client: int = 1, timeout: float = 5.0) -> None:
        """Let `key` have `value`, any Python literals, and wait until it is decided.

        `timeout` in seconds of the world's clock at full speed, kept to about a quarter of a second. Raises NoMajority
        when it ends, LiteralError for what is no literal, Paused and Stopped.
        """
        self._ask_and_wait(self._call(client, Put(show(key), show(value)), timeout, answer=_Answer()))

    def get(self, key: Any, *, client: int = 1, timeout: float = 5.0, default: Any = None) -> Any:
        """Return the value of `key`, or `default` if it was never put. It goes through the chain like a put."""
        return self._ask_and_wait(self._call(client, Get(show(key)), timeout, default, answer=_Answer()))

    def put_async(self, key: Any, value: Any, *, client: int = 1, timeout: float = 5.0) -> Future[None]:
        """Ask for a put, and return at once a future for it; what is asked at the same moment travels together."""
        future: Future[None] = Future()
        self._outbox.put(self._call(client, Put(show(key), show(value)), timeout, answer=future))
        return future

    def get_async(self, key: Any, *, client: int = 1, timeout: float = 5.0, default: Any = None) -> Future[Any]:
        """Ask for a get, and return at once a future for its value."""
        future: Future[Any] = Future()
        self._outbox.put(self._call(client, Get(show(key)), timeout, default, answer=future))
        return future

    def _call(
        self, client: int, operation: Operation, timeout: float, default: Any = None, *, answer: Future[Any] | _Answer
    ) -> _Call:
        self._check_client(client)
        self._check_live()
        return _Call(f"client {client}", operation, _patience(timeout), default, answer)

    def _ask(self, calls: list[_Call]) -> None:
        """Let clients ask; those of one client travel in one message."""
        by_client: dict[str, list[_Call]] = {}
        for call in calls:
            by_client.setdefault(call.client, []).append(call)
        with self._lock:
            self._check_live()
            world = self._world
            world.trace.now = self._clock.now()
            for client, mine in by_client.items():
                asks = []
                for session, call in zip(world.sessions(client, len(mine)), mine):
                    self._calls[session] = call
                    asks.append(Ask(session, call.operation, call.patience))
                world.ask(client, Asks(tuple(asks)) if len(asks) > 1 else asks[0])
            done = self._dispatch()
        self._resolve(done)

    def _ask_later(self, calls: list[_Call]) -> None:
        """On the callers' own thread: ask what was put into the outbox; what a pause outran is asked after it."""
        try:
            self._ask(calls)
        except Paused:
            with self._lock:
                if self._paused:
                    self._late += calls
                    return
            self._ask_later(calls)
        except Stopped as error:
            for call in calls:
                call.answer.set_exception(error)

    def _ask_and_wait(self, call: _Call) -> Any:
        """Ask, and wait for the answer; a pause ends the wait, for nothing else would."""
        self._ask([call])
        while not call.answer.wait(1.0):  # type: ignore[union-attr]
            if self._paused:
                raise Paused("the cluster was paused while this call waited: it goes on after resume()")
        return call.answer.result()

    def client(self, number: int | None = None, *, at: Sequence[int] | None = None) -> ClientHandle:
        """Return client `number`, or a new client; with `at`, one that can ask only these servers."""
        if number is not None:
            check_count("number", number, 1, len(self._world.clients))
            if at is not None:
                raise ValueError(f"client: expected a number or `at`, got both ({number} and {at})")
            return ClientHandle(self, number)
        for name in at or ():
            self._check_server(name)
        with self._changing():
            check_count("clients", len(self._world.clients) + 1, 1, MOST_CLIENTS)
            self._world.add_client(at)
            return ClientHandle(self, len(self._world.clients))

    # Faults ------------------------------------------------------------------------------------------------

    def fail_process(self, server: int, disk: str = KEPT) -> None:
        """Crash a server; `disk` is "kept", "last save lost" or "lost". It is asked nothing."""
        self._check_server(server)
        with self._changing():
            self._world.crash(server, disk)
            if self._storage is not None and disk != KEPT:
                self._storage.save(server, self._world.disk_for_restart(server))

    def restart_process(self, server: int) -> None:
        """Begin a server's next life, from what is left of its disk."""
        self._check_server(server)
        with self._changing():
            self._world.restart(server)

    def fail_link(self, a: Name, b: Name, *, both: bool = True) -> None:
        """Cut the link from `a` to `b`, and with `both` the one back too. A client is named "client 1"."""
        self._set_link(a, b, both, cut=True)

    def fix_link(self, a: Name, b: Name, *, both: bool = True) -> None:
        """Mend the link from `a` to `b`, and with `both` the one back too."""
        self._set_link(a, b, both, cut=False)

    def _set_link(self, a: Name, b: Name, both: bool, *, cut: bool) -> None:
        with self._changing():
            self._world.set_link(a, b, cut)
            if both:
                self._world.set_link(b, a, cut)

    def partition(self, *groups: Iterable[Name]) -> None:
        """Cut every link between servers (and clients) of different groups; mend those within a group.

        Who is in no group keeps all links. Raises ValueError for a name that is in two groups.
        """
        sides: dict[Name, int] = {}
        for number, group in enumerate(groups):
            for name in group:
                if name not in self._world.nodes:
                    raise ValueError(f"partition: expected servers' numbers or clients' names, got {name!r}")
                if name in sides:
                    raise ValueError(f"partition: {title(name)} is in two groups")
                sides[name] = number
        with self._changing():
            for a in sides:
                for b in sides:
                    cut = sides[a] != sides[b]
                    if a != b and cut != ((a, b) in self._world.cut):
                        self._world.set_link(a, b, cut)

    def heal(self) -> None:
        """Mend every link, and restart every server that is down and may come back."""
        with self._changing():
            for a, b in sorted(self._world.cut, key=repr):
                self._world.set_link(a, b, cut=False)
            for name in self._world.servers:
                if not self._world.is_up(name):
                    with contextlib.suppress(ValueError):
                        self._world.restart(name)

    @property
    def loss(self) -> float:
        """The share of messages that are lost."""
        return self._loss

    @loss.setter
    def loss(self, share: float) -> None:
        self._loss = _check_share("loss", share)
        stepper = self._stepper() if self._stepper is not None else None
        if stepper is not None:
            stepper.loss = self._loss

    def set_link_quality(
        self, a: Name, b: Name, *, loss: float | None = None, delay: float | None = None, both: bool = True
    ) -> None:
        """Let the link from `a` to `b` lose a share of its messages, 0 to 1, or take `delay` times as long, 0.1 to 100.

        What is None stays as it is; with `both`, the same holds for the way back. It is consulted when one sends, as a
        cut is; what becomes of each message is recorded like everything else.
        """
        with self._lock:
            for sender, receiver in [(a, b), (b, a)][: 1 + both]:
                set_quality(self._quality, self._world, sender, receiver, loss, delay)

    @property
    def link_quality(self) -> dict[tuple[Name, Name], tuple[float, float]]:
        """The links that are not as usual: from and to, with the share that they lose and how much slower they are."""
        with self._lock:
            return dict(self._quality)

    def drop(self, number: int) -> None:
        """Lose the message in flight that event `number` sent."""
        with self._changing():
            self._world.drop(self._flight(number))
            self.due.pop(number, None)

    def duplicate(self, number: int) -> None:
        """Send a second copy of the message in flight that event `number` sent on its way."""
        with self._changing():
            self._world.duplicate(self._flight(number))

    def _flight(self, number: int) -> Flight:
        flight = self._world.flying.get(number)
        if flight is None:
            raise ValueError(f"this message is no longer in flight (number {number!r:.20})")
        return flight

    # Time --------------------------------------------------------------------------------------------------

    @property
    def latency(self) -> float:
        """Seconds that a message takes on average; 0 means as fast as it goes. The world's clock stretches with it."""
        return self._latency

    @latency.setter
    def latency(self, seconds: float) -> None:
        _check_latency(seconds)
        with self._lock:
            self._latency = seconds
            self._clock.set(speed=_speed(seconds))

    @property
    def speed(self) -> float:
        """World milliseconds that go by in a real one."""
        return self._clock.speed

    def now(self) -> float:
        """World time in milliseconds."""
        return self._clock.now()

    @property
    def paused(self) -> bool:
        """Is the world standing still?"""
        return self._paused

    def pause(self) -> None:
        """Let running handlers end, then let nothing more happen; messages and timers stay where they are."""
        with self._lock:
            self._check_live()
            self._paused = True
            self._clock.set(still=True)
        for name in self._world.servers:
            self._gates[name].acquire()

    def stepper(self) -> Stepper:
        """Pause, and return a stepper: this world in your hands, with the way that it came, back to a checkpoint.

        While it lives, faults are made in it and not here; `resume(stepper)` goes on from where it stands, `resume()`
        from where the cluster was paused. Raises NoWayBack if a server keeps what cannot be copied: a lock, for
        instance.
        """
        self._check_way_back()
        if not self._paused:
            self.pause()
        with self._lock:
            if not self._running:
                raise Stopped("the cluster is stopped: make a new one")
            start, *kept = self._checkpoints
            world = self._world.fork()
            history = [record for record in self._world.trace.records if record[0] > start.trace.count]
            due = self._clock.due()
            if self._latency:  # what has arrived already waits in its server's inbox, and comes first
                due |= {number: world.trace.now for number in world.flying if number not in due}
            world.trace.now = self._clock.now()
            birth = start.trace.count == self._born and self._storage is None
            stepper = Stepper(world, start=start, history=history, kept=kept, due=due, birth=birth, seed=self._seed,
                              quality=self._quality)  # fmt: skip
            stepper.loss = self._loss
            self._stepper = weakref.ref(stepper)
            calls = list(self._calls.items())
        for session, call in calls:
            stepper.wait_for(session, partial(self._settle, call), partial(_abandon, call), call)
        return stepper

    def ask_in(
        self, stepper: Stepper, operation: Operation, *, client: int = 1, timeout: float = 5.0, default: Any = None
    ) -> Future[Any]:
        """Let a client ask in the world of a stepper; return a future for the answer, which a step will bring."""
        future: Future[Any] = Future()
        self._check_client(client)
        call = _Call(f"client {client}", operation, _patience(timeout), default, future)
        stepper.ask(call.client, operation, call.patience, partial(self._settle, call), partial(_abandon, call), call)
        return future

    def _settle(self, call: _Call, fact: Answered | GaveUp) -> None:
        """A step brought the answer to a call."""
        with contextlib.suppress(InvalidStateError, RuntimeError):
            self._give(call, fact)

    def resume(self, stepper: Stepper | None = None) -> None:
        """Go on after `pause`; with a stepper of this pause, from the moment at which it stands.

        Calls that were not asked on the way to that moment end with Abandoned. Raises ValueError for a moment to which
        a cluster on a file cannot go: its disks cannot be turned back, only forward.
        """
        if not self._paused:
            raise RuntimeError("resume: the cluster is not paused")
        if stepper is not None:
            self._go_on_from(stepper)
        elif self._stepper is not None and (mine := self._stepper()) is not None:
            mine.goto(mine.origin.number, mine.trunk.number)
            self._leave_branches(mine)
        self._stepper = None
        for name in self._world.servers:
            self._gates[name].release()
        with self._lock:
            self._paused = False
            self._clock.set(still=False)
            late, self._late = self._late, []
        for call in late:
            self._outbox.put(call)

    def _go_on_from(self, stepper: Stepper) -> None:
        """Let the world be the one that a stepper has in hand; every thread is held at its gate meanwhile."""
        if self._stepper is None or self._stepper() is not stepper:
            raise ValueError("resume: expected the stepper of this pause: make one with stepper()")
        if stepper.moment is not stepper.origin:
            if self._storage is not None and not stepper.on_the_way(stepper.origin):
                raise ValueError(
                    f"resume: the disks of this cluster are in {self._storage.path}, and a file cannot go back: this "
                    "branch stays in memory; go to the moment of the pause, or to one after it, and resume there"
                )
            due = stepper.due()
            world = stepper.hand_over()
            start = self._checkpoints[0].trace.count
            older = [record for record in self._world.trace.records if record[0] <= start]
            world.trace.records.extendleft(reversed(older))
            if self._storage is not None:
                for name in world.servers:
                    self._storage.save(name, world.disk_for_restart(name))
            with self._lock:
                self._replace_world(world, due, stepper.flying())
        self._leave_branches(stepper)

    def _replace_world(self, world: World, due: dict[int, float], flying: dict[int, tuple[float, float]]) -> None:
        """Under the lock: put another world in the place of this one, and all that is on its way in it."""
        branched = self._branched_after(world)
        self._world = world
        self._checkpoints = [kept for kept in self._checkpoints if kept.trace.count <= branched]
        self._next_checkpoint = max(self._checkpoints[-1].trace.count + CHECKPOINT, world.trace.count)
        for inbox in self._inboxes.values():
            while not inbox.empty():
                inbox.get()
        self._clock.begin_anew(world.trace.now)
        self.due = {}
        for timer in world.timers.values():
            self._clock.add(due[timer.number], timer)
        for flight in sorted(world.flying.values(), key=lambda flight: (due[flight.number], flight.number)):
            self.due[flight.number] = flying[flight.number]
            self._clock.add(due[flight.number], flight)

    def _branched_after(self, world: World) -> int:
        """Return the number of the last event that the present world and this one have in common."""
        common = world.trace.count
        for mine, other in zip(self._world.trace.records, world.trace.records):
            if mine is not other:
                return other[0] - 1
            common = mine[0]
        return max(common, self._checkpoints[0].trace.count)

    def _leave_branches(self, stepper: Stepper) -> None:
        """End the calls that were not asked on the way to the moment that goes on; keep the others waiting."""
        with self._lock:
            self._calls = {}
            for pending in stepper.pending:
                if stepper.on_the_way(pending.moment):
                    self._calls[pending.session] = pending.call
        for pending in stepper.pending:
            if not stepper.on_the_way(pending.moment) and not pending.settled:
                pending.abandon()

    def stop(self) -> None:
        """End all threads; calls that wait fail with Stopped. Stopping twice is fine."""
        if not self._running:
            return
        if self._paused:
            self.resume()
        with self._lock:
            self._running = False
        self._clock.end()
        for inbox in [*self._inboxes.values(), self._outbox]:
            inbox.put(None)
        deadline = time.monotonic() + 2.0
        for thread in [*self._threads, self._clock.thread]:
            if thread is not threading.current_thread():
                thread.join(max(0.0, deadline - time.monotonic()))
        for call in [*self._calls.values(), *_left(self._outbox)]:
            words = " ".join(call.operation.words)
            with contextlib.suppress(InvalidStateError):
                call.answer.set_exception(Stopped(f"the cluster was stopped before {words} was answered"))
        if self._storage is not None:
            self._storage.close()
        self._finalizer.detach()
        others = [thread for thread in self._threads if thread is not threading.current_thread()]
        late = [thread.name for thread in others if thread.is_alive()]
        if late:
            self.errors.append(f"{', '.join(late)}: still inside a handler 2 s after stop()")

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    # Looking in --------------------------------------------------------------------------------------------

    @property
    def running(self) -> bool:
        """Has the cluster not been stopped?"""
        return self._running

    @property
    def servers(self) -> tuple[int, ...]:
        """The servers' numbers."""
        return self._world.servers

    @property
    def trace(self) -> Trace:
        """The newest events (a copy)."""
        with self._lock:
            return self._world.trace.fork()

    @property
    def violations(self) -> list[Violation]:
        """The claims that fell so far: none, if the servers are right."""
        with self._lock:
            return list(self._world.violations)

    @contextmanager
    def look(self) -> Iterator[World]:
        """Look at the world while nothing is written down: keep it short, change nothing."""
        with self._lock:
            yield self._world

    def events_since(self, n: int) -> list[Event]:
        """Return the events after number `n`, oldest first; the newest thousand at most."""
        with self._lock:
            return self._world.trace.since(n)

    def leader(self) -> int | None:
        """Return the server that leads in the highest ballot, or None."""
        with self._lock:
            return next(iter(self._world.leaders()), None)

    def wait_for_leader(self, timeout: float = 5.0, besides: Iterable[int] = ()) -> int:
        """Return the leader (other than `besides`) as soon as there is one.

        Raises NoMajority after `timeout` seconds.
        """
        others = set(besides)
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            with self._lock:
                for name in self._world.leaders():
                    if name not in others:
                        return name
            time.sleep(0.005)
        raise NoMajority(f"no leader within {timeout} s: {self._why('client 1')}")

    def chain(self, server: int) -> list[Any]:
        """Return a server's decided blocks, oldest first."""
        self._check_server(server)
        with self._lock:
            chain = self._world.chain(server)
        return list(chain)

    def store(self, server: int) -> dict[str, str]:
        """Return a server's store, canonical text to canonical text (of its disk's chain, if it is down)."""
        return Store.fold(self.chain(server)).data

    def recording(self) -> Recording:
        """Return what happened since a checkpoint (the birth, unless it is longer ago than the trace remembers).

        Raises NoWayBack if a server keeps what cannot be copied: a lock, an open file, a generator.
        """
        self._check_way_back()
        with self._quiet(), self._lock:
            start = self._checkpoints[0]
            events = tuple(event for event in self._world.trace if event.n > start.trace.count)
            clients = {name: self._world.peers[name] for name in self._world.clients}
            return Recording(start, events, clients)

    # How it works ------------------------------------------------------------------------------------------

    @contextmanager
    def _quiet(self) -> Iterator[None]:
        """Let running handlers end, and hold the servers there."""
        if self._paused:
            yield
            return
        for name in self._world.servers:
            self._gates[name].acquire()
        try:
            yield
        finally:
            for name in self._world.servers:
                self._gates[name].release()

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Change the world under its lock, then let go what the change set free."""
        with self._lock:
            if not self._running:
                raise Stopped("the cluster is stopped: make a new one")
            if self._stepper is not None and self._stepper() is not None:
                raise Paused("the cluster is paused and its world is being stepped: change it there, or resume first")
            self._world.trace.now = self._clock.now()
            yield
            done = self._dispatch()
        self._resolve(done)

    def _turn(self, name: Name, item: Flight | Timer, mail: list[Flight]) -> list[Any]:
        """Run one handler on its server's thread, then apply its effects under the lock; return the calls done.

        What is to reach servers at once is added to `mail`: the thread puts it into their inboxes.
        """
        world = self._world
        node = world.nodes[name]
        if type(item) is Flight:
            sender, message, gone = item.sender, item.message, world.flying.get(item.number) is not item
        else:
            sender, message, gone = name, item.message, world.timers.get((name, item.message)) is not item
        if gone or not self._running:
            return []
        effects: list[Effect] = []
        try:
            if node is not None and name in world.shared:
                node = self._copied(name)
            if node is not None:
                effects = node.receive(sender, message)
                if self._storage is not None and vars(node.disk) != vars(world.disks[name]):
                    self._storage.save(name, snapshot(node.disk))
        except Exception as error:  # a learner's handler may raise anything; said, and the server is down
            return self._failed(name, node, item, error)
        with self._lock:
            world.trace.now = self._clock.now()
            if node is None or world.nodes[name] is not node:
                self._lose(item)
            elif type(item) is Flight:
                world.delivered(item, effects)
            elif world.timers.get((name, message)) is item:
                world.fired(item, effects)
            return self._dispatch(mail)

    def _copied(self, name: Name) -> Node | None:
        """Return the node of a server, which a checkpoint shares until now; None if it is down.

        What cannot be copied goes on itself: the checkpoint is worth nothing then, and nobody can go back.
        """
        with self._lock:
            world = self._world
            try:
                return world.awake(name) if world.is_up(name) else None
            except Exception as error:
                world.shared.discard(name)
                self._no_way_back = f"what {title(name)} keeps cannot be copied: {error}"
                return world.nodes[name]

    def _check_way_back(self) -> None:
        if self._no_way_back:
            raise NoWayBack(f"this cluster cannot be stepped or replayed: {self._no_way_back}")

    def _lose(self, item: Flight | Timer) -> None:
        if type(item) is Flight and item.number in self._world.flying:
            self.due.pop(item.number, None)
            self._world.drop(item)

    def _failed(self, name: Name, node: Node | None, item: Flight | Timer, error: Exception) -> list[Any]:
        """A handler raised: say so, and crash the server as it was before this turn."""
        with self._lock:
            world = self._world
            world.trace.now = self._clock.now()
            if world.nodes[name] is node and node is not None:
                if type(item) is Flight and item.number in world.flying:
                    world.deliver(item, BEFORE)
                else:
                    world.crash(name)
                says = f"{type(error).__name__}: {error}"
                if not isinstance(error, StorageError):
                    says += f" (in {_handler_of(error)})"
                self.errors.append(f"{title(name)} crashed: {says}")
                print(f"paxoskit: {self.errors[-1]}", file=sys.stderr)
            return self._dispatch()

    def _dispatch(self, mail: list[Flight] | None = None) -> list[Any]:
        """Under the lock: put what was set in motion on its way; return the calls that are done.

        What is for a server's inbox is added to `mail`, if there is such a list.
        """
        world, done = self._world, []
        while world.fresh:
            fresh, world.fresh = world.fresh, []
            for item in fresh:
                if type(item) is Flight:
                    self._send(item, mail)
                elif type(item) is Timer:
                    self._clock.add(world.trace.now + self._dice.uniform(item.low, item.high), item)
                else:
                    done.append((self._calls.pop(item.session, None), item))  # type: ignore[union-attr]
        if world.trace.count > self._next_checkpoint:
            self._next_checkpoint = world.trace.count + CHECKPOINT
            self._clock.add(0.0, None)
        return done

    def _send(self, flight: Flight, mail: list[Flight] | None) -> None:
        lossy, slow = self._quality.get((flight.sender, flight.receiver), _AS_USUAL) if self._quality else _AS_USUAL
        if (self._loss and self._dice.random() < self._loss) or (lossy and self._dice.random() < lossy):
            self._world.drop(flight)
        elif self._latency or slow > 1.0:
            now, hops = self._world.trace.now, slow if self._latency else slow - 1.0
            due = now + hops * self._dice.uniform(0.5 * HOP, 1.5 * HOP)
            self.due[flight.number] = (now, due)
            self._clock.add(due, flight)
        else:
            self._arrive(flight, mail)

    def _arrive(self, flight: Flight, mail: list[Flight] | None = None) -> None:
        inbox = self._inboxes.get(flight.receiver)
        if inbox is not None:
            if mail is None:
                inbox.put(flight)
            else:
                mail.append(flight)
        elif self._world.flying.get(flight.number) is flight:
            self._world.deliver(flight)

    def _ring(self, item: Flight | Timer | None) -> None:
        """On the clock's thread: something is due. None means a checkpoint."""
        if not self._running:
            return
        if item is None:
            self._make_checkpoint()
            return
        if isinstance(item, Timer):
            if self._world.timers.get((item.node, item.message)) is not item:
                return  # it was set anew since
            if item.node in self._inboxes:
                self._inboxes[item.node].put(item)
                return
        with self._lock:
            if self._paused:  # it was on its way to here when the pause began
                self._clock.add(self._clock.now(), item)
                return
            self._world.trace.now = self._clock.now()
            if isinstance(item, Flight):
                self.due.pop(item.number, None)
                self._arrive(item)
            elif self._world.timers.get((item.node, item.message)) is item:
                self._world.fire(item)
            done = self._dispatch()
        self._resolve(done)

    def _resolve(self, done: list[Any]) -> None:
        """Outside the lock: give callers their answers. A callback of theirs may call the cluster again."""
        for call, fact in done:
            if call is not None:
                with contextlib.suppress(InvalidStateError):  # the caller cancelled the future
                    self._give(call, fact)

    def _give(self, call: _Call, fact: Answered | GaveUp) -> None:
        if type(fact) is GaveUp:
            call.answer.set_exception(NoMajority(f"{' '.join(call.operation.words)}: {self._why(call.client)}"))
        elif type(call.operation) is Put:
            call.answer.set_result(None)
        else:
            call.answer.set_result(call.default if fact.answer is None else parse(fact.answer))  # type: ignore[union-attr]

    def _why(self, client: Name) -> str:
        """Say why no answer came."""
        with self._lock:
            up = [name for name in self._world.servers if self._world.is_up(name)]
            reached = self._world.majority_side(client)
        count, need = len(self._world.servers), len(self._world.servers) // 2 + 1
        if not reached:
            return (
                f"no majority: {len(up)} of {count} servers are up, and {need} are needed that are connected to one "
                f"another and to {client}"
            )
        return "no answer in time, though a majority is up and connected: it may still take effect"

    def _make_checkpoint(self) -> None:
        with self._quiet(), self._lock:
            if self._stepper is not None:  # a stepper relies on the checkpoints that it was given: later
                self._clock.add(self._clock.now(), None)
                return
            trace = self._world.trace
            self._checkpoints.append(self._checkpoint())
            oldest = trace.count - KEEP
            self._checkpoints = [world for world in self._checkpoints if world.trace.count >= oldest]
            trace.forget(self._checkpoints[0].trace.count + 1)

    def _checkpoint(self) -> World:
        """Return the world as it is now; with its claims, if copying them takes less than a hundredth of the time."""
        begun = time.monotonic()
        judged = begun >= self._judging
        world = self._world.fork(claims=judged)
        if judged:
            self._judging = begun + 100 * (time.monotonic() - begun)
        world.trace.records = deque()
        return world

    def _check_server(self, server: object) -> None:
        if type(server) is not int or server not in self._world.servers:
            raise ValueError(f"server: expected a number from 1 to {len(self._world.servers)}, got {server!r}")

    def _check_client(self, client: object) -> None:
        if type(client) is not int or not 1 <= client <= len(self._world.clients):
            raise ValueError(f"client: expected a number from 1 to {len(self._world.clients)}, got {client!r}")

    def _check_live(self) -> None:
        if not self._running:
            raise Stopped("the cluster is stopped: make a new one")
        if self._paused:
            raise Paused("the cluster is paused: resume() it first")


class ClientHandle:
    """One client of a cluster: the same four calls, asked in its name."""

    def __init__(self, cluster: Cluster, number: int) -> None:
        self.cluster = cluster
        self.number = number
        self.name = f"client {number}"

    def put(self, key: Any, value: Any, *, timeout: float = 5.0) -> None:
        """See Cluster.put."""
        self.cluster.put(key, value, client=self.number, timeout=timeout)

    def get(self, key: Any, *, timeout: float = 5.0, default: Any = None) -> Any:
        """See Cluster.get."""
        return self.cluster.get(key, client=self.number, timeout=timeout, default=default)

    def put_async(self, key: Any, value: Any, *, timeout: float = 5.0) -> Future[None]:
        """See Cluster.put_async."""
        return self.cluster.put_async(key, value, client=self.number, timeout=timeout)

    def get_async(self, key: Any, *, timeout: float = 5.0, default: Any = None) -> Future[Any]:
        """See Cluster.get_async."""
        return self.cluster.get_async(key, client=self.number, timeout=timeout, default=default)


def _thread(name: str, target: Callable[..., None], *arguments: Any) -> threading.Thread:
    return threading.Thread(target=target, args=arguments, name=f"paxoskit {name}", daemon=True)


def _serve(
    turn: Callable[..., Any], resolve: Callable[..., Any], name: Name, inboxes: dict[Name, SimpleQueue[Any]],
    gate: threading.Lock,
) -> None:  # fmt: skip
    """A server's thread: one turn after the other. Answers are given with the gate open: callers may call again.

    Who was answered often asks again at once. So what an answering turn also sends to servers waits for the next
    requests of those callers, until nothing comes for `HOLD`, and travels with what they cause: each server is woken
    once, not twice.
    """
    inbox, mail, awaited = inboxes[name], list[Flight](), 0
    while True:
        if mail and not awaited:
            for flight in mail:
                inboxes[flight.receiver].put(flight)
            mail.clear()
        try:
            item = inbox.get(timeout=HOLD if mail else None)
        except Empty:
            awaited = 0
            continue
        if item is None:
            return
        held = len(mail)
        with gate:
            done = turn(name, item, mail) or ()
        if done:
            resolve(done)
            awaited = len({call.client for call, _ in done if call is not None})
        elif len(mail) > held:
            awaited = 0
        elif awaited and type(item) is Flight and type(item.sender) is str:
            awaited -= 1


def _collect(ask: Callable[[list[_Call]], None], outbox: SimpleQueue[Any]) -> None:
    """Take what callers put into the outbox, all that is there, and ask it at once."""
    while (call := outbox.get()) is not None:
        calls = [call]
        while not outbox.empty() and len(calls) < 1_024:
            call = outbox.get()
            if call is None:
                break
            calls.append(call)
        ask(calls)
        if call is None:
            return


def _left(outbox: SimpleQueue[Any]) -> list[_Call]:
    """Return the calls that nobody took out any more."""
    calls = []
    while not outbox.empty():
        calls.append(outbox.get())
    return [call for call in calls if call is not None]


def _weakly(cluster: Cluster, method: str) -> Callable[..., Any]:
    """Return a call of a method that does not keep the cluster alive: its threads end when nobody else holds it."""
    reference = weakref.ref(cluster)

    def call(*arguments: Any) -> Any:
        alive = reference()
        return None if alive is None else getattr(alive, method)(*arguments)

    return call


def _end(clock: Clock, inboxes: list[SimpleQueue[Any]], storage: FileStorage | None) -> None:
    clock.end()
    for inbox in inboxes:
        inbox.put(None)
    if storage is not None:
        storage.close()


def _handler_of(error: Exception) -> str:
    """Return the handler in which an error was raised, the innermost one."""
    names = [frame.name for frame in traceback.extract_tb(error.__traceback__)]
    return next((name for name in reversed(names) if name.startswith("on_")), names[-1])


def _collect_garbage_less_often() -> None:
    """Let Python look for cyclic garbage every 10,000 new objects, not every 700.

    A cluster makes many objects that live long (its chain, its trace) and hardly any garbage in cycles: with Python's
    default a third of its time went into looking for some. See docs/decisions.md.
    """
    first, second, third = gc.get_threshold()
    if 0 < first < 10_000:
        gc.set_threshold(10_000, second, third)


def _abandon(call: _Call) -> None:
    """End a call that nobody asked in the branch that goes on."""
    words = " ".join(call.operation.words)
    with contextlib.suppress(InvalidStateError, RuntimeError):
        call.answer.set_exception(Abandoned(f"{words}: this was asked in a branch that was left"))


def _speed(latency: float) -> float:
    return HOP / (latency * 1_000.0) if latency else 1.0


@lru_cache(64)
def _patience(timeout: float) -> int:
    """Return how often a client looks at its clock in `timeout` seconds."""
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or not 0 < timeout < math.inf:
        raise ValueError(f"timeout: expected seconds above 0, got {timeout!r}")
    return max(1, round(timeout * 1_000 / (sum(Client.LOOK) / 2)))


def _check_latency(seconds: object) -> None:
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 <= seconds <= 60:
        raise ValueError(f"latency: expected seconds from 0 to 60, got {seconds!r}")


def set_quality(
    quality: dict[tuple[Name, Name], tuple[float, float]], world: World, sender: Name, receiver: Name,
    loss: float | None, delay: float | None,
) -> None:  # fmt: skip
    """Change what is noted of one direction of a link: the share that it loses, how many times slower it is."""
    for name in (sender, receiver):
        if type(name) not in (int, str) or name not in world.nodes:
            raise ValueError(f"there is no {name!r}: expected a server's number or a client's name")
    if sender == receiver:
        raise ValueError(f"{title(sender)} has no link to itself")
    share, slow = quality.get((sender, receiver), _AS_USUAL)
    share = share if loss is None else _check_share("loss", loss)
    slow = slow if delay is None else _check_slowness(delay)
    quality[sender, receiver] = (share, slow)
    if (share, slow) == _AS_USUAL:
        del quality[sender, receiver]


def _check_slowness(times: object) -> float:
    if isinstance(times, bool) or not isinstance(times, (int, float)) or not 0.1 <= times <= 100:
        raise ValueError(f"delay: expected how many times as long, from 0.1 to 100, got {times!r}")
    return float(times)


def _check_share(argument: str, share: object) -> float:
    if isinstance(share, bool) or not isinstance(share, (int, float)) or not 0 <= share <= 1:
        raise ValueError(f"{argument}: expected a share from 0 to 1, got {share!r}")
    return float(share)
