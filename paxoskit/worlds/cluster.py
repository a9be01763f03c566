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
from functools import lru_cache
from pathlib import Path
from queue import SimpleQueue
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
from paxoskit.worlds.storage import FileStorage, StorageError
from paxoskit.worlds.world import MOST_CLIENTS, Flight, Timer, World, check_count

HOP = 40.0
"""World milliseconds that a message takes on average, when messages take time at all."""

KEEP = 75_000
"""A live cluster remembers about so many events: never more than this and a checkpoint's worth, 100,000 in all."""

CHECKPOINT = 25_000
"""A recording begins at a checkpoint; one is made every so many events."""


class NoMajority(TimeoutError):
    """No answer came in time; whether the request takes effect later is unknown. The message says what is missing."""


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
        self._dice = Random(seed)
        self._latency = latency
        self._paused = False
        self._checkpoints = [self._checkpoint()]
        self._next_checkpoint = CHECKPOINT
        self.due: dict[int, tuple[float, float]] = {}
        self.errors: list[str] = []
        ring = _weakly(self, "_ring")
        self._clock = Clock(ring, _speed(latency))
        turn, resolve, ask = _weakly(self, "_turn"), _weakly(self, "_resolve"), _weakly(self, "_ask_later")
        self._threads = [
            _thread(f"server {name}", _serve, turn, resolve, name, self._inboxes[name], self._gates[name])
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
        if type(client) is not int or not 1 <= client <= len(self._world.clients):
            raise ValueError(f"client: expected a number from 1 to {len(self._world.clients)}, got {client!r}")
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
        """On the callers' own thread: ask what was put into the outbox."""
        try:
            self._ask(calls)
        except (Paused, Stopped) as error:
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

    def resume(self) -> None:
        """Go on after `pause`."""
        if not self._paused:
            raise RuntimeError("resume: the cluster is not paused")
        for name in self._world.servers:
            self._gates[name].release()
        with self._lock:
            self._paused = False
            self._clock.set(still=False)

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
        """Return what happened since a checkpoint (the birth, unless it is longer ago than the trace remembers)."""
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
            self._world.trace.now = self._clock.now()
            yield
            done = self._dispatch()
        self._resolve(done)

    def _turn(self, name: Name, item: Flight | Timer) -> list[Any]:
        """Run one handler on its server's thread, then apply its effects under the lock; return the calls done."""
        world = self._world
        node = world.nodes[name]
        if type(item) is Flight:
            sender, message, gone = item.sender, item.message, item.number not in world.flying
        else:
            sender, message, gone = name, item.message, world.timers.get((name, item.message)) is not item
        if gone or not self._running:
            return []
        if node is not None and name in world.shared:
            with self._lock:
                node = world.awake(name) if world.is_up(name) else None
        effects: list[Effect] = []
        try:
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
            return self._dispatch()

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

    def _dispatch(self) -> list[Any]:
        """Under the lock: put what was set in motion on its way; return the calls that are done."""
        world, done = self._world, []
        while world.fresh:
            fresh, world.fresh = world.fresh, []
            for item in fresh:
                if type(item) is Flight:
                    self._send(item)
                elif type(item) is Timer:
                    self._clock.add(world.trace.now + self._dice.uniform(item.low, item.high), item)
                else:
                    done.append((self._calls.pop(item.session, None), item))  # type: ignore[union-attr]
        if world.trace.count > self._next_checkpoint:
            self._next_checkpoint = world.trace.count + CHECKPOINT
            self._clock.add(0.0, None)
        return done

    def _send(self, flight: Flight) -> None:
        if self._loss and self._dice.random() < self._loss:
            self._world.drop(flight)
        elif self._latency:
            now = self._world.trace.now
            due = now + self._dice.uniform(0.5 * HOP, 1.5 * HOP)
            self.due[flight.number] = (now, due)
            self._clock.add(due, flight)
        else:
            self._arrive(flight)

    def _arrive(self, flight: Flight) -> None:
        inbox = self._inboxes.get(flight.receiver)
        if inbox is not None:
            inbox.put(flight)
        elif flight.number in self._world.flying:
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
            trace = self._world.trace
            self._checkpoints.append(self._checkpoint())
            oldest = trace.count - KEEP
            self._checkpoints = [world for world in self._checkpoints if world.trace.count >= oldest]
            trace.forget(self._checkpoints[0].trace.count + 1)

    def _checkpoint(self) -> World:
        world = self._world.fork(claims=False)
        world.trace.records = deque()
        return world

    def _check_server(self, server: object) -> None:
        if type(server) is not int or server not in self._world.servers:
            raise ValueError(f"server: expected a number from 1 to {len(self._world.servers)}, got {server!r}")

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
    turn: Callable[..., Any], resolve: Callable[..., Any], name: Name, inbox: SimpleQueue[Any], gate: threading.Lock
) -> None:
    """A server's thread: one turn after the other. Answers are given with the gate open: callers may call again."""
    while (item := inbox.get()) is not None:
        with gate:
            done = turn(name, item)
        if done:
            resolve(done)


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


def _check_share(argument: str, share: object) -> float:
    if isinstance(share, bool) or not isinstance(share, (int, float)) or not 0 <= share <= 1:
        raise ValueError(f"{argument}: expected a share from 0 to 1, got {share!r}")
    return float(share)
